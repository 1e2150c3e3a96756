"""`pretag`: a real detector on real photographs, what any detector may return, and going on."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import skimage
from PIL import Image

import lightly_nb as lnb
from lightly_nb.errors import InputError, RunCanceled
from lightly_nb.events import silent
from lightly_nb.pretagging.bounding_boxes import bounding_boxes, write_bounding_boxes, write_examples
from lightly_nb.pretagging.detection import detected
from tests.pretagging.fastestdet import FastestDet

SHIPPED = {"motorcycle_left.png": "motorcycle", "astronaut.png": "person", "chelsea.png": "cat"}


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three photographs that ship with scikit-image; one lies in the file on its side."""
    folder = tmp_path_factory.mktemp("photographs")
    for name in SHIPPED:
        with Image.open(Path(skimage.__file__).parent / "data" / name) as image:
            rgb = image.convert("RGB")
        if name == "chelsea.png":  # EXIF 6: turn it clockwise to see it upright
            exif = Image.Exif()
            exif[0x0112] = 6
            rgb.transpose(Image.Transpose.ROTATE_90).save(folder / "chelsea.jpg", exif=exif, quality=95)
        else:
            rgb.save(folder / name)
    return folder


@pytest.fixture(scope="module")
def pretagged(photographs: Path) -> lnb.Samples:
    return lnb.pretag(lnb.list_samples(photographs, on_event=silent), FastestDet(), on_event=silent)


def test_a_real_detector_finds_what_is_on_the_photographs(pretagged):
    predictions = pretagged.predictions["lightly_pretagging"]
    best = {}
    for row, filename in enumerate(pretagged.filenames):
        first = predictions.singletons(row)[0]
        best[Path(filename).stem] = (predictions.task.categories[first["category_id"]], first["score"])
    assert {name: what for name, (what, _) in best.items()} == {
        Path(name).stem: what for name, what in SHIPPED.items()
    }
    assert min(score for _, score in best.values()) > 0.7
    assert pretagged.arrays["class_distribution.lightly_pretagging"].shape == (3, 80)


def test_bounding_boxes_have_the_documented_form(pretagged, tmp_path):
    write_bounding_boxes(tmp_path / "bounding_boxes.json", pretagged)
    stored = json.loads((tmp_path / "bounding_boxes.json").read_text(encoding="utf-8"))
    assert stored == list(bounding_boxes(pretagged))
    assert [one["filename"] for one in stored] == pretagged.filenames
    for one in stored:
        assert list(one) == ["filename", "boxes", "labels", "scores"]
        assert len(one["boxes"]) == len(one["labels"]) == len(one["scores"])
        boxes = np.array(one["boxes"])
        assert ((boxes >= 0) & (boxes <= 1)).all()
        assert (boxes[:, 2:] > boxes[:, :2]).all()
    cat = next(one for one in stored if one["filename"] == "chelsea.jpg")
    assert cat["labels"][0] == "cat"
    assert cat["boxes"][0] == pytest.approx([0, 0, 0.94, 0.97], abs=0.03)  # upright, although the file is not


def test_examples_show_the_boxes(pretagged, tmp_path):
    (first, second) = write_examples(tmp_path, pretagged, n=2)
    assert [first.name, second.name] == ["00_astronaut.jpg", "01_motorcycle_left.jpg"]
    with (
        Image.open(first) as drawn,
        Image.open(Path(skimage.__file__).parent / "data/astronaut.png") as plain,
    ):
        difference = np.abs(np.asarray(drawn, int) - np.asarray(plain.convert("RGB"), int)).max(axis=2)
    assert 0.01 < (difference > 60).mean() < 0.3


def test_predictions_serve_as_a_task_of_selection(pretagged):
    samples = pretagged.with_array("embeddings", np.eye(3))
    strategy = {
        "input": {"type": "PREDICTIONS", "task": "lightly_pretagging", "name": "CATEGORY_COUNT"},
        "strategy": {"type": "BALANCE", "target": {"cat": 1.0}},
    }
    assert lnb.select(samples, 1, strategies=[strategy], on_event=silent).filenames == ["chelsea.jpg"]


# What a detector may return

IMAGES = [np.zeros((10, 20, 3), np.uint8), np.zeros((8, 8, 3), np.uint8)]
NAMES = ["a.jpg", "b.jpg"]


def found(output: Any, categories: tuple[str, ...] | None = ("cat", "dog"), min_score: float = 0.3) -> Any:
    return detected(lambda images: output, "detector 'mine'", NAMES, IMAGES, categories, min_score)


class Tensor:
    """As torch's, of which a test of the form needs no more."""

    def __init__(self, values: Any):
        self.values = np.asarray(values)

    def detach(self) -> Tensor:
        return self

    def cpu(self) -> np.ndarray:
        return self.values

    def tolist(self) -> Any:
        return self.values.tolist()


@pytest.mark.parametrize(
    "output",
    [
        ([[[1, 2, 5, 6]], []], [[0.9], []], [["dog"], []]),
        ([np.array([[1.0, 2, 5, 6]]), np.zeros((0, 4))], [np.array([0.9]), []], [np.array(["dog"]), []]),
        ((np.array([[1, 2, 5, 6]]), []), ([0.9], []), ([1], [])),
        [
            {"boxes": Tensor([[1, 2, 5, 6]]), "scores": Tensor([0.9]), "labels": Tensor([1])},
            {"boxes": Tensor(np.zeros((0, 4))), "scores": Tensor([]), "labels": []},
        ],
        [[[[1, 2, 5, 6]], []], [[0.9], []], [["dog"], []]],
    ],
    ids=["lists", "arrays", "positions", "dicts of tensors", "a list of the three"],
)
def test_all_usual_forms_are_taken(output):
    one, none = found(output)
    assert one.boxes.tolist() == [[1, 2, 5, 6]]
    assert one.labels == ["dog"]
    assert one.scores.tolist() == [pytest.approx(0.9)]
    assert len(none.boxes) == 0


def test_boxes_are_clipped_sorted_and_thresholded():
    boxes = [[[-5, -5, 30, 30], [1, 1, 3, 3], [19, 2, 25, 3], [21, 0, 30, 5], [2, 2, 3, 3]], []]
    (one, _) = found((boxes, [[0.5, 0.8, 0.3, 0.9, 0.29], []], [["cat"] * 5, []]))
    assert one.boxes.tolist() == [[1, 1, 3, 3], [0, 0, 20, 10], [19, 2, 20, 3]]
    assert one.n_outside == 1


EMPTY: list[Any] = []


@pytest.mark.parametrize(
    ("output", "text"),
    [
        (None, "detector 'mine': it returned a NoneType.*allowed is boxes, scores, labels"),
        (([[]], [[]], [[]]), "1 entries of boxes.*for 2 pictures"),
        (([EMPTY, EMPTY], [EMPTY, EMPTY]), "returned a tuple.*allowed is boxes"),
        ([{"boxes": EMPTY, "scores": EMPTY}, {}], "dicts without 'boxes', 'scores', 'labels'"),
        (([[[1, 2, 3]], []], [[0.9], []], [["cat"], []]), r"for 'a.jpg'.*boxes have the shape \(1, 3\)"),
        (([[[1, 2, 3, 4]], []], [[0.9, 0.8], []], [["cat"], []]), r"scores \(2,\)"),
        (([[[1, 2, 3, 4]], []], [[0.9], []], [["cat", "dog"], []]), "there are 2 labels"),
        (
            ([[], [[3, 3, 1, 5]]], [[], [0.9]], [[], ["cat"]]),
            "for 'b.jpg': a box is .*not x, y, width, height",
        ),
        (([[[1, 2, 3, float("nan")]], []], [[0.9], []], [["cat"], []]), "boxes hold NaN"),
        (([[[1, 2, 3, 4]], []], [[1.5], []], [["cat"], []]), "a score is 1.5; allowed is 0 to 1"),
        (([[[1, 2, 3, 4]], []], [[-0.1], []], [["cat"], []]), "a score is -0.1"),
        (([[["a", 2, 3, 4]], []], [[0.9], []], [["cat"], []]), "boxes are .*no numbers"),
        (
            ([[[1, 2, 3, 4]], []], [[0.9], []], [["cow"], []]),
            r"a label is 'cow'; allowed is one of \['cat', 'dog'\]",
        ),
        (([[[1, 2, 3, 4]], []], [[0.9], []], [[2], []]), "a label is 2; allowed are 0 to 1"),
        (([[[1, 2, 3, 4]], []], [[0.9], []], [[-1], []]), "a label is -1"),
        (([[[1, 2, 3, 4]], []], [[0.9], []], [[True], []]), "a label is True"),
        (([[[1, 2, 3, 4]], []], [[0.9], []], [[None], []]), "a label is None"),
    ],
)
def test_anything_else_is_refused_by_name(output, text):
    with pytest.raises(InputError, match=text):
        found(output)


def test_without_categories_labels_are_names():
    (one, _) = found(([[[1, 2, 3, 4]], []], [[0.9], []], [["cow"], []]), None)
    assert one.labels == ["cow"]
    with pytest.raises(
        InputError, match=r"a label is 1; allowed is a name, or, if the detector has .*'categories'"
    ):
        found(([[[1, 2, 3, 4]], []], [[0.9], []], [[1], []]), None)


# The step


class Counting:
    """Sees a thing in the left half of everything, and counts how often it is asked."""

    def __init__(self, stop_after: int = 10**9):
        self.n, self.stop_after = 0, stop_after

    def __call__(self, images: list[np.ndarray]) -> Any:
        if self.n >= self.stop_after:
            raise RunCanceled("enough")
        self.n += len(images)
        boxes = [[[0, 0, image.shape[1] / 2, image.shape[0]]] for image in images]
        return boxes, [[0.75]] * len(images), [["thing"]] * len(images)


def test_an_interrupted_pretagging_goes_on_where_it_was(photo_folder, tmp_path):
    samples = lnb.list_samples(photo_folder, on_event=silent)
    samples = samples.take(
        [row for row, n in enumerate(samples.filenames) if n not in ("cut.jpg", "empty.png")]
    )
    progress = tmp_path / "progress.jsonl"

    def go(detector: Counting) -> lnb.Samples:
        return lnb.pretag(
            samples, detector, batch_size=2, num_workers=1, progress_path=progress, on_event=silent
        )

    with pytest.raises(RunCanceled):
        go(Counting(stop_after=10))
    with progress.open("a") as stream:
        stream.write('\n{"key": "cut by the end of i')
    rest = Counting()
    resumed = go(rest)
    assert rest.n == len(samples) - 10
    whole = lnb.pretag(samples, Counting(), on_event=silent).predictions["lightly_pretagging"]
    np.testing.assert_array_equal(resumed.predictions["lightly_pretagging"].bbox, whole.bbox)
    (photo_folder / samples.filenames[0]).touch()  # another version of one file
    rows = lnb.list_samples(photo_folder, on_event=silent).rows_of(samples.filenames)
    samples = lnb.list_samples(photo_folder, on_event=silent).take(rows)
    once_more = Counting()
    go(once_more)
    assert once_more.n == 1


def test_a_file_that_cannot_be_decoded_has_no_predictions_and_is_named(photo_folder):
    samples = lnb.list_samples(photo_folder, on_event=silent)
    heard: list[str] = []
    tagged = lnb.pretag(samples, Counting(), on_event=lambda event: heard.append(event.get("message", "")))
    predictions = tagged.predictions["lightly_pretagging"]
    empty = samples.filenames.index("empty.png")
    assert not predictions.is_predicted[empty]
    assert predictions.is_predicted.sum() == len(samples) - 1
    assert any("empty.png is not pretagged: the file is empty" in text for text in heard)
    assert any("1 of 27 samples have no detections" in text for text in heard)
    with pytest.raises(InputError, match=r"none of the 1 samples.*empty.png.*0 bytes"):
        lnb.pretag(samples.take([empty]), Counting(), on_event=silent)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"detector": "fasterrcnn_resnet50"},
            "no 'fasterrcnn_resnet50'; did you mean 'fasterrcnn_resnet50_fpn",
        ),
        ({"detector": 3}, "got a int; allowed are a name .*callable"),
        ({"detector": Counting(), "min_score": 1.5}, "min_score: got 1.5, allowed is 0 to 1"),
        ({"detector": Counting(), "batch_size": 0}, "batch_size: got 0"),
        ({"detector": Counting(), "categories": ["cat"]}, r"a label is 'thing'; allowed is one of \['cat'\]"),
        (
            {"detector": Counting(), "min_score": 0.9},
            "found nothing in 27 samples and does not say its categories",
        ),
    ],
)
def test_what_cannot_be_is_refused(photo_folder, options, text):
    samples = lnb.list_samples(photo_folder, on_event=silent)
    with pytest.raises(InputError, match=text):
        lnb.pretag(samples, **options, on_event=silent)


@pytest.mark.parametrize("categories", [[], ["a", "a"], "cat", ["a", 1], 3])
def test_categories_are_different_names(photo_folder, categories):
    detector = Counting()
    detector.categories = categories
    with pytest.raises(
        InputError, match=r"detector 'Counting': its categories are .*allowed is a list of different"
    ):
        lnb.pretag(lnb.list_samples(photo_folder, on_event=silent), detector, on_event=silent)


def test_the_detector_of_the_page_works_as_written(photographs):
    page = (Path(__file__).parents[2] / "docs" / "pretagging.md").read_text(encoding="utf-8")
    (code,) = [
        block for block in re.findall(r"```python\n(.*?)```", page, re.S) if "def my_detector" in block
    ]
    cat = SimpleNamespace(corners=[0, 0, 9, 9], confidence=0.9, name="cat")
    known: dict[str, Any] = {"my_model": lambda image: [cat] if image.shape[0] < 400 else []}
    exec(code.partition("\nsamples = ")[0], known)
    samples = lnb.pretag(
        lnb.list_samples(photographs, on_event=silent), known["my_detector"], on_event=silent
    )
    assert samples.predictions["lightly_pretagging"].task.categories == ("cat", "dog")
    assert samples.predictions["lightly_pretagging"].n_singletons == 1
