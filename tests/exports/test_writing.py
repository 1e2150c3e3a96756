"""Exports are whole or not there, cut where the tool has a limit, and refused where they cannot be."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import lightly_nb as lnb
from lightly_nb.errors import DatasourceError, InputError, RunCanceled
from lightly_nb.events import Event
from lightly_nb.exports import FORMATS, writing
from lightly_nb.samples.predictions import packed
from tests.exports.predicted import NAMES, SIZES, predictions_of, quiet


def made_up(n: int, **columns: Any) -> lnb.Samples:
    """Return samples without files."""
    names = [f"folder {row % 7}/é {row:05d}.jpg" for row in range(n)]
    return lnb.Samples(pd.DataFrame({"lightly.width": 40, "lightly.height": 30, **columns}, index=names))


@pytest.fixture
def samples() -> lnb.Samples:
    sizes = [SIZES[name] for name in NAMES]
    columns = {"lightly.width": [one[0] for one in sizes], "lightly.height": [one[1] for one in sizes]}
    made = lnb.Samples(pd.DataFrame(columns, index=list(NAMES)))
    return made.with_predictions(predictions_of("det")).with_predictions(predictions_of("cls"))


def url(name: str) -> str:
    return f"https://x/{name}"


def limited(form: str, **limits: int) -> dict[str, Any]:
    """Return the formats, one of them with other limits."""
    return {**FORMATS, form: replace(FORMATS[form], **limits)}  # type: ignore[arg-type]


@pytest.mark.parametrize("at_a_time", [2, 1000])
@pytest.mark.parametrize("form", ["label_studio", "label_box_v4"])
def test_lists_are_cut_where_the_tool_has_a_limit(
    form: str, at_a_time: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "AT_A_TIME", at_a_time)
    samples = made_up(7)
    whole = lnb.export(samples, None, form, url_for=url)
    options: dict[str, Any] = {"url_for": url, "formats": limited(form, most_samples=3), "on_event": quiet}
    paths = lnb.export(samples, None, form, tmp_path / "a b.x.json", **options)
    assert [path.name for path in paths] == [f"a b.x-{number:03d}.json" for number in (1, 2, 3)]
    parts = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    assert [len(part) for part in parts] == [3, 3, 1]
    assert [entry for part in parts for entry in part] == whole


@pytest.mark.parametrize("at_a_time", [2, 1000])
def test_files_have_no_more_bytes_than_the_tool_takes(
    at_a_time: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "AT_A_TIME", at_a_time)
    samples = made_up(20)
    formats = limited("label_studio", most_bytes=1500)
    paths = lnb.export(
        samples, None, "label_studio", tmp_path / "t.json", url_for=url, formats=formats, on_event=quiet
    )
    sizes = [path.stat().st_size for path in paths]
    assert len(paths) > 3
    assert 1000 < max(sizes) <= 1500
    tasks = [task for path in paths for task in json.loads(path.read_text(encoding="utf-8"))]
    assert [task["data"]["lightlyFileName"] for task in tasks] == samples.filenames


def test_the_limits_are_those_that_the_tools_document() -> None:
    assert (FORMATS["label_studio"].most_samples, FORMATS["label_studio"].most_bytes) == (
        250_000,
        200_000_000,
    )
    assert {FORMATS[name].most_samples for name in FORMATS if name.startswith("label_box")} == {150_000}


@pytest.mark.parametrize("form", ["coco", "coco_results", "label_box_annotations", "csv", "cvat_xml"])
def test_any_file_is_cut_where_one_wants_it(form: str, samples: lnb.Samples, tmp_path: Path) -> None:
    paths = lnb.export(samples, None, form, tmp_path / "x", task="det", chunk_size=2, on_event=quiet)
    assert [path.name for path in paths] == ["x-001", "x-002", "x-003"]
    parts = lnb.export(samples, None, form, task="det", chunk_size=2, on_event=quiet)
    for path, part in zip(paths, parts, strict=True):
        text = path.read_text(encoding="utf-8")
        assert (text.strip() == part.strip()) if isinstance(part, str) else (json.loads(text) == part)


def test_what_an_earlier_export_left_is_told(samples: lnb.Samples, tmp_path: Path) -> None:
    heard: list[Event] = []
    options: dict[str, Any] = {"url_for": url, "on_event": heard.append}
    lnb.export(samples, None, "label_box_v4", tmp_path / "t.json", chunk_size=2, **options)
    assert [event for event in heard if "message" in event] == []
    lnb.export(samples, None, "label_box_v4", tmp_path / "t.json", chunk_size=3, **options)
    (told,) = [event["message"] for event in heard if "message" in event]
    assert (
        told == f"t-003.json in '{tmp_path}' are not of this export; remove them, or they are imported, too"
    )


def test_many_images_have_one_progress_and_one_warning_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "AT_A_TIME", 100)
    n = 250
    samples = made_up(n)
    rows = [[{"category_id": 7, "score": 0.5, "bbox": [0, 0, 9, 9]}] if row % 2 else None for row in range(n)]
    task = predictions_of("det").task
    samples = samples.with_predictions(packed(task, rows))
    heard: list[Event] = []
    lnb.export(
        *(samples, None, "label_studio", tmp_path / "t.json"), task="det", url_for=url, on_event=heard.append
    )
    told = [event["message"] for event in heard if "message" in event]
    assert told == ["samples without predictions of task 'det', exported without labels: 125"]
    progress = [(event["step"], event["done"], event["total"]) for event in heard if "done" in event]
    assert (progress[0], progress[-1]) == (("EXPORT", 0, n), ("EXPORT", n, n))

    def stop(event: Event) -> None:
        if event.get("done", 0) >= 100:
            raise RunCanceled("enough")

    with pytest.raises(RunCanceled):
        lnb.export(
            *(samples, None, "label_studio", tmp_path / "u.json"), task="det", url_for=url, on_event=stop
        )
    assert os.listdir(tmp_path) == ["t.json"]


def lnb_packed(task: Any, rows: Any) -> Any:
    from lightly_nb.samples.predictions import packed

    return packed(task, rows)


@pytest.mark.parametrize("form", [name for name, one in FORMATS.items() if one.is_folder])
def test_a_folder_with_something_in_it_is_left_alone(form: str, samples: lnb.Samples, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "mine.txt").write_text("mine")
    options: dict[str, Any] = {"task": "det", "copy_images": False, "on_event": quiet}
    with pytest.raises(InputError, match=r"x' is there already; choose another folder, or remove it first"):
        lnb.export(samples, None, form, tmp_path / "x", **options)
    assert [path.name for path in tmp_path.rglob("*")] == ["x", "mine.txt"]
    assert lnb.export(samples, None, form, tmp_path / "new" / "y", **options).is_dir()
    with pytest.raises(InputError, match=rf"'{form}' is a folder of files; give path="):
        lnb.export(samples, None, form, task="det", on_event=quiet)
    with pytest.raises(InputError, match=rf"'{form}' is a folder, which is not cut; leave chunk_size out"):
        lnb.export(samples, None, form, tmp_path / "z", chunk_size=3, **options)


def test_a_folder_whose_images_cannot_be_read_is_not_there(samples: lnb.Samples, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read, as there is no source"):
        lnb.export(samples, None, "fiftyone", tmp_path / "x", task="det", on_event=quiet)
    with pytest.raises(InputError, match="cannot be read, as there is no source"):
        lnb.export(samples, None, "cvat_folder", tmp_path / "x.zip", task="det", on_event=quiet)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("mine")
    with pytest.raises(DatasourceError, match=r"file/x' cannot be written: .*choose another folder"):
        lnb.export(samples, None, "fiftyone", tmp_path / "file" / "x", task="det", copy_images=False)


def test_the_task_is_asked_for_where_it_cannot_be_known(samples: lnb.Samples, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"needs predictions of one task; they are of \['cls', 'det'\]: say"):
        lnb.export(samples, None, "cvat_xml", on_event=quiet)
    with pytest.raises(InputError, match=r"no predictions of task 'dett'; they have .* Did you mean 'det'\?"):
        lnb.export(samples, None, "coco", task="dett", on_event=quiet)
    with pytest.raises(InputError, match=r"'yolo' holds no predictions; leave task out, or use label"):
        lnb.export(samples, None, "yolo", task="det", on_event=quiet)
    with pytest.raises(InputError, match=r"predictions of one task; call lightly_nb.add_predictions first"):
        lnb.export(made_up(2), None, "cvat_xml", on_event=quiet)
    only = made_up(6).with_predictions(predictions_of("cls"))
    assert lnb.export(only, None, "cvat_xml", on_event=quiet).count("<tag ") == 4


@pytest.mark.parametrize("form", ["label_studio", "coco", "csv"])
def test_predictions_are_exported_where_they_are_asked_for_and_that_is_told(
    form: str, samples: lnb.Samples
) -> None:
    heard: list[Event] = []
    found = lnb.export(samples, None, form, url_for=url, on_event=heard.append)
    told = [event["message"] for event in heard if "message" in event]
    assert told == ["the predictions of ['cls', 'det'] are not exported; task='cls' would export them, too"]
    plain = lnb.Samples(samples.table)
    assert found == lnb.export(plain, None, form, url_for=url, on_event=quiet)


def test_picks_keep_their_order_and_their_predictions(samples: lnb.Samples) -> None:
    picks = [NAMES[3], NAMES[0]]
    whole = lnb.export(samples, None, "coco", task="det", on_event=quiet)
    some = lnb.export(samples, picks, "coco", task="det", on_event=quiet)
    assert [image["file_name"] for image in some["images"]] == picks
    for image in some["images"]:
        of_whole, of_some = (
            [one["bbox"] for one in each["annotations"] if one["image_id"] == image["id"]]
            for each in (whole, some)
        )
        assert of_whole == of_some != []
