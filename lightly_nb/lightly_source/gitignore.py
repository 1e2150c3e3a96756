"""Patterns of a .gitignore, with git's own semantics: https://git-scm.com/docs/gitignore.

The package `pathspec` was tried first; it lets `[!a]` match a `/`, applies `!folder` to what lies below the
folder, and takes files out of folders that are left out, all of which git does not. A test compares the code
here with `git check-ignore`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

_CLASSES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "blank": r" \t",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": r"\x21-\x7e",
    "lower": "a-z",
    "print": r"\x20-\x7e",
    "punct": r"!-/:-@\[-`{-~",
    "space": r" \t\n\r\x0b\x0c",
    "upper": "A-Z",
    "xdigit": "0-9a-fA-F",
}


class _Pattern(NamedTuple):
    leaves_out: bool
    folders_only: bool
    whole_path: bool
    matches: re.Pattern[str]


class _InvalidError(ValueError):
    """A pattern that matches nothing."""


def ignoring(patterns: Iterable[str]) -> Callable[[str], bool]:
    """Return the function that says whether `patterns`, one line of a .gitignore each, ignore a file.

    The last match wins; a file below an ignored folder stays ignored. Names are relative to the folder of
    the .gitignore. `?` and `[…]` stand for one character, where git counts bytes of UTF-8.

    Examples
    --------
    >>> is_ignored = ignoring(["a/image_4*", "!a/image_41.png"])
    >>> [is_ignored(name) for name in ("a/image_40.png", "a/image_41.png", "a/b/image_40.png")]
    [True, False, False]
    """
    parsed = [pattern for line in patterns if (pattern := _parsed(line)) is not None][::-1]
    folders: dict[str, bool] = {"": False}

    def folder_is_ignored(folder: str) -> bool:
        if folder not in folders:
            parent = folder.rpartition("/")[0]
            folders[folder] = folder_is_ignored(parent) or _is_left_out(folder, parsed, is_folder=True)
        return folders[folder]

    def is_ignored(name: str) -> bool:
        return folder_is_ignored(name.rpartition("/")[0]) or _is_left_out(name, parsed, is_folder=False)

    return is_ignored


def _is_left_out(name: str, last_first: list[_Pattern], *, is_folder: bool) -> bool:
    base = name.rpartition("/")[2]
    for pattern in last_first:
        if (is_folder or not pattern.folders_only) and pattern.matches.fullmatch(
            name if pattern.whole_path else base
        ):
            return pattern.leaves_out
    return False


def _parsed(line: str) -> _Pattern | None:
    """Return the pattern of a line, None for a comment or a pattern that matches nothing."""
    if line.startswith("#"):
        return None
    leaves_out = not line.startswith("!")
    text = line if leaves_out else line[1:]
    folders_only = text.endswith("/")
    text = text[:-1] if folders_only else text
    try:
        expression = "".join(_translated(text.removeprefix("/")))
    except _InvalidError:
        return None
    return _Pattern(leaves_out, folders_only, "/" in text, re.compile(expression, re.DOTALL))


def _translated(text: str) -> Iterator[str]:
    """Yield the parts of the regular expression of a pattern without its `!` and outer slashes."""
    at = 0
    while at < len(text):
        character = text[at]
        if character == "*":
            end = len(text) - len(text[at:].lstrip("*"))
            alone = end - at > 1 and text[at - 1 : at] in ("", "/") and text[end : end + 1] in ("", "/")
            if alone and end < len(text):
                yield "(?:.*/)?"
                end += 1
            else:
                yield ".*" if alone else "[^/]*"
            at = end
        elif character == "[":
            expression, at = _class(text, at + 1)
            yield expression
        elif character == "\\" and at + 1 == len(text):
            raise _InvalidError
        else:
            literal = text[at + 1] if character == "\\" else character
            at += 2 if character == "\\" else 1
            yield "[^/]" if character == "?" else re.escape(literal)


def _class(text: str, at: int) -> tuple[str, int]:
    """Return the expression of the bracket whose content starts at `at`, and the place after its end."""
    negated = text[at : at + 1] in ("!", "^")
    at += negated
    parts: list[str] = []
    first = True
    while first or text[at : at + 1] != "]":
        first = False
        if named := re.compile(r"\[:(\w*):\]").match(text, at):
            if named[1] not in _CLASSES:
                raise _InvalidError
            parts.append(_CLASSES[named[1]])
            at = named.end()
            continue
        low, at = _character(text, at)
        high = low
        if text[at : at + 1] == "-" and text[at + 1 : at + 2] not in ("", "]"):
            high, at = _character(text, at + 1)
        parts.append(f"{re.escape(low)}-{re.escape(high)}" if low <= high else re.escape(low))
    content = "".join(parts)
    if negated:
        return f"[^/{content}]", at + 1
    return (f"(?!/)[{content}]" if content else "(?!)"), at + 1


def _character(text: str, at: int) -> tuple[str, int]:
    at += text[at : at + 1] == "\\"
    if at >= len(text):
        raise _InvalidError
    return text[at], at + 1
