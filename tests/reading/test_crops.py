"""Crops: boxes of predictions as samples, against cutting each out of its file with Pillow."""

from __future__ import annotations

import io
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import lightly_nb as lnb
from lightly_nb.errors import InputError
from lightly_nb.events import silent
from lightly_nb.pictures import CorruptImageError
from lightly_nb.reading import crops as reading_crops
from lightly_nb.reading.crops import BOX, CropSource, grown
from lightly_nb.samples import Samples, Task
from lightly_nb.samples.predictions import packed
from tests.photos import photographs

THINGS = Task("things", "object-detection", ("cat", "dog"))


def box(x: float, y: float, width: float, height: float, category: int = 0, score: float = 0.5) -> dict:
    return {"category_id": category, "score": score, "bbox": [x, y, width, height]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three photographs (one sideways in its file), a copy of the first, and a cut file."""
    for number, picture in enumerate(photographs()[:2]):
        Image.fromarray(picture[:200, :300]).save(tmp_path / f"{number}.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "sub").mkdir()
    Image.fromarray(np.rot90(photographs()[2][:200, :300])).save(tmp_path / "sub" / "2.jpg", exif=exif)
    (tmp_path / "copy.png").write_bytes((tmp_path / "0.png").read_bytes())
    (tmp_path / "cut.png").write_bytes((tmp_path / "0.png").read_bytes()[:5000])
    return tmp_path


def images(folder: Path) -> Samples:
    samples = lnb.list_samples(folder, on_event=silent)
    boxes = {
        "0.png": [box(10, 20, 50, 40), box(-20, -20, 60, 60, 1, 0.9), box(10, 20, 50, 40, 1)],
        "1.png": [box(100.2, 50.7, 30.1, 30.9)],
        "copy.png": [box(10, 20, 50, 40), box(-20, -20, 60, 60, 1, 0.9), box(10, 20, 50, 40, 1)],
        "cut.png": [box(0, 0, 10, 10)],
        "sub/2.jpg": [box(250, 150, 100, 100, 1), box(400, 0, 10, 10), box(5, 5, 0, 9)],
    }
    return samples.with_predictions(packed(THINGS, [boxes[name] for name in samples.filenames]))


def upright(path: Path) -> Image.Image:
    from PIL import ImageOps

    with Image.open(path) as image:
        return ImageOps.exif_transpose(image).convert("RGB")


def test_crops_are_what_pillow_cuts_out(folder):
    found = lnb.crops(images(folder), "things", padding=0.1)
    assert found.filenames[:4] == ["0-0-png.png", "0-1-png.png", "0-2-png.png", "1-0-png.png"]
    assert found.filenames[-3:] == ["sub/2-0-jpg.png", "sub/2-1-jpg.png", "sub/2-2-jpg.png"]
    for name, expected in {
        "0-0-png.png": (5, 16, 65, 64),
        "0-1-png.png": (0, 0, 46, 46),
        "1-0-png.png": (97, 47, 134, 85),
        "sub/2-0-jpg.png": (240, 140, 300, 200),
    }.items():
        image = upright(folder / str(found.table.loc[name, "crop.image"]))
        with Image.open(io.BytesIO(found.source.read(name))) as crop:
            np.testing.assert_array_equal(np.asarray(crop), np.asarray(image.crop(expected)))


def test_crops_carry_what_is_known_of_object_and_image(folder):
    whole = images(folder).with_columns({"town": list("abcde"), "lightly.width": 300, "score.things.x": 0.5})
    rain = [{"category_id": 1, "score": 0.75}]
    weather = packed(Task("weather", "classification", ("sun", "rain")), [rain] * 5)
    found = lnb.crops(whole.with_predictions(weather), "things")
    assert found.table["crop.category"].tolist()[:4] == ["cat", "dog", "dog", "cat"]
    assert found.table["crop.score"].tolist()[1] == pytest.approx(0.9)
    assert found.table["town"].tolist() == ["a"] * 3 + ["b"] + ["c"] * 3 + ["d"] + ["e"] * 3
    assert not {"lightly.width", "score.things.x", "version"} & set(found.table)
    assert found.predictions["things"].counts.tolist() == [1] * len(found)
    assert found.arrays["class_distribution.things"][1] == pytest.approx([0.1, 0.9])
    assert found.arrays["class_distribution.weather"].tolist() == [[0.25, 0.75]] * len(found)


def test_embedding_crops_decodes_each_image_once_and_checks_duplicates_by_the_image(folder, monkeypatch):
    decoded: list[str] = []
    real = reading_crops.decode_rgb
    monkeypatch.setattr(
        reading_crops,
        "decode_rgb",
        lambda content, **k: (decoded.append(k["filename"]), real(content, **k))[1],
    )
    found = lnb.crops(images(folder), "things")
    options = {"input_size": 32, "dimensions": 8, "check_embeddings": False, "on_event": silent}
    embedded = lnb.embed(found, precision="32", num_workers=2, **options)
    assert sorted(decoded) == ["0.png", "1.png", "copy.png", "cut.png", "sub/2.jpg"]
    assert embedded.filenames == [*(f"0-{n}-png.png" for n in range(3)), "1-0-png.png", "sub/2-0-jpg.png"]
    left_out = embedded.quarantine.set_index("filename")
    assert left_out.loc["copy-1-png.png", "duplicate_of"] == "0-1-png.png"
    assert "truncated" in left_out.loc["cut-0-png.png", "reason"]
    for name in ("sub/2-1-jpg.png", "sub/2-2-jpg.png"):
        assert "has no area within 'sub/2.jpg' (300 × 200 pixels)" in left_out.loc[name, "reason"]
    assert len(embedded) + len(left_out) == len(found)
    with Image.open(io.BytesIO(embedded.thumbnail(3))) as thumbnail:
        assert thumbnail.size == (31, 32)
    assert embedded.table["lightly.width"].tolist()[0] == 50


def test_an_interrupted_embedding_of_crops_goes_on(folder, tmp_path, monkeypatch):
    found = lnb.crops(images(folder), "things")
    options = {"input_size": 32, "dimensions": 8, "check_embeddings": False, "on_event": silent}
    chunks = tmp_path / "chunks"
    sound = found.take([0, 1, 2, 3])
    first = lnb.embed(sound, precision="32", chunks_dir=chunks, **options)
    monkeypatch.setattr(reading_crops, "decode_rgb", None)  # nothing is decoded again
    again = lnb.embed(
        replace(sound, source=CropSource(sound.source.source, sound.table)),
        precision="32",
        chunks_dir=chunks,
        **options,
    )
    np.testing.assert_array_equal(first.embeddings, again.embeddings)


def test_decoded_images_are_kept_until_their_last_crop_and_no_longer(folder, monkeypatch):
    source = lnb.crops(images(folder), "things").source
    for name in ("0-0-png.png", "copy-0-png.png", "0-1-png.png", "1-0-png.png"):
        source.look(name)
    assert [name for name, _ in source._decoded] == ["copy.png", "0.png", "1.png"]
    for name in ("0-2-png.png", "copy-1-png.png", "copy-2-png.png", "sub/2-0-jpg.png"):
        source.look(name)
    assert [name for name, _ in source._decoded] == ["0.png", "copy.png", "sub/2.jpg"]
    monkeypatch.setattr(reading_crops, "BYTES_KEPT", 1)
    with pytest.raises(CorruptImageError, match="truncated"):
        source.look("cut-0-png.png")
    assert len(source._decoded) == 1


def test_a_source_of_crops_survives_a_pickle(folder):
    found = lnb.crops(images(folder), "things")
    copied = pickle.loads(pickle.dumps(found))
    assert copied.source.read("1-0-png.png") == found.source.read("1-0-png.png")
    with pytest.raises(InputError, match=r"there is no crop 'x\.png'"):
        found.source.read("x.png")


@pytest.mark.parametrize(
    ("task", "padding", "text"),
    [
        ("thing", 0.0, r"of task 'thing'; they have \['things', 'weather'\]. Did you mean 'things'"),
        ("weather", 0.0, "'weather' is one of classification and has no boxes"),
        ("things", -0.1, "padding is -0.1, allowed"),
        ("things", float("nan"), "padding is nan"),
        ("things", True, "padding is True"),
        ("none", 0.0, "task 'none' has found nothing"),
    ],
)
def test_what_cannot_be_cut_out_is_refused(folder, task, padding, text):
    whole = images(folder)
    weather = packed(Task("weather", "classification", ("sun",)), [[{"category_id": 0, "score": 0.75}]] * 5)
    none = packed(Task("none", "object-detection", ("sun",)), [[]] * 5)
    if task == "none":
        whole = whole.with_predictions(none)
    with pytest.raises(InputError, match=text):
        lnb.crops(whole.with_predictions(weather), task, padding=padding)
    found = lnb.crops(whole, "things")
    with pytest.raises(InputError, match="are crops already"):
        lnb.crops(found, "things")


@given(
    st.lists(st.tuples(*[st.floats(-500, 500)] * 2, *[st.floats(0, 500)] * 2), min_size=1, max_size=20),
    st.floats(0, 3),
)
def test_a_grown_box_holds_the_box_and_its_padding_and_no_more(boxes, padding):
    bbox = np.array(boxes)
    result = grown(bbox, padding)
    start, end = bbox[:, :2] - padding * bbox[:, 2:], bbox[:, :2] + (1 + padding) * bbox[:, 2:]
    inside = bbox[:, 2:] > 0
    assert (np.abs(result[:, :2] - start) <= 1.001).all()
    assert (result[:, :2] <= start + 1e-3).all()
    assert (np.abs(result[:, 2:] - end) <= 1.001)[inside].all()
    assert (result[:, 2:] >= end - 1e-3)[inside].all()
    assert (result[:, 2:] == result[:, :2])[~inside].all()


def test_a_hundred_thousand_crops_are_a_table_and_no_file():
    n_images, each = 20_000, 5
    names = [f"{number:05d}.jpg" for number in range(n_images)]
    n = n_images * each
    from lightly_nb.samples import Predictions

    predictions = Predictions(
        THINGS,
        np.arange(0, n + 1, each),
        np.zeros(n, np.int32),
        np.full(n, 0.5, np.float32),
        np.tile(np.float32([1, 2, 30, 40]), (n, 1)),
        is_predicted=np.ones(n_images, bool),
    )
    samples = Samples(pd.DataFrame(index=names), source={}).with_predictions(predictions)  # type: ignore[arg-type]
    found = lnb.crops(samples, "things")
    assert len(found) == n
    assert isinstance(found.source, CropSource)
    assert found.table[list(BOX)].to_numpy().tolist()[-1] == [1, 2, 31, 42]
