"""A whole folder that comes out nearly black, white or constant is told, before anything is made of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import numpy as np

from lightly_nb.checks.inspection import Inspection, inspect
from lightly_nb.engines import local
from lightly_nb.events import Listener, say
from lightly_nb.reading.crops import CropSource
from lightly_nb.reading.image_metadata import IMAGE_METADATA
from lightly_nb.samples import Samples

DARK, FLAT = 10.0, 2.5
"""Of 255 grays: the mean below which a picture is nearly black, the deviation below which it is constant."""
DULL_SHARE, FEWEST_LOOKS, MOST_LOOKS, GLANCE_SIZE = 0.9, 3, 8, 64
"""Share of dull pictures from which on it is said; how many are looked at; their shortest side in pixels."""


def say_if_dull(samples: Samples, on_event: Listener, step: str, num_workers: int = 1) -> None:
    """Warn if nearly all pictures come out black, white or constant; unchecked ones are decoded, a few."""
    if "lightly.contrast" in samples.table:
        red, green, blue = (samples.table[f"lightly.mean{name}"] for name in ("Red", "Green", "Blue"))
        means = 0.299 * red + 0.587 * green + 0.114 * blue
        looks = [*zip(samples.filenames, means, 255 * samples.table["lightly.contrast"], strict=True)]
    else:
        looks = [*_glances(samples, num_workers)]
    kinds = Counter(_dullness(mean, std) for _, mean, std in looks)
    n_dull = len(looks) - kinds[""]
    if len(looks) < FEWEST_LOOKS or n_dull < DULL_SHARE * len(looks):
        return
    told = ", ".join(f"{count:,} nearly {kind}" for kind, count in kinds.most_common() if kind)
    name, mean, _ = next(look for look in looks if _dullness(*look[1:]))
    say(
        on_event,
        step,
        f"of {len(looks):,} images looked at, {told} "
        f"(first '{name}': mean {mean:.1f} of 255): embeddings of them tell little. If other programs show "
        "more in them, convert them to 8 bits there, over the range that they use; docs/pictures.md says how "
        "numbers become grays",
        "warning",
    )


def _glances(samples: Samples, num_workers: int) -> Iterator[tuple[str, float, float]]:
    """Yield name, mean and standard deviation of some pictures, evenly spread over the names."""
    source, names = samples.source, sorted(samples.filenames)
    if source is None or len(names) < FEWEST_LOOKS:
        return
    if isinstance(source, CropSource):  # each image is decoded once for all its crops, and was checked whole
        return
    places = sorted({round(place) for place in np.linspace(0, len(names) - 1, MOST_LOOKS)})

    def look(name: str) -> Inspection:
        seen = inspect(source, name, min_size=GLANCE_SIZE, strict=False)
        return replace(seen, rgb=None)

    keys = list(IMAGE_METADATA)
    colours = [keys.index(f"lightly.mean{name}") for name in ("Red", "Green", "Blue")]
    with closing(local.map(look, [names[place] for place in places], num_workers)) as results:
        for place, seen in zip(places, results, strict=True):
            if seen.metadata:
                mean = float(np.dot((0.299, 0.587, 0.114), [seen.metadata[at] for at in colours]))
                yield names[place], mean, 255 * seen.metadata[keys.index("lightly.contrast")]


def _dullness(mean: float, std: float) -> str:
    if mean < DARK:
        return "black"
    if mean > 255 - DARK:
        return "white"
    return "constant" if std < FLAT else ""
