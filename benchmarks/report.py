"""How long a report on many images takes, and how much memory: `python benchmarks/report.py [N] [D]
[SELECTED]`.

Made-up clustered embeddings of unit length in a memory-mapped file, as a run leaves them. Prints wall and CPU
seconds by section and file, and the memory beyond that of the samples.

Measured (2026-11, 2 cores shared with other work, load 5): 1,000,000 x 128 with 10,000 selected took 572 s
wall, 281 s CPU and 0.80 GB; coverage is exact, the other distances come from seeded samples.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil

from lightly_nb.events import silent
from lightly_nb.report import build_report
from lightly_nb.runfolder import RunFolder
from lightly_nb.samples import Samples
from lightly_nb.selection import Selection

CHUNK = 50_000


def embeddings_file(path: Path, n: int, d: int) -> np.ndarray:
    """Write clustered embeddings chunk by chunk and return them memory-mapped."""
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(200, d)).astype(np.float32)
    stored = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(n, d))
    for start in range(0, n, CHUNK):
        size = min(CHUNK, n - start)
        part = centers[rng.integers(0, 200, size)] + 0.7 * rng.normal(size=(size, d)).astype(np.float32)
        stored[start : start + size] = part / np.linalg.norm(part, axis=1, keepdims=True)
    stored.flush()
    return np.load(path, mmap_mode="r")


class Peak(threading.Thread):
    """Watches the anonymous memory of this process: mapped files can be dropped at any time and do not
    count.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.process, self.peak, self.stopped = psutil.Process(), 0, False
        self.start_at = self._now()

    def run(self) -> None:
        while not self.stopped:
            self.peak = max(self.peak, self._now() - self.start_at)
            time.sleep(0.05)

    def _now(self) -> int:
        memory = self.process.memory_info()
        return memory.rss - memory.shared


def main(n: int = 1_000_000, d: int = 128, n_selected: int = 10_000) -> None:
    """Measure one report and print the result."""
    with tempfile.TemporaryDirectory() as folder:
        vectors = embeddings_file(Path(folder, "embeddings.npy"), n, d)
        rng = np.random.default_rng(1)
        names = [f"folder {number % 40:02d}/photo {number:07d}.jpg" for number in range(n)]
        table = pd.DataFrame({"lightly.sharpness": rng.gamma(3, 50, n)}, index=names)
        samples = Samples(table, {"embeddings": vectors})
        rows = rng.choice(n, n_selected, replace=False)
        selection = Selection([names[row] for row in rows], rows, [], [], n_asked=n_selected)
        watch = Peak()
        watch.start()
        started, cpu = time.monotonic(), time.process_time()
        report = build_report(samples, selection, on_event=silent)
        computed = time.monotonic()
        report.save(RunFolder(Path(folder, "run")), on_event=silent)
        watch.stopped = True
        print(f"{n:,} x {d}, {n_selected:,} selected")
        for name, seconds in report["seconds"].items():
            print(f"  {name:12s} {seconds:8.1f} s   exact: {report[name].get('exact', '-')}")
        print(f"  files        {time.monotonic() - computed:8.1f} s")
        wall, used = time.monotonic() - started, time.process_time() - cpu
        print(
            f"  all          {wall:8.1f} s wall, {used:.1f} s CPU, {watch.peak / 1e9:.2f} GB beyond the "
            "samples"
        )
        size = Path(folder, "run", "report.html").stat().st_size
        print(f"  report.html  {size / 1e6:8.2f} MB")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:4]))
