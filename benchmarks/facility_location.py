"""Facility location beside other implementations, and in levels beside exact greedy: value, time, memory.

    python benchmarks/facility_location.py [peers|large]      (default: both; writes facility_location.md)

The peers are no dependency of the project. Install them somewhere else and say where:

    python -m venv /tmp/peers && /tmp/peers/bin/pip install apricot-select submodlib-py scikit-learn
    PEERS=/tmp/peers/bin/python python benchmarks/facility_location.py

Every measurement is a process of its own on one thread (`large`: on all); its CPU seconds count from when the
vectors are there. F is always computed by the same float64 code.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RESULTS = HERE / "facility_location.json"
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
PEERS = os.environ.get("PEERS", "/tmp/peers/bin/python")
SIZES = ((5_000, 256, 200), (20_000, 256, 200))
LARGE = ((20_000, 256, (10, 100, 1_000)), (100_000, 256, (10, 100, 1_000, 10_000)))
LARGE += ((1_000_000, 128, (10, 100, 1_000, 10_000)),)

MEASURED = """
import json, resource, sys, time
import numpy as np
x = np.load(sys.argv[1])
n_picks = int(sys.argv[2])
{imports}
clock, wall = time.process_time(), time.perf_counter()
{work}
print(json.dumps(dict(
    rows=[int(row) for row in rows], cpu=time.process_time() - clock, wall=time.perf_counter() - wall,
    megabytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3, **more)))
"""
OURS = """
import pandas as pd
from lightly_nb.events import silent
from lightly_nb.samples import Samples
from lightly_nb.selection import select
from lightly_nb.selection.strategies import facility_location
samples = Samples(pd.DataFrame(index=[f"{row:08d}.jpg" for row in range(len(x))]), {"embeddings": x})
more = {}
"""
OURS_WORK = """
selection = select(samples, n_picks, on_event=silent)
rows, more = selection.rows, selection.strategies[0]["got"]
"""
KERNEL = "np.maximum(x @ x.T, 0).astype(np.float64)"
CODE = {
    "ours": (OURS, OURS_WORK),
    "ours, in levels": (OURS + "facility_location.EXACT_ROWS = 0\n", OURS_WORK),
    "ours, exact": (OURS + "facility_location.EXACT_ROWS = 10**9\n", OURS_WORK),
    "apricot-select, default (two-stage)": (
        "from apricot import FacilityLocationSelection\nmore = {}\n"
        "FacilityLocationSelection(5, metric='precomputed').fit(np.eye(20))",
        f"rows = FacilityLocationSelection(n_picks, metric='precomputed').fit({KERNEL}).ranking",
    ),
    "apricot-select, lazy": (
        "from apricot import FacilityLocationSelection\nmore = {}\n"
        "FacilityLocationSelection(5, metric='precomputed', optimizer='lazy').fit(np.eye(20))",
        "rows = FacilityLocationSelection(n_picks, metric='precomputed', optimizer='lazy')"
        f".fit({KERNEL}).ranking",
    ),
    "submodlib, lazy": (
        "from submodlib import FacilityLocationFunction\nmore = {}",
        f"kernel = {KERNEL}.astype(np.float32)\n"
        "found = FacilityLocationFunction(len(x), 'dense', sijs=kernel, separate_rep=False)"
        ".maximize(n_picks, optimizer='LazyGreedy', show_progress=False)\nrows = [row for row, _ in found]",
    ),
}


def vectors(n: int, d: int, folder: Path) -> Path:
    """Save n unit vectors around 300 centres of uneven size and falling spectrum; return the file.

    So do embeddings of photographs look: some groups large, most directions small, groups that overlap.
    """
    import numpy as np

    path = folder / f"{n}_{d}.npy"
    if path.is_file():
        return path
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.full(300, 0.5))
    centers = (1.2 * rng.standard_normal((300, d)) * np.linspace(2, 0.2, d)).astype(np.float32)
    x = centers[rng.choice(300, n, p=shares)]
    spread = np.linspace(1.5, 0.3, d).astype(np.float32)
    for start in range(0, n, 50_000):
        part = x[start : start + 50_000]
        part += rng.standard_normal(part.shape, dtype=np.float32) * spread
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    np.save(path, x)
    return path


def measured(name: str, path: Path, n_picks: int, *, one_thread: bool = True) -> dict[str, Any]:
    """Run one selection in a process of its own; say what went wrong if it did."""
    python = PEERS if name.startswith(("apricot", "submodlib")) else sys.executable
    imports, work = CODE[name]
    environment = {**os.environ, **(ONE_THREAD if one_thread else {})}
    command = [python, "-c", MEASURED.format(imports=imports, work=work), str(path), str(n_picks)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        return {"name": name, "error": (done.stderr.strip().splitlines() or ["killed"])[-1][:200]}
    return {"name": name, **json.loads(done.stdout.strip().splitlines()[-1])}


def similarity(path: Path, rows: list[int]) -> float:
    """Return the mean cosine, at least 0, of up to 20,000 samples to the nearest of `rows`, in float64."""
    import numpy as np

    x = np.load(path, mmap_mode="r")
    judges = np.asarray(x[:: max(1, len(x) // 20_000)], dtype=np.float64)
    best = np.zeros(len(judges))
    for start in range(0, len(rows), 256):
        found = judges @ np.asarray(x[rows[start : start + 256]], dtype=np.float64).T
        np.maximum(best, found.max(axis=1), out=best)
    return float(best.mean())


def peers(folder: Path) -> list[dict[str, Any]]:
    """Compare with others' facility location on the same kernel."""
    results = []
    for n, d, n_picks in SIZES:
        path = vectors(n, d, folder)
        for name in ("ours, exact", "ours, in levels", *(n for n in CODE if n[0] in "as")):
            results.append(told(path, n, d, n_picks, measured(name, path, n_picks)))
    return results


def large(folder: Path) -> list[dict[str, Any]]:
    """Measure what `select` does at sizes at which all pairs are too many, beside random picks."""
    import numpy as np

    results = []
    for n, d, sizes in LARGE:
        path = vectors(n, d, folder)
        for n_picks in sizes:
            names = ("ours, exact", "ours, in levels") if n == LARGE[0][0] else ("ours",)
            results += [
                told(path, n, d, n_picks, measured(name, path, n_picks, one_thread=False)) for name in names
            ]
            rows = np.random.default_rng(0).permutation(n)[:n_picks].tolist()
            results.append(told(path, n, d, n_picks, {"name": "random", "rows": rows}))
    return results


def told(path: Path, n: int, d: int, n_picks: int, result: dict[str, Any]) -> dict[str, Any]:
    """Return what is kept of a measurement, and print it."""
    rows = result.pop("rows", None)
    kept = {"n": n, "d": d, "k": n_picks, **result}
    if rows is not None:
        kept["similarity"] = similarity(path, rows)
    print(json.dumps(kept), flush=True)
    return kept


def table(results: list[dict[str, Any]]) -> str:
    """Return the results as Markdown."""
    lines = ["| samples × numbers, picks | | mean similarity | CPU s | wall s | MB | share of optimum |"]
    lines += ["|---|---|---|---|---|---|---|"]
    for one in results:
        share = one.get("proven_share_of_optimum"), one.get("estimated_share_of_optimum")
        shown = f"≥ {share[0]:.3f}" if share[0] else f"≥ {share[1]:.3f} (estimated)" if share[1] else ""
        size = f"{one['n']:,} × {one['d']}, {one['k']:,}"
        if "error" in one:
            lines.append(f"| {size} | {one['name']} | failed: {one['error']} | | | | |")
            continue
        took = [f"{one[key]:,.4g}" if key in one else "" for key in ("cpu", "wall", "megabytes")]
        lines.append(f"| {size} | {one['name']} | {one['similarity']:.4f} | {' | '.join(took)} | {shown} |")
    return "\n".join(lines)


def written(found: dict[str, list[dict[str, Any]]]) -> None:
    """Write facility_location.md."""
    intro = (
        f"{date.today()}, {platform.processor() or platform.machine()}, {os.cpu_count()} cores shared with "
        "other work (wall times are what they happened to be), "
        f"Python {platform.python_version()}. `python benchmarks/facility_location.py`"
    )
    parts = ["# Facility location: value, time, memory", intro, vectors.__doc__ or ""]
    parts += ["MB are the highest of the process, with Python, its packages and the vectors."]
    if "peers" in found:
        parts += ["## Beside other implementations, one thread", table(found["peers"])]
        parts += [
            "The peers' time includes the matrix of all similarities, which they need and ours computes too."
        ]
    if "large" in found:
        parts += ["## Many samples, all threads", table(found["large"])]
    (HERE / "facility_location.md").write_text("\n\n".join(part.strip() for part in parts) + "\n")


def main(names: list[str]) -> None:
    """Measure, keep the results beside those of before, and write the page."""
    parts: dict[str, Callable[[Path], list[dict[str, Any]]]] = {"peers": peers, "large": large}
    folder = Path(tempfile.gettempdir()) / "lightly_nb_facility"
    folder.mkdir(exist_ok=True)
    for name in names or list(parts):
        found = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
        found[name] = parts[name](folder)
        RESULTS.write_text(json.dumps(found, indent=1) + "\n")
        written(found)


if __name__ == "__main__":
    main(sys.argv[1:])
