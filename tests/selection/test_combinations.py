"""`select` picks what float64 brute force picks, for every combination of strategies, whatever the row
order.
"""

from unittest.mock import patch

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from lightly_nb.events import silent
from lightly_nb.samples import Samples
from lightly_nb.selection import select
from tests.selection.reference import brute_force, tiny_pools


@st.composite
def problems(draw):
    """Samples with coarse and fine values (so with ties), and a random combination of strategies."""
    n = draw(st.integers(1, 50))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    coarse = draw(st.booleans())
    x = rng.integers(-2, 3, size=(n, 3)).astype(float) if coarse else rng.standard_normal((n, 5))
    x[rng.random(n) < 0.2] = x[0]
    x[~x.any(axis=1), 0] = 1  # rows of zeros are not picked; test_rows_and_names.py has them
    x = (x * 10.0 ** draw(st.integers(-6, 6))).astype(np.float32)
    weight = rng.integers(0, 4, n).astype(float) if coarse else rng.random(n) ** 3
    weight = weight * 10.0 ** draw(st.integers(-6, 6))
    label = rng.choice(["cat", "dog", "fox"], n, p=[0.7, 0.2, 0.1])
    table = pd.DataFrame({"weight": weight, "other": rng.random(n), "label": label})
    table.index = [f"{number:03d}.jpg" for number in range(n)]
    strengths = st.sampled_from([1.0, 1.0, 2.0, 0.3, 1.7, 0.5, -0.5])
    chosen = {
        name: draw(strengths)
        for name in ("balance", "diversity", "facility", "other", "weight")
        if draw(st.booleans())
    } or {"diversity": 1.0}
    named = rng.permutation(n)
    n_named = draw(st.integers(0, min(n - 1, 3)))
    groups = draw(
        st.lists(st.sampled_from(["preselected", "lock", "ban"]), min_size=n_named, max_size=n_named)
    )
    rows = {
        name: [int(r) for r, g in zip(named, groups, strict=False) if g == name]
        for name in ("preselected", "lock", "ban")
    }
    n_free = n - len(rows["preselected"]) - len(rows["ban"])
    k = draw(st.integers(max(1, len(rows["lock"])), n_free))
    return table, x, chosen, rows, k


def asked(chosen):
    entries = {
        "balance": (
            {"type": "METADATA", "key": "label"},
            {"type": "BALANCE", "target": {"dog": 0.5, "fox": 0.3}},
        ),
        "diversity": ({"type": "EMBEDDINGS"}, {"type": "DIVERSITY"}),
        "facility": ({"type": "EMBEDDINGS"}, {"type": "FACILITY_LOCATION"}),
        "weight": ({"type": "METADATA", "key": "weight"}, {"type": "WEIGHTS"}),
        "other": ({"type": "METADATA", "key": "other"}, {"type": "WEIGHTS"}),
    }
    return [
        {"input": entries[name][0], "strategy": entries[name][1] | {"strength": strength}}
        for name, strength in chosen.items()
    ]


def expected(table, x, chosen, rows, k):
    label = table["label"].to_numpy()
    there = set(label)
    shares = {name: share for name, share in {"dog": 0.5, "fox": 0.3}.items() if name in there}
    classes = np.column_stack([*(label == name for name in shares), ~np.isin(label, list(shares))]).astype(
        float
    )
    target = np.array([*shares.values(), 1 - sum(shares.values())])
    return brute_force(
        len(x),
        k,
        vectors=x,
        diversity=chosen.get("diversity"),
        facility=chosen.get("facility"),
        weights=[(chosen[name], table[name].to_numpy()) for name in ("other", "weight") if name in chosen],
        balances=[(chosen["balance"], classes, target / target.sum())] if "balance" in chosen else [],
        **rows,
    )


@given(problems(), st.randoms(use_true_random=False), st.booleans())
@settings(max_examples=400, deadline=None)
def test_picks_equal_brute_force_in_any_row_and_strategy_order(problem, random, tiny):
    table, x, chosen, rows, k = problem
    present = {name: share for name, share in {"dog": 0.5, "fox": 0.3}.items() if name in set(table["label"])}
    if "balance" in chosen and not present:
        return
    strategies = asked(chosen)
    for entry in strategies:
        if entry["strategy"]["type"] == "BALANCE":
            entry["strategy"]["target"] = present
    named = {name: [table.index[row] for row in group] for name, group in rows.items()}
    shuffled = random.sample(range(len(x)), len(x))
    samples = Samples(table.iloc[shuffled], {"embeddings": x[shuffled]})
    mixed = random.sample(strategies, len(strategies))
    with tiny_pools(tiny):
        selection = select(samples, k, strategies=mixed, on_event=silent, **named)
    assert selection.filenames == [table.index[row] for row in expected(table, x, chosen, rows, k)]
    assert [samples.filenames[row] for row in selection.rows] == selection.filenames


@st.composite
def soft_problems(draw):
    """Predictions: probabilities or counts of objects per class, nearly every sample with its own."""
    n = draw(st.integers(2, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    classes = rng.dirichlet([0.3, 0.5, 1.0, 0.2], n)
    if draw(st.booleans()):
        classes = rng.poisson(classes * 5) + rng.integers(0, 2, (n, 1)) * rng.random((n, 4))
    x = rng.standard_normal((n, 4)).astype(np.float32)
    strengths = {name: draw(st.sampled_from([0.3, 1.0, 3.0])) for name in ("balance", "diversity", "weight")}
    return classes.astype(np.float32), x, rng.random(n), strengths, draw(st.integers(1, n))


@given(soft_problems(), st.booleans(), st.sets(st.sampled_from(["diversity", "weight"])))
@settings(max_examples=200, deadline=None)
def test_picks_balanced_by_predictions_equal_brute_force(problem, tiny, others):
    classes, x, weight, strengths, k = problem
    table = pd.DataFrame(
        {"score.cars.margin": weight}, index=[f"{number:03d}.jpg" for number in range(len(x))]
    )
    table.attrs["categories"] = {"cars": ["car", "bus", "bike", "van"]}
    samples = Samples(table, {"embeddings": x, "category_count.cars": classes})
    target = {"van": 0.3, "car": 0.5}
    source = {"type": "PREDICTIONS", "task": "cars", "name": "CATEGORY_COUNT"}
    strategies = [
        {
            "input": source,
            "strategy": {"type": "BALANCE", "target": target, "strength": strengths["balance"]},
        },
    ]
    if "diversity" in others:
        settings_ = {"type": "DIVERSITY", "strength": strengths["diversity"]}
        strategies.append({"input": {"type": "EMBEDDINGS"}, "strategy": settings_})
    if "weight" in others:
        settings_ = {"type": "WEIGHTS", "strength": strengths["weight"]}
        source = {"type": "SCORES", "task": "cars", "score": "margin"}
        strategies.append({"input": source, "strategy": settings_})
    with tiny_pools(tiny), patch("lightly_nb.selection.scores.MOST_GROUPS", 3):
        selection = select(samples, k, strategies=strategies, on_event=silent)
    wide = classes.astype(np.float64)
    named = np.column_stack([wide[:, [3, 0]], wide[:, [1, 2]].sum(axis=1)])
    shares = np.array([0.3, 0.5, 1 - 0.8])
    assert selection.rows.tolist() == brute_force(
        len(x),
        k,
        vectors=x if "diversity" in others else None,
        diversity=strengths["diversity"] if "diversity" in others else None,
        weights=[(strengths["weight"], weight)] if "weight" in others else [],
        balances=[(strengths["balance"], named, shares / shares.sum())],
    )
