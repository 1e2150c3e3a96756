"""Forms that scripts fill in: dicts whose keys are attributes too, in snake_case however they are given.

SelectionConfigV4(nSamples=50, strategies=[...]) == {"n_samples": 50, "strategies": [...]}
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Self

from lightly_nb.config.platform_form import snake_case


class Form(dict[str, Any]):
    """A dict with attributes, as the platform's generated models have them."""

    def __init__(self, *given: Mapping[str, Any] | Iterable[tuple[str, Any]], **values: Any) -> None:
        super().__init__({snake_case(key): value for key, value in dict(*given, **values).items()})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name == "actual_instance":
            return self.get(name, self)
        return self.get(name)

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def to_dict(self, by_alias: bool = False) -> dict[str, Any]:
        """Return a plain dict without what is None; `by_alias`: with camelCase keys."""
        return {
            camel_case(key) if by_alias else key: _plain(value, by_alias)
            for key, value in self.items()
            if value is not None
        }

    def to_json(self, by_alias: bool = False) -> str:
        """Return `to_dict` as JSON."""
        return json.dumps(self.to_dict(by_alias))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the form that a dict in either spelling fills in."""
        return cls(values)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the form that a JSON text fills in."""
        return cls(json.loads(text))


def camel_case(key: str) -> str:
    """Return a snake_case key as camelCase.

    Examples
    --------
    >>> camel_case("n_samples"), camel_case("name")
    ('nSamples', 'name')
    """
    return re.sub(r"_(\w)", lambda found: found[1].upper(), key)


def _plain(value: Any, by_alias: bool) -> Any:
    if isinstance(value, Form):
        return value.to_dict(by_alias)
    if isinstance(value, list | tuple):
        return [_plain(item, by_alias) for item in value]
    return getattr(value, "value", value)


class SelectionConfigV4(Form):
    """A selection: `n_samples` or `proportion_samples`, and `strategies`."""


class SelectionConfigV4Entry(Form):
    """A strategy: its `input` and its `strategy`."""


class SelectionConfigV4EntryInput(Form):
    """What is known of each sample: `type` and what that needs."""


class SelectionConfigV4EntryStrategy(Form):
    """What is wanted of it: `type` and what that needs."""


class SelectionConfigV3EntryStrategyAllOfTargetRange(Form):
    """`min_sum` and `max_sum` of WEIGHTS."""


SelectionConfig = SelectionConfigV3 = SelectionConfigV4
SelectionConfigEntry = SelectionConfigV3Entry = SelectionConfigV4Entry
SelectionConfigEntryInput = SelectionConfigV3EntryInput = SelectionConfigV4EntryInput
SelectionConfigEntryStrategy = SelectionConfigV3EntryStrategy = SelectionConfigV4EntryStrategy


class AutoTask(Form):
    """One of `auto_tasks`. No run here does any; a selection that has one is refused by name."""


class AutoTaskTiling(Form):
    """Tiles: `name`, `num_rows`, `num_cols`, `overlap`."""


class AutoTaskCrop(Form):
    """Crops: `name`, `bboxs`."""
