"""Strategies as users write them, as plain dicts: checked for shape, with a label each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lightly_nb.config.parsing import parse
from lightly_nb.config.selection import MAX_STRENGTH, StrategyConfig
from lightly_nb.errors import SelectionError
from lightly_nb.selection.inputs import known
from lightly_nb.selection.strategy import Strategy

CONFIGURED = ("FACILITY_LOCATION", "DIVERSITY", "WEIGHTS", "THRESHOLD", "BALANCE", "SIMILARITY", "TYPICALITY")
"""Strategies that the configuration knows, and checks."""
QUERY = "query"
"""Tag of the query samples where they were passed instead of named."""
DEFAULT = {"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "FACILITY_LOCATION"}}
"""The strategy where none is named."""


def plain_strategies(
    strategies: Sequence[Any] | None, table: Mapping[str, Strategy], has_query: bool = False
) -> list[dict[str, Any]]:
    """Return `[{"label", "input", "strategy"}, …]` in plain values; None is FACILITY_LOCATION on EMBEDDINGS.

    The result is in a fixed order that depends on the strategies alone, so their order in the list has no
    effect.
    """
    if strategies is None:
        strategies = [DEFAULT]
    strategies = getattr(strategies, "strategies", strategies)  # a SelectionConfig
    if isinstance(strategies, Mapping | str) or not isinstance(strategies, Sequence) or not len(strategies):
        raise SelectionError(
            "strategies: give a list with at least one strategy, such as "
            f"[{DEFAULT}], or leave it out for FACILITY_LOCATION on EMBEDDINGS"
        )
    entries = [
        _entry(entry, f"strategies[{number}]", table, has_query) for number, entry in enumerate(strategies)
    ]
    entries = sorted(entries, key=lambda entry: (entry["strategy"]["type"], repr(_canonical(entry))))
    labels = [_label(entry) for entry in entries]
    for number, entry in enumerate(entries):
        repeat = labels[:number].count(labels[number])
        entry["label"] = f"{labels[number]} ({repeat + 1})" if repeat else labels[number]
    return entries


def _entry(entry: Any, where: str, table: Mapping[str, Strategy], has_query: bool) -> dict[str, Any]:
    content = _plain(entry)
    kind = str(content["strategy"].get("type")) if _is_pair(content) else ""
    if kind in table and kind not in CONFIGURED:
        return _home_made(content, where, table[kind])
    if kind in CONFIGURED and kind not in table:
        known([kind], sorted(table), f"{where}.strategy.type", "strategies of the strategy_table")
    form = {}
    if kind == "TYPICALITY" and "form" in content["strategy"]:
        form = {"form": content["strategy"].pop("form")}
    if kind == "SIMILARITY" and has_query and not content["input"].get("tag_name"):
        content["input"]["tag_name"] = QUERY
    checked = _plain(parse(StrategyConfig, content, where=where))
    return {"input": checked["input"], "strategy": checked["strategy"] | form}


def _is_pair(content: Any) -> bool:
    return isinstance(content, dict) and all(
        isinstance(content.get(key), dict) for key in ("input", "strategy")
    )


def _home_made(content: dict[str, Any], where: str, strategy: Strategy) -> dict[str, Any]:
    """Check a strategy that only the caller's table knows; its own settings are its own business."""
    kind, source = content["strategy"]["type"], content["input"].get("type")
    known([source], sorted(strategy.accepts), f"{where}: {kind}", "inputs")
    strength = content["strategy"].get("strength", 1.0)
    if not isinstance(strength, (int, float)) or not abs(strength) <= MAX_STRENGTH:
        raise SelectionError(
            f"{where}.strategy.strength: got {strength!r}; allowed are numbers from -1e9 to 1e9"
        )
    return {"input": content["input"], "strategy": content["strategy"]}


def _plain(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return _plain(value.model_dump(exclude_none=True))
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
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
