"""Scores against the figures of lightly 1.3.3 (explicit probabilities), brute force and their properties."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightly_nb.errors import InputError, SelectionError
from lightly_nb.events import silent
from lightly_nb.samples import Predictions, Samples, Task
from lightly_nb.samples.predictions import packed
from lightly_nb.scoring import SCORES, Score, ScoreSettings, score, scores_of
from lightly_nb.selection import select

DETECTIONS = Task("cars", "object-detection", ("a", "b", "c"))
A = [(0.9, [0.9, 0.1, 0]), (0.8, [0.5, 0.4, 0.1]), (0.6, [0.2, 0.2, 0.6])]
C = [(1.0, [0.6, 0.3, 0.1]), (0.5, [0.6, 0.3, 0.1])]


def detection(objectness: float, probabilities: list[float]) -> dict:
    """Return a detection whose score is what detectors say: objectness times the largest probability."""
    best = int(np.argmax(probabilities))
    score = objectness * probabilities[best]
    return {"category_id": best, "score": score, "bbox": [0, 0, 1, 1], "probabilities": probabilities}


def computed(predictions: Predictions, name: str) -> np.ndarray:
    return SCORES[name].compute(predictions, ScoreSettings())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("object_frequency", [1, 0.9, 0.955556]),
        ("objectness_least_confidence", [0.476667, 0, 0.55]),
        ("uncertainty_least_confidence", [0.75, 0, 0.6]),
        ("uncertainty_margin", [0.9, 0, 0.7]),
        ("uncertainty_entropy", [0.864974, 0, 0.817345]),
    ],
)
def test_detections_score_what_the_platform_scored(name: str, expected: list[float]) -> None:
    rows = [[detection(*one) for one in A], [], [detection(*one) for one in C]]
    np.testing.assert_allclose(computed(packed(DETECTIONS, rows), name), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("probabilities", "expected"),
    [([0.7, 0.2, 0.1], [0.45, 0.5, 0.729847]), ([0.5, 0.5, 0], [0.75, 1, 0.63093])],
)
def test_classifications_score_what_the_platform_scored(probabilities: list, expected: list) -> None:
    task = Task("kind", "classification", ("a", "b", "c"))
    one = {"category_id": 0, "score": max(probabilities), "probabilities": probabilities}
    predictions = packed(task, [[one], None])
    for name, value in zip(scores_of("classification"), expected, strict=True):
        np.testing.assert_allclose(computed(predictions, name), [value, 0], atol=1e-6)


def test_segments_are_averaged() -> None:
    for kind in ("semantic-segmentation", "instance-segmentation"):
        rows = [[{**detection(*one), "segmentation": [0, 1]} for one in A]]
        margins = computed(packed(Task("s", kind, ("a", "b", "c")), rows), "uncertainty_margin")
        np.testing.assert_allclose(margins, [(0.2 + 0.9 + 0.6) / 3], atol=1e-6)
    assert "object_frequency" not in scores_of("semantic-segmentation")


TYPES = st.sampled_from(["classification", "object-detection", "semantic-segmentation"])


@st.composite
def tasks(draw: st.DrawFn) -> tuple[Task, list[list[dict]]]:
    """Return a task of few categories and predictions of some samples, with or without probabilities."""
    kind, width = draw(TYPES), draw(st.integers(2, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    task, rows = Task("t", kind, tuple("abcde"[:width])), []
    for _ in range(draw(st.integers(1, 6))):
        many = rng.integers(0, 2 if kind == "classification" else 5)
        found = []
        for _ in range(many):
            vector = rng.dirichlet(np.full(width, rng.choice([0.1, 1.0, 10.0])))
            one = {"category_id": int(vector.argmax()), "score": float(vector.max())}
            if rng.random() < 0.7:
                one["probabilities"] = vector.tolist()
            found.append(one)
        rows.append(found)
    return task, rows


@settings(max_examples=60, deadline=None)
@given(tasks(), st.randoms(use_true_random=False))
def test_scores_are_in_0_to_1_and_know_no_order_of_categories(drawn: tuple, random) -> None:
    task, rows = drawn
    order = list(range(len(task.categories)))
    random.shuffle(order)
    place = {old: new for new, old in enumerate(order)}
    other = Task("t", task.type, tuple(task.categories[old] for old in order))
    moved = [
        [
            {
                **one,
                "category_id": place[one["category_id"]],
                **(
                    {"probabilities": [one["probabilities"][old] for old in order]}
                    if "probabilities" in one
                    else {}
                ),
            }
            for one in found
        ]
        for found in rows
    ]
    for name in scores_of(task.type):
        values = computed(packed(task, rows), name)
        assert values.min() >= 0
        assert values.max() <= 1
        np.testing.assert_allclose(values, computed(packed(other, moved), name), atol=1e-6)


@pytest.mark.parametrize("kind", ["classification", "object-detection", "instance-segmentation"])
@pytest.mark.parametrize("width", [1, 2, 7])
def test_certain_is_0_and_uniform_is_1(kind: str, width: int) -> None:
    task = Task("t", kind, tuple("abcdefg"[:width]))
    uniform = [1 / width] * width if width > 1 else None
    even = {"category_id": 0, "score": 1 / max(2, width), "probabilities": uniform}
    rows = [[{"category_id": 0, "score": 1.0}], [{k: v for k, v in even.items() if v is not None}]]
    alone = [[{"category_id": 0, "score": 1.0}], [{"category_id": 0, "score": 1 / max(2, width)}]]
    for name in ("uncertainty_least_confidence", "uncertainty_margin", "uncertainty_entropy"):
        for several in (rows, alone):
            np.testing.assert_allclose(computed(packed(task, several), name), [0, 1], atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(tasks())
def test_scores_are_what_brute_force_gives(drawn: tuple) -> None:
    task, rows = drawn
    width = len(task.categories)
    for name, of_vector in (
        ("uncertainty_margin", lambda v: 1 - (sorted(v)[-1] - sorted(v)[-2])),
        ("uncertainty_entropy", lambda v: -sum(p * math.log(p) for p in v if p > 0) / math.log(width)),
        ("uncertainty_least_confidence", lambda v: (1 - max(v)) / (1 - 1 / width)),
    ):
        expected = []
        for found in rows:
            values = []
            for one in found:
                rest = (1 - one["score"]) / (width - 1)
                spread = [one["score"] if n == one["category_id"] else rest for n in range(width)]
                values.append(of_vector(one.get("probabilities", spread)))
            mean = task.type == "semantic-segmentation"
            expected.append((sum(values) / len(values) if mean else max(values)) if values else 0)
        np.testing.assert_allclose(computed(packed(task, rows), name), expected, atol=2e-5)


def test_object_frequency_takes_its_settings_and_the_whole_data_set() -> None:
    rows = [[{"category_id": c, "score": 1.0} for c in found] for found in ([0, 0, 0], [0, 1], [2])]
    predictions = packed(DETECTIONS, rows)
    values = SCORES["object_frequency"].compute(predictions, ScoreSettings(0.1, 0.0))
    np.testing.assert_allclose(values, [0.2, 1, 0])
    for same, expected in (([[], []], 0.9), (rows[:1] * 2, 1.0)):
        assert computed(packed(DETECTIONS, same), "object_frequency").tolist() == [expected] * 2


@pytest.fixture
def samples() -> Samples:
    names = [f"{number}.jpg" for number in range(3)]
    rows = [[detection(*one) for one in A], [], [detection(*one) for one in C]]
    return Samples(pd.DataFrame(index=names)).with_predictions(packed(DETECTIONS, rows))


def test_score_adds_columns_that_selection_reads_and_a_home_made_one(samples: Samples) -> None:
    mine = Score(lambda predictions, settings: predictions.counts / 10)
    scored = score(samples, "cars", table={**SCORES, "mine": mine})
    assert scored.table["score.cars.mine"].tolist() == [0.3, 0, 0.2]
    assert len([name for name in scored.table if name.startswith("score.cars.")]) == 6
    weights = {"input": {"type": "SCORES", "task": "cars", "score": "mine"}, "strategy": {"type": "WEIGHTS"}}
    assert select(scored, 2, strategies=[weights], on_event=silent).filenames == ["0.jpg", "2.jpg"]
    assert score(samples, "cars", ["uncertainty_margin"]).table.columns.tolist() == [
        "score.cars.uncertainty_margin"
    ]


def test_selection_works_on_predictions_alone(samples: Samples) -> None:
    source = {"type": "SCORES", "task": "cars", "score": "uncertainty_entropy"}
    weights = {"input": source, "strategy": {"type": "WEIGHTS"}}
    assert select(samples, 1, strategies=[weights], on_event=silent).filenames == ["0.jpg"]
    count = {"type": "PREDICTIONS", "task": "cars", "name": "CATEGORY_COUNT", "categories": ["a", "c"]}
    balance = {"input": count, "strategy": {"type": "BALANCE", "target": {"c": 1.0}}}
    picked = select(samples, 3, strategies=[balance], on_event=silent)
    assert picked.strategies[0]["got"] == pytest.approx({"c": 1 / 5, "other": 4 / 5})
    unknown = {"input": {**count, "categories": ["aa"]}, "strategy": {"type": "BALANCE", "target": {"c": 1}}}
    with pytest.raises(SelectionError, match=r"categories \['aa'\] not known.*Did you mean 'a'"):
        select(samples, 1, strategies=[unknown], on_event=silent)


@pytest.mark.parametrize(
    ("task", "name", "said"),
    [
        (
            "car",
            "uncertainty_margin",
            r"no predictions of task 'car'; they have \['cars'\]\. Did you mean 'cars'",
        ),
        ("cars", "uncertainty_margins", "Did you mean 'uncertainty_margin'"),
    ],
)
def test_what_is_not_there_is_refused_with_the_nearest(
    samples: Samples, task: str, name: str, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        score(samples, task, [name])
    source = {"type": "SCORES", "task": task, "score": name}
    with pytest.raises(SelectionError, match=said):
        select(samples, 1, strategies=[{"input": source, "strategy": {"type": "WEIGHTS"}}], on_event=silent)
    with pytest.raises(InputError, match=r"none at all; call lightly_nb\.add_predictions"):
        score(Samples(pd.DataFrame(index=["a.jpg"])), task)
