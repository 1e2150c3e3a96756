"""Sections about the run itself: the job, its machine, what was checked, what strategies asked and got."""

from __future__ import annotations

from typing import Any

from lightly_nb.display.text import counted, percent
from lightly_nb.report.sections.common import Facts, Job, chosen, option, picture
from lightly_nb.samples import Samples
from lightly_nb.samples.quarantine import is_duplicate, is_not_embedded, is_unusable
from lightly_nb.samples.selected import Selection

SELECTED_SHOWN = 48
EXAMPLES_SHOWN = 6


def job_section(samples: Samples, selection: Selection, job: Job) -> Facts:
    """What was run, on what, how long each step took, and the first picks with their pictures."""
    import numpy as np

    rows = chosen(samples, selection)
    n_left_out = len(samples.quarantine)
    share = len(rows.picks) / len(samples) if len(samples) else 0.0
    shown = rows.picks[:SELECTED_SHOWN]
    pictures = [samples.thumbnail(int(row)) for row in shown]
    steps = list(job.get("steps") or [])
    return {
        "finding": f"{counted(len(rows.picks), 'image')} of {len(samples):,} selected ({percent(share)})",
        "name": job.get("name"),
        "input": job.get("input"),
        "started": job.get("started"),
        "duration_seconds": sum(step["seconds"] for step in steps) if steps else None,
        "steps": steps,
        "counts": {
            "listed": len(samples) + n_left_out,
            "left_out": n_left_out,
            "usable": len(samples),
            "preselected": len(rows.preselected),
            "selected": len(rows.picks),
            "removed": len(rows.removed),
        },
        "share_selected": share,
        "first_selected": [
            {
                "filename": str(samples.table.index[row]),
                "picture": np.frombuffer(jpeg, np.uint8) if jpeg else None,
            }
            for row, jpeg in zip(shown, pictures, strict=True)
        ],
        "versions": dict(job.get("versions") or {}),
        "hardware": dict(job.get("hardware") or {}),
        "asked": list(job.get("asked") or []),
        "warnings": list(job.get("warnings") or []),
        "config": dict(job.get("config") or {}),
    }


def checks_section(samples: Samples, selection: Selection, job: Job) -> Facts:
    """Files that were left out: corrupt ones by reason, exact duplicates, examples with pictures."""
    import pandas as pd

    table = samples.quarantine
    corrupt, duplicates = table[is_unusable(table)], table[is_duplicate(table)]
    not_embedded = table[is_not_embedded(table)]
    # details of one file ("cut at byte 512") follow a colon or bracket: what comes before is the kind
    kinds = (
        pd.concat([corrupt, not_embedded])["reason"].astype(str).str.split(r"[:(]", n=1).str[0].str.strip()
    )
    n_listed = len(samples) + len(table)
    parts = []
    if len(corrupt):
        parts.append(counted(len(corrupt), "file") + " could not be used")
    if len(duplicates):
        parts.append(counted(len(duplicates), "exact duplicate") + " removed")
    if len(not_embedded):
        parts.append(counted(len(not_embedded), "file") + " without a row in the embeddings left out")
    return {
        "finding": ("; ".join(parts) if parts else f"All {counted(n_listed, 'file')} passed the checks"),
        "n_checked": n_listed,
        "n_corrupt": len(corrupt),
        "n_duplicates": len(duplicates),
        "n_not_embedded": len(not_embedded),
        "reasons": [
            {"reason": str(reason), "count": int(count)} for reason, count in kinds.value_counts().items()
        ],
        "corrupt_examples": [
            {
                "filename": str(row.filename),
                "reason": str(row.reason),
                "what_to_do": str(row.what_to_do),
                "picture": picture(samples, str(row.filename)),
            }
            for row in corrupt.iloc[:EXAMPLES_SHOWN].itertuples()
        ],
        "duplicate_examples": [
            {
                "filename": str(row.filename),
                "duplicate_of": str(row.duplicate_of),
                "picture": _either_picture(samples, str(row.filename), str(row.duplicate_of)),
            }
            for row in duplicates.iloc[:EXAMPLES_SHOWN].itertuples()
        ],
    }


def strategies_section(samples: Samples, selection: Selection, job: Job) -> Facts:
    """What every strategy of the selection asked for and what it got."""
    rows = chosen(samples, selection)
    n_asked = selection.n_asked
    if n_asked is None:
        until = selection.stopped or "the stopping condition"
        finding = f"{counted(len(rows.picks), 'image')} selected until {until}"
    elif len(rows.picks) < n_asked:
        finding = f"{len(rows.picks):,} of the {counted(n_asked, 'image')} asked for were selected"
    elif n_asked == 1:
        finding = "The one image asked for was selected"
    else:
        finding = f"All {counted(n_asked, 'image')} asked for were selected"
    return {
        "finding": finding,
        "n_asked": n_asked,
        "n_got": len(rows.picks),
        "stopped": selection.stopped,
        "strategies": [_plain(entry) for entry in selection.strategies],
        "seed": option(job, "seed", 0),
    }


def _either_picture(samples: Samples, filename: str, kept: str) -> Any:
    """Return the picture of a duplicate, or of the same picture that was kept."""
    own = picture(samples, filename)
    if own is not None or kept not in samples.table.index:
        return own
    return picture(samples, kept, int(samples.rows_of([kept])[0]))


def _plain(entry: dict[str, Any]) -> dict[str, Any]:
    keys = ("label", "input", "strategy", "strength", "asked", "got", "note")
    return {key: entry.get(key) for key in keys}
