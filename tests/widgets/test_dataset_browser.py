"""The dataset browser through its traits, on real workspaces: what it shows, does, and says."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from lightly_nb import browse_datasets
from lightly_nb.api import ApiException, ApiWorkflowClient, DatasourcePurpose
from lightly_nb.api.exports import method_name
from lightly_nb.errors import DatasourceError, ForbiddenException, InputError, NotFoundException, RunError
from lightly_nb.events import Stage
from lightly_nb.exports import FORMATS
from lightly_nb.states import RunState
from lightly_nb.widgets.dataset_browser.facts import tag_tree
from lightly_nb.widgets.dataset_browser.panel import DatasetBrowser
from lightly_nb.widgets.dataset_browser.parts import GONE
from lightly_nb.widgets.dataset_browser.work import file_stem, start_work
from lightly_nb.widgets.shared.background import Background
from lightly_nb.workspace import open_workspace, transact
from lightly_nb.workspace.data.tags import create_run_tag
from lightly_nb.workspace.store.schema import ComputeRun, Dataset, ScheduledRun, Tag
from lightly_nb.workspace.users.users import add_user
from lightly_nb.workspace.work.worker import run_worker
from tests.photos import write_photographs
from tests.widgets.runs_by_hand import enter, schedule, take
from tests.workspace.queues import PICK_THREE, QUICK

RUN_BUTTONS = ("monitor", "cancel", "abort", "report")
HOSTILE = "<script>alert('x')</script>"


@pytest.fixture(autouse=True)
def _no_workspace_of_mine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("LIGHTLY_NB_URL", "LIGHTLY_NB_KEY", "LIGHTLY_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LIGHTLY_NB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LIGHTLY_NB_KEYRING", "off")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def client(tmp_path: Path) -> ApiWorkflowClient:
    """A dataset of ten photographs and the tags `initial-tag` (all) and `few` (the first four)."""
    names = write_photographs(tmp_path / "photos", 10)
    client = ApiWorkflowClient()
    client.create_dataset("photos")
    client.set_local_config(str(tmp_path / "photos"))
    client._write_dataset(lambda session, dataset: create_run_tag(session, dataset, names).id)
    client.create_tag_from_filenames(names[:4], "few")
    return client


@pytest.fixture
def panel(client: ApiWorkflowClient) -> Iterator[DatasetBrowser]:
    shown = browse_datasets(client)
    yield shown
    shown.close()


def texts(widget: Any) -> list[str]:
    """All texts that a panel has on the page."""
    found: list[str] = []
    waiting = [widget]
    while waiting:
        at = waiting.pop()
        if GONE in at._dom_classes:
            continue
        waiting += getattr(at, "children", ())
        found += [str(getattr(at, name)) for name in ("value", "description") if hasattr(at, name)]
    return found


def until(panel: DatasetBrowser, name: str, is_there: Any) -> None:
    """Wait until something about the runs that are shown is true."""
    seen = threading.Event()
    for row in panel.page.runs.rows:
        row.observe(lambda change: is_there(change["new"]) and seen.set(), name)
    assert any(is_there(getattr(row, name)) for row in panel.page.runs.rows) or seen.wait(30)


def test_an_empty_workspace_says_what_to_do_first() -> None:
    panel = browse_datasets()
    assert (panel.dataset_id, panel.facts) == ("", None)
    said = "".join(texts(panel))
    for shown in (said, repr(panel), panel._static()[0]):
        assert "create_dataset(" in shown
        assert "set_local_config(" in shown
    with pytest.raises(InputError, match="no dataset is chosen"):
        panel.show_images()
    ApiWorkflowClient().create_dataset("new")
    panel.refresh()
    assert [one.name for one in panel.datasets] == ["new"]
    assert panel.dataset_id == panel.datasets[0].id
    panel.close()


def test_the_clients_dataset_is_shown_and_the_client_is_left_alone(
    client: ApiWorkflowClient, tmp_path: Path
) -> None:
    photos = client.dataset_id
    client.create_dataset("later")
    later = client.dataset_id
    panel = browse_datasets(client)
    assert panel.dataset_id == later
    assert {one.name for one in panel.datasets} == {"photos", "later"}
    heard: list[Any] = []
    panel.observe(heard.append, "dataset_id")
    panel.page.datasets._on_choose(photos)
    assert (panel.dataset_id, client.dataset_id) == (photos, later)
    assert [change["new"] for change in heard] == [photos]
    assert [(tag.name, tag.n_samples) for tag in panel.facts.tags] == [("initial-tag", 10), ("few", 4)]
    assert panel.tag_name == "few"
    assert f"INPUT and LIGHTLY: LOCAL, {tmp_path / 'photos'}" in repr(panel)
    assert "few  4 samples  on initial-tag  made by hand" in repr(panel)
    with pytest.raises(NotFoundException, match="no dataset"):
        panel.dataset_id = "nope"
    with pytest.raises(NotFoundException, match="no tag 'nope'; its tags: 'initial-tag', 'few'"):
        panel.tag_name = "nope"
    with pytest.raises(NotFoundException, match="no run 'nope'"):
        panel.scheduled_run_id = "nope"
    assert (panel.dataset_id, panel.tag_name) == (photos, "few")
    panel.close()


def test_no_secret_is_shown(client: ApiWorkflowClient) -> None:
    secret = "hunter2-0xC0FFEE"
    client.set_s3_config("s3://bucket/in", "eu-central-1", "AKIA", secret, purpose=DatasourcePurpose.INPUT)
    panel = browse_datasets(client)
    shown = "".join([*texts(panel), repr(panel), panel._static()[0]])
    assert "INPUT: S3, s3://bucket/in" in shown
    assert secret not in shown
    assert "AKIA" not in shown
    panel.close()


def rename_to_what_only_other_programs_write(session: Any, dataset: Dataset) -> None:
    for tag in session.scalars(select(Tag).where(Tag.name == "few")):
        tag.name = HOSTILE
    dataset.name = f"photos {HOSTILE}"


def test_names_are_only_text(client: ApiWorkflowClient) -> None:
    client.set_local_config(f"/data/{HOSTILE}")
    client._write_dataset(rename_to_what_only_other_programs_write)
    panel = browse_datasets(client)
    run_id = take(client, schedule(client))
    enter(client, run_id, RunState.FAILED, HOSTILE)
    panel.refresh()
    for dataset_id in [one.id for one in panel.datasets]:
        panel.dataset_id = dataset_id
        htmls = [part.value for part in (panel.page._about, panel.page.status, panel.page.runs._said)]
        for html in [*htmls, panel._static()[0]]:
            assert "<script" not in html
    assert "&lt;script&gt;" in panel._static()[0]
    panel.tag_name = HOSTILE
    panel.ask_to_delete_tag()
    assert panel.page.buttons["delete_tag"].description == f"Yes, delete '{HOSTILE}'"
    panel.press(lambda: panel.combine("UNION", "initial-tag", HOSTILE))
    assert "&lt;script&gt;" in panel.page._error.value
    assert "<script" not in panel.page._error.value
    path = panel.export("filenames")
    assert path.parent == Path("exports").absolute()
    assert path.name.startswith("photos_script_alert_x_script___script_alert_x_script_")
    panel.close()


@pytest.mark.parametrize("form", [name for name, one in FORMATS.items() if one.of_images])
def test_an_export_is_what_the_client_gives(
    panel: DatasetBrowser, client: ApiWorkflowClient, form: str
) -> None:
    method = method_name(form, "name")
    with pytest.warns() if form == "label_box" else pytest.MonkeyPatch.context():
        wanted = getattr(client, method)("few")
    panel.page.buttons[form].click()
    assert panel.wait(30)
    path = Path("exports").absolute() / f"photos_few_{FORMATS[form].file_name}"
    assert f"Saved {path}" in panel.page.status.value
    text = wanted if form == "parquet" else path.read_text(encoding="utf-8")
    assert (
        (path.read_bytes() == wanted)
        if form == "parquet"
        else (
            (text.rstrip("\n") == wanted.rstrip("\n"))
            if isinstance(wanted, str)
            else json.loads(text) == wanted
        )
    )
    assert panel.export(form, "elsewhere").read_bytes() == path.read_bytes()
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_an_export_that_fails_says_so_and_leaves_what_was_there(
    panel: DatasetBrowser, tmp_path: Path
) -> None:
    path = panel.export("coco")
    before = path.read_bytes()
    (tmp_path / "photos").rename(tmp_path / "moved")
    panel.page.buttons["coco"].click()
    assert panel.wait(30)
    assert "photos" in panel.page._error.value
    assert GONE not in panel.page._error_row._dom_classes
    assert path.read_bytes() == before
    with pytest.raises(InputError, match="no export format 'excel'; there are coco, "):
        panel.export("excel")
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasourceError, match=r"file/x' cannot be made.*another folder"):
        panel.export("filenames", tmp_path / "file" / "x")


def test_images_are_downloaded_and_what_is_missing_is_named(
    panel: DatasetBrowser, client: ApiWorkflowClient, tmp_path: Path
) -> None:
    panel.page.buttons["start_download"].click()
    assert panel.wait(30)
    place = Path("exports").absolute() / "photos_few_images"
    assert f"The images are in {place}" in panel.page.status.value
    names = client.get_filenames_in_tag(client.get_tag_by_name("few"))
    assert {one.relative_to(place).as_posix() for one in place.rglob("*") if one.is_file()} == set(names)
    assert all((place / name).read_bytes() == (tmp_path / "photos" / name).read_bytes() for name in names)
    (tmp_path / "photos" / names[0]).unlink()
    with pytest.raises(DatasourceError, match=r"1 of 4 files were not downloaded(.|\n)*" + names[0]):
        panel.download_images(tmp_path / "more")


def test_work_can_be_stopped_and_is_one_at_a_time() -> None:
    begun, goes_on, said, errors = threading.Event(), threading.Event(), [], []
    work = Background("", errors.append)

    def start(name: str) -> None:
        start_work(work, name, job, lambda *_: None, said.append)

    def job(on_event: Any) -> str:
        with Stage(on_event, "DOWNLOADING", 3, "file") as stage:
            begun.set()
            goes_on.wait(30)
            stage.advance(3)
        return "done"

    start("Download")
    assert begun.wait(30)
    with pytest.raises(InputError, match="Export: Download is still under way; wait for it, or cancel it"):
        start("Export")
    work.cancel()
    goes_on.set()
    assert work.wait(30)
    assert said == ["Download was canceled; files that are there are whole and stay"]
    start("Download")
    assert work.wait(30)
    assert (said[1:], errors) == (["done"], [])


def test_tags_are_combined_and_deleted_after_asking(panel: DatasetBrowser, client: ApiWorkflowClient) -> None:
    few = client.get_filenames_in_tag(client.get_tag_by_name("few"))
    rest = [name for name in client.get_filenames() if name not in few]
    panel.tag_name = "initial-tag"
    page = panel.page
    assert [value for _, value in page.other.options] == ["few"]
    page.operation.value, page.other.value, page.new_name.value = "DIFFERENCE", "few", "rest"
    page.buttons["combine_as_filled_in"].click()
    assert panel.tag_name == "rest"
    assert "rest" in [choice.title for choice in page.tags.shown]
    assert client.get_filenames_in_tag(client.get_tag_by_name("rest")) == rest
    assert "6 samples" in page.status.value
    assert panel.combine("INTERSECTION", "initial-tag", "again").n_samples == 6
    panel.tag_name = "few"
    assert GONE in page.buttons["delete_tag"]._dom_classes
    page.buttons["ask_to_delete_tag"].click()
    assert GONE not in page.buttons["delete_tag"]._dom_classes
    page.buttons["keep_tag"].click()
    assert GONE in page.buttons["delete_tag"]._dom_classes
    page.buttons["ask_to_delete_tag"].click()
    page.buttons["delete_tag"].click()
    assert "few" not in [tag.name for tag in client.get_all_tags()]
    assert panel.tag_name != "few"
    assert GONE in page.buttons["delete_tag"]._dom_classes
    panel.tag_name = "initial-tag"
    page.buttons["delete_tag"].click()
    assert "initial-tag" in page._error.value
    assert "initial-tag" in [tag.name for tag in client.get_all_tags()]


def test_a_run_moves_from_waiting_to_its_end(panel: DatasetBrowser, client: ApiWorkflowClient) -> None:
    assert not panel._watcher.is_alive, "nothing is under way"
    scheduled_id = schedule(client)
    panel.refresh()
    assert panel._watcher.is_alive
    assert panel.scheduled_run_id == scheduled_id
    buttons = panel.page.buttons
    shown = [
        name for name in ("monitor", "cancel", "abort", "report") if GONE not in buttons[name]._dom_classes
    ]
    assert shown == ["cancel"]
    run_id = take(client, scheduled_id)
    until(panel, "description", lambda text: text.startswith("● Started: taken by"))
    assert panel.scheduled_run_id == scheduled_id
    enter(client, run_id, RunState.EMBEDDING, "12 images")
    until(panel, "description", lambda text: text.startswith("● Embedding: 12 images\nbegan "))
    shown = [
        name for name in ("monitor", "cancel", "abort", "report") if GONE not in buttons[name]._dom_classes
    ]
    assert shown == ["monitor", "abort"]
    buttons["monitor"].click()
    assert "this run has no folder yet" in panel.page._error.value
    buttons["abort"].click()
    assert panel.page._error.value == ""
    assert client._read(lambda session, user: session.get_one(ComputeRun, run_id).abort_requested)
    enter(client, run_id, RunState.ABORTED, "stopped")
    until(panel, "description", lambda text: text.startswith("■ Aborted: stopped"))
    assert panel.page.announced.value == "Run: ■ Aborted: stopped"
    assert panel._watcher.wait(30), "nothing is under way any more"
    with pytest.raises(ApiException, match="there is nothing to abort"):
        panel.abort()


def test_a_run_that_waits_is_called_back(panel: DatasetBrowser, client: ApiWorkflowClient) -> None:
    scheduled_id = schedule(client)
    panel.refresh()
    with pytest.raises(InputError, match="no worker has taken this run yet; press Cancel"):
        panel.abort()
    with pytest.raises(RunError, match="no worker has taken this run yet"):
        panel.monitor()
    panel.page.buttons["cancel"].click()
    assert [one.id for one in client.get_scheduled_compute_worker_runs("CANCELED")] == [scheduled_id]
    assert panel.page.runs.shown[0].title.startswith("■ Canceled: called back")
    assert panel._watcher.wait(30)


def test_the_thread_ends_with_the_panel(client: ApiWorkflowClient) -> None:
    schedule(client)
    panel = browse_datasets(client)
    watcher = panel._watcher
    assert watcher.is_alive
    panel.close()
    assert watcher.wait(30)


def test_a_dataset_that_goes_away_under_the_panel_is_not_shown_any_more(
    panel: DatasetBrowser, client: ApiWorkflowClient
) -> None:
    client.create_dataset("other")
    other = client.dataset_id
    client.dataset_id = panel.dataset_id
    schedule(client)
    panel.refresh()
    gone = threading.Event()
    panel.observe(lambda change: change["new"] == other and gone.set(), "dataset_id")
    client.delete_dataset_by_id(client.dataset_id)
    assert gone.wait(30)
    assert panel._watcher.wait(30)
    assert [one.name for one in panel.datasets] == ["other"]
    assert panel.page._error.value == ""


def test_sharing_is_shown_and_edited(tmp_path: Path) -> None:
    workspace = open_workspace()
    ada, bob = (transact(workspace, add_user, f"{name}@example.com")[1] for name in ("ada", "bob"))
    mine = ApiWorkflowClient(token=ada.get_secret_value())
    mine.create_dataset("photos")
    panel = browse_datasets(mine)
    assert "Shared with nobody" in panel.page._about.value
    panel.page.emails.value = "bob@example.com, eve@example.com"
    panel.page.buttons["share_as_filled_in"].click()
    assert mine.get_shared_users(mine.dataset_id) == ["bob@example.com", "eve@example.com"]
    assert "Shared with bob@example.com, eve@example.com" in panel.page._about.value
    panel.page.emails.value = "nobody"
    panel.page.buttons["share_as_filled_in"].click()
    assert "'nobody' is not an e-mail address" in panel.page._error.value.replace("&#x27;", "'")
    theirs = browse_datasets(ApiWorkflowClient(token=bob.get_secret_value()))
    assert [one.name for one in theirs.datasets] == ["photos"]
    assert "shared with you" in repr(theirs)
    assert GONE in theirs.page._sharing._dom_classes
    with pytest.raises(ForbiddenException, match="its owner alone may share it"):
        theirs.share_only_with([])
    panel.share_only_with([])
    theirs.press(theirs.refresh)
    assert (theirs.datasets, theirs.dataset_id) == ([], "")
    panel.close()
    theirs.close()


def test_many_of_everything_are_paged_and_found_by_name(client: ApiWorkflowClient) -> None:
    names = client.get_filenames()

    def fill(session: Any, user: Any) -> None:
        session.add_all(Dataset(name=f"dataset {n:03d}", type="Images", owner_id=user.id) for n in range(99))
        for number in range(1000):
            common = {"dataset_id": client.dataset_id, "owner_id": user.id, "created_at": 10**12 + number}
            configs = {"worker_config": {}, "lightly_config": {}, "selection_config": {}}
            asked = ScheduledRun(**common, priority=0, runs_on=[], state="DONE", **configs)
            session.add(asked)
            session.flush()
            session.add(
                ComputeRun(**common, scheduled_run_id=asked.id, state="COMPLETED", message=f"run {number}")
            )
        session.flush()

    client._write(fill)
    for number in range(198):
        client.create_tag_from_filenames(names[:1], f"tag {number}")
    panel = browse_datasets(client)
    page = panel.page
    n_rows = [
        sum(GONE not in row._dom_classes for row in listed.rows)
        for listed in (page.datasets, page.runs, page.tags)
    ]
    assert n_rows == [10, 5, 8]
    assert page.runs._said.value == "1 to 5 of 1,000 runs"
    assert page.runs.shown[0].title == "✓ Completed: run 999"
    assert panel.tag_name == "tag 197"
    assert page.tags._said.value == "193 to 200 of 200 tags", "the page of the chosen one"
    page.runs.turn(200)
    assert page.runs.shown[-1].title == "✓ Completed: run 0"
    page.datasets.filter.value = "SET 07"
    assert len(page.datasets._found) == 10
    page.datasets.rows[3].click()
    assert panel.dataset_id == page.datasets.shown[3].key
    page.datasets.filter.value = "nothing like it"
    assert page.datasets._said.value == "none of 100 datasets has this in its name"
    assert "… 80 more" in repr(panel)
    assert "80 more rows" in panel._static()[0]
    assert len(panel._static()[0]) < 50_000
    panel.close()


def test_tags_stand_below_what_they_stand_on(client: ApiWorkflowClient) -> None:
    names = client.get_filenames()
    few = client.get_tag_by_name("few")
    client.create_tag_from_filenames(names[:2], "other")
    client.create_tag_from_filenames(names[:2], "fewer", parent_tag_id=few.id)
    tree = [(tag.name, depth) for tag, depth in tag_tree(client.get_all_tags())]
    assert tree == [("initial-tag", 0), ("few", 1), ("fewer", 2), ("other", 1)]


def test_two_tags_never_share_a_file(client: ApiWorkflowClient) -> None:
    one = client.get_filenames()[:1]
    tags = [client.create_tag_from_filenames(one, name) for name in ("a:b", "a;b", "a_b")]
    dataset = client.get_dataset_by_id(client.dataset_id)
    stems = {file_stem(dataset, tag) for tag in tags}
    assert len(stems) == 3
    assert all("/" not in stem for stem in stems)


def test_a_real_run_is_monitored_reported_and_seen(
    client: ApiWorkflowClient, tmp_path: Path, tiny_model: dict[str, object]
) -> None:
    worker_config = {**QUICK, "enable_training": True}
    scheduled_id = client.schedule_compute_worker_run(
        selection_config=PICK_THREE, worker_config=worker_config, lightly_config=tiny_model
    )
    client.register_compute_worker("box")
    panel = browse_datasets(client)
    run_worker(
        open_workspace(),
        "box",
        output_dir=tmp_path / "out",
        shutdown_when_job_finished=True,
        say=lambda _: None,
    )
    assert panel.wait(30)
    assert panel.scheduled_run_id == scheduled_id
    assert panel.page.runs.shown[0].title.startswith("✓ Completed: 3 of 10 samples selected")
    made = panel.facts.tags[-1]
    panel.tag_name = made.name
    assert made.run_id
    assert "of the run of 20" in panel.page.tags.shown[-1].detail
    gallery = panel.show_images()
    assert panel.page.below.children == (gallery,)
    assert gallery._grid.value.count("<img") == 3
    for name in client.get_filenames_in_tag(made):
        assert name in gallery._grid.value
    panel.tag_name = "initial-tag"
    everything = panel.show_images()
    assert everything._said.value == '<div role="status">1 to 10 of 10 images</div>', "from the newest run"
    monitor = panel.monitor()
    assert monitor.wait(30)
    assert panel.page.below.children == (monitor,)
    with pytest.raises(RunError, match=r"has no report \(yet\)"):
        panel.report()
    monitor.run.folder.report_html.write_text("<p>the report</p>")
    report = panel.report()
    assert report._page == b"<p>the report</p>"
    assert panel.page.below.children == (report,)
    panel.close_below()
    assert panel.page.below.children == ()
    (tmp_path / "out").rename(tmp_path / "elsewhere")
    with pytest.raises(RunError, match="is not on this machine; open it where the worker runs"):
        panel.monitor()
    with pytest.raises(RunError, match="no run folder on this machine has thumbnails"):
        panel.show_images()
    panel.close()


def test_a_notebook_gets_tables_and_then_the_panel(
    panel: DatasetBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(
        "lightly_nb.widgets.dataset_browser.panel.show_panel", lambda *args, **_: shown.append(args)
    )
    panel._ipython_display_()
    ((widget, html, text),) = shown
    assert widget is panel
    assert html.count("<table>") == 2
    assert "Runs of photos</b> (0)" in html
    assert text == repr(panel)
