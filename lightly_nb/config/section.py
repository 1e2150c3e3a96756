"""What every configuration and every section of one has in common: frozen, exact about keys, dotted keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from lightly_nb.config.platform_form import as_ours
from lightly_nb.config.problems import explained
from lightly_nb.errors import ConfigError

SectionT = TypeVar("SectionT", bound="Section")


class Section(BaseModel):
    """A frozen group of keys. Nested dicts and dotted keys mean the same; unknown keys are refused.

    Examples
    --------
    >>> from lightly_nb.config import LightlyConfig
    >>> a = LightlyConfig(**{"trainer.max_epochs": 2})
    >>> a == LightlyConfig(trainer={"max_epochs": 2})
    True
    >>> a.model_copy(update={"trainer.max_epochs": 3}).trainer.max_epochs
    3
    """

    BESIDE: ClassVar[Mapping[str, str]] = {}
    """The platform's further keys of this section, which no run here does, and what to do instead."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, protected_namespaces=())

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, values: Any) -> Any:
        if values is None:  # a YAML section whose keys are all commented out
            return {}
        return expanded(cls, values) if isinstance(values, Mapping) else values

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with some keys changed, checked like any other configuration.

        Parameters
        ----------
        update : mapping of str to anything, optional
            New values, by key or dotted key.
        deep : bool
            Without effect: a frozen configuration can share its parts.
        """
        return build(type(self), {**dict(self), **(update or {})})


class Config(Section):
    """A whole configuration: a section that explains in full what is wrong with it."""

    WHERE: ClassVar[str] = "config"

    def __init__(self, /, **values: Any) -> None:
        _fill(self, values, self.WHERE, None)


def build(
    model: type[SectionT],
    values: Mapping[Any, Any],
    where: str | None = None,
    elsewhere: Mapping[str, type[BaseModel]] | None = None,
) -> SectionT:
    """Return a checked `model` of `values`, or raise a `ConfigError` with one line for each problem.

    `where` is how the lines name the configuration (None = its own name); `elsewhere` holds the other
    configurations by name, for keys that ended up in the wrong one.
    """
    config = model.__new__(model)
    _fill(config, values, where or str(getattr(model, "WHERE", model.__name__)), elsewhere)
    return config


def _fill(
    config: Section,
    values: Mapping[Any, Any],
    where: str,
    elsewhere: Mapping[str, type[BaseModel]] | None,
) -> None:
    try:
        BaseModel.__init__(config, **expanded(type(config), values))
    except ValidationError as error:
        raise explained(error, type(config), where, elsewhere) from None
    except ValueError as error:
        raise ConfigError.at(where, str(error)) from None


def expanded(model: type[BaseModel], values: Mapping[Any, Any]) -> dict[str, Any]:
    """Return `values` in our form, with `'section.key'` moved into the dict of `section`, one level deep.

    A dotted key whose first part is no key of `model` stays, and is refused later with a suggestion.
    Beside a finished section, a dotted key gives a changed copy of it; beside a dict with the same key it
    is an error, since nobody can say which of the two was meant.
    """
    strange = [key for key in values if not isinstance(key, str)]
    if strange:
        raise ValueError(f"keys must be text, got {strange[0]!r}")
    values = as_ours(model, values, getattr(model, "BESIDE", ()))
    result = {key: value for key, value in values.items() if not _is_dotted(model, key)}
    dotted: dict[str, dict[str, Any]] = {}
    for key in values:
        if _is_dotted(model, key):
            head, rest = key.split(".", 1)
            dotted.setdefault(head, {})[rest] = values[key]
    return {**result, **{head: _joined(head, result.get(head), rest) for head, rest in dotted.items()}}


def _is_dotted(model: type[BaseModel], key: str) -> bool:
    return key not in model.model_fields and key.split(".", 1)[0] in model.model_fields and "." in key


def _joined(head: str, section: Any, dotted: dict[str, Any]) -> dict[str, Any]:
    if isinstance(section, Section):
        given = {key: getattr(section, key) for key in section.model_fields_set}
        return {**given, **dotted}  # what nobody has set is left to the defaults
    section = {} if section is None else section
    if not isinstance(section, Mapping):
        raise ValueError(f"'{head}' is given as a single value and by dotted keys; give one of them")
    twice = [key for key in dotted if key in section]
    if twice:
        raise ValueError(f"'{head}.{twice[0]}' is given twice, once nested and once dotted; give it once")
    return {**section, **dotted}
