"""Strategies as the user writes them (dicts or config models) -> plain dicts, checked for shape, with a label each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from lightly_nb.errors import SelectionError
from lightly_nb.selection.inputs import known
from lightly_nb.selection.strategy import Strategy

LARGEST_STRENGTH = 1e9
DIVERSITY_ON_EMBEDDINGS = {"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSITY"}}


def plain_strategies(strategies: Sequence[Any] | None, table: Mapping[str, Strategy]) -> list[dict[str, Any]]:
    """Return `[{"label", "input", "strategy"}, …]` in plain values; None is DIVERSITY on EMBEDDINGS.

    The result is in a fixed order that depends on the strategies alone, so their order in the list has no effect.
    """
    if strategies is None:
        strategies = [DIVERSITY_ON_EMBEDDINGS]
    if isinstance(strategies, (Mapping, str)) or not len(strategies):
        raise SelectionError(
            "strategies: give a list with at least one strategy, such as "
            f"[{DIVERSITY_ON_EMBEDDINGS}], or leave it out for DIVERSITY on EMBEDDINGS"
        )
    entries = [_entry(entry, f"strategies[{number}]", table) for number, entry in enumerate(strategies)]
    entries = sorted(entries, key=lambda entry: (entry["strategy"]["type"], repr(_canonical(entry))))
    labels = [_label(entry) for entry in entries]
    for number, entry in enumerate(entries):
        repeat = labels[:number].count(labels[number])
        entry["label"] = f"{labels[number]} ({repeat + 1})" if repeat else labels[number]
    return entries


def _entry(entry: Any, where: str, table: Mapping[str, Strategy]) -> dict[str, Any]:
    content = _plain(entry)
    if not isinstance(content, dict) or not {"input", "strategy"} <= set(content):
        raise SelectionError(
            f"{where}: needs 'input' and 'strategy', got {content!r}; for example {DIVERSITY_ON_EMBEDDINGS}"
        )
    unknown = sorted(set(content) - {"input", "strategy", "label"})
    if unknown:
        raise SelectionError(f"{where}: unknown keys {unknown}; allowed are 'input' and 'strategy'")
    source, settings = content["input"], content["strategy"]
    for part, name in ((source, "input"), (settings, "strategy")):
        if not isinstance(part, dict) or "type" not in part:
            raise SelectionError(f"{where}.{name}: needs a 'type', got {part!r}")
    known([settings["type"]], list(table), f"{where}.strategy.type", "strategies")
    accepts = table[settings["type"]].accepts
    if source["type"] not in accepts:
        raise SelectionError(
            f"{where}: {settings['type']} cannot use the input {source['type']}; it takes {sorted(accepts)}"
        )
    strength = settings.get("strength")
    if strength is not None and not (
        isinstance(strength, (int, float)) and abs(strength) <= LARGEST_STRENGTH
    ):
        raise SelectionError(
            f"{where}.strategy.strength: got {strength!r}; allowed are numbers from -1e9 to 1e9"
        )
    return {"input": source, "strategy": settings}


def _plain(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return _plain(value.model_dump(exclude_none=True))
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(_plain(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        return sorted((key, _canonical(item)) for key, item in value.items())
    return [_canonical(item) for item in value] if isinstance(value, list) else value


def _label(entry: Mapping[str, Any]) -> str:
    source = entry["input"]
    details = [source[key] for key in ("task", "score", "name", "key", "tag_name") if source.get(key)]
    return " ".join([entry["strategy"]["type"], source["type"], *map(str, details)])
