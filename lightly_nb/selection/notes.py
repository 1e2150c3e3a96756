"""What a person must be told of a selection: rows without a direction, overridden filters, unmet targets.

Each stands in the `note` of its strategy, and so in the report, and is an event.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from lightly_nb.samples import Samples
from lightly_nb.selection.facility import FacilityLocation
from lightly_nb.selection.strategy import Part

SHOWN = 3
ZERO = "its embedding is all zeros, which has no direction"


def with_notes(
    samples: Samples,
    entries: Sequence[Mapping[str, Any]],
    parts: Sequence[Part],
    lock: Sequence[int],
    zeros: np.ndarray,
) -> list[Part]:
    """Return the parts, each with a note on what it could not do as asked."""
    noted = list(parts)
    if len(zeros):
        how = "come last" if come_last(parts) else "are not picked"
        text = f"{named(samples, zeros, 'sample')} with an embedding of zeros, which has no direction, {how}"
        noted = [
            _noted(part, text) if entry["input"].get("type") == "EMBEDDINGS" else part
            for entry, part in zip(entries, noted, strict=True)
        ]
    locked = np.array(lock, dtype=np.int64)
    for number, part in enumerate(noted):
        if part.allowed is not None and len(locked) and not part.allowed[locked].all():
            rows = locked[~part.allowed[locked]]
            noted[number] = _noted(part, f"{named(samples, rows, 'locked sample')} would not pass; lock wins")
    if not any(part.term is not None and part.term.strength != 0 for part in noted):
        text = "no strategy says which of the samples to prefer, so the first by file name are taken"
        noted[0] = _noted(noted[0], text)
    return noted


def come_last(parts: Sequence[Part]) -> bool:
    """Whether facility location alone decides, where a row of zeros gains nothing and so comes last."""
    terms = [part.term for part in parts if part.term is not None and part.term.strength != 0]
    return len(terms) == 1 and isinstance(terms[0], FacilityLocation) and terms[0].strength > 0


def found_at_the_end(
    parts: Sequence[Part], strategies: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[str, str]]:
    """Yield label and text of what only the picks show, which the notes of the parts do not hold."""
    for part, entry in zip(parts, strategies, strict=True):
        if text := entry["note"].removeprefix(part.note).removeprefix("; "):
            yield entry["label"], text


def joined(*texts: str) -> str:
    """Return the texts that are not empty, in one line."""
    return "; ".join(filter(None, texts))


def named(samples: Samples, rows: np.ndarray, word: str) -> str:
    """Return `2 samples (a.jpg, b.jpg)`."""
    names = ", ".join(str(name) for name in samples.table.index[rows[:SHOWN]])
    more = f" and {len(rows) - SHOWN:,} more" if len(rows) > SHOWN else ""
    return f"{len(rows):,} {word}{'' if len(rows) == 1 else 's'} ({names}{more})"


def _noted(part: Part, text: str) -> Part:
    return replace(part, note=joined(part.note, text), warns=True)
