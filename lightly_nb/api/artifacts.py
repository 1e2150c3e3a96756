"""The client's methods that download what a run made. `timeout` is for a server that is not there here."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from sqlalchemy.orm import Session

from lightly_nb.api.models import DockerRunData
from lightly_nb.api.session import ApiSession
from lightly_nb.states import ArtifactType
from lightly_nb.workspace.data import artifacts
from lightly_nb.workspace.store.schema import Artifact, User
from lightly_nb.workspace.work import runs

DOWNLOADS: Mapping[str, tuple[ArtifactType, str]] = MappingProxyType(
    {
        "checkpoint": (ArtifactType.CHECKPOINT, "the last checkpoint of a run that trained"),
        "report_pdf": (ArtifactType.REPORT_PDF, "the report of a run as PDF"),
        "report_json": (
            ArtifactType.REPORT_JSON,
            "the report of a run as JSON. Deprecated: `download_compute_worker_run_report_v2_json`",
        ),
        "report_v2_json": (ArtifactType.REPORT_V2_JSON, "the report of a run as JSON in its second form"),
        "log": (ArtifactType.LOG, "the log of a run"),
        "memory_log": (ArtifactType.MEMLOG, "the log of a run's memory"),
        "corruptness_check_information": (
            ArtifactType.CORRUPTNESS_CHECK_INFORMATION,
            "what a run found corrupt: JSON with `corrupt_samples`, reasons by file name",
        ),
        "sequence_information": (
            ArtifactType.SEQUENCE_INFORMATION,
            "what a run says of the sequences it selected",
        ),
    }
)
"""Each is a method `download_compute_worker_run_NAME`; what it copies and how that is called."""


def download_compute_worker_run_artifacts(
    self: ApiSession, run: DockerRunData, output_dir: str, timeout: int = 60
) -> None:
    """Copy all artifacts of a run to a folder, under their file names."""

    def found(session: Session, user: User) -> list[Artifact]:
        return list(artifacts.get_artifacts(session, runs.get_run(session, user, run.id)))

    artifacts.copy_artifacts(self._read(found), output_dir)


def get_compute_worker_run_checkpoint_url(self: ApiSession, run: DockerRunData) -> str:
    """Return the `file://` URL of the last checkpoint of a run that trained.

    Raises
    ------
    ArtifactNotExist
        If it has none, or not yet.
    """
    return Path(_find(self, run, ArtifactType.CHECKPOINT).path).as_uri()


def download_methods() -> dict[str, Callable[..., None]]:
    """Return the client's methods of `DOWNLOADS` by name."""
    return {f"download_compute_worker_run_{name}": _method(name, *row) for name, row in DOWNLOADS.items()}


def _method(name: str, kind: ArtifactType, about: str) -> Callable[..., None]:
    def method(self: ApiSession, run: DockerRunData, output_path: str, timeout: int = 60) -> None:
        if kind is ArtifactType.REPORT_JSON:
            said = (
                "report.json is deprecated; use download_compute_worker_run_report_v2_json for the newer form"
            )
            warnings.warn(said, DeprecationWarning, stacklevel=2)
        artifacts.copy_artifact(_find(self, run, kind), output_path)

    method.__name__ = method.__qualname__ = f"download_compute_worker_run_{name}"
    method.__doc__ = f"""Copy {about}.

    Raises
    ------
    ArtifactNotExist
        If it has none, or not yet.
    """
    return method


def _find(self: ApiSession, run: DockerRunData, kind: ArtifactType) -> Artifact:
    def found(session: Session, user: User) -> Artifact:
        return artifacts.get_artifact(session, runs.get_run(session, user, run.id), kind)

    return self._read(found)
