"""Workers in processes of their own: each run once, aborted, killed, and a whole run from end to end."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

import lightly_nb as lnb
from lightly_nb.errors import ConfigError, UnauthorizedException
from lightly_nb.lightly_source.written import thumbnail_name
from lightly_nb.pipeline.process import lock
from lightly_nb.runfolder import RunFolder
from lightly_nb.states import RunState
from lightly_nb.workspace import open_workspace, reading, transact
from lightly_nb.workspace.data.datasource_kinds import THUMBNAIL_SUFFIX, LocalDatasource
from lightly_nb.workspace.data.datasources import get_datasource_config, set_datasource
from lightly_nb.workspace.data.samples import count_samples
from lightly_nb.workspace.data.tags import create_run_tag, get_filenames_in_tag, get_samples_in_tag, get_tags
from lightly_nb.workspace.users.users import add_user, authenticate, rotate_token
from lightly_nb.workspace.work.active_run import Ended
from lightly_nb.workspace.work.following import RunInfo, get_run_info, run_info_generator
from lightly_nb.workspace.work.options import parse_worker_options, with_asked_token
from lightly_nb.workspace.work.runs import (
    abort_run,
    get_run,
    get_run_of_scheduled,
    get_runs,
    get_state_changes,
)
from lightly_nb.workspace.work.scheduling import get_scheduled_runs
from lightly_nb.workspace.work.worker import run_worker
from lightly_nb.workspace.work.workers import get_worker, register_worker
from tests.photos import write_photographs
from tests.pipeline.test_full_disk import mount
from tests.workspace.queues import (
    QUICK,
    asked_for,
    start_worker,
    state_of,
    wait_for,
    with_datasources,
)


@pytest.fixture
def token(workspace) -> str:
    return transact(workspace, add_user, "eve@example.com")[1].get_secret_value()


@pytest.fixture
def eve(workspace, token):
    return authenticate(workspace, token)


@contextmanager
def processes(*started: subprocess.Popen[str]) -> Iterator[None]:
    """End the processes whatever comes."""
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()
            process.stdout.close()


def run_of(workspace, user, asked):
    with reading(workspace) as session:
        return get_run_of_scheduled(session, user, asked)


def test_four_racing_workers_do_each_of_forty_runs_once(workspace, eve, token, tmp_path):
    names = ["one", "two", "three", "four"]
    ids = [transact(workspace, register_worker, eve, f"worker {name}").id for name in names]
    datasets = [
        transact(workspace, with_datasources, eve, f"set {number}", tmp_path / "all") for number in range(10)
    ]
    asked = [asked_for(workspace, eve, dataset) for dataset in datasets for _ in range(4)]
    file = tmp_path / "done.txt"
    started = [start_worker(workspace, token, one, "note", file) for one in ids]
    with processes(*started):
        wait_for(lambda: file.exists() and file.read_text().count("\n") >= 40, 60)
        wait_for(lambda: all(state_of(workspace, eve, one) == "COMPLETED" for one in asked[-4:]))
        for process in started:
            process.terminate()
        said = [process.communicate(timeout=30)[0] for process in started]
        assert [process.returncode for process in started] == [0, 0, 0, 0]
    done = file.read_text().split()
    assert Counter(done) == dict.fromkeys(asked, 1)
    for number in range(10):  # the runs of one dataset in the order in which they were asked for
        mine = asked[4 * number : 4 * number + 4]
        assert [one for one in done if one in mine] == mine
    assert all(token not in text for text in said)
    with reading(workspace) as session:
        assert Counter(run.state for run in get_runs(session, eve)) == {"COMPLETED": 40}
        assert {get_worker(session, eve, one).state for one in ids} == {"OFFLINE"}


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, "abort"])
def test_a_run_whose_worker_is_killed_stopped_or_told_to_abort(workspace, eve, token, tmp_path, how):
    dataset = transact(workspace, with_datasources, eve, "cats", tmp_path / "cats")
    first, second = asked_for(workspace, eve, dataset), asked_for(workspace, eve, dataset)
    worker_id = transact(workspace, register_worker, eve).id
    process = start_worker(workspace, token, worker_id, "hang", tmp_path)
    with processes(process):
        wait_for(lambda: state_of(workspace, eve, first) == "EMBEDDING")
        seen: list[RunInfo] = []

        def follow() -> None:
            for info in run_info_generator(workspace, eve, first, seconds=0.02):
                seen.append(info)

        follower = threading.Thread(target=follow)
        follower.start()
        wait_for(lambda: seen)
        if how == "abort":
            transact(workspace, abort_run, eve, run_of(workspace, eve, first).id)
        else:
            process.send_signal(how)
        follower.join(30)
        ended = "CRASHED" if how is signal.SIGKILL else "ABORTED"
        assert [info.state for info in seen] == ["EMBEDDING", ended]
        with reading(workspace) as session:
            assert [one.id for one in get_scheduled_runs(session, eve, dataset.id, "DONE")] == [first]
        if how == "abort":
            wait_for(lambda: state_of(workspace, eve, second) == "EMBEDDING")
            return
        assert process.wait(30) == (-signal.SIGKILL if how is signal.SIGKILL else 0)
    if how is signal.SIGKILL:
        assert f"process {process.pid} on" in seen[-1].message
        assert "not started again by itself" in seen[-1].message
    assert state_of(workspace, eve, second) == "OPEN"
    with reading(workspace) as session:
        wanted = "CRASHED" if how is signal.SIGKILL else "OFFLINE"
        assert get_worker(session, eve, worker_id).state == wanted
    file = tmp_path / "done.txt"
    another = start_worker(workspace, token, worker_id, "note", file)
    with processes(another):
        wait_for(file.exists)
    assert file.read_text().split() == [second]


def test_a_second_process_under_one_name_is_refused_or_takes_over(workspace, eve, token, tmp_path):
    worker_id = transact(workspace, register_worker, eve).id
    process = start_worker(workspace, token, worker_id, "note", tmp_path / "done.txt")
    with processes(process):
        wait_for(lambda: row(workspace, eve, worker_id).state == "IDLE")
        with pytest.raises(
            ValueError, match=f"process {process.pid} on .* take over with worker.force_start"
        ):
            run_worker(workspace, "Default", token=token, force_start=False)
        stop = threading.Event()
        threading.Timer(0.2, stop.set).start()
        run_worker(workspace, "Default", token=token, stop=stop, say=lambda text: None)
        said = process.communicate(timeout=30)[0]
    assert "another process has taken over its name; it ends" in said


def row(workspace, user, worker_id):
    with reading(workspace) as session:
        return get_worker(session, user, worker_id)


def test_a_worker_whose_token_is_not_valid_any_more_ends(workspace, eve, token):
    transact(workspace, register_worker, eve)
    with pytest.raises(UnauthorizedException, match="not one of the workspace"):
        run_worker(workspace, "Default", token="lnb_wrong")
    said: list[str] = []

    def listen(text: str) -> None:
        said.append(text)
        if "waits for runs" in text:
            transact(workspace, rotate_token, eve.email)

    assert run_worker(workspace, "Default", token=token, say=listen) == 0
    assert "the token is not valid any more" in said[1]


@pytest.mark.parametrize("error", [RuntimeError("out of luck"), ConfigError("worker_config.x: no")])
def test_what_goes_wrong_in_a_run_fails_it_and_nothing_else(workspace, eve, token, tmp_path, error):
    dataset = transact(workspace, with_datasources, eve, "cats", tmp_path / "cats")
    first, second = asked_for(workspace, eve, dataset), asked_for(workspace, eve, dataset)
    transact(workspace, register_worker, eve)
    stop = threading.Event()

    def do(work):
        if work.taken.scheduled.id == first:
            raise error
        stop.set()

        def half(session, run):
            create_run_tag(session, work.taken.dataset, ["a.jpg"], run_id=run.id)
            raise KeyError("half way")

        return Ended(RunState.COMPLETED, "well", half)

    assert run_worker(workspace, "Default", token=token, do=do, stop=stop, say=lambda text: None) == 2
    with reading(workspace) as session:
        infos = [get_run_info(session, eve, one) for one in (first, second)]
        assert get_tags(session, dataset) == []
        assert count_samples(session, dataset) == 0
    assert [info.state for info in infos] == ["FAILED", "FAILED"]
    assert str(error) in infos[0].message
    assert "could not be stored: KeyError: 'half way'" in infos[1].message


# SQLite alone from here on: what is tested is not the store


@pytest.fixture
def home(tmp_path) -> lnb.workspace.Workspace:
    return open_workspace(tmp_path / "home")


def test_a_disk_that_fills_up_while_a_tag_is_written(tmp_path):
    small = tmp_path / "small disk"
    small.mkdir()
    if not mount(small, "-o", "size=4m"):
        pytest.skip("mounting a tmpfs needs root")
    try:
        workspace = open_workspace(small / "store")
        user = authenticate(workspace)
        dataset = transact(workspace, with_datasources, user, "cats", tmp_path / "cats")
        asked = asked_for(workspace, user, dataset)
        transact(workspace, register_worker, user)
        names = [f"{number:05d} {'x' * 100}.jpg" for number in range(5000)]
        said: list[str] = []

        def do(work):
            free = os.statvfs(small).f_bavail * os.statvfs(small).f_frsize
            (small / "rest.bin").write_bytes(b"0" * (free - 300_000))
            return Ended(
                RunState.COMPLETED,
                "well",
                lambda session, run: create_run_tag(session, dataset, names, run_id=run.id) and None,
            )

        def listen(text: str) -> None:
            said.append(text)
            if "Trying again" in text:
                with reading(workspace) as session:
                    assert get_tags(session, dataset) == []
                    assert count_samples(session, dataset) == 0
                    assert get_run_of_scheduled(session, user, asked).state == "STARTED"
                mount(small, "-o", "remount,size=50m")

        run_worker(workspace, "Default", do=do, say=listen, shutdown_when_job_finished=True)
        assert any(re.search("disk is full.*free some space", text) for text in said)
        with reading(workspace) as session:
            (tag,) = get_tags(session, dataset)
            assert (tag.name, tag.total) == ("initial-tag", 5000)
            assert get_run_of_scheduled(session, user, asked).state == "COMPLETED"
        workspace.engine.dispose()
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)


def command(*words: str, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lightly_nb.cli", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        **options,
    )


def test_runs_from_end_to_end(home, tmp_path, tiny_model):
    photos = tmp_path / "cats"
    write_photographs(photos, 12)
    made = command("user", "add", "eve@example.com")
    token = made.stdout.strip()
    user = authenticate(home, token)
    dataset = transact(home, with_datasources, user, "cats", photos)
    transact(home, register_worker, user, "box")
    trained = {**QUICK, "enable_training": True}
    first = asked_for(home, user, dataset, worker_config=trained, lightly_config=tiny_model)
    environment = {**os.environ, "LIGHTLY_TOKEN": token}
    box = ["worker", "worker.worker_id=box", f"output_dir={tmp_path / 'out'}"]
    done = command(*box, "shutdown_when_job_finished=True", env=environment)
    written = [path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert written
    assert all(token.encode() not in content for content in written)
    assert (done.returncode, done.stderr) == (0, "")
    assert "COMPLETED: 3 of 12 samples selected" in done.stdout
    run = run_of(home, user, first)
    with reading(home) as session:
        states = [one.state for one in get_state_changes(session, run)]
        (tag,) = get_tags(session, dataset)
        rows = get_samples_in_tag(session, dataset, tag)
    assert states == [
        *("STARTED", "INITIALIZING", "LOADING_DATASET", "TRAINING", "EMBEDDING", "SAMPLING"),
        *("SAVING_RESULTS", "UPLOADING_DATASET", "UPLOADING_ARTIFACTS", "UPLOADED_ARTIFACTS", "COMPLETED"),
    ]
    assert (tag.name, tag.run_id) == ("initial-tag", run.id)
    selection = lnb.open_run(run.run_folder).selection
    assert [sample.filename for sample in rows] == selection.filenames
    assert rows[0].meta["lightly"]["sizeInBytes"] == (photos / rows[0].filename).stat().st_size
    thumbnails = [photos / thumbnail_name(THUMBNAIL_SUFFIX, name) for name in selection.filenames]
    assert set((photos / ".lightly/thumbnails").rglob("*.*")) == set(thumbnails)
    samples = lnb.open_run(run.run_folder).samples
    (row,) = samples.rows_of(selection.filenames[:1])
    assert thumbnails[0].read_bytes() == samples.thumbnail(row)


def test_similarity_checkpoints_of_runs_and_the_datapool(home, tmp_path, tiny_model):
    photos = tmp_path / "cats"
    names = write_photographs(photos, 14)
    for name in names[12:]:
        (photos / name).rename(tmp_path / name.replace("/", " "))
    user = authenticate(home)
    dataset = transact(home, with_datasources, user, "cats", photos)
    transact(home, register_worker, user, "box")

    def run(n_samples, tag_name=None, **worker_config):
        kind = {"type": "DIVERSITY"} if tag_name is None else {"type": "SIMILARITY"}
        given = {"type": "EMBEDDINGS"} | ({} if tag_name is None else {"tag_name": tag_name})
        picks = {"n_samples": n_samples, "strategies": [{"input": given, "strategy": kind}]}
        config = {**QUICK, **worker_config}
        asked = asked_for(
            home, user, dataset, worker_config=config, lightly_config=tiny_model, selection_config=picks
        )
        run_worker(
            home, "box", output_dir=tmp_path / "out", shutdown_when_job_finished=True, say=lambda text: None
        )
        done = run_of(home, user, asked)
        assert done.state == "COMPLETED", done.message
        return done

    first = run(3, enable_training=True)
    pooled = {"checkpoint_run_id": first.id, "use_datapool": True}
    run(2, "initial-tag", **pooled)
    for name in names[12:]:
        (tmp_path / name.replace("/", " ")).rename(photos / name)
    blocked = photos / ".lightly" / "thumbnails"
    shutil.rmtree(blocked)
    blocked.write_text("a file where the folder has to be")
    last = run(1, **pooled)
    assert re.search(
        r"; 1 of 1 thumbnails could not be written to LIGHTLY \(cannot write '.lightly/", last.message
    )
    with reading(home) as session:
        picked = [get_filenames_in_tag(session, dataset, tag) for tag in get_tags(session, dataset)][::-1]
        said = get_datasource_config(session, dataset).last_processed
    assert [len(names) for names in picked] == [3, 2, 1]
    assert set(picked[1]) <= set(picked[0])  # nothing is more like them than they themselves
    assert picked[2][0] in names[12:]  # only files that are new are looked at
    assert set(lnb.open_run(last.run_folder).selection.preselected) == set(picked[1])
    assert said["run_id"] == last.id
    pool = Path(said["datapool"])
    assert pool.name == last.id
    assert len((pool / "datapool_latest.csv").read_text().splitlines()) == 1 + 3


def test_a_worker_in_the_background_aborts_dies_and_comes_back(home, tmp_path, tiny_model):
    photos = tmp_path / "cats"
    write_photographs(photos, 12)
    user = authenticate(home)
    dataset = transact(home, with_datasources, user, "cats", photos)
    endless = {**tiny_model, "trainer.max_epochs": 10_000}
    options = {"worker_config": {**QUICK, "enable_training": True}, "lightly_config": endless}
    asked = [asked_for(home, user, dataset, **options) for _ in range(2)]
    worker = lnb.Worker(name="box", output_dir=tmp_path / "out").start()
    assert worker.start().id == worker.id
    try:
        wait_for(lambda: state_of(home, user, asked[0]) == "TRAINING", 100)
        assert "'box', BUSY" in repr(worker)
        transact(home, abort_run, user, run_of(home, user, asked[0]).id)
        wait_for(lambda: state_of(home, user, asked[1]) == "TRAINING", 100)
        assert state_of(home, user, asked[0]) == "ABORTED"
        folder = RunFolder(Path(worker.runs()["run_folder"][1]))
        assert lock.is_alive(folder)
        os.kill(row(home, user, worker.id).process["pid"], signal.SIGKILL)
        wait_for(lambda: worker.state == "CRASHED")
        assert worker.runs()["state"].tolist() == ["ABORTED", "CRASHED"]
        wait_for(lambda: not lock.is_alive(folder))  # nobody would know of its end: it ends with its worker
        assert lnb.open_run(folder.path).state == "ABORTED"
        assert worker.start().state == "IDLE"
    finally:
        worker.stop()
    assert worker.state == "OFFLINE"
    assert "has stopped after 0 runs" in worker.log()


def test_a_lightly_source_that_cannot_be_written_fails_the_run_before_any_work(home, tmp_path):
    photos, sealed = tmp_path / "cats", tmp_path / "sealed"
    write_photographs(photos, 4)
    sealed.mkdir()
    if not mount(sealed, "-o", "size=1m"):
        pytest.skip("mounting a tmpfs needs root")
    try:
        user = authenticate(home)
        dataset = transact(home, with_datasources, user, "cats", photos)
        for folder, purpose in [(photos, "INPUT"), (sealed, "LIGHTLY")]:
            transact(home, set_datasource, dataset, LocalDatasource(relative_path=str(folder)), purpose)
        asked = asked_for(home, user, dataset)
        assert mount(sealed, "-o", "remount,ro")
        with pytest.raises(ValueError, match="sealed' of the dataset 'cats' cannot be written, so nothing"):
            asked_for(home, user, dataset)
        transact(home, register_worker, user)
        run_worker(home, "Default", output_dir=tmp_path / "out", shutdown_when_job_finished=True)
        info = state_message(home, user, asked)
        assert "FAILED DatasourceError: the datasources lack can_write, can_overwrite" in info
        assert not (tmp_path / "out").exists()
    finally:
        subprocess.run(["umount", "-l", str(sealed)], check=True)


def state_message(workspace, user, asked) -> str:
    run = run_of(workspace, user, asked)
    return f"{run.state} {run.message}"


# The command line


def test_the_sanity_check_tells_what_would_not_work(home, tmp_path, monkeypatch, capsys):
    from lightly_nb.cli import main

    monkeypatch.chdir(tmp_path)
    assert main(["worker", "sanity_check=True", "worker.worker_id=box", "token=lnb_wrong"]) == 2
    said = capsys.readouterr()
    assert "FAILED token: this token is not one of the workspace" in said.out
    assert "FAILED worker: " in said.out
    assert "lnb_wrong" not in said.out + said.err
    transact(home, register_worker, authenticate(home), "box", ["gpu"])
    assert main(["worker", "sanity_check=True", "worker.worker_id=box"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert [line.split()[2] for line in said.out.splitlines()] == ["ok"] * 6
    assert "'box'" in said.out


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("worker.worker_idd=x", "Did you mean 'worker_id'"),
        ("sanity_chek=True", "Did you mean 'sanity_check'"),
        ("sanity_check=perhaps", "options.sanity_check: not allowed"),
        ("enable_training=True", "options.enable_training: unknown key"),
        ("worker", "Write key=value"),
    ],
)
def test_misspelt_options_are_refused(argument, said):
    with pytest.raises(ConfigError, match=said):
        parse_worker_options([argument])


def test_a_worker_without_a_name_and_an_unknown_one(home):
    from lightly_nb.cli import main

    assert main(["worker"]) == 2
    assert main(["worker", "worker.worker_id=box"]) == 2


def test_a_token_is_asked_for_and_a_typed_one_is_warned_of(home, capsys, monkeypatch):
    _, token = transact(home, add_user, "ada@example.com")
    plain = token.get_secret_value()
    monkeypatch.setenv("LIGHTLY_NB_HOME", str(home.folder))
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("getpass.getpass", lambda prompt: plain)
    options = parse_worker_options([])
    assert with_asked_token(options, []).token.get_secret_value() == plain
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: False))
    assert with_asked_token(options, []) == options
    typed = [f"token={plain}"]
    assert with_asked_token(parse_worker_options(typed), typed).token.get_secret_value() == plain
    said = capsys.readouterr().err
    assert "can be read by everybody on this machine" in said
    assert plain not in said


def test_a_local_store_without_tokens_asks_for_none(home, monkeypatch):
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("getpass.getpass", lambda prompt: pytest.fail("asked"))
    monkeypatch.setenv("LIGHTLY_NB_HOME", str(home.folder))
    options = parse_worker_options([])
    assert with_asked_token(options, []) == options


def test_users_on_the_command_line(home, capsys):
    from lightly_nb.cli import main

    assert main(["user", "add", "Ada@example.com"]) == 0
    token = capsys.readouterr().out.strip()
    assert authenticate(home, token).email == "ada@example.com"
    assert main(["user", "rotate", "ada@example.com"]) == 0
    again = capsys.readouterr().out.strip()
    assert authenticate(home, again).email == "ada@example.com"
    with pytest.raises(UnauthorizedException):
        authenticate(home, token)
    assert main(["user", "list"]) == 0
    assert capsys.readouterr().out == "ada@example.com\n"
    assert main(["user", "remove", "ada@example.com"]) == 0
    assert main(["user", "list"]) == 0
    assert "is removed" in capsys.readouterr().out
    for words in (["add", "not an address"], ["add"], ["list", "x"], ["remove", "nobody@example.com"]):
        assert main(["user", *words]) == 2
        assert "lightly-nb: " in capsys.readouterr().err


def test_get_run_of_another_user_is_not_there(workspace, eve, token, tmp_path, bob):
    dataset = transact(workspace, with_datasources, eve, "cats", tmp_path / "cats")
    asked = asked_for(workspace, eve, dataset)
    transact(workspace, register_worker, eve)

    def done(work):
        return Ended(RunState.COMPLETED, "well")

    run_worker(workspace, "Default", token=token, do=done, shutdown_when_job_finished=True)
    with reading(workspace) as session, pytest.raises(ValueError, match="no run with the id"):
        get_run(session, bob, run_of(workspace, eve, asked).id)
