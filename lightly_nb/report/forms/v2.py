"""The platform's `report_v2` structure: the same numbers, nested and in camel case."""

from __future__ import annotations

import re
from typing import Any

SECTIONS = {
    "embedding_check": ("embeddingAnalysis", "embeddingCheck"),
    "baseline": ("selectionAnalysis", "selectionAgainstRandom"),
    "strategies": ("selectionAnalysis", "strategies"),
    "coverage": ("embeddingAnalysis", "coverage"),
    "distances": ("embeddingAnalysis", "distances"),
    "dataset": ("datasetAnalysis", "distributions"),
    "data_checks": ("datasetAnalysis", "dataChecks"),
    "savings": ("savings", ""),
    "training": ("training", ""),
}
"""Where each section goes; the maps stay with their arrays."""
FREE_KEYS = frozenset({"config", "versions", "asked", "got", "input", "strategy"})
"""Keys whose content is named by others: left as it is."""


def report_v2(facts: dict[str, Any]) -> dict[str, Any]:
    """Return the facts of a report in the nested form; sections of our own stay by their name.

    Examples
    --------
    >>> report_v2({"schema_version": 1, "created": "now", "seconds": {}, "job": {"duration_seconds": 2.0}})
    {'generalInformation': {'created': 'now', 'durationSeconds': 2.0}}
    """
    result: dict[str, Any] = {
        "generalInformation": {"created": facts["created"], **camel(facts.get("job") or {})}
    }
    for name, found in facts.items():
        if name in ("schema_version", "created", "seconds", "job", "maps"):
            continue
        outer, inner = SECTIONS.get(name, (_camel(name), ""))
        place = result.setdefault(outer, {})
        if inner:
            place[inner] = camel(found)
        else:
            place.update(camel(found))
    return result


def camel(value: Any) -> Any:
    """Return `value` with the keys of all dicts in camel case, and without references to arrays."""
    if isinstance(value, list):
        return [camel(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    return {
        _camel(key): entry if key in FREE_KEYS else camel(entry)
        for key, entry in value.items()
        if not (isinstance(entry, dict) and set(entry) == {"array", "shape", "dtype"})
    }


def _camel(key: str) -> str:
    return re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), key)
