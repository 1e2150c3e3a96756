"""Exports hold every sample of a tag once, in its order, in the form that the tool's importer takes."""

from __future__ import annotations

import io
import json
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import lightly_nb as lnb
from lightly_nb.datasource import open_datasource
from lightly_nb.datasource.sample_files import SampleFiles
from lightly_nb.errors import DatasourceError, InputError
from lightly_nb.events import Event
from lightly_nb.exports import FORMATS, Format, save
from lightly_nb.exports.images import Images
from lightly_nb.exports.sizes import image_size
from lightly_nb.states import DatasetType
from lightly_nb.workspace.data.datasource_kinds import datasource_settings
from lightly_nb.workspace.data.sample_files import open_sample_files
from tests.photos import write_photographs

N = 7
OF_IMAGES = [name for name, one in FORMATS.items() if one.of_images]
OF_FILES = {name for name in OF_IMAGES if FORMATS[name].has_urls or FORMATS[name].has_sizes}
SIDEWAYS = 6
"""EXIF orientation: the picture lies on its side."""


class SampleRow(NamedTuple):
    """One sample of a dataset."""

    number: int
    filename: str
    meta: dict[str, Any] | None


def quiet(event: Event) -> None:
    """Hear nothing."""


def export(form: str, rows: list[SampleRow], files: SampleFiles | None, **options: Any) -> Any:
    """Export rows of a dataset."""
    metadata = {row.number: row.meta or {} for row in rows}
    images = Images([row.filename for row in rows], list(metadata), metadata.__getitem__, on_event=quiet)
    return save(images if files is None else images.with_files(files), form, **options)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_photographs(tmp_path / "photos", N)
    return tmp_path / "photos"


@pytest.fixture
def samples(folder: Path) -> list[SampleRow]:
    """A tag in an order that is neither that of the names nor that of the numbers."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.jpg"))
    rows = [
        SampleRow(number, name, {"weather": "☀"} if number % 2 else None) for number, name in enumerate(names)
    ]
    return [rows[number] for number in np.random.default_rng(0).permutation(N)]


@pytest.fixture
def files(folder: Path) -> SampleFiles:
    return SampleFiles(open_datasource(folder))


def joined(form: str, parts: list[Any]) -> Any:
    """Put the pieces of a chunked export together, as a reader of that tool would."""
    if form == "filenames":
        return "\n".join(parts)
    if form == "coco":
        return {**parts[0], "images": [image for part in parts for image in part["images"]]}
    if form == "cvat":
        header = "".join(parts[0].splitlines(keepends=True)[:2])
        return header + "".join(line for part in parts for line in part.splitlines(keepends=True)[2:])
    if form == "csv":
        return parts[0] + "".join(part.split("\n", 1)[1] for part in parts[1:])
    if form == "parquet":
        return pd.concat([read_parquet(part) for part in parts], ignore_index=True)
    whole = parts[0]
    for part in parts[1:]:
        whole = whole + part
    return whole


def read_parquet(content: bytes) -> pd.DataFrame:
    return pd.read_parquet(io.BytesIO(content))


@pytest.mark.parametrize("form", OF_IMAGES)
@pytest.mark.parametrize("chunk_size", [1, 3, N, 100])
def test_the_pieces_of_an_export_are_the_whole(
    form: str, chunk_size: int, samples: list[SampleRow], files: SampleFiles
) -> None:
    whole = export(form, samples, files)
    parts = list(export(form, samples, files, chunk_size=chunk_size))
    assert len(parts) == -(-N // chunk_size)
    if form == "parquet":
        assert joined(form, parts).astype(str).equals(read_parquet(whole).astype(str))
    else:
        assert joined(form, parts) == whole
        json.dumps(whole)


def test_urls_are_made_when_their_piece_is_asked_for(samples: list[SampleRow], files: SampleFiles) -> None:
    asked: list[str] = []

    def url_for(name: str) -> str:
        asked.append(name)
        return f"https://x/{name}"

    mine = SampleFiles(files.datasource, url_for=url_for)
    parts = export("label_studio", samples, mine, chunk_size=2)
    assert asked == []
    next(parts)
    assert asked == [sample.filename for sample in samples[:2]]


@pytest.mark.parametrize("chunk_size", [0, -1, 1.5, True, "10"])
def test_a_chunk_size_that_is_none_is_refused_at_once(chunk_size: Any) -> None:
    with pytest.raises(
        InputError, match=r"chunk_size is .*; give a whole number of samples, 1 or more, or None"
    ):
        export("filenames", [], None, chunk_size=chunk_size)


def test_an_unknown_format_is_refused_with_those_there_are() -> None:
    with pytest.raises(InputError, match="no export format 'pascal_voc'; there are coco, coco_results, "):
        export("pascal_voc", [], None)


def test_a_format_of_ones_own_is_an_argument(samples: list[SampleRow]) -> None:
    formats = {"numbers": Format(lambda images: list(images.numbers))}
    assert export("numbers", samples, None, formats=formats) == [sample.number for sample in samples]


def test_formats_without_files_need_none(samples: list[SampleRow]) -> None:
    assert set(OF_IMAGES) > OF_FILES
    for form in set(OF_IMAGES) - OF_FILES - {"parquet"}:
        assert samples[0].filename in export(form, samples, None)
    assert samples[0].filename == read_parquet(export("parquet", samples, None))["filename"][0]
    for form in OF_FILES:
        with pytest.raises(InputError, match="there is no source"):
            export(form, samples, None)


def test_filenames_come_in_the_order_of_the_tag(samples: list[SampleRow]) -> None:
    assert export("filenames", samples, None).split("\n") == [sample.filename for sample in samples]
    assert export("filenames", [], None) == ""


def test_read_urls_of_a_folder_open_the_very_files(
    samples: list[SampleRow], files: SampleFiles, folder: Path
) -> None:
    rows = export("filenames_and_read_urls", samples, files)
    assert [set(row) for row in rows] == [{"fileName", "readUrl", "datasourceUrl"}] * N
    for row in rows:
        with urllib.request.urlopen(row["readUrl"]) as opened:
            assert opened.read() == (folder / row["fileName"]).read_bytes()
        assert row["datasourceUrl"] == f"{folder}/{row['fileName']}"


def test_a_web_server_of_a_folder_makes_its_urls(folder: Path) -> None:
    where = {"relative_path": str(folder), "web_server_location": "http://nas.local:8000/"}
    settings = datasource_settings("LOCAL", **where)
    files = open_sample_files(settings, DatasetType.IMAGES)
    assert files.read_url("a b/é.jpg") == "http://nas.local:8000/a%20b/%C3%A9.jpg"
    assert open_sample_files(settings, DatasetType.CROPS).read_url("a.png").endswith("/.lightly/crops/a.png")
    assert open_sample_files(settings, DatasetType.IMAGES, str.upper).read_url("a.jpg") == "A.JPG"


def test_label_studio_tasks_have_what_its_importer_asks_for(
    samples: list[SampleRow], files: SampleFiles
) -> None:
    tasks = export("label_studio", samples, files)
    for task, sample in zip(tasks, samples, strict=True):
        assert set(task) == {"id", "data"}  # anything else beside `data` means annotations there
        assert task["id"] == sample.number
        assert task["data"]["image"] == files.read_url(sample.filename)
        assert task["data"]["lightlyFileName"] == sample.filename
        assert task["data"]["lightlyMetaInfo"]["metaData"] == (sample.meta or {})


def test_labelbox_rows_have_the_keys_of_both_versions(samples: list[SampleRow], files: SampleFiles) -> None:
    rows = export("label_box", samples, files)
    assert rows[0] == {
        "externalId": samples[0].filename,
        "imageUrl": files.read_url(samples[0].filename),
    }
    rows = export("label_box_v4", samples, files)
    assert rows[0] == {
        "row_data": files.read_url(samples[0].filename),
        "global_key": samples[0].filename,
        "media_type": "IMAGE",
    }
    assert len({row["global_key"] for row in rows}) == N


def test_coco_images_have_sizes_and_ids_that_agree_between_tags(
    samples: list[SampleRow], files: SampleFiles, folder: Path
) -> None:
    whole = export("coco", samples, files)
    assert set(whole) == {"images", "annotations", "categories"}
    for image in whole["images"]:
        with Image.open(folder / image["file_name"]) as opened:
            assert (image["width"], image["height"]) == opened.size
    some = export("coco", samples[2:4], files)
    assert some["images"] == whole["images"][2:4]
    assert min(image["id"] for image in whole["images"]) == 1


def test_a_cvat_manifest_is_one_of_version_1_1(samples: list[SampleRow], files: SampleFiles) -> None:
    lines = [json.loads(line) for line in export("cvat", samples, files).splitlines()]
    assert lines[:2] == [{"version": "1.1"}, {"type": "images"}]
    assert [line["name"] + line["extension"] for line in lines[2:]] == [sample.filename for sample in samples]
    for line in lines[2:]:
        assert line["extension"] == ".jpg"
        assert (line["width"], line["height"]) == (96, 96)
        assert line["meta"] == {"related_images": []}


def test_a_cvat_manifest_is_ascii_so_that_any_default_encoding_reads_it(files: SampleFiles) -> None:
    sample = SampleRow(0, "日本.jpg", {"lightly.width": 3, "lightly.height": 2})
    text = export("cvat", [sample], files)
    assert text.isascii()
    assert json.loads(text.splitlines()[2])["name"] == "日本"


def test_what_a_run_measured_is_not_measured_again(files: SampleFiles) -> None:
    for meta in ({"lightly.width": 30, "lightly.height": 20}, {"lightly": {"width": 30, "height": 20}}):
        image = export("coco", [SampleRow(0, "is not there.jpg", meta)], files)["images"][0]
        assert (image["width"], image["height"]) == (30, 20)


@given(
    st.lists(
        st.text(
            st.characters(blacklist_characters="\n\r\0\\/.", blacklist_categories=["Cs", "Zl", "Zp", "Cc"]),
            min_size=1,
        )
    )
)
def test_yolo_lists_are_read_as_ultralytics_does(names: list[str]) -> None:
    rows = [SampleRow(number, f"a/{name}.jpg", None) for number, name in enumerate(names)]
    relative = [line for line in export("yolo", rows, None).split("\n") if line]
    assert [line.replace("./", "/lists/") for line in relative] == [f"/lists/a/{name}.jpg" for name in names]
    absolute = export("yolo", rows, None, root="/data/images/").split("\n")
    assert absolute == [*(f"/data/images/a/{name}.jpg" for name in names), ""]


@pytest.mark.parametrize("ending", ["jpg", "png", "tif", "webp", "bmp"])
@pytest.mark.parametrize("sideways", [False, True])
def test_sizes_are_those_of_the_upright_image(ending: str, sideways: bool, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    picture = Image.fromarray(rng.integers(0, 256, (350, 460, 3), dtype=np.uint8))
    exif = Image.Exif()
    exif[274] = SIDEWAYS
    options: dict[str, Any] = {"exif": exif} if sideways and ending != "bmp" else {}
    picture.save(tmp_path / f"a.{ending}", **options)  # noise: larger than the first bytes that are read
    assert (tmp_path / f"a.{ending}").stat().st_size > 2**16
    found = image_size(f"a.{ending}", open_datasource(tmp_path).read)
    assert found == ((350, 460) if options else (460, 350))


def test_only_the_start_of_a_large_image_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (700, 900, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.jpg", quality=95)
    datasource, asked = open_datasource(tmp_path), []
    kind = type(datasource)
    read = kind.read

    def noted(self: Any, name: str, end: int | None = None) -> bytes:
        asked.append(end)
        return read(self, name, end)

    monkeypatch.setattr(kind, "read", noted)
    assert image_size("a.jpg", datasource.read) == (900, 700)
    assert asked == [65536]


def test_a_file_that_is_no_image_is_named(folder: Path, files: SampleFiles) -> None:
    (folder / "broken.jpg").write_bytes(b"\xff\xd8 not an image")
    with pytest.raises(
        InputError, match=r"broken\.jpg is no image that can be opened; leave it out of the tag"
    ):
        export("coco", [SampleRow(0, "broken.jpg", None)], files)


def test_a_file_that_is_gone_is_named(files: SampleFiles) -> None:
    with pytest.raises(DatasourceError, match=r"'gone\.jpg'"):
        export("cvat", [SampleRow(0, "gone.jpg", None)], files)


def test_a_store_that_cannot_sign_says_what_to_do() -> None:
    files = SampleFiles(open_datasource("memory://exports"))
    with pytest.raises(DatasourceError, match=r"a read URL of 'a\.jpg' in memory://.*; give url_for="):
        export("label_studio", [SampleRow(0, "a.jpg", None)], files)


def test_a_name_that_leads_out_gets_no_url(files: SampleFiles) -> None:
    with pytest.raises(DatasourceError, match=r"'\.\./secret\.jpg'.*'\.\.' part"):
        export("filenames_and_read_urls", [SampleRow(0, "../secret.jpg", None)], files)


@pytest.fixture
def listed(folder: Path) -> lnb.Samples:
    """Samples of a folder, with Unicode and blanks in their names."""
    (folder / "été à Zürich").mkdir(exist_ok=True)
    for name in ("été à Zürich/日本 1.jpg", "a b.jpg"):
        Image.new("RGB", (40, 30)).save(folder / name)
    return lnb.list_samples(folder, on_event=quiet)


def test_plain_samples_and_picks_are_exported_to_coco(listed: lnb.Samples, tmp_path: Path) -> None:
    names = ["été à Zürich/日本 1.jpg", "a b.jpg"]
    path = lnb.export(listed, names, "coco", tmp_path / "new folder" / "coco.json", on_event=quiet)
    assert path == tmp_path / "new folder" / "coco.json"
    said = json.loads(path.read_text(encoding="utf-8"))
    assert set(said) == {"images", "annotations", "categories"}
    rows = listed.rows_of(names)
    assert said["images"] == [
        {"id": row + 1, "file_name": name, "width": 40, "height": 30}
        for row, name in zip(rows.tolist(), names, strict=True)
    ]
    everything = lnb.export(listed, None, "coco", on_event=quiet)["images"]
    assert [image["id"] for image in everything] == list(range(1, len(listed) + 1))
    assert [everything[row] for row in rows] == said["images"]


def test_a_selection_is_exported_in_its_order_with_urls_that_open(listed: lnb.Samples) -> None:
    vectors = np.random.default_rng(0).normal(size=(len(listed), 4))
    samples = listed.with_array("embeddings", vectors).with_columns({"quality": np.arange(len(listed)) / 4})
    picks = lnb.select(samples, n_samples=5, on_event=quiet)
    tasks = lnb.export(samples, picks, "label_studio")
    assert [task["data"]["lightlyFileName"] for task in tasks] == picks.filenames
    for task, row in zip(tasks, picks.rows.tolist(), strict=True):
        with urllib.request.urlopen(task["data"]["image"]) as opened:
            assert opened.read() == samples.source.read(task["data"]["lightlyFileName"])  # type: ignore[union-attr]
        assert task["data"]["lightlyMetaInfo"]["metaData"]["quality"] == row / 4
    json.dumps(tasks)


@pytest.mark.parametrize("form", OF_IMAGES)
def test_no_picks_are_an_export_of_nothing(form: str, listed: lnb.Samples, tmp_path: Path) -> None:
    with (
        pytest.warns(DeprecationWarning, match="use 'label_box_v4'")
        if form == "label_box"
        else pytest.MonkeyPatch.context()
    ):
        content = lnb.export(listed, [], form, on_event=quiet)
        path = lnb.export(listed, [], form, tmp_path / "it", on_event=quiet)
    assert "jpg" not in str(content)
    if form == "parquet":
        assert path.read_bytes() == content
        return
    text = path.read_text()
    assert (text == content) if isinstance(content, str) else (json.loads(text) == content)


def test_urls_and_sizes_without_a_source_are_refused_unless_given() -> None:
    table = pd.DataFrame({"lightly.width": [3], "lightly.height": [2]}, index=["a.jpg"])
    samples = lnb.Samples(table)
    with pytest.raises(InputError, match=r"'a\.jpg': there is no source to make a URL from; give url_for="):
        lnb.export(samples, None, "label_box_v4")
    rows = lnb.export(samples, None, "label_box_v4", url_for="https://x/{}".format)
    assert rows[0]["row_data"] == "https://x/a.jpg"
    assert lnb.export(samples, None, "coco", on_event=quiet)["images"][0]["width"] == 3
    with pytest.raises(InputError, match=r"'a\.jpg' cannot be read, as there is no source; list the samples"):
        lnb.export(lnb.Samples(table[[]]), None, "cvat", on_event=quiet)


def test_what_is_misspelt_is_refused_with_what_was_meant(listed: lnb.Samples, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no export format 'coko'; did you mean 'coco'\? there are coco, "):
        lnb.export(listed, None, "coko", tmp_path / "x")
    with pytest.raises(InputError, match="'coco' has no option 'root'; its options: scores"):
        lnb.export(listed, None, "coco", root="/data")
    with pytest.raises(InputError, match="'yolo' has no option 'rot'; its options: root"):
        lnb.export(listed, None, "yolo", rot="/data")
    with pytest.raises(InputError, match=r"picks: give a list of file names, got the text 'a b\.jpg'"):
        lnb.export(listed, "a b.jpg", "yolo")
    with pytest.raises(InputError, match="are not among the 9 samples"):
        lnb.export(listed, ["nowhere.jpg"], "yolo")
    assert not (tmp_path / "x").exists()


def test_a_path_that_cannot_be_written_is_named(listed: lnb.Samples, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(DatasourceError, match=r"file/x\.txt' cannot be written: .*choose another folder"):
        lnb.export(listed, None, "yolo", tmp_path / "file" / "x.txt")
    assert (tmp_path / "file").read_text() == "mine"
