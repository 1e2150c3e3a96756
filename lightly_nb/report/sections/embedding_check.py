"""Whether the embeddings are worth selecting from: the first thing that a report says."""

from __future__ import annotations

from typing import Any

from lightly_nb.report.sections.common import Facts, Job
from lightly_nb.samples import Samples
from lightly_nb.samples.embedding_check import BETTER, NOT_CHECKED, NOT_WORTH, UNCLEAR
from lightly_nb.samples.selected import Selection

FINDINGS = {
    NOT_WORTH: "WARNING: these embeddings are not worth selecting from",
    UNCLEAR: "Whether these embeddings are worth selecting from is unclear: label a few and check",
    BETTER: "The embeddings are better than thumbnails",
    NOT_CHECKED: "Whether these embeddings are worth selecting from was not checked",
}


def embedding_check_section(samples: Samples, selection: Selection, job: Job) -> Facts:
    """The verdict of the embedding check, its figures beside their limits, and what to do."""
    check = samples.embedding_check
    if check is None:
        return {"skipped": "not checked; lightly_nb.check_embeddings(samples) does it in seconds"}
    content: dict[str, Any] = check.to_dict()
    low, high = check.limits or (None, None)
    return {
        "finding": FINDINGS[check.verdict],
        **{key: value for key, value in content.items() if key not in ("limits", "labels")},
        "worthless_below": low,
        "better_from": high,
        "labels": list(content["labels"]),
        "what_to_do": check.what_to_do,
    }
