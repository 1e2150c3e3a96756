"""A folder, a datasource, a list of files or a table with paths -> `Samples`, in name order.

The order is that of the names' code points, whatever order the file system or the list has. Names are kept
as they are on disk (no Unicode normalisation). What cannot be a sample goes on the quarantine table, stage
`listing`. Names and versions are Arrow strings: a million names take tens of megabytes, not hundreds.
"""

from __future__ import annotations

import os
import posixpath
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lightly_nb.datasource import Datasource, Entry, open_datasource
from lightly_nb.datasource.names import is_below, printable, scheme_of, suffix_of
from lightly_nb.errors import InputError
from lightly_nb.events import Listener, ProgressBar, Stage, say
from lightly_nb.lightly_source.relevant_filenames import (
    RelevantFilenames,
    parse_relevant_filenames,
    relevant_entries,
    without_match,
)
from lightly_nb.pictures.kinds import OTHER_IMAGES, is_readable, not_read_in_words
from lightly_nb.reading.named_files import NamedFiles, at_their_folder, named_files
from lightly_nb.reading.patterns import has_pattern, matcher
from lightly_nb.reading.run_folders import say_left_out, without_run_folders
from lightly_nb.samples import NOT_READ, NOTE, Samples, quarantine_table
from lightly_nb.samples.arguments import FUNCTION, MAPPING, PATH, TEXT, accepts
from lightly_nb.samples.numbers import as_vectors
from lightly_nb.samples.own_embeddings import vector_column
from lightly_nb.samples.rows import described

if TYPE_CHECKING:
    import pyarrow as pa

IMAGE_TYPES = (
    *("jpg", "jpeg", "png", "ppm", "bmp", "pgm", "tif", "tiff", "webp"),
    *("jpe", "jfif", "jif", "apng", "pbm", "pnm"),
)
"""Endings that are read everywhere; with a plug-in or a newer Pillow, HEIC and AVIF are too."""
STEP = "LOADING_DATASET"
STAGE = "listing"
SIZE, VERSION = "lightly.sizeInBytes", "version"
_CHUNK = 2_000


@accepts(storage_options=MAPPING, path_column=TEXT, root=PATH, on_event=FUNCTION)
def list_samples(
    source: str | os.PathLike[str] | Datasource | pd.DataFrame | Iterable[str | os.PathLike[str]],
    *,
    storage_options: Mapping[str, Any] | None = None,
    path_column: str | None = None,
    root: str | os.PathLike[str] | None = None,
    exclude: Iterable[str | os.PathLike[str]] = (),
    relevant_filenames: RelevantFilenames | str | bytes | Iterable[str] | None = None,
    on_event: Listener | None = None,
) -> Samples:
    """List the images of `source`; nothing is decoded yet.

    Parameters
    ----------
    source : str, path, Datasource, DataFrame or iterable of paths
        A folder, a URL, or a pattern (`data/*/*.jpg`, `**` for any folders); or a list of files, folders and
        patterns; or a table of files. Relative paths start at the working directory, and names are relative
        to the deepest folder that holds all that is there: a wrong path renames nothing, it goes to
        quarantine. Of a table, index and columns come back as columns, the paths as they were written; a
        column `embedding` of lists becomes the embeddings.
    storage_options : mapping, optional
        Keys, regions and so on for a URL, as fsspec takes them. Never shown.
    path_column : str, optional
        The column of a table that holds the paths. None: the first of `path`, `filename`, `file_name`,
        `filepath` that it has.
    root : str or path, optional
        The folder that names are relative to, and relative paths start at. None: found out.
    exclude : iterable of str or path
        Sub-folders left out, such as a run folder inside `source`: relative to it, or absolute.
        What lies below `.lightly/` or in the folder of a run, and the `._*` files of macOS, are left out
        always.
    relevant_filenames : str, bytes or iterable of str, optional
        The only files of a folder or URL that count: a text with one entry a line, or the lines. An entry is
        a name, a prefix (`subdir/*`), or a prefix and patterns of a .gitignore that leave files out again
        (`subdir/* subdir/image_4*`). Without prefixes nothing is listed: each name is looked up. None: all.
    on_event : callable, optional
        Gets the events of step LOADING_DATASET. None: a progress bar.

    Returns
    -------
    Samples
        Sorted by name. Columns `lightly.sizeInBytes` (int64, bytes, 0 when unknown) and `version` (text that
        changes with the file). `quarantine`: names that lead out of the source or cannot be written in a
        list, folders that cannot be entered, and of files given one by one those that are not there or not
        images. Empty and unreadable files stay in: the corruptness check says what is wrong with them.

    Raises
    ------
    DatasourceError
        If there is no such folder, or it cannot be listed.
    InputError
        If there is no image in it, a file has several rows that differ, or `source` or an entry of
        `relevant_filenames` is of another kind.
    """
    on_event = on_event or ProgressBar()
    others: Counter[str] = Counter()
    in_runs: Counter[str] = Counter()
    metadata: pd.DataFrame | None = None
    files: NamedFiles | None = None
    relevant = _parsed(relevant_filenames)
    if root is not None and isinstance(source, Datasource):
        raise InputError("root: a Datasource has its own already; leave one of them out")
    if isinstance(source, str | os.PathLike) and (root is not None or is_pattern(source)):
        source = [source]
    if isinstance(source, str | os.PathLike | Datasource):
        datasource = _opened(source, storage_options)
        entries = _listed(datasource, relevant, others, _inside(datasource, exclude))
        entries = without_run_folders(datasource, entries, in_runs)
        total = None
    elif relevant is not None:
        raise InputError(
            "relevant_filenames choose among the files of a folder or URL; this source is a list"
        )
    else:
        files = named_files(source, storage_options, path_column, root, IMAGE_TYPES)
        datasource, metadata = files.datasource, files.metadata
        if metadata is not None:
            _check_columns(metadata)
        if files.repeated:
            said = (
                f"{len(files.repeated):,} paths came more than once, first {printable(files.repeated[0])!r}"
            )
            say(on_event, STEP, f"{said}; each is one sample", "warning")
        excluded = _inside(datasource, exclude)
        names = [name for name in files.names if not is_below(name, excluded, lightly=False)]
        total = None if files.folders else len(names)
        entries = _entries(files, names, _images_only(others), excluded)
    with Stage(on_event, STEP, total, "file") as stage:
        table, refused = samples_table_of(entries, stage)
    say_left_out(in_runs, on_event)
    if files is not None:
        datasource, table, refused, metadata = _renamed(files, table, refused, metadata, storage_options)
    _say_what_was_left_out(on_event, datasource, len(table), refused, others)
    if relevant is not None:
        _say_what_was_not_found(on_event, relevant, table.index)
    table = table if metadata is None else _with_metadata(table, metadata)
    if not_read := _not_read(others):
        table.attrs[NOT_READ] = not_read
    quarantine = quarantine_table(map(_quarantined, refused))
    column = vector_column(table)
    if column is None:
        return Samples(table, quarantine=quarantine, source=datasource)
    vectors = {"embeddings": as_vectors(table[column], f"table: column {column!r}")}
    return Samples(table.drop(columns=column), vectors, quarantine, datasource)


def is_pattern(source: str | os.PathLike[str]) -> bool:
    """Whether a source is a pattern of file names, and no folder or file of that very name."""
    text = os.fspath(source)
    return isinstance(text, str) and has_pattern(text) and (bool(scheme_of(text)) or not os.path.exists(text))


def _entries(
    files: NamedFiles, names: list[str], is_image: Callable[[str], bool], exclude: frozenset[str]
) -> Iterator[Entry]:
    """Yield the single files, then those in folders that match a pattern of it, each once."""
    seen = set(names)
    yield from (_named_entry(files.datasource, name) for name in names)
    for folder, patterns in files.folders.items():
        matches, start = matcher(patterns), folder and folder + "/"

        def is_wanted(name: str, matches: Callable[[str], bool] = matches, start: str = start) -> bool:
            return matches(name.removeprefix(start)) and name not in seen and is_image(name)

        for entry in files.datasource.list(is_wanted, exclude=exclude, below=folder):
            if entry.name not in seen:
                seen.add(entry.name)
                yield entry


def _renamed(
    files: NamedFiles,
    table: pd.DataFrame,
    refused: list[Entry],
    metadata: pd.DataFrame | None,
    storage_options: Mapping[str, Any] | None,
) -> tuple[Datasource, pd.DataFrame, list[Entry], pd.DataFrame | None]:
    """Return all with names relative to the deepest folder that holds what is there."""
    asked_for = set(files.names)
    found = [name for name in table.index if name in asked_for]
    datasource, start = at_their_folder(files, found, storage_options)
    outside = [
        Entry(path, refused="outside of root", what_to_do="give a root that holds it, or leave it out")
        for path in files.outside
    ]
    if not start:
        return datasource, table, [*refused, *outside], metadata
    whole = datasource.url.removesuffix(start.rstrip("/"))
    named = [
        entry._replace(name=entry.name[len(start) :] if entry.name.startswith(start) else whole + entry.name)
        for entry in refused
    ]
    table = table.set_axis(table.index.str.slice(len(start)).rename(table.index.name), axis=0)
    if metadata is not None:
        metadata = metadata[[str(name).startswith(start) for name in metadata.index]]
        metadata = metadata.set_axis(metadata.index.str.slice(len(start)), axis=0)
    return datasource, table, sorted(named), metadata


def _opened(
    source: str | os.PathLike[str] | Datasource, storage_options: Mapping[str, Any] | None
) -> Datasource:
    if not isinstance(source, Datasource):
        return open_datasource(source, storage_options=storage_options)
    if storage_options:
        raise InputError("storage_options belong to open_datasource(...); a Datasource has its own already")
    return source.read_only()


def _parsed(form: RelevantFilenames | str | bytes | Iterable[str] | None) -> RelevantFilenames | None:
    if form is None or isinstance(form, RelevantFilenames):
        return form
    if not isinstance(form, Iterable):
        raise InputError(
            f"relevant_filenames: got {described(form)}; give a text with one entry a line, or the lines"
        )
    return parse_relevant_filenames(form)


def _listed(
    datasource: Datasource,
    relevant: RelevantFilenames | None,
    others: Counter[str],
    exclude: frozenset[str],
) -> Iterator[Entry]:
    wanted = _images_only(others)
    if relevant is None:
        return datasource.list(wanted, exclude=exclude)
    return relevant_entries(datasource, relevant, is_wanted=wanted, entry_of=_named_entry, exclude=exclude)


def _images_only(others: Counter[str]) -> Callable[[str], bool]:
    """Return the predicate of image names; it counts the types of all others in `others`."""

    def is_image(name: str) -> bool:
        suffix = suffix_of(name)
        if is_readable(suffix) and not posixpath.basename(name).startswith("._"):
            return True
        others[suffix] += 1
        return False

    return is_image


def _inside(datasource: Datasource, exclude: Iterable[str | os.PathLike[str]]) -> frozenset[str]:
    """Return `exclude` as names relative to the datasource; absolute folders elsewhere drop out."""
    if not isinstance(exclude, Iterable):
        raise InputError(f"exclude is a list of folders, got {described(exclude)}")
    if isinstance(exclude, str | os.PathLike):
        raise InputError(f"exclude is a list of folders, got {exclude!r}; write exclude=[{str(exclude)!r}]")
    names = (_name_inside(datasource, os.fspath(folder)) for folder in exclude)
    return frozenset(name for name in names if name is not None)


def _name_inside(datasource: Datasource, folder: str) -> str | None:
    if os.path.isabs(folder) and datasource.folder is not None:
        folder = os.path.relpath(os.path.realpath(folder), datasource.folder)
    name = posixpath.normpath(folder.replace(os.sep, "/"))
    if name == ".":
        raise InputError(
            f"exclude: {folder!r} is the source itself, nothing would be left; name a sub-folder"
        )
    return None if name.startswith("../") or name == ".." else name


def _named_entry(datasource: Datasource, name: str) -> Entry:
    """Return the entry of a file that was asked for by name: whatever is wrong with it is said."""
    if is_below(name, ()):
        return Entry(name, refused="below .lightly/, which is never input", what_to_do="move it elsewhere")
    suffix = suffix_of(name)
    if not is_readable(suffix):
        if suffix in OTHER_IMAGES:
            said = f"images of type .{suffix} are not read"
            return Entry(name, refused=said, what_to_do=OTHER_IMAGES[suffix])
        advice = f"image types are {', '.join(IMAGE_TYPES)}"
        return Entry(name, refused="not the ending of an image type", what_to_do=advice)
    return datasource.look(name)


def samples_table_of(entries: Iterator[Entry], stage: Stage) -> tuple[pd.DataFrame, list[Entry]]:
    """Return the table of the usable entries in name order, and the refused ones in name order."""
    import pyarrow as pa

    refused: list[Entry] = []
    batches = [_batch(())]
    while chunk := list(islice(entries, _CHUNK)):
        batches.append(_batch([entry for entry in chunk if not entry.refused]))
        refused += [entry for entry in chunk if entry.refused]
        stage.advance(len(chunk))
    columns = pa.Table.from_batches(batches)
    batches.clear()
    return _in_name_order(columns), sorted(refused)


def _batch(entries: Collection[Entry]) -> pa.RecordBatch:
    import pyarrow as pa

    return pa.record_batch(
        {
            "filename": pa.array([entry.name for entry in entries], pa.large_string()),
            SIZE: pa.array([entry.size for entry in entries], pa.int64()),
            VERSION: pa.array([entry.version for entry in entries], pa.large_string()),
        }
    )


def _in_name_order(columns: pa.Table) -> pd.DataFrame:
    """Return the pandas table of Arrow columns `filename` and others, in order of the names' code points.

    Text stays Arrow text (large_string), without a copy; numbers become numpy.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    order = pc.sort_indices(columns["filename"])  # UTF-8 sorts by bytes as by code points
    text = {pa.large_string(): pd.StringDtype("pyarrow", na_value=np.nan)}
    table: pd.DataFrame = columns.take(order).combine_chunks().to_pandas(types_mapper=text.get)
    return table.set_index("filename")


def _with_metadata(table: pd.DataFrame, metadata: pd.DataFrame) -> pd.DataFrame:
    return table.join(metadata.loc[table.index].set_axis(table.index, axis=0))


def _check_columns(metadata: pd.DataFrame) -> None:
    taken = [name for name in (SIZE, VERSION, "thumbnail", "content_hash", NOTE) if name in metadata.columns]
    if taken:
        raise InputError(f"table: the column names {taken} are used by the listing itself; rename them")


def _quarantined(entry: Entry) -> dict[str, Any]:
    return {
        "filename": printable(entry.name),
        "stage": STAGE,
        "reason": printable(entry.refused),
        "what_to_do": entry.what_to_do,
        "duplicate_of": None,
    }


def _say_what_was_left_out(
    on_event: Listener, datasource: Datasource, n_images: int, refused: list[Entry], others: Counter[str]
) -> None:
    if refused:
        first = f"first {printable(refused[0].name)!r}: {printable(refused[0].refused)}"
        say(on_event, STEP, f"{len(refused):,} left out, see .quarantine; {first}", "warning")
    not_read = _not_read(others)
    rest = Counter({suffix: count for suffix, count in others.items() if suffix not in not_read})
    if not_read and n_images:
        say(on_event, STEP, f"images that are not read: {not_read_in_words(not_read)}", "warning")
    if rest:
        say(on_event, STEP, f"not images: {_counts(rest)}")
    if n_images:
        return
    seen = [f"images that are not read: {not_read_in_words(not_read)}"] if not_read else []
    seen += [f"found {_counts(rest)}"] if rest else []
    seen += [f"{len(refused):,} left out, {first}"] if refused else []
    raise InputError(
        f"no images in {datasource.url}: {'; '.join(seen) or 'it is empty'}; "
        f"image types are {', '.join(IMAGE_TYPES)}"
    )


def _not_read(others: Counter[str]) -> dict[str, int]:
    return {suffix: count for suffix, count in others.items() if suffix in OTHER_IMAGES}


def _say_what_was_not_found(on_event: Listener, relevant: RelevantFilenames, names: Iterable[str]) -> None:
    if lines := without_match(relevant, names):
        shown = ", ".join(repr(printable(line)) for line in lines[:3])
        said = f"{len(lines):,} prefixes of the relevant filenames stand for no image, first: {shown}"
        say(on_event, STEP, said, "warning")


def _counts(others: Counter[str]) -> str:
    """Return '3 .txt, 1 without ending', the most frequent first."""
    shown = sorted(others.items(), key=lambda item: (-item[1], item[0]))
    parts = [
        f"{count:,} {'.' + printable(suffix) if suffix else 'without ending'}" for suffix, count in shown[:5]
    ]
    return ", ".join(chain(parts, [f"{len(shown) - 5} other types"] if len(shown) > 5 else []))
