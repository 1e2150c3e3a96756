"""Memory and time of listing: 100,000 real files, and the table of a million synthetic names.

    python benchmarks/listing_memory.py [--names 1000000] [--files 100000]

Each part runs in a process of its own. Memory is the peak of the resident set above what the imports take.
Limit to keep: below 400 MB for the table of a million names, with `Samples`, `take` and `rows_of` of it.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pyarrow.compute  # noqa: F401 - part of the baseline

from lightly_nb.datasource import Entry
from lightly_nb.events import Stage, silent
from lightly_nb.reading.listing import STEP, list_samples, samples_table_of
from lightly_nb.samples import Samples


def main() -> None:
    """Run both parts and print a line each."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--names", type=int, default=1_000_000)
    parser.add_argument("--files", type=int, default=100_000)
    options = parser.parse_args()
    in_process_of_its_own(table_of_names, options.names)
    with tempfile.TemporaryDirectory() as folder:
        write_files(Path(folder), options.files)
        in_process_of_its_own(real_listing, folder)


def in_process_of_its_own(measure: Callable[..., None], argument: object) -> None:
    """Call `measure(argument)` in a fresh interpreter, so that its peak is its own."""
    process = multiprocessing.get_context("spawn").Process(target=measure, args=(argument,))
    process.start()
    process.join()
    if process.exitcode:
        sys.exit(process.exitcode)


def table_of_names(n: int) -> None:
    """Measure what list_samples does after the walk, then take and rows_of, on names in random order."""
    start, before = time.process_time(), psutil.Process().memory_info().rss
    with Stage(silent, STEP, n, "file") as stage:
        table, _ = samples_table_of(synthetic_entries(n), stage)
    samples = Samples(table)
    seconds = time.process_time() - start
    shuffled = samples.take(np.random.default_rng(0).permutation(n))
    assert shuffled.rows_of([samples.table.index[n // 2]]).size == 1
    names = n * len(samples.table.index[0]) / 1e6
    report(f"table of {n:,} names ({names:.0f} MB of text)", before, seconds)


def synthetic_entries(n: int) -> Iterator[Entry]:
    """Yield entries as a walk would: folders of 1,000 files, in no order."""
    folders = np.random.default_rng(0).permutation(-(-n // 1000))
    for number in range(n):
        folder = folders[number // 1000]
        yield Entry(
            f"camera-{folder % 7}/2026-11-{folder:05d}/IMG_{number:08d}.jpg",
            number,
            f"{17 * 10**17 + number}",
        )


def write_files(folder: Path, n: int) -> None:
    """Make `n` empty images in folders of 1,000."""
    for number in range(n):
        if number % 1000 == 0:
            (folder / f"{number // 1000:03d}").mkdir()
        (folder / f"{number // 1000:03d}" / f"IMG_{number:08d}.jpg").touch()


def real_listing(folder: str) -> None:
    """Measure list_samples on real files."""
    start, before = time.process_time(), psutil.Process().memory_info().rss
    samples = list_samples(folder, on_event=silent)
    report(f"listing of {len(samples):,} files", before, time.process_time() - start)


def report(what: str, before: int, seconds: float) -> None:
    """Print the peak above `before` (bytes)."""
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    print(f"{what}: peak {(peak - before) / 1e6:.0f} MB above the imports, {seconds:.2f} CPU-s", flush=True)


if __name__ == "__main__":
    main()
