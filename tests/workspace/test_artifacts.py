"""Artifacts: what a run offers for download, and what is said when it does not."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

import lightly_nb as lnb
from lightly_nb.errors import ArtifactNotExist, WorkspaceError
from lightly_nb.events import silent
from lightly_nb.pipeline.new_folder import new_run_folder
from lightly_nb.pipeline.results import save_quarantine
from lightly_nb.runfolder import RunFolder
from lightly_nb.samples import quarantine_table
from lightly_nb.workspace import reading, transact
from lightly_nb.workspace.data.artifacts import (
    artifact_files,
    copy_artifact,
    copy_artifacts,
    get_artifact,
    get_artifacts,
    register_artifacts,
    write_artifact_files,
)
from lightly_nb.workspace.store.schema import ComputeRun
from tests.pipeline.test_full_disk import mount


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    made = new_run_folder(tmp_path / "out")
    made.log.write_text("all is well\n")
    for epoch in (2, 10):
        (made.path / f"lightly_epoch_{epoch}.ckpt").write_bytes(b"%d" % epoch)
    save_quarantine(
        made,
        quarantine_table(
            [
                {"filename": "été.jpg", "stage": "check", "reason": "cut off", "what_to_do": "copy it again"},
                {"filename": "b.jpg", "stage": "check", "reason": "the same", "duplicate_of": "a.jpg"},
            ]
        ),
    )
    return made


@pytest.fixture
def run(workspace, ada, photos, folder) -> ComputeRun:
    def make(session):
        row = ComputeRun(dataset_id=photos.id, owner_id=ada.id, state="COMPLETED")
        session.add(row)
        session.flush()
        register_artifacts(session, row, artifact_files(folder))
        return row

    write_artifact_files(folder)
    return transact(workspace, make)


def test_a_run_offers_what_it_has_by_the_platforms_types(workspace, run, folder, tmp_path):
    with reading(workspace) as session:
        found = get_artifacts(session, run)
        checkpoint = get_artifact(session, run, "CHECKPOINT")
        with pytest.raises(ArtifactNotExist, match=r"No artifact with type 'REPORT_PDF'.*LOG"):
            get_artifact(session, run, "REPORT_PDF")
    assert {one.type for one in found} == {"LOG", "CHECKPOINT", "CORRUPTNESS_CHECK_INFORMATION"}
    assert checkpoint.file_name == "lightly_epoch_10.ckpt"
    copied = copy_artifact(checkpoint, tmp_path / "new folder" / "my.ckpt")
    assert copied.read_bytes() == b"10"
    paths = copy_artifacts(found, tmp_path / "all of it")
    assert sorted(path.name for path in paths) == [
        *("corruptness_check_information.json", "lightly_epoch_10.ckpt", "log.txt")
    ]
    said = json.loads((tmp_path / "all of it" / "corruptness_check_information.json").read_text())
    assert said == {"corrupt_samples": {"été.jpg": "cut off"}}


def test_a_file_that_is_gone_or_a_target_that_cannot_be_written(workspace, run, folder, tmp_path):
    with reading(workspace) as session:
        log = get_artifact(session, run, "LOG")
    target = tmp_path / "mine.txt"
    target.write_text("mine")
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(WorkspaceError, match="could not be written"):
        copy_artifact(log, tmp_path / "file" / "log.txt")
    shutil.rmtree(folder.path)
    with pytest.raises(ArtifactNotExist, match=r"is not at .*log\.txt' on this machine"):
        copy_artifact(log, target)
    assert target.read_text() == "mine"


def test_a_full_disk_leaves_what_was_there(workspace, run, folder, tmp_path):
    small = tmp_path / "small disk"
    small.mkdir()
    if not mount(small, "-o", "size=64k"):
        pytest.skip("mounting a tmpfs needs root")
    try:
        folder.log.write_bytes(b"0" * 200_000)
        (small / "log.txt").write_text("before")
        with reading(workspace) as session:
            log = get_artifact(session, run, "LOG")
        with pytest.raises(WorkspaceError, match="No space left"):
            copy_artifact(log, small / "log.txt")
        assert [(path.name, path.read_text()) for path in small.iterdir()] == [("log.txt", "before")]
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)


@pytest.mark.slow
def test_the_reports_of_a_real_run_are_offered(photo_folder, tmp_path, tiny_model):
    run = lnb.run(
        photo_folder,
        tmp_path / "out",
        n_samples=4,
        worker_config={"enable_training": True},
        lightly_config=tiny_model,
        on_event=silent,
    )
    write_artifact_files(run.folder)
    files = artifact_files(run.folder)
    assert {"REPORT_PDF", "REPORT_JSON", "REPORT_V2_JSON", "CHECKPOINT", "LOG"} <= set(files)
    assert "generalInformation" in json.loads(files["REPORT_V2_JSON"].read_text())
    corrupt = json.loads(files["CORRUPTNESS_CHECK_INFORMATION"].read_text())["corrupt_samples"]
    assert set(corrupt) == {"cut.jpg", "empty.png"}
