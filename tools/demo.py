"""`make demo`: the first lines of the README on real photographs, a page to open, and what to do next.

python tools/demo.py PHOTOGRAPHS OUTPUT
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import lightly_nb as lnb
from lightly_nb.display.text import duration

N_SAMPLES = 50


def main(photographs: str, output: str) -> None:
    """List, embed, select and draw; write the page, the names of the picks, and say what to open."""
    started = time.monotonic()
    samples = lnb.embed(lnb.list_samples(photographs))
    picks = lnb.select(samples, n_samples=N_SAMPLES)
    page, names = Path(output, "demo.html"), Path(output, "demo.txt")
    page.parent.mkdir(parents=True, exist_ok=True)
    lnb.scatter(samples, picks, umap=False).to_html(page)
    lnb.export(samples, picks, "filenames", names)
    took = duration(time.monotonic() - started)
    print(f"{N_SAMPLES} of {len(samples)} photographs selected in {took}; {names} lists them")
    print(f"left out: {len(samples.quarantine)} broken or duplicate files")
    print(picks.explain(picks.filenames[0]))
    print(f"open next: {page}: every photograph a point, its picture under the pointer")
    print(f"with a report: .venv/bin/lightly-nb run {photographs} --output {output} n_samples={N_SAMPLES}")


if __name__ == "__main__":
    main(*sys.argv[1:])
