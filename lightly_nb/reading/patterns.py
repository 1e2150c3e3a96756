"""Patterns of file names, as a shell has them: `*`, `?`, `[a-z]` within a name, `**` for any folders."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable

from lightly_nb.datasource.names import scheme_of


def has_pattern(path: str) -> bool:
    """Whether a path is a pattern; of a URL only '*' makes it one.

    Examples
    --------
    >>> has_pattern("data/*.jpg"), has_pattern("s3://b/a?.jpg")
    (True, False)
    """
    return "*" in path if scheme_of(path) else any(mark in path for mark in "*?[")


def split_pattern(path: str) -> tuple[str, str]:
    """Return the folder before the first part with a pattern in it, and the rest.

    Examples
    --------
    >>> split_pattern("data/*/a.jpg"), split_pattern("s3://b/x/**/*.png"), split_pattern("*.jpg")
    (('data', '*/a.jpg'), ('s3://b/x', '**/*.png'), ('.', '*.jpg'))
    """
    scheme = scheme_of(path)
    start = path[: len(scheme) + 3] if scheme else ""
    parts = path[len(start) :].split("/")
    first = next(at for at, part in enumerate(parts) if has_pattern(part))
    folder = start + "/".join(parts[:first])
    return folder or ("/" if path.startswith("/") else "."), "/".join(parts[first:])


def matcher(patterns: Iterable[str]) -> Callable[[str], bool]:
    """Return whether a name, relative to the folder of the patterns, matches one; '' matches all.

    Examples
    --------
    >>> fits = matcher(["*/*.jpg"])
    >>> fits("a/1.jpg"), fits("1.jpg"), fits("a/b/1.jpg"), matcher(["**/*.jpg"])("1.jpg")
    (True, False, False, True)
    """
    wanted = list(patterns)
    if "" in wanted:
        return lambda name: True
    whole = re.compile("|".join(f"(?:{_regex(pattern)})" for pattern in wanted))
    return lambda name: whole.fullmatch(posixpath.normpath(name)) is not None


def _regex(pattern: str) -> str:
    parts = pattern.split("/")
    text = "".join("(?:[^/]+/)*" if part == "**" else _part(part) + "/" for part in parts)
    return text + "[^/]+" if parts[-1] == "**" else text.removesuffix("/")


def _part(part: str) -> str:
    text = ""
    for piece in re.findall(r"\*+|\?|\[[!^]?\]?[^\]]*\]|[^*?\[]+|\[", part):
        if piece[0] == "*":
            text += "[^/]*"
        elif piece == "?":
            text += "[^/]"
        elif piece[0] == "[" and len(piece) > 1:
            inside = piece[1:-1].replace("\\", "\\\\")
            text += f"[^{inside[1:]}]" if inside[0] in "!^" else f"[{inside}]"
        else:
            text += re.escape(piece)
    return text
