"""From pydantic's errors to lines that a person can act on: where, what was got, what is allowed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from lightly_nb.config import describe
from lightly_nb.config.fields import MASK

SECRET = re.compile(r"token|secret|passw|credential|(api|access|account)_?key|sas_", re.IGNORECASE)
LONGEST_VALUE = 120
LEAST_LIKENESS = 0.7
Elsewhere = Mapping[str, type[BaseModel]]


def problems(
    error: ValidationError, model: type[BaseModel], where: str, elsewhere: Elsewhere | None = None
) -> list[str]:
    """Return one line for each thing that is wrong, without any secret.

    Parameters
    ----------
    error : pydantic.ValidationError
        What pydantic said.
    model : type of pydantic.BaseModel
        The configuration that was parsed.
    where : str
        Name of the configuration, with which each line starts.
    elsewhere : mapping of str to model, optional
        The other configurations by name, for keys that ended up in the wrong one.
    """
    details = error.errors(include_url=False)
    return list(dict.fromkeys(_line(detail, model, where, elsewhere or {}) for detail in details))


def _line(detail: Any, model: type[BaseModel], where: str, elsewhere: Elsewhere) -> str:
    path, owner, field = located(model, detail["loc"], where)
    kind, value = detail["type"], detail["input"]
    if kind == "extra_forbidden":
        return _unknown_key(detail, path, owner, model, elsewhere)
    if kind == "missing":
        return f"{path}: missing. Allowed here: {_allowed(field)}"
    if kind == "union_tag_not_found":
        return f"{path}.type: missing (got {shown(value)}). Allowed here: {_tags(field)}"
    if kind == "union_tag_invalid":
        got = detail["ctx"]["tag"]
        guess = _guess(got, _tag_names(field))
        return f"{path}.type: not allowed (got {shown(got)}).{guess} Allowed here: {_tags(field)}"
    if kind == "value_error":
        return f"{path}: {detail['ctx']['error']}"
    got = MASK if field is not None and describe.is_secret(field) else shown(value)
    reason = detail["msg"] if kind == "clear" else "not allowed"
    guess = _guess(value, describe.choices(field)) if field is not None else ""
    return f"{path}: {reason} (got {got}).{guess} Allowed here: {_allowed(field)}"


def located(
    model: type[BaseModel], loc: Sequence[int | str], where: str
) -> tuple[str, type[BaseModel], FieldInfo | None]:
    """Return the key path of a place in a configuration, the section it is in, and its field if any."""
    path, name = where, ""
    owner, field = model, None
    waiting: tuple[type[BaseModel], ...] = (model,)
    for part in loc:
        tagged = {describe.tag(candidate): candidate for candidate in waiting}
        if isinstance(part, int):
            path, field = f"{path}[{part}]", None
        elif len(waiting) > 1 and part in tagged:
            waiting, name = (tagged[part],), f" ({part})"
        elif waiting:
            owner, path = waiting[0], f"{path}.{part}"
            field = owner.model_fields.get(part)
            waiting = describe.sections(field.annotation) if field is not None else ()
    return path + name, owner, field


def _unknown_key(
    detail: Any, path: str, owner: type[BaseModel], model: type[BaseModel], elsewhere: Elsewhere
) -> str:
    key = str(detail["loc"][-1])
    guess = nearest_key(key, owner, model)
    secret = SECRET.search(key) or (guess and SECRET.search(guess))
    got = MASK if secret else shown(detail["input"])
    hint = f" Did you mean '{guess}'?" if guess else ""
    for name, other in elsewhere.items():
        if key.split(".")[0] in other.model_fields:
            hint = f" It is a key of {name}."
    return f"{path}: unknown key (got {got}).{hint} Allowed here: {', '.join(owner.model_fields)}"


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
