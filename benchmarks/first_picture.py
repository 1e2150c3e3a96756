"""From `import lightly_nb` to the first pictures on the demo folder, as a person in a notebook sees them.

Two firsts: the table of listed samples with previews decoded on the fly, and the grid of 50 selected images
after embedding the whole folder with a checkpoint. Each is timed in a fresh process, median of 3.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "demo" / "photographs"

LISTED = """
import time; start = time.perf_counter()
import lightly_nb as lnb
imported = time.perf_counter() - start
from lightly_nb.events import silent
html = lnb.list_samples({folder!r}, on_event=silent)._repr_html_()
assert html.count("data:image/jpeg") >= 5
import json; print(json.dumps({{"import": imported, "listed": time.perf_counter() - start}}))
"""

SELECTED = """
import time; start = time.perf_counter()
import lightly_nb as lnb
from lightly_nb.events import silent
samples = lnb.embed(lnb.list_samples({folder!r}, on_event=silent), {checkpoint!r}, on_event=silent)
picks = lnb.select(samples, 50, on_event=silent)
assert lnb.show_images(samples, picks.filenames)._repr_html_().count("data:image/jpeg") == 50
import json; print(json.dumps({{"selected": time.perf_counter() - start, "n": len(samples)}}))
"""


def measured(script: str, **values: str) -> dict[str, float]:
    """Run `script` in a fresh process three times; return the medians of what it prints."""
    command = [sys.executable, "-c", script.format(folder=str(FOLDER), **values)]
    runs = [json.loads(subprocess.check_output(command)) for _ in range(3)]
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def main() -> None:
    """Print the seconds."""
    import lightly_nb as lnb
    from lightly_nb.events import silent

    with tempfile.TemporaryDirectory() as folder:
        small = {"model.name": "resnet-9", "model.width": 0.25, "collate.input_size": 64}
        samples = lnb.list_samples(FOLDER, on_event=silent).take(range(40, 56))
        checkpoint = lnb.train(samples, max_epochs=1, lightly_config=small, output_dir=folder)
        first, second = measured(LISTED), measured(SELECTED, checkpoint=str(checkpoint))
    print(f"import lightly_nb: {first['import']:.3f} s")
    print(f"import to the table of listed samples with pictures: {first['listed']:.2f} s")
    print(f"import to the grid of 50 selected of {second['n']:.0f} embedded: {second['selected']:.1f} s")


if __name__ == "__main__":
    main()
