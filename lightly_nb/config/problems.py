"""From pydantic's errors to lines that a person can act on: where, what was got, what is allowed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from lightly_nb.config import describe
from lightly_nb.config.fields import MASK
from lightly_nb.errors import ConfigError, Problem

SECRET = re.compile(r"token|secret|passw|credential|(api|access|account)_?key|sas_", re.IGNORECASE)
LONGEST_VALUE = 120
LEAST_LIKENESS = 0.7
Elsewhere = Mapping[str, type[BaseModel]]


def explained(
    error: ValidationError, model: type[BaseModel], where: str, elsewhere: Elsewhere | None = None
) -> ConfigError:
    """Return an error with one line for each thing that is wrong, without any secret.

    Parameters
    ----------
    error : pydantic.ValidationError
        What pydantic found.
    model : type of pydantic.BaseModel
        The configuration that was parsed.
    where : str
        Name of the configuration, with which each line starts.
    elsewhere : mapping of str to model, optional
        The other configurations by name, for keys that ended up in the wrong one.
    """
    lines, found = [], []
    for detail in error.errors(include_url=False):
        place, text = _explained(detail, model, where, elsewhere or {})
        inner = getattr(detail.get("ctx", {}).get("error"), "keys", ())
        lines.append(f"{place.key}{place.kind}{place.rest}: {text}")
        found += [Problem(f"{place.key}.{key}", text) for key in inner] or [
            Problem(f"{place.key}{place.rest}", text)
        ]
    return ConfigError("\n".join(dict.fromkeys(lines)), dict.fromkeys(found))


class Place(NamedTuple):
    """A place in a configuration."""

    key: str
    """Its path."""
    owner: type[BaseModel]
    """The section that it is in."""
    field: FieldInfo | None
    kind: str = ""
    """The type of its section, ' (THRESHOLD)', where there are several."""
    rest: str = ""
    """What follows on the path: '.type' where that is missing or wrong."""


def _explained(detail: Any, model: type[BaseModel], where: str, elsewhere: Elsewhere) -> tuple[Place, str]:
    """Return where something is wrong, and what was got and is allowed there."""
    place = located(model, detail["loc"], where)
    field, kind, value = place.field, detail["type"], detail["input"]
    if kind == "extra_forbidden":
        return place, _unknown_key(detail, place.owner, model, elsewhere)
    if kind == "missing":
        return place, f"missing. Allowed here: {_allowed(field)}"
    if kind == "union_tag_not_found":
        return place._replace(rest=".type"), f"missing (got {shown(value)}). Allowed here: {_tags(field)}"
    if kind == "union_tag_invalid":
        got = detail["ctx"]["tag"]
        guess = _guess(got, _tag_names(field))
        text = f"not allowed (got {shown(got)}).{guess} Allowed here: {_tags(field)}"
        return place._replace(rest=".type"), text
    if kind == "value_error":
        return place, str(detail["ctx"]["error"])
    got = MASK if field is not None and describe.is_secret(field) else shown(value)
    reason = detail["msg"] if kind == "clear" else "not allowed"
    guess = _guess(value, describe.choices(field)) if field is not None else ""
    return place, f"{reason} (got {got}).{guess} Allowed here: {_allowed(field)}"


def located(model: type[BaseModel], loc: Sequence[int | str], where: str) -> Place:
    """Return a place in a configuration, from pydantic's path to it."""
    place = Place(where, model, None)
    waiting: tuple[type[BaseModel], ...] = (model,)
    for part in loc:
        tagged = {describe.tag(candidate): candidate for candidate in waiting}
        if isinstance(part, int):
            place = place._replace(key=f"{place.key}[{part}]", field=None)
        elif len(waiting) > 1 and part in tagged:
            waiting, place = (tagged[part],), place._replace(kind=f" ({part})")
        elif waiting:
            owner = waiting[0]
            field = owner.model_fields.get(part)
            place = place._replace(key=f"{place.key}.{part}", owner=owner, field=field)
            waiting = describe.sections(field.annotation) if field is not None else ()
    return place


def _unknown_key(detail: Any, owner: type[BaseModel], model: type[BaseModel], elsewhere: Elsewhere) -> str:
    key = str(detail["loc"][-1])
    if instead := getattr(owner, "BESIDE", {}).get(key):
        return f"got {shown(detail['input'])}, but {instead}"
    guess = nearest_key(key, owner, model)
    secret = SECRET.search(key) or (guess and SECRET.search(guess))
    got = MASK if secret else shown(detail["input"])
    hint = f" Did you mean '{guess}'?" if guess else ""
    for name, other in elsewhere.items():
        if key.split(".")[0] in other.model_fields:
            hint = f" It is a key of {name}."
    return f"unknown key (got {got}).{hint} Allowed here: {', '.join(owner.model_fields)}"


def nearest_key(key: str, owner: type[BaseModel], model: type[BaseModel]) -> str | None:
    """Return the key that was probably meant: of the same section, else a dotted key of the configuration."""
    named = [(name, name) for name in owner.model_fields]
    dotted = [path for path, _ in dotted_keys(model)]
    named += [(path, path) for path in dotted] + [(path.rsplit(".", 1)[-1], path) for path in dotted]
    likeness, meant = max(((_likeness(key, name), path) for name, path in named), key=lambda pair: pair[0])
    return meant if likeness >= LEAST_LIKENESS else None


def dotted_keys(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Yield the dotted path and the field of every plain key of a configuration, sections opened."""
    for name, field in model.model_fields.items():
        inner = describe.sections(field.annotation)
        if len(inner) == 1 and not describe.is_list(field.annotation):
            yield from dotted_keys(inner[0], f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field


def shown(value: Any) -> str:
    """Return a value for an error message: short, and without what looks like a secret."""
    written = repr(_redacted(value))
    return written if len(written) <= LONGEST_VALUE else written[: LONGEST_VALUE - 1] + "…"


def _redacted(value: Any) -> Any:
    if isinstance(value, str):
        return MASK if SECRET.search(value) else value
    if isinstance(value, Mapping):
        return {key: MASK if SECRET.search(str(key)) else _redacted(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_redacted(item) for item in value) if type(value) in (list, tuple) else value
    return value


def _likeness(word: str, known: str) -> float:
    """Return how alike two words are, from 0 to 1; case and the kind of dash do not count."""
    a, b = (text.lower().replace("-", "_") for text in (word, known))
    return difflib.SequenceMatcher(None, a, b).ratio()


def _guess(value: Any, known: Sequence[Any]) -> str:
    words = [choice for choice in known if isinstance(choice, str)]
    if not isinstance(value, str) or not words:
        return ""
    near = max(words, key=lambda word: _likeness(value, word))
    return f" Did you mean '{near}'?" if _likeness(value, near) >= LEAST_LIKENESS else ""


def _allowed(field: FieldInfo | None) -> str:
    return "a mapping of keys to values" if field is None else describe.allowed(field)


def _tag_names(field: FieldInfo | None) -> list[str]:
    models = () if field is None else describe.sections(field.annotation)
    return [str(describe.tag(model)) for model in models]


def _tags(field: FieldInfo | None) -> str:
    return " or ".join(repr(name) for name in _tag_names(field))
