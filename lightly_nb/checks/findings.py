"""What was found out about some samples: columns of the sound ones, the quarantine of all others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

import numpy as np
import pandas as pd

from lightly_nb.checks.inspection import Inspection
from lightly_nb.errors import InputError
from lightly_nb.events import Listener, say
from lightly_nb.reading.image_metadata import IMAGE_METADATA, metadata_columns
from lightly_nb.samples import NOTE, NOTE_SEPARATOR, Samples, quarantine_table

CORRUPTNESS_CHECK = "corruptness check"
EXACT_DUPLICATES = "exact duplicates"


class Findings:
    """What was found out about each row of some samples, filled row by row."""

    def __init__(self, filenames: Sequence[str]):
        self.filenames = filenames
        self.content_hash = [""] * len(filenames)
        self.problems: dict[int, tuple[str, str]] = {}
        self.notes = [""] * len(filenames)
        self.metadata = np.zeros((len(filenames), len(IMAGE_METADATA)))

    def put(self, row: int, seen: Inspection) -> None:
        """Keep what `seen` tells about `row`, except the picture."""
        self.content_hash[row] = seen.content_hash
        if seen.reason:
            self.problems[row] = (seen.reason, seen.what_to_do)
        else:
            self.metadata[row] = seen.metadata
            self.notes[row] = seen.note

    def applied(
        self, samples: Samples, remove_exact_duplicates: bool, on_event: Listener, step: str
    ) -> Samples:
        """Return `samples` (of these rows) with the new columns, without what is corrupt or a duplicate."""
        if len(self.problems) == len(self.filenames):
            raise InputError(self._nothing_left())
        corrupt = self._corrupt()
        duplicates = quarantine_table()
        if remove_exact_duplicates:
            sound = [row for row in range(len(self.filenames)) if row not in self.problems]
            duplicates = exact_duplicates(
                [self.filenames[row] for row in sound], [self.content_hash[row] for row in sound]
            )
        for count, what in ((len(corrupt), "corrupt files"), (len(duplicates), "exact duplicates")):
            if count:
                say(on_event, step, f"{count:,} {what} left out; see samples.quarantine", "warning")
        self._say_notes(set(duplicates["filename"]), on_event, step)
        columns = {"content_hash": self.content_hash, **metadata_columns(self.metadata), NOTE: self.notes}
        return samples.with_columns(columns).without(corrupt).without(duplicates)

    def _say_notes(self, left_out: Collection[str], on_event: Listener, step: str) -> None:
        named = zip(self.filenames, self.notes, strict=True)
        noted = sorted((name, note) for name, note in named if note and name not in left_out)
        if noted:
            kinds = Counter(one.partition(":")[0] for _, note in noted for one in note.split(NOTE_SEPARATOR))
            told = ", ".join(f"{count:,} × {kind}" for kind, count in kinds.most_common(5))
            first = f"first '{noted[0][0]}': {noted[0][1]}"
            files = "file is" if len(noted) == 1 else "files are"
            said = f"{len(noted):,} {files} kept with a note, see samples.table['{NOTE}']: {told}; {first}"
            say(on_event, step, said, "warning")

    def _corrupt(self) -> pd.DataFrame:
        by_name = sorted(self.problems, key=lambda row: self.filenames[row])
        return quarantine_table(
            {
                "filename": self.filenames[row],
                "stage": CORRUPTNESS_CHECK,
                "reason": self.problems[row][0],
                "what_to_do": self.problems[row][1],
            }
            for row in by_name
        )

    def _nothing_left(self) -> str:
        reasons = Counter(reason for reason, _ in self.problems.values())
        told = "; ".join(f"{count:,} × {reason}" for reason, count in reasons.most_common(3))
        row = min(self.problems, key=lambda row: self.filenames[row])
        return (
            f"none of the {len(self.filenames):,} files can be used: {told}. First: "
            f"'{self.filenames[row]}': {self.problems[row][1]}"
        )


def exact_duplicates(filenames: Sequence[str], hashes: Sequence[str]) -> pd.DataFrame:
    """Return the quarantine table of all files that have the content of one earlier in name order.

    Examples
    --------
    >>> exact_duplicates(["b.jpg", "a.jpg", "c.jpg"], ["x", "x", "y"])["duplicate_of"].tolist()
    ['a.jpg']
    """
    return quarantine_table(_duplicate_rows(filenames, hashes))


def _duplicate_rows(filenames: Sequence[str], hashes: Sequence[str]) -> Iterator[dict[str, str]]:
    kept: dict[str, str] = {}
    for row in sorted(range(len(filenames)), key=filenames.__getitem__):
        name, first = filenames[row], kept.setdefault(hashes[row], filenames[row])
        if first != name:
            yield {
                "filename": name,
                "stage": EXACT_DUPLICATES,
                "reason": f"same content as '{first}'",
                "what_to_do": "nothing, or delete one of them",
                "duplicate_of": first,
            }
