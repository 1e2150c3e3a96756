"""JSON of many entries, one a line: small, quick to write, and a person can read and compare it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any


def json_text(content: Any) -> str:
    """Return JSON with the entries of a list, or of a dict's lists, one a line.

    Examples
    --------
    >>> print(json_text({"images": [{"id": 1}, {"id": 2}], "annotations": []}))
    {
    "images": [
    {"id": 1},
    {"id": 2}
    ],
    "annotations": []
    }
    """
    if isinstance(content, list):
        return lines_text(map(entry_text, content))
    if isinstance(content, dict):
        parts = (f"{entry_text(str(key))}: {_value_text(value)}" for key, value in content.items())
        return "{\n" + ",\n".join(parts) + "\n}"
    return entry_text(content)


def entry_text(entry: Any) -> str:
    """Return the JSON of one entry, in one line."""
    return json.dumps(entry, ensure_ascii=False)


def lines_text(lines: Iterable[str]) -> str:
    """Return a JSON list of entries that are text already."""
    text = ",\n".join(lines)
    return f"[\n{text}\n]" if text else "[]"


def _value_text(value: Any) -> str:
    return json_text(value) if isinstance(value, list | dict) and value else entry_text(value)
