"""Files given one by one, as a list or as a column of a table: their common folder and names in it.

An entry of a list may also be a folder or a pattern (`data/*/*.jpg`). The folder that names are relative to
is the deepest one that holds all entries that are there: one wrong path leaves the names of all others alone.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from lightly_nb.datasource import Datasource, open_datasource
from lightly_nb.datasource.local import local_path
from lightly_nb.datasource.names import printable, scheme_of, suffix_of, without_credentials
from lightly_nb.errors import InputError
from lightly_nb.reading.patterns import has_pattern, split_pattern
from lightly_nb.samples.own_embeddings import PATH_COLUMNS, posix_name, with_index_as_column

BOM = "\ufeff"
FILENAME = "filename"
"""Name of the index of samples."""
PATH = "path"
"""Column that the paths of a table come back in, where theirs has the name of the index, `filename`."""
_INSIDE = "/_"
"""Stands for a file in a folder, where only files have a common folder."""


@dataclass(frozen=True)
class NamedFiles:
    """Files by name in a datasource.

    Parameters
    ----------
    datasource : Datasource
        A folder that holds them all.
    names : list of str
        Of the single files, relative to the datasource; none comes twice.
    metadata : pandas.DataFrame or None
        Of a table: its index and columns, a row per name, the names as index.
    repeated : list of str
        Names that came once too often, each as often as that.
    folders : mapping of str to list of str
        Folders to list, relative to the datasource, with the patterns that files in them must match; an empty
        one is all.
    outside : list of str
        Paths that are not below `root`.
    is_fixed : bool
        Whether names stay relative to this datasource: the caller has said so.
    """

    datasource: Datasource
    names: list[str]
    metadata: pd.DataFrame | None
    repeated: list[str]
    folders: Mapping[str, list[str]]
    outside: list[str]
    is_fixed: bool


def named_files(
    source: pd.DataFrame | Iterable[str | os.PathLike[str]],
    storage_options: Mapping[str, Any] | None = None,
    path_column: str | None = None,
    root: str | os.PathLike[str] | None = None,
    image_types: Iterable[str] = (),
) -> NamedFiles:
    """Return a folder that holds all files of `source`, and their names in it.

    Parameters
    ----------
    source : DataFrame or iterable of str or path
        The files; of a list also folders and patterns.
    storage_options : mapping, optional
        As `open_datasource` takes them.
    path_column : str, optional
        Column of a table that holds the paths.
    root : str or path, optional
        The folder that names are relative to, and relative paths start at.
    image_types : iterable of str
        Endings by which a file is told from a folder.

    Raises
    ------
    InputError
        If there are no files, a path is missing or not text, or the files have no folder in common.
    """
    if not isinstance(source, pd.DataFrame):
        paths = _paths(source, "files")
        return _located(paths, None, storage_options, root, frozenset(image_types))
    source = source.rename(columns=lambda name: name.lstrip(BOM) if isinstance(name, str) else name)
    column = _path_column(source, path_column)
    paths = _paths(source[column], f"table: column {column!r}")
    return _located(paths, _given(source, column), storage_options, root, None)


def at_their_folder(files: NamedFiles, found: Iterable[str], storage_options: Any) -> tuple[Datasource, str]:
    """Return the deepest folder that holds the files found, and what to cut off the start of their names."""
    if files.is_fixed:
        return files.datasource, ""
    folders = {posixpath.dirname(name) for name in found} | set(files.folders)
    common = posixpath.commonpath(sorted(folders)) if folders and "" not in folders else ""
    if not common:
        return files.datasource, ""
    below = f"{files.datasource.url.rstrip('/')}/{common}"
    return open_datasource(below, storage_options=storage_options), common + "/"


def _given(table: pd.DataFrame, column: Any) -> pd.DataFrame:
    """Return what comes back of a table: index and columns, the paths as they were written."""
    if column == FILENAME:
        if PATH in table.columns:
            raise InputError(
                f"table: the paths are in 'filename', which is the name of the index, and there is a column "
                f"{PATH!r} too; rename one of them"
            )
        table = table.rename(columns={column: PATH})
        column = PATH
    kept = with_index_as_column(table, always=True)
    kept.attrs = {PATH: column}
    return kept


def _located(
    paths: list[str],
    metadata: pd.DataFrame | None,
    storage_options: Mapping[str, Any] | None,
    root: str | os.PathLike[str] | None,
    image_types: frozenset[str] | None,
) -> NamedFiles:
    places = [_place(path, image_types, root) for path in paths]
    anchors = [place.anchor for place in places]
    outside: list[str] = []
    if root is None:
        start, names = common_folder(anchors)
    else:
        start, inside = _below_root(os.fspath(root), anchors)
        outside = [path for path, name in zip(paths, inside, strict=True) if name is None]
        places = [place for place, name in zip(places, inside, strict=True) if name is not None]
        metadata = None if metadata is None else metadata[[name is not None for name in inside]]
        names = [name for name in inside if name is not None]
    datasource = open_datasource(start, storage_options=storage_options)
    folders: dict[str, list[str]] = {}
    files = []
    for place, name in zip(places, names, strict=True):
        if place.is_folder:
            patterns = folders.setdefault(posixpath.dirname(name), [])
            patterns.append(place.pattern)
        else:
            files.append(name)
    unique = list(dict.fromkeys(files))
    once: pd.Index[Any] = pd.Index(files, dtype="object")
    repeated = [str(name) for name in once[once.duplicated()]]
    if metadata is not None:
        metadata = metadata.set_axis(once.rename(FILENAME), axis=0)
        _refuse_rows_that_differ(metadata, repeated, str(metadata.attrs[PATH]))
        metadata = metadata[~metadata.index.duplicated()]
    return NamedFiles(datasource, unique, metadata, repeated, folders, outside, root is not None)


@dataclass(frozen=True)
class _Place:
    """Where an entry points to: a file, or a folder and the pattern for what is in it."""

    anchor: str
    """The file, or any file in the folder."""
    is_folder: bool = False
    pattern: str = ""


def _place(path: str, image_types: frozenset[str] | None, root: str | os.PathLike[str] | None) -> _Place:
    """Return what a path stands for; of a table (no `image_types`) a file always."""
    path = _found_path(path, root)
    if image_types is None:
        return _Place(path)
    if has_pattern(path) and (scheme_of(path) not in ("", "file", "local") or not _exists(path)):
        folder, pattern = split_pattern(path)
        return _Place(folder + _INSIDE, True, pattern)
    if suffix_of(path) in image_types:
        return _Place(path)
    is_local = scheme_of(path) in ("", "file", "local")
    if os.path.isdir(local_path(path)) if is_local else (path.endswith("/") or not suffix_of(path)):
        return _Place(path.rstrip("/") + _INSIDE, True)
    return _Place(path)


def _found_path(path: str, root: str | os.PathLike[str] | None) -> str:
    r"""Return a path below `root`, and one of Windows with '/', where only that is there."""
    path = path.lstrip(BOM).strip("\r\n")
    if scheme_of(path):
        return path
    if "\\" in path and os.sep == "/" and not os.path.lexists(path):
        path = posix_name(path)
    if root is None or os.path.isabs(os.path.expanduser(path)):
        return path
    start = os.fspath(root)
    below = f"{start.rstrip('/')}/{path.removeprefix('./')}"
    if scheme_of(start) in ("", "file", "local") and not _exists(below) and _exists(path):
        return path  # relative to the working directory
    return below


def _exists(path: str) -> bool:
    return os.path.lexists(local_path(path))


def _below_root(root: str, paths: list[str]) -> tuple[str, list[str | None]]:
    """Return `root`, and of each path the name in it, None if it is elsewhere."""
    is_local = scheme_of(root) in ("", "file", "local")
    start = (_absolute(root) if is_local else root).rstrip("/") + "/"
    names: list[str | None] = []
    for path in paths:
        whole = _absolute(path) if is_local and scheme_of(path) in ("", "file", "local") else path
        names.append(whole[len(start) :] if whole.startswith(start) else None)
    return root, names


def _refuse_rows_that_differ(metadata: pd.DataFrame, repeated: list[str], path: str) -> None:
    """Raise where a file has several rows that do not say the same: one of them would be lost."""
    if not repeated:
        return
    index = metadata.columns[0]
    rest = metadata.drop(columns=[index, path]).astype(str)
    for name in dict.fromkeys(repeated):
        rows = rest.loc[[name]]
        if not (rows == rows.iloc[0]).all(axis=None):
            differ = [str(column) for column in rows if rows[column].nunique() > 1]
            at = metadata.loc[[name], index].tolist()[:5]
            raise InputError(
                f"table: {len(set(repeated)):,} files have several rows, first {name!r} at index {at}, which "
                f"differ in {differ[:5]}; a sample has one row: keep one, df.drop_duplicates({path!r}), or "
                f"join them, df.groupby({path!r})"
            )


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
