"""What `label_budget.py` measured, as factors, a table and a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

N_BOOTSTRAP = 200
SHOWN = (10, 20, 50, 100, 200, 400, 800)
COLORS = {
    "DIVERSITY": "#0072B2",
    "FACILITY_LOCATION × DIVERSITY": "#009E73",
    "k-medoids": "#CC79A7",
    "TypiClust": "#E69F00",
}
GROUPS = {"10-20": (10, 20), "50-100": (50, 100), "200-400": (200, 400), "800": (800,)}


def labels_needed(sizes: np.ndarray, accuracy: np.ndarray, wanted: float) -> float:
    """Return how many random labels reach an accuracy, by a rising curve, linear in the number's logarithm.

    An accuracy below the curve's start needs its first size, one above its end its last: a factor at the
    rim says at most, or at least.

    Examples
    --------
    >>> round(labels_needed(np.array([10, 40]), np.array([0.5, 0.7]), 0.6))
    20
    """
    rising = np.maximum.accumulate(accuracy)
    place = int(np.searchsorted(rising, wanted))
    if place == 0 or place == len(sizes):
        return float(sizes[min(place, len(sizes) - 1)])
    low, high = rising[place - 1], rising[place]
    share = (wanted - low) / (high - low)
    return float(np.exp((1 - share) * np.log(sizes[place - 1]) + share * np.log(sizes[place])))


def factors(records: pd.DataFrame) -> pd.DataFrame:
    """Return the label-saving factor of every set, judge, strategy and group of sizes, with its interval."""
    rows = []
    for (of_set, judge), part in records.groupby(["set", "judge"], sort=False):
        curves = {
            number: pool.pivot(index="seed", columns="k", values="accuracy")
            for number, pool in part[part.strategy == "random"].groupby("pool")
        }
        others = part[part.strategy != "random"]
        for name, own in others.groupby("strategy", sort=False):
            for group, sizes in GROUPS.items():
                chosen = own[own.k.isin(sizes)]
                if len(chosen):
                    value, low, high = _with_interval(chosen, curves)
                    rows.append(
                        {"set": of_set, "judge": judge, "strategy": name, "labels": group}
                        | {"factor": value, "low": low, "high": high}
                    )
    return pd.DataFrame(rows)


def _with_interval(chosen: pd.DataFrame, curves: dict[int, pd.DataFrame]) -> tuple[float, float, float]:
    rng = np.random.default_rng(0)

    def mean_factor(numbers: list[int], resample: bool) -> float:
        logs = []
        for number in numbers:
            table = curves[number]
            rows = rng.integers(0, len(table), len(table)) if resample else slice(None)
            mean = table.to_numpy()[rows].mean(axis=0)
            own = chosen[chosen.pool == number]
            sizes = table.columns.to_numpy()
            logs += [
                np.log(labels_needed(sizes, mean, a) / k) for a, k in zip(own.accuracy, own.k, strict=True)
            ]
        return float(np.exp(np.mean(logs)))

    numbers = sorted(curves)
    draws = [mean_factor(list(rng.choice(numbers, len(numbers))), True) for _ in range(N_BOOTSTRAP)]
    low, high = np.percentile(draws, [5, 95])
    return mean_factor(numbers, False), float(low), float(high)


def overall(table: pd.DataFrame) -> pd.DataFrame:
    """Return the geometric mean of the factors over all sets, by judge and strategy."""
    logs = table.assign(log=np.log(table.factor)).pivot_table(
        index=["judge", "strategy"], columns="labels", values="log", aggfunc="mean", sort=False
    )
    return np.exp(logs).round(2).reset_index()


def accuracies(records: pd.DataFrame) -> pd.DataFrame:
    """Return the accuracy of logistic regression per set, strategy and size; random with 5 to 95 %."""
    judged = records[records.judge == "logistic regression"]
    sizes = sorted(set(judged[judged.strategy != "random"].k))

    def cell(part: pd.DataFrame) -> str:
        if part.empty:
            return ""
        mean = f"{part.accuracy.mean():.3f}"
        if (part.strategy != "random").any():
            return mean
        low, high = np.percentile(part.accuracy, [5, 95])
        return f"{mean} ({low:.3f}-{high:.3f})"

    taken = judged[judged.k.isin(sizes)]
    rows = [
        {"set": of_set, "strategy": name} | {str(k): cell(part[part.k == k]) for k in sizes}
        for (of_set, name), part in taken.groupby(["set", "strategy"], sort=False)
    ]
    return pd.DataFrame(rows)


def draw(records: pd.DataFrame, path: Path) -> None:
    """Draw accuracy against number of labels, a panel a set, random with its 5 to 95 % band."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    judged = records[records.judge == "logistic regression"]
    sets = list(dict.fromkeys(judged["set"]))
    figure, grid = plt.subplots(
        -(-len(sets) // 3), 3, figsize=(11, 3.4 * -(-len(sets) // 3)), squeeze=False, layout="constrained"
    )
    panels = grid.T.ravel() if len(sets) % 2 == 0 and len(grid) == 2 else grid.ravel()
    for panel, of_set in zip(panels, sets, strict=False):
        part = judged[judged["set"] == of_set]
        most = part[part.strategy != "random"].k.max()
        drawn = part[(part.strategy == "random") & (part.k <= most)].groupby("k").accuracy
        low, mean, high = drawn.quantile(0.05), drawn.mean(), drawn.quantile(0.95)
        panel.fill_between(mean.index, low, high, color="0.88")
        panel.plot(mean.index, mean, color="0.45", lw=2, label="random, 5-95 %")
        for name, own in part[part.strategy != "random"].groupby("strategy", sort=False):
            line = own.groupby("k").accuracy.mean()
            style = {"lw": 2.5, "color": "#D55E00"} if name == "default" else {"lw": 1, "color": COLORS[name]}
            panel.plot(line.index, line, marker="o", markersize=3, label=name, **style)
        panel.set(xscale="log", title=of_set, xlabel="labels")
        panel.set_xticks(SHOWN, [str(k) for k in SHOWN])
        panel.minorticks_off()
    for panel in grid[:, 0]:
        panel.set_ylabel("accuracy")
    panels[0].legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def markdown(table: pd.DataFrame) -> str:
    """Return a table as Markdown."""
    rows = [list(table.columns), ["---"] * table.shape[1], *table.fillna("").to_numpy().tolist()]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows)


def write_report(records: pd.DataFrame, folder: Path) -> None:
    """Write label_budget.md, .json and .png."""
    table = factors(records)
    table.round(3).to_json(folder / "label_budget.json", orient="records", indent=1)
    draw(records, folder / "label_budget.png")
    text = table.assign(
        cell=[
            f"{f:.2f} ({a:.2f}-{b:.2f})" for f, a, b in zip(table.factor, table.low, table.high, strict=True)
        ]
    )
    wide = text.pivot_table(
        index=["set", "judge", "strategy"], columns="labels", values="cell", aggfunc="first", sort=False
    ).reset_index()
    parts = [
        "# Labels saved",
        "Made by `label_budget.py`, which says how. Factor: labels that random draws need for the same "
        "accuracy / labels used; in brackets 5-95 % of bootstrap draws over seeds and pools.",
        "All sets together, geometric mean:",
        markdown(overall(table)),
        markdown(wide),
        "## Accuracy by logistic regression (balanced accuracy on long tails)",
        "Mean over pools; random with 5-95 % of its draws.",
        markdown(accuracies(records)),
        "![Accuracy against number of labels](label_budget.png)",
    ]
    (folder / "label_budget.md").write_text("\n\n".join(parts) + "\n")
