"""What the embedding check has found: a verdict, the figures behind it, and what to do."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from lightly_nb.display.html import Html, tag
from lightly_nb.display.text import counted, number, percent
from lightly_nb.events import Event

NOT_WORTH = "not worth selecting from"
UNCLEAR = "unclear: label a few and check"
BETTER = "better than thumbnails"
NOT_CHECKED = "not checked"
VERDICTS = (NOT_WORTH, UNCLEAR, BETTER, NOT_CHECKED)
NAME = "embedding check"
"""What its sentence begins with."""

LIMITS = ((20, 1.3, 1.5), (50, 1.4, 1.75), (100, 1.5, 1.9), (200, 1.6, 2.0))
"""Number of candidates; the ratio below which embeddings are worthless, and that from which on they are good.

Where they come from: docs/embedding_check.md."""

WHAT_TO_DO = {
    NOT_WORTH: "Picks made from these embeddings are no better than random draws for what people label for, "
    "and often worse. Use the embedder that ships with the package (lightly_nb.embed(samples) without a "
    "model), a larger input, or train longer; until then select at random",
    UNCLEAR: "Label about 100 samples and call lightly_nb.check_embeddings(samples, labels=…), or use a "
    "larger input or a pretrained model",
    BETTER: "",
    NOT_CHECKED: "Label about 100 samples and call lightly_nb.check_embeddings(samples, labels=…)",
}


@dataclass(frozen=True)
class LabelAccuracy:
    """How well neighbours in the embeddings agree on labels.

    Parameters
    ----------
    name : str
        What the labels are: `labels`, or a column of the sample table.
    n_labelled, n_classes : int
        Samples with a label that were used, and how many different labels they have.
    accuracy : float
        Share of them whose 5 nearest other ones vote for their label.
    majority : float
        Share of the most frequent label: what always naming it would get.
    thumbnails : float or None
        The accuracy with 8 × 8 pixel thumbnails as embeddings; None where there are no pictures.
    """

    name: str
    n_labelled: int
    n_classes: int
    accuracy: float
    majority: float
    thumbnails: float | None = None

    @property
    def text(self) -> str:
        """The figures in words."""
        of = f"{counted(self.n_labelled, 'sample')}, {counted(self.n_classes, 'class', 'classes')}"
        tiny = f", 8 × 8 pixel thumbnails {percent(self.thumbnails)}" if self.thumbnails is not None else ""
        beside = f"the largest class {percent(self.majority)}{tiny}"
        return f"5-NN accuracy {percent(self.accuracy)} on {self.name} ({of}; {beside})"


@dataclass(frozen=True)
class EmbeddingCheck:
    """Whether embeddings are worth selecting from; `lightly_nb.check_embeddings` makes it.

    Parameters
    ----------
    verdict : str
        One of `VERDICTS`.
    reason : str
        A sentence with the figures that decided.
    ratio : float or None
        `found` over `found_by_thumbnails`: how much better than thumbnails the embeddings are at finding an
        image by a strongly changed copy of it. None where that was not measured, as for all that follow.
    limits : tuple of float
        The ratio below which embeddings are not worth selecting from, and that from which on they are better
        than thumbnails. They depend on the number of candidates.
    found, found_by_thumbnails : float or None
        Mean reciprocal rank of the image itself among `n_candidates`, 0 to 1.
    n_images, n_candidates : int
        Images that were changed and looked for, and images to find them among.
    spread : float or None
        Root mean square distance of the embeddings at unit length to their mean: 0 all alike, 1 even.
    labels : tuple of LabelAccuracy
        5-NN accuracies, those that decided first.
    """

    verdict: str
    reason: str
    ratio: float | None = None
    limits: tuple[float, float] | None = None
    found: float | None = None
    found_by_thumbnails: float | None = None
    n_images: int = 0
    n_candidates: int = 0
    spread: float | None = None
    labels: tuple[LabelAccuracy, ...] = ()

    @property
    def is_refused(self) -> bool:
        """Whether nothing good may be said of a selection from these embeddings."""
        return self.verdict == NOT_WORTH

    @property
    def what_to_do(self) -> str:
        """What helps; empty if nothing need be done."""
        return WHAT_TO_DO[self.verdict]

    @property
    def level(self) -> str:
        """The level of its event: `warning` unless all is well."""
        return "info" if self.verdict == BETTER else "warning"

    @property
    def short(self) -> str:
        """The verdict alone, in capitals if nothing good may be said."""
        return f"{NAME}: {self.verdict.upper() if self.is_refused else self.verdict}"

    @property
    def text(self) -> str:
        """Verdict, figures and advice in one line."""
        parts = [self.short, self.reason, self.what_to_do]
        return ". ".join(part for part in parts if part)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> EmbeddingCheck:
        """Return what `to_dict` was called on."""
        limits = content.get("limits")
        labels = tuple(LabelAccuracy(**entry) for entry in content.get("labels") or ())
        return cls(**{**content, "limits": tuple(limits) if limits else None, "labels": labels})

    def __repr__(self) -> str:
        return f"EmbeddingCheck({self.text})"

    def _repr_html_(self) -> Html:
        color = "#b00020" if self.is_refused else None
        style = f"color:{color};font-weight:bold" if color else None
        other = [tag("div", entry.text) for entry in self.labels if entry.text not in self.reason]
        return tag("div", tag("div", self.text, style=style), *other)


def against_limits(ratio: float, limits: tuple[float, float]) -> str:
    """Return the verdict on a ratio."""
    return NOT_WORTH if ratio < limits[0] else BETTER if ratio >= limits[1] else UNCLEAR


def limits_among(n_candidates: int) -> tuple[float, float]:
    """Return the two limits of the ratio: the fewer candidates, the nearer thumbnails come.

    Examples
    --------
    >>> limits_among(200)
    (1.6, 2.0)
    """
    sizes, lows, highs = zip(*LIMITS, strict=True)
    low, high = (float(np.interp(np.log(n_candidates), np.log(sizes), line)) for line in (lows, highs))
    return round(low, 2), round(high, 2)


def check_event(check: EmbeddingCheck, step: str) -> Event:
    """Return the event that tells a verdict."""
    return Event(time=time.time(), step=step, message=check.text, level=check.level, check=check.to_dict())


def ratio_in_words(ratio: float, limits: tuple[float, float], n_candidates: int) -> str:
    """Return the sentence of the comparison with thumbnails."""
    return (
        f"A strongly changed copy finds its own image among {n_candidates:,} {number(ratio)} times as well "
        f"as with 8 × 8 pixel thumbnails (below {limits[0]:g} not worth selecting from, from {limits[1]:g} "
        "on better than thumbnails)"
    )
