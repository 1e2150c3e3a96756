"""The dataset browser as a person sees and uses it: in JupyterLab, in a real browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lightly_nb.api import ApiWorkflowClient
from lightly_nb.states import RunState
from lightly_nb.workspace.data.tags import create_run_tag
from tests.browser.lab import Lab, Notebook
from tests.browser.seeing import text_contrasts
from tests.photos import write_photographs
from tests.widgets.runs_by_hand import enter, schedule, take

PANEL = ".lnb-datasets"
HOSTILE = '<img src=x onerror="console.error(1)">'


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> ApiWorkflowClient:
    """A workspace with two datasets; the older one has ten photographs and two tags."""
    folder = tmp_path_factory.mktemp("workspace")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("LIGHTLY_TOKEN", raising=False)
        client = ApiWorkflowClient(url=folder / "home")
    names = write_photographs(folder / "photos", 10)
    client.create_dataset("photos")
    client.set_local_config(str(folder / "photos"))
    client._write_dataset(lambda session, dataset: create_run_tag(session, dataset, names).id)
    client.create_tag_from_filenames(names[:4], "few")
    photos = client.dataset_id
    client.create_dataset("later")
    client.set_local_config(f"/data/{HOSTILE}")
    client.dataset_id = photos
    return client


class Seen:
    """The dataset browser on the page."""

    def __init__(self, book: Notebook):
        self.book, self.page = book, book.page
        self.root = self.page.locator(PANEL).last
        self.page.wait_for_function(f"() => document.querySelector('{PANEL}')?.dataset.ready")

    def press(self, name: str) -> None:
        self.root.get_by_role("button", name=name, exact=True).click()

    def row(self, begins: str) -> Any:
        """Return the row that begins so."""
        return self.root.locator(".lnb-choice:visible", has_text=begins).first

    def chosen(self, begins: str) -> None:
        """Wait until this row is the chosen one, for eyes and for screen readers."""
        self.page.wait_for_function(
            "row => row.matches('.lnb-chosen[aria-pressed=true]')", arg=self.row(begins).element_handle()
        )


def test_a_person_looks_around_exports_and_combines(
    lab: Lab, client: ApiWorkflowClient, tmp_path: Path
) -> None:
    url = str(client._workspace.folder)
    book = lab.open(
        "import lightly_nb as lnb\nfrom lightly_nb.api import ApiWorkflowClient",
        f"panel = lnb.browse_datasets(ApiWorkflowClient(url={url!r}, dataset_id=None))\npanel",
    )
    seen = Seen(book)
    seen.root.get_by_text(f"/data/{HOSTILE}").wait_for()
    assert seen.root.locator(".lnb-right img").count() == 0
    assert not lab.page.locator("[class^=lnb-static]").first.is_visible()

    seen.row("later").focus()
    lab.page.keyboard.press("ArrowDown")
    lab.page.keyboard.press("Enter")
    seen.chosen("photos")
    seen.chosen("few")
    book.until(f"panel.dataset_id == {client.dataset_id!r}")

    seen.root.get_by_label("Save in folder").fill(str(tmp_path / "out"))
    seen.press("COCO")
    seen.root.get_by_text(f"Saved {tmp_path / 'out' / 'photos_few_coco.json'}").wait_for()
    written = json.loads((tmp_path / "out" / "photos_few_coco.json").read_text(encoding="utf-8"))
    few = client.get_filenames_in_tag(client.get_tag_by_name("few"))
    assert [image["file_name"] for image in written["images"]] == few

    seen.row("initial-tag").click()
    seen.chosen("initial-tag")
    seen.root.get_by_label("tag", exact=True).select_option("− without (difference)")
    seen.root.get_by_label("other tag").select_option("few")
    seen.root.get_by_label("as new tag").fill("few")
    seen.press("Create tag")
    error = seen.root.get_by_role("alert")
    error.wait_for()
    assert "few" in error.text_content()
    themes_are_readable(lab, seen)
    seen.root.get_by_label("as new tag").fill("the rest")
    seen.press("Create tag")
    seen.chosen("the rest")
    error.wait_for(state="detached")
    assert "6 samples" in seen.row("the rest").text_content()
    assert client.get_tag_by_name("the rest").n_samples == 6

    seen.press("Delete tag")
    confirm = seen.root.get_by_role("button", name="Yes, delete 'the rest'")
    confirm.wait_for()
    lab.page.wait_for_function("button => button === document.activeElement", arg=confirm.element_handle())
    lab.page.keyboard.press("Enter")
    seen.row("the rest").wait_for(state="detached")
    assert [tag.name for tag in client.get_all_tags()] == ["few", "initial-tag"]

    a_run_moves(seen, client)
    saved = {state: book.save(widget_state=state) for state in (False, True)}
    assert max(path.stat().st_size for path in saved.values()) < 150_000
    text = saved[True].read_text(encoding="utf-8")
    assert "Tags of photos" in text


def a_run_moves(seen: Seen, client: ApiWorkflowClient) -> None:
    scheduled_id = schedule(client)
    seen.press("Refresh")
    seen.chosen("● Open: waits for a worker")
    run_id = take(client, scheduled_id)
    seen.row("● Started: taken by the worker").wait_for()
    enter(client, run_id, RunState.EMBEDDING, f"10 images {HOSTILE}")
    seen.row(f"● Embedding: 10 images {HOSTILE}").wait_for()
    live = seen.root.locator(".lnb-said[aria-live=polite]", has_text="Run: ● Embedding")
    live.wait_for(state="attached")
    seen.press("Abort")
    seen.root.get_by_text("The worker was asked to stop the run.").wait_for()
    enter(client, run_id, RunState.ABORTED, "stopped as asked")
    seen.row("■ Aborted: stopped as asked").wait_for()
    seen.root.get_by_role("button", name="Abort", exact=True).wait_for(state="hidden")


def themes_are_readable(lab: Lab, seen: Seen) -> None:
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        lab.theme(theme)
        ratios = text_contrasts(seen.root)
        assert len(ratios) > 25
        assert min(ratios.values()) >= 4.5, {text: ratio for text, ratio in ratios.items() if ratio < 4.5}


def test_an_empty_workspace_says_how_to_begin(lab: Lab, tmp_path: Path) -> None:
    book = lab.open(
        "import lightly_nb as lnb\nfrom lightly_nb.api import ApiWorkflowClient",
        f"client = ApiWorkflowClient(url={str(tmp_path)!r})\npanel = lnb.browse_datasets(client)\npanel",
    )
    seen = Seen(book)
    seen.root.get_by_text('client.create_dataset("photos")').wait_for()
    book.do("client.create_dataset('new')")
    seen.press("Refresh")
    seen.chosen("new")
    seen.root.get_by_text("no datasource yet").wait_for()
