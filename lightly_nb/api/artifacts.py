"""The client's methods that download what a run made. `timeout` is for a server that is not there here."""

from __future__ import annotations

import warnings
from pathlib import Path

from sqlalchemy.orm import Session

from lightly_nb.api.models import DockerRunData
from lightly_nb.api.session import ApiSession
from lightly_nb.workspace.data import artifacts
from lightly_nb.workspace.store.schema import Artifact, User
from lightly_nb.workspace.work import runs


def download_compute_worker_run_artifacts(
    self: ApiSession, run: DockerRunData, output_dir: str, timeout: int = 60
) -> None:
    """Copy all artifacts of a run to a folder, under their file names."""

    def found(session: Session, user: User) -> list[Artifact]:
        return list(artifacts.get_artifacts(session, runs.get_run(session, user, run.id)))

    artifacts.copy_artifacts(self._read(found), output_dir)


def download_compute_worker_run_checkpoint(
    self: ApiSession, run: DockerRunData, output_path: str, timeout: int = 60
) -> None:
    """Copy the last checkpoint of a run that trained.

    Raises
    ------
    ArtifactNotExist
        If it has none, or not yet.
    """
    _copy(self, run, artifacts.CHECKPOINT, output_path)


def download_compute_worker_run_report_pdf(
    self: ApiSession, run: DockerRunData, output_path: str, timeout: int = 60
) -> None:
    """Copy the report of a run as PDF.

    Raises
    ------
    ArtifactNotExist
        If it has none, or not yet.
    """
    _copy(self, run, artifacts.REPORT_PDF, output_path)


def download_compute_worker_run_report_json(
    self: ApiSession, run: DockerRunData, output_path: str, timeout: int = 60
) -> None:
    """Copy the report of a run as JSON. Deprecated: `download_compute_worker_run_report_v2_json`.

    Raises
    ------
    ArtifactNotExist
        If it has none, or not yet.
    """
    said = "report.json is deprecated; use download_compute_worker_run_report_v2_json for the newer form"
    warnings.warn(said, DeprecationWarning, stacklevel=2)
    _copy(self, run, artifacts.REPORT_JSON, output_path)


def download_compute_worker_run_report_v2_json(
    self: ApiSession, run: DockerRunData, output_path: str, timeout: int = 60
) -> None:
    """Copy the report of a run as JSON in its second form.

    Raises
    ------
    ArtifactNotExist
        If it has none, or not yet.
    """
    _copy(self, run, artifacts.REPORT_V2_JSON, output_path)


def download_compute_worker_run_log(
    self: ApiSession, run: DockerRunData, output_path: str, timeout: int = 60
) -> None:
    """Copy the log of a run.

    Raises
    ------
    ArtifactNotExist
        If it has none, or not yet.
    """
    _copy(self, run, artifacts.LOG, output_path)


def download_compute_worker_run_memory_log(
    self: ApiSession, run: DockerRunData, output_path: str, timeout: int = 60
) -> None:
    """Copy the log of a run's memory.

    Raises
    ------
    ArtifactNotExist
        If it has none, or not yet.
    """
    _copy(self, run, artifacts.MEMLOG, output_path)


def download_compute_worker_run_corruptness_check_information(
    self: ApiSession, run: DockerRunData, output_path: str, timeout: int = 60
) -> None:
    """Copy what a run found corrupt: JSON with `corrupt_samples`, reasons by file name.

    Raises
    ------
    ArtifactNotExist
        If it has none, or not yet.
    """
    _copy(self, run, artifacts.CORRUPTNESS_CHECK_INFORMATION, output_path)


def download_compute_worker_run_sequence_information(
    self: ApiSession, run: DockerRunData, output_path: str, timeout: int = 60
) -> None:
    """Copy what a run says of the sequences it selected.

    Raises
    ------
    ArtifactNotExist
        If it has none, or not yet.
    """
    _copy(self, run, artifacts.SEQUENCE_INFORMATION, output_path)


def get_compute_worker_run_checkpoint_url(self: ApiSession, run: DockerRunData) -> str:
    """Return the `file://` URL of the last checkpoint of a run that trained.

    Raises
    ------
    ArtifactNotExist
        If it has none, or not yet.
    """
    return Path(_find(self, run, artifacts.CHECKPOINT).path).as_uri()


def _copy(self: ApiSession, run: DockerRunData, artifact_type: str, output_path: str) -> None:
    artifacts.copy_artifact(_find(self, run, artifact_type), output_path)


def _find(self: ApiSession, run: DockerRunData, artifact_type: str) -> Artifact:
    def found(session: Session, user: User) -> Artifact:
        return artifacts.get_artifact(session, runs.get_run(session, user, run.id), artifact_type)

    return self._read(found)
