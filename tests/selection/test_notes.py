"""Nothing is dropped in silence: what cannot be done as asked is refused, or named in events and notes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from lightly_nb.errors import SelectionError
from lightly_nb.events import Event, silent
from lightly_nb.samples import Samples
from lightly_nb.selection import Selection, select

DIVERSITY = {"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSITY"}}
TYPICALITY = {"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "TYPICALITY"}}
SIMILARITY = {"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "SIMILARITY"}}
WEIGHTS = {"input": {"type": "METADATA", "key": "w"}, "strategy": {"type": "WEIGHTS"}}
ABOVE = {
    "input": {"type": "METADATA", "key": "w"},
    "strategy": {"type": "THRESHOLD", "threshold": 5, "operation": "BIGGER"},
}


def samples_of(n: int = 12, **columns: Any) -> Samples:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, 4)).astype(np.float32)
    names = [f"{i:02d}.jpg" for i in range(n)]
    return Samples(pd.DataFrame({"w": range(n), **columns}, index=names), {"embeddings": x})


def told(samples: Any, *args: Any, **options: Any) -> tuple[Selection, list[str]]:
    """Return the selection and the warnings that a person sees."""
    events: list[Event] = []
    selection = select(samples, *args, **options, on_event=events.append)
    return selection, [event["message"] for event in events if event.get("level") == "warning"]


def test_more_locks_than_samples_are_refused() -> None:
    samples = samples_of()
    with pytest.raises(SelectionError, match="lock: 5 samples must be selected, but only 2 were asked for"):
        select(samples, 2, lock=samples.filenames[:5], on_event=silent)
    with pytest.raises(SelectionError, match="lock: 3 samples must be selected, but only 1"):
        select(samples, proportion_samples=0.1, lock=samples.filenames[:3], on_event=silent)
    assert len(select(samples, 5, lock=samples.filenames[:5], on_event=silent)) == 5


@pytest.mark.parametrize("strategies", [[DIVERSITY], [TYPICALITY], [DIVERSITY, WEIGHTS]])
def test_embeddings_of_zeros_are_not_picked_and_named(strategies: list[Any]) -> None:
    samples = samples_of()
    x = samples.embeddings.copy()
    x[[0, 5, 7, 9]] = 0
    samples = samples.with_array("embeddings", x)
    selection, warnings = told(samples, 8, strategies=strategies)
    assert not {0, 5, 7, 9} & set(selection.rows.tolist())
    [said] = [text for text in warnings if "zeros" in text]
    assert "4 samples (00.jpg, 05.jpg, 07.jpg and 1 more) with an embedding of zeros" in said
    assert any("are not picked" in entry["note"] for entry in selection.strategies)
    assert "its embedding is all zeros" in selection.explain("05.jpg")
    with pytest.raises(SelectionError, match=r"only 8 can be selected: .* all zeros"):
        select(samples, 9, strategies=strategies, on_event=silent)
    locked = select(samples, 8, strategies=strategies, lock=["05.jpg"], on_event=silent)
    assert locked.filenames[0] == "05.jpg"


def test_embeddings_of_zeros_come_last_for_facility_location() -> None:
    samples = samples_of()
    x = samples.embeddings.copy()
    x[0] = 0
    selection, warnings = told(samples.with_array("embeddings", x), 12)
    assert selection.filenames[-1] == "00.jpg"
    assert "1 sample (00.jpg) with an embedding of zeros, which has no direction, come last" in warnings[0]


def test_a_query_that_no_strategy_reads_is_refused() -> None:
    samples = samples_of()
    with pytest.raises(
        SelectionError, match="query: it is given, but no strategy reads it: FACILITY_LOCATION"
    ):
        select(samples, 2, query=samples.embeddings[:1], on_event=silent)
    query = {"query": samples.embeddings[:1], "other": samples.embeddings[:1]}
    with pytest.raises(SelectionError, match=r"query: no SIMILARITY strategy names \(None, 'other'\)"):
        select(samples, 2, strategies=[SIMILARITY], query=query, on_event=silent)


@pytest.mark.parametrize(
    "query",
    [
        ["03.jpg"],
        lambda s: s.take(["03.jpg"]),
        lambda s: s.embeddings[[3]],
        lambda s: s.embeddings[3:4].astype(np.float64),
        lambda s: torch.tensor(s.embeddings[3:4]),
        lambda s: {"query": ["03.jpg"]},
        lambda s: select(s, 1, lock=["03.jpg"], on_event=silent),
    ],
)
def test_a_query_is_what_people_have_at_hand(query: Any) -> None:
    samples = samples_of()
    query = query(samples) if callable(query) else query
    assert select(samples, 1, strategies=[SIMILARITY], query=query, on_event=silent).filenames == ["03.jpg"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (["/photos/a.jpg"], "query: 1 file name.* not among the 12 samples.*lightly_nb.embed"),
        (np.ones(4), r"query: got one dimension, shape \(4,\); give one row per sample.*x.reshape"),
        ("a.jpg", "query: got the text 'a.jpg'; give samples"),
        (np.ones((1, 3)), "the query has shape .1, 3.*have 4 features"),
        (np.array([["a"]]), "query: got .*give real numbers"),
        (5, "query: got 5"),
        ({3: np.ones((1, 4))}, "the key 3 is neither"),
        ([[1, 2], [1]], "query: row 1 has shape"),
    ],
)
def test_a_query_that_is_none_gets_words(query: Any, said: str) -> None:
    with pytest.raises(SelectionError, match=said):
        select(samples_of(), 2, strategies=[SIMILARITY], query=query, on_event=silent)


def test_unmet_balance_targets_are_named() -> None:
    samples = samples_of(12, sky=["rain"] * 2 + ["sun"] * 10)
    balance = {
        "input": {"type": "METADATA", "key": "sky"},
        "strategy": {"type": "BALANCE", "target": {"rain": 0.5, "sun": 0.5}},
    }
    selection, warnings = told(samples, 8, strategies=[balance])
    note = selection.strategies[0]["note"]
    assert "target not met: " in note
    assert "rain 50 % asked, 25 % got (2 of it among all samples)" in note
    assert any("target not met" in text for text in warnings)
    assert "target not met" in repr(selection)
    assert "target not met" in selection._repr_html_()
    met, warnings = told(samples, 4, strategies=[balance])
    assert not met.strategies[0]["note"]
    assert not warnings
    assert not met.resized(3).strategies[0]["note"], "a third is as near to half as three samples come"


def test_a_target_range_that_is_not_reached_is_named() -> None:
    weights = {**WEIGHTS, "strategy": {"type": "WEIGHTS", "target_range": {"min_sum": 1000}}}
    selection, warnings = told(samples_of(), 3, strategies=[weights])
    assert "below min_sum 1000" in selection.strategies[0]["note"]
    assert any("target_range not met" in text for text in warnings)


def test_a_lock_that_a_filter_would_leave_out_is_named() -> None:
    selection, warnings = told(samples_of(), 3, strategies=[ABOVE, DIVERSITY], lock=["01.jpg"])
    assert selection.filenames[0] == "01.jpg"
    assert any("1 locked sample (01.jpg) would not pass; lock wins" in text for text in warnings)


@pytest.mark.parametrize(
    "strategies", [[ABOVE], [{**DIVERSITY, "strategy": {"type": "DIVERSITY", "strength": 0}}]]
)
def test_picks_that_nothing_steers_are_named(strategies: list[Any]) -> None:
    warnings = told(samples_of(), 2, strategies=strategies)[1]
    assert any("the first by file name are taken" in text for text in warnings)


def test_fewer_picks_than_asked_for_are_told() -> None:
    samples = samples_of()
    x = samples.embeddings / np.linalg.norm(samples.embeddings, axis=1, keepdims=True)
    selection, warnings = told(samples.with_array("embeddings", x), 12, minimum_distance=1.3)
    assert len(selection) < 12
    assert f"{len(selection)} of 12 samples selected; stopped: " in warnings[0]
    assert "stopped: every candidate left is nearer" in repr(selection)


def test_a_selection_is_a_sequence_of_names() -> None:
    samples = samples_of()
    selection = select(samples, 4, on_event=silent)
    assert list(selection) == selection.filenames
    assert [*selection[:2]] == selection.filenames[:2]
    assert selection[0] == selection.filenames[0]
    assert selection[-1] == selection.filenames[-1]
    assert selection.filenames[0] in selection
    assert "no.jpg" not in selection
    assert samples.take(selection).filenames == selection.filenames
    with pytest.raises(IndexError, match="there are 4 picks, 0 to 3"):
        selection[4]
    with pytest.raises(SelectionError, match="give the number of a pick"):
        selection["00.jpg"]  # type: ignore[call-overload]


@pytest.mark.parametrize("form", [lambda s, p: p, lambda s, p: s.take(p), lambda s, p: p.filenames])
@pytest.mark.parametrize("form_of_frame", [False, True])
def test_what_was_selected_counts_as_it_is(form: Any, form_of_frame: bool) -> None:
    samples = samples_of()
    first = select(samples, 3, on_event=silent)
    given = form(samples, first)
    given = samples.table.loc[first.filenames] if form_of_frame else given
    again = select(samples, 3, preselected=given, on_event=silent)
    assert again.preselected == sorted(first.filenames)
    third = select(samples, 2, preselected=again, on_event=silent)
    assert set(third.preselected) == {*again, *first}, "all that counted as selected goes on to count"
    assert set(select(samples, 3, lock=given, on_event=silent)) == set(first)
    assert not set(select(samples, 3, ban=given, on_event=silent)) & set(first)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"preselected": "a.jpg"}, "preselected: give a list of file names, got the text 'a.jpg'"),
        ({"lock": [1, 2]}, "lock: got a list of int; give a list of file names, or a Selection"),
        ({"ban": 3}, "ban: got 3"),
        ({"lock": ["x.jpg"]}, "lock: 1 file name.*not among the 12 samples"),
        ({"seed": "1"}, "seed: got a str"),
        ({"minimum_distance": "far"}, "minimum_distance: got 'far'"),
        ({"strategies": 5}, "strategies: give a list with at least one strategy"),
        ({"strategies": DIVERSITY}, "strategies: give a list"),
        ({"n_samples": "3"}, "n_samples: got '3'"),
        ({"n_samples": 2.0}, "n_samples: got 2.0"),
        ({"n_samples": None, "proportion_samples": "half"}, "proportion_samples: got 'half'"),
        ({"n_samples": None, "proportion_samples": True}, "proportion_samples: got True"),
    ],
)
def test_wrong_types_get_words(options: dict[str, Any], said: str) -> None:
    with pytest.raises(SelectionError, match=said):
        select(samples_of(), on_event=silent, **{"n_samples": 2, **options})
