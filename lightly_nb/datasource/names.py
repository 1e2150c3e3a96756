"""Names of files in a datasource: which are allowed, and how an odd one or a secret URL is written out."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection

LIGHTLY_FOLDER = ".lightly"
"""What the project itself keeps in a datasource lies below this folder and is never input."""

RENAME = "rename it, then list again"

_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*(?:::[A-Za-z][A-Za-z0-9+.-]*)*)://")
_CONTAINER_SCHEMES = frozenset({"abfs", "abfss", "wasb", "wasbs"})


def name_problem(name: str) -> str | None:
    """Return why `name` cannot be the name of a sample, or None when it can.

    A name is relative, with `/` between folders, and stays below its folder whatever the operating system.

    Examples
    --------
    >>> name_problem("holiday photos/été.jpg")
    >>> name_problem("a/../../etc/passwd")
    "the name has a '..' part"
    """
    if not name:
        return "the name is empty"
    if "\0" in name or "\n" in name or "\r" in name:
        return "the name has a line break or NUL in it, which lists of file names cannot hold"
    if "\\" in name:
        return "the name has a backslash in it, which is a folder separator on Windows"
    if name.startswith("/"):
        return "the name is absolute"
    if not is_unicode(name):
        return "the name is not valid UTF-8"
    return _part_problem(name)


def _part_problem(name: str) -> str | None:
    if ".." not in name and "./" not in name and "//" not in name and name[-1] not in "./":
        return None
    parts = name.split("/")
    if ".." in parts:
        return "the name has a '..' part"
    if "." in parts or "" in parts:
        return "the name has a '.' or an empty part"
    return None


def is_unicode(name: str) -> bool:
    """Whether `name` can be written as UTF-8 (a name on disk may hold any bytes)."""
    if name.isascii():
        return True
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def printable(name: str) -> str:
    """Return `name` on one line and as valid Unicode, odd characters as backslash escapes."""
    name = name.encode("utf-8", "backslashreplace").decode("utf-8")
    return name.replace("\n", "\\n").replace("\r", "\\r").replace("\0", "\\0")


def suffix_of(name: str) -> str:
    """Return the lower-case ending of `name` without its dot, '' when there is none.

    Examples
    --------
    >>> suffix_of("a.b/IMG_1.JPG"), suffix_of("a.b/readme"), suffix_of(".jpg")
    ('jpg', '', '')
    """
    return posixpath.splitext(name)[1][1:].lower()


def is_below(name: str, folders: Collection[str], *, lightly: bool = True) -> bool:
    """Whether `name` is one of `folders` or below one, or (unless `lightly` is False) below a `.lightly`."""
    parts = name.split("/")
    if lightly and LIGHTLY_FOLDER in parts:
        return True
    return any("/".join(parts[:depth]) in folders for depth in range(1, len(parts) + 1)) if folders else False


def scheme_of(location: str) -> str:
    """Return the scheme of a URL in lower case ('s3', 'file', 'simplecache::s3'), '' for a plain path."""
    found = _SCHEME.match(location)
    return found.group(1).lower() if found else ""


def without_credentials(url: str) -> str:
    """Return `url` without user, password, query and fragment, so that it can be shown.

    Examples
    --------
    >>> without_credentials("https://me:secret@host/photos?sig=abc")
    'https://host/photos'
    >>> without_credentials("abfs://container@account.dfs.core.windows.net/photos")
    'abfs://container@account.dfs.core.windows.net/photos'
    """
    return "::".join(_link_without_credentials(link) for link in url.split("::"))


def _link_without_credentials(link: str) -> str:
    scheme, separator, rest = link.partition("://")
    if not separator:
        return link
    rest = re.split(r"[?#]", rest, maxsplit=1)[0] if "@" not in rest else _without_user(scheme, rest)
    return f"{scheme}://{rest}"


def _without_user(scheme: str, rest: str) -> str:
    """Cut 'user:password@', also when the password holds '/', '?' or '#' unescaped."""
    user, _, after = rest.rpartition("@")
    if ":" not in user:
        authority = rest.split("/", 1)[0]
        keep = "@" not in authority or scheme.lower() in _CONTAINER_SCHEMES
        after = rest if keep else authority.rpartition("@")[2] + rest[len(authority) :]
    return re.split(r"[?#]", after, maxsplit=1)[0]
