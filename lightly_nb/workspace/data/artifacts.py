"""Artifacts: the files of a run that are offered for download, by the platform's types."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from lightly_nb.errors import ArtifactNotExist, WorkspaceError
from lightly_nb.files import written_aside
from lightly_nb.pipeline.results import load_quarantine
from lightly_nb.runfolder import RunFolder, write_text
from lightly_nb.samples.quarantine import is_unusable
from lightly_nb.states import ArtifactType
from lightly_nb.workspace.store.schema import Artifact, ComputeRun

REPORTS = (ArtifactType.REPORT_PDF, ArtifactType.REPORT_JSON, ArtifactType.REPORT_V2_JSON)


def artifact_files(folder: RunFolder) -> dict[ArtifactType, Path]:
    """Return the files that the run of `folder` can offer, by type; only those that are there."""
    checkpoints = sorted(folder.path.glob("lightly_epoch_*.ckpt"), key=_epoch)
    files = {
        ArtifactType.REPORT_PDF: folder.report_pdf,
        ArtifactType.REPORT_JSON: folder.report_json,
        ArtifactType.REPORT_V2_JSON: folder.path / "report_v2.json",
        ArtifactType.LOG: folder.log,
        ArtifactType.MEMLOG: folder.path / "memlog.txt",
        ArtifactType.CORRUPTNESS_CHECK_INFORMATION: folder.data / "corruptness_check_information.json",
        ArtifactType.SEQUENCE_INFORMATION: folder.data / "sequence_information.json",
        **({ArtifactType.CHECKPOINT: checkpoints[-1]} if checkpoints else {}),
    }
    return {kind: path for kind, path in files.items() if path.is_file()}


def write_artifact_files(folder: RunFolder, **names: str) -> None:
    """Write those artifacts of a finished run that are other forms of what is in its folder.

    Parameters
    ----------
    folder : RunFolder
        Of the run.
    **names : str
        What the report does not know: `run_id`, `dataset_id` and what else `Report.to_v2` takes.
    """
    from lightly_nb.report import load_report

    if folder.quarantine.is_file():
        corrupt = load_quarantine(folder)
        corrupt = corrupt[is_unusable(corrupt)]
        said = dict(zip(corrupt["filename"], corrupt["reason"], strict=True))
        text = json.dumps({"corrupt_samples": said}, ensure_ascii=False, indent=1)
        write_text(folder.data / "corruptness_check_information.json", text)
    if folder.report_json.is_file():
        text = json.dumps(load_report(folder).to_v2(**names), ensure_ascii=False, indent=1)
        write_text(folder.path / "report_v2.json", text)


def register_artifacts(session: Session, run: ComputeRun, files: Mapping[ArtifactType, Path]) -> None:
    """Offer files, by type, for download from a run."""
    session.add_all(
        Artifact(run_id=run.id, type=kind.value, file_name=path.name, path=str(path))
        for kind, path in files.items()
    )
    session.flush()


def get_artifacts(session: Session, run: ComputeRun) -> Sequence[Artifact]:
    """Return what a run offers for download."""
    chosen = select(Artifact).where(Artifact.run_id == run.id)
    return session.scalars(chosen.order_by(Artifact.created_at, Artifact.id)).all()


def get_artifact(session: Session, run: ComputeRun, artifact_type: ArtifactType | str) -> Artifact:
    """Return the artifact of a type.

    Raises
    ------
    ArtifactNotExist
        If the run has none, or has not come so far.
    """
    found = get_artifacts(session, run)
    for artifact in found:
        if artifact.type == str(artifact_type):
            return artifact
    kinds = ", ".join(artifact.type for artifact in found) or "none"
    raise ArtifactNotExist(
        f"No artifact with type '{artifact_type}' in artifacts. The run {run.id} is {run.state} and offers: "
        f"{kinds}"
    )


def copy_artifact(artifact: Artifact, output_path: str | os.PathLike[str]) -> Path:
    """Copy an artifact to `output_path`, whole or not at all; folders are made. Returns where it is.

    Raises
    ------
    ArtifactNotExist
        If its file is gone, or is on another machine.
    WorkspaceError
        If `output_path` cannot be written; what stood there before is untouched.
    """
    target, source = Path(output_path).expanduser().absolute(), Path(artifact.path)
    if not source.is_file():
        raise ArtifactNotExist(
            f"the {artifact.type} of the run {artifact.run_id} is not at '{source}' on this machine: it was "
            "deleted or moved there, or the run's worker was on another machine; give workers an output_dir "
            "that your machines share"
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with written_aside(target) as aside:
            shutil.copyfile(source, aside)
    except OSError as error:
        raise WorkspaceError(
            f"'{target}' could not be written ({error.strerror or error}); give a path that you may write to "
            "and that has free space"
        ) from error
    return target


def copy_artifacts(artifacts: Sequence[Artifact], output_dir: str | os.PathLike[str]) -> list[Path]:
    """Copy artifacts into a folder, by their file names."""
    return [copy_artifact(one, Path(output_dir) / Path(one.file_name).name) for one in artifacts]


def _epoch(path: Path) -> int:
    number = path.stem.rpartition("_")[2]
    return int(number) if number.isdigit() else -1
