"""Files given one by one, as a list or as a column of a table: their common folder and names in it."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import pandas as pd

from lightly_nb.datasource import Datasource, open_datasource
from lightly_nb.datasource.local import local_path
from lightly_nb.datasource.names import printable, scheme_of, without_credentials
from lightly_nb.errors import InputError

PATH_COLUMNS = ("path", "filename", "file_name", "filepath")


class NamedFiles(NamedTuple):
    """Files by name in a datasource."""

    datasource: Datasource
    names: list[str]
    """Relative to the datasource; none comes twice."""
    metadata: pd.DataFrame | None
    """Of a table: its other columns, a row per name, the names as index."""
    n_repeated: int
    """How many more times names came than once."""


def named_files(
    source: pd.DataFrame | Iterable[str | os.PathLike[str]],
    storage_options: Mapping[str, Any] | None = None,
    path_column: str | None = None,
) -> NamedFiles:
    """Return the deepest folder that holds all files of `source`, and their names in it.

    Raises
    ------
    InputError
        If there are no files, a path is missing or not text, or the files have no folder in common.
    """
    if not isinstance(source, pd.DataFrame):
        return _named(_paths(source, "files"), storage_options, None)
    column = _path_column(source, path_column)
    paths = _paths(source[column], f"table: column {column!r}")
    return _named(paths, storage_options, source.drop(columns=column))


def _named(
    paths: list[str], storage_options: Mapping[str, Any] | None, metadata: pd.DataFrame | None
) -> NamedFiles:
    root, names = common_folder(paths)
    datasource = open_datasource(root, storage_options=storage_options)
    unique = list(dict.fromkeys(names))
    if metadata is not None:
        metadata = metadata.set_axis(pd.Index(names, dtype="object", name="filename"), axis=0)
        metadata = metadata[~metadata.index.duplicated()]
    return NamedFiles(datasource, unique, metadata, len(names) - len(unique))


def common_folder(paths: list[str]) -> tuple[str, list[str]]:
    """Return the deepest folder that holds all `paths`, and the paths relative to it.

    Examples
    --------
    >>> common_folder(["/data/a/1.jpg", "/data/b/c/2.jpg"])
    ('/data', ['a/1.jpg', 'b/c/2.jpg'])
    >>> common_folder(["s3://bucket/a/1.jpg"])
    ('s3://bucket/a', ['1.jpg'])
    """
    schemes = {scheme_of(path) for path in paths}
    if schemes <= {"", "file", "local"}:
        return _common([_absolute(path) for path in paths], "")
    if len(schemes) > 1:
        raise InputError(
            f"files of one datasource only, got a mix of {sorted(schemes)}; list each on its own"
        )
    scheme = schemes.pop()
    if scheme in ("http", "https") and any("?" in path for path in paths):
        raise InputError(
            f"{scheme} addresses with a query ('?…') cannot be names of samples; download the files"
        )
    return _common([path[len(scheme) + 3 :] for path in paths], scheme + "://")


def _absolute(path: str) -> str:
    path = os.path.abspath(local_path(path)).replace(os.sep, "/")
    return path[1:] if path.startswith("//") and os.name == "posix" else path


def _common(paths: list[str], scheme: str) -> tuple[str, list[str]]:
    folders = sorted({posixpath.dirname(path) for path in paths})
    try:
        root = posixpath.commonpath(folders)
    except ValueError:  # absolute and relative, or two drives
        root = ""
    start = root if root.endswith("/") else root + "/"
    if not root or not all(path.startswith(start) for path in paths):
        shown = [printable(without_credentials(scheme + folder)) for folder in (folders[0], folders[-1])]
        raise InputError(
            f"the files have no folder in common: {shown[0]} and {shown[1]}; list each on its own"
        )
    return scheme + root, [path[len(start) :] for path in paths]


def _path_column(table: pd.DataFrame, path_column: str | None) -> str:
    if path_column is not None and path_column not in table.columns:
        raise InputError(f"table: no column {path_column!r}; it has {_columns(table)}")
    column = path_column or next((name for name in PATH_COLUMNS if name in table.columns), None)
    if column is None:
        raise InputError(
            f"table: no column of {', '.join(PATH_COLUMNS)}; it has {_columns(table)}; "
            "say which holds the paths with path_column="
        )
    return column


def _columns(table: pd.DataFrame) -> str:
    return ", ".join(map(repr, table.columns[:20])) or "no columns"


def _paths(source: Iterable[Any], where: str) -> list[str]:
    if isinstance(source, bytes | Mapping) or not isinstance(source, Iterable):
        raise InputError(
            "source is a folder, a Datasource, a list of files or a table with paths, "
            f"got {type(source).__name__}"
        )
    paths = []
    for number, path in enumerate(source):
        text = os.fspath(path) if isinstance(path, str | os.PathLike) else None
        if not isinstance(text, str) or not text.strip():
            raise InputError(f"{where}: entry {number} is {path!r}, not a path; drop or mend such entries")
        paths.append(text)
    if not paths:
        raise InputError(f"{where}: no files given; give at least one path, or a folder")
    return paths
