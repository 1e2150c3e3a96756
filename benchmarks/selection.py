"""Selection against `lightly-mundig`: user-CPU seconds, one BLAS thread, interleaved in one process,
medians of 3.

    python benchmarks/selection.py [compare|large|growth]      (default: all three; writes
    benchmarks/selection.md and .png)

`lightly-mundig` (pip install lightly-mundig) is needed for the comparison only; its ingest of the data is
counted, as ours is. Each peer run is followed by one of ours, so that a busy machine slows both.
"""

# ruff: noqa: E402 - the number of threads must be set before numpy is imported
from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ[variable] = "1"

import json
import platform
import resource
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from statistics import median

import faiss
import numpy as np
import pandas as pd
from selection_data import mixture, photographs, sphere

from lightly_nb.events import silent
from lightly_nb.samples import Samples
from lightly_nb.selection import farthest_first, select
from lightly_nb.selection.strategies.typicality import typicality

faiss.omp_set_num_threads(1)
HERE = Path(__file__).parent
RESULTS = HERE / "selection.json"
REPEATS = 3
DATA = {"mixture": mixture, "photographs": photographs, "sphere": sphere}
DIVERSITY = {"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSITY"}}
WEIGHTS = {"input": {"type": "METADATA", "key": "weight"}, "strategy": {"type": "WEIGHTS"}}
BALANCE = {
    "input": {"type": "METADATA", "key": "label"},
    "strategy": {"type": "BALANCE", "distribution": "UNIFORM"},
}


def user_seconds(function: Callable[[], object]) -> float:
    """Return the user-CPU seconds of this process that `function` took."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    function()
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime - before


def versus(
    name: str, aim: str, theirs: Callable[[], object], ours: Callable[[], object]
) -> dict[str, object]:
    """Return one row of the comparison."""
    ours()
    pairs = [(user_seconds(theirs), user_seconds(ours)) for _ in range(REPEATS)]
    row = {
        "what": name,
        "aim": aim,
        "peer_s": median(pair[0] for pair in pairs),
        "ours_s": median(pair[1] for pair in pairs),
        "ratio": median(pair[0] / pair[1] for pair in pairs),
    }
    print(row, flush=True)
    return row


def peer(x: np.ndarray, k: int, weight: np.ndarray | None = None, label: np.ndarray | None = None) -> object:
    """Run the same selection in lightly-mundig, with the array handed over in the fastest form that it
    takes.
    """
    from lightly_mundig import Selection

    selection = Selection()
    selection.add_diversifying_strategy(x, 1.0)
    if weight is not None:
        selection.add_weighting_strategy(weight, 1.0)
    if label is not None:
        selection.add_balancing_strategy(np.eye(10, dtype=np.float32)[label], [0.1] * 10, 1.0)
    return selection.run_selection([], len(x), k)


def compare() -> list[dict[str, object]]:
    """Return the rows against the peer."""
    from lightly_mundig import Typicality

    rows = []
    cases = [
        ("mixture", 10_000, 128, 100, "≥ 6"),
        ("mixture", 10_000, 128, 1_000, "≥ 6"),
        ("mixture", 100_000, 128, 1_000, "≥ 12"),
        ("photographs", 100_000, 128, 1_000, "≥ 12"),
        ("mixture", 100_000, 32, 1_000, "≥ 9"),
        ("mixture", 100_000, 512, 1_000, "≥ 14"),
        ("mixture", 100_000, 128, 10_000, "≥ 25"),
        ("photographs", 100_000, 128, 10_000, "≥ 20"),
        ("sphere", 100_000, 128, 10_000, "≥ 12"),
    ]
    for kind, n, d, k, aim in cases:
        x = DATA[kind](n, d)
        name = f"DIVERSITY, {kind}, N={n:,}, d={d}, k={k:,}"
        rows.append(versus(name, aim, lambda x=x, k=k: peer(x, k), lambda x=x, k=k: farthest_first(x, k)))
    rows += combinations()
    x = mixture(50_000, 128)
    theirs = lambda: Typicality(x).calculate_typicality(20)  # noqa: E731
    rows.append(
        versus("TYPICALITY, mixture, N=50,000, d=128, K=20", "≥ 20", theirs, lambda: typicality(x, 20))
    )
    return rows


def combinations() -> list[dict[str, object]]:
    """Return the rows of combined strategies, ours through `select` with names and table."""
    n, k = 100_000, 1_000
    x, rng = mixture(n, 128), np.random.default_rng(1)
    weight, label = rng.random(n), rng.choice(10, n, p=np.arange(1, 11) / 55)
    table = pd.DataFrame(
        {"weight": weight, "label": label.astype(str)}, index=[f"{i:06d}.jpg" for i in range(n)]
    )
    samples = Samples(table, {"embeddings": x})

    def ours(*strategies: dict[str, object]) -> object:
        return select(samples, k, strategies=list(strategies), on_event=silent)

    return [
        versus(
            "DIVERSITY + WEIGHTS, mixture, N=100,000, d=128, k=1,000",
            "≥ 8",
            lambda: peer(x, k, weight),
            lambda: ours(DIVERSITY, WEIGHTS),
        ),
        versus(
            "DIVERSITY + WEIGHTS + BALANCE (10 classes), same",
            "≥ 4",
            lambda: peer(x, k, weight, label),
            lambda: ours(DIVERSITY, WEIGHTS, BALANCE),
        ),
    ]


def once(kind: str, n: int, d: int, k: int) -> None:
    """Print one run's user-CPU seconds and its peak memory beyond the float32 array, in MB, as JSON."""
    x = DATA[kind](n, d)
    farthest_first(x[:2000].copy(), 50)
    Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    seconds = user_seconds(lambda: farthest_first(x, k))
    print(
        json.dumps(
            {"kind": kind, "n": n, "d": d, "k": k, "s": seconds, "mb": (_status("VmHWM") - before) / 1024}
        )
    )


def _status(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1])


def apart(kind: str, n: int, d: int, k: int, repeats: int = REPEATS) -> dict[str, object]:
    """Return the medians of `once` in processes of their own."""
    command = [sys.executable, __file__, "once", kind, *map(str, (n, d, k))]
    runs = [json.loads(subprocess.check_output(command)) for _ in range(repeats)]
    row = {**runs[0], "s": median(run["s"] for run in runs), "mb": median(run["mb"] for run in runs)}
    print(row, flush=True)
    return row


def large() -> list[dict[str, object]]:
    """Return runs too long for the peer, with their memory."""
    cases = [(100_000, 10_000), (500_000, 5_000), (500_000, 50_000), (1_000_000, 10_000)]
    return [apart("mixture", n, 128, k) for n, k in cases]


def growth() -> list[dict[str, object]]:
    """Return the grid of N and k."""
    return [
        apart("mixture", n, 128, k, repeats=1 if n * k >= 10**9 else REPEATS)
        for n in (10_000, 100_000, 1_000_000)
        for k in (100, 1_000, 10_000)
        if k < n
    ]


def write(found: dict[str, list[dict[str, object]]]) -> None:
    """Write the tables and the plot."""
    machine = f"{_cpu()}, {os.cpu_count()} cores shared with other work, Python {platform.python_version()}, "
    lines = [
        "# Selection: speed and memory",
        "",
        f"{date.today()}, {machine}numpy {np.__version__}, faiss {faiss.__version__}. User-CPU seconds, "
        f"one BLAS thread, "
        "medians of 3, runs of the two engines interleaved; `lightly-mundig` 0.1.16 with its ingest. "
        "`python benchmarks/selection.py`",
        "",
        "Data: a mixture of 100 Gaussians with noise 0.6 of their spread; cosine coefficients of random "
        "crops of "
        "the 28 pictures that scikit-image and scikit-learn ship; uniform directions (the worst case). "
        "All of unit length.",
        "",
        "| | lightly-mundig s | ours s | times faster | aim |",
        "|---|---|---|---|---|",
        *(
            f"| {r['what']} | {r['peer_s']:.3g} | {r['ours_s']:.3g} | **{r['ratio']:.1f}** | {r['aim']} |"
            for r in found["compare"]
        ),
        "",
        "| mixture, d=128 | seconds | MB beyond the float32 array |",
        "|---|---|---|",
        *(f"| N={r['n']:,}, k={r['k']:,} | {r['s']:.3g} | {r['mb']:.0f} |" for r in found["large"]),
        "",
        "Aims: N=500,000: k=5,000 below 3 s, k=50,000 below 20 s; N=100,000: at most 32 MB.",
        "",
        "| seconds | " + " | ".join(f"k={k:,}" for k in (100, 1_000, 10_000)) + " |",
        "|---|---|---|---|",
    ]
    for n in (10_000, 100_000, 1_000_000):
        cells = {r["k"]: f"{r['s']:.3g}" for r in found["growth"] if r["n"] == n}
        lines.append(f"| N={n:,} | " + " | ".join(cells.get(k, "–") for k in (100, 1_000, 10_000)) + " |")
    lines += ["", "![time against N and k](selection.png)", ""]
    (HERE / "selection.md").write_text("\n".join(lines))
    plot(found["growth"])


def plot(rows: list[dict[str, object]]) -> None:
    """Draw the growth table."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for n in (10_000, 100_000, 1_000_000):
        points = [(r["k"], r["s"]) for r in rows if r["n"] == n]
        axes.loglog(*zip(*points, strict=True), marker="o", label=f"N={n:,}")
    axes.set(
        xlabel="samples selected", ylabel="user-CPU seconds, one thread", title="DIVERSITY, mixture, d=128"
    )
    axes.legend()
    figure.savefig(HERE / "selection.png", dpi=110)


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def main(arguments: list[str]) -> None:
    """Run what is asked for, keep it beside the script, and write the tables of all that is there."""
    if arguments[:1] == ["once"]:
        once(arguments[1], *map(int, arguments[2:5]))
        return
    parts = {"compare": compare, "large": large, "growth": growth}
    found = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    for name in arguments or list(parts):
        found[name] = parts[name]()
        RESULTS.write_text(json.dumps(found, indent=1, ensure_ascii=False))
    if set(parts) <= set(found):
        write(found)


if __name__ == "__main__":
    main(sys.argv[1:])
