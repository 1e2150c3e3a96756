"""Downloading the files of a tag: in parallel, whole files only, going on where it stopped."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import NamedTuple

from lightly_nb.datasource.names import name_problem
from lightly_nb.datasource.sample_files import SampleFiles
from lightly_nb.engines import local
from lightly_nb.errors import DatasourceError, InputError
from lightly_nb.events import Listener, Stage, silent
from lightly_nb.files import DISK_IS_FULL, written_aside


class Downloaded(NamedTuple):
    """What became of one file."""

    filename: str
    was_there: bool = False
    """Whether a whole file of the right size was there already."""
    problem: str = ""
    """Why it is not there; '' when it is."""


def download_files(
    filenames: Sequence[str],
    files: SampleFiles,
    output_dir: str | os.PathLike[str],
    *,
    max_workers: int = 8,
    on_event: Listener | None = None,
) -> list[Downloaded]:
    """Copy files to `output_dir` under their names, byte for byte; return what became of each.

    A file that is there with the size of its source is not read again. A file that fails does not stop the
    others. Files are written aside and renamed, so after an interrupt or a crash each is whole or not there.

    Parameters
    ----------
    filenames : sequence of str
        Names of samples.
    files : SampleFiles
        Where to read them.
    output_dir : path
        Made if need be.
    max_workers : int
        Files at a time, 1 or more.
    on_event : Listener, optional
        Hears of the progress; may raise to stop.

    Raises
    ------
    InputError
        If `max_workers` is no positive whole number, or `output_dir` cannot be a folder.
    DatasourceError
        If the disk is full.

    Examples
    --------
    >>> import tempfile
    >>> from lightly_nb.datasource import open_datasource
    >>> source = tempfile.mkdtemp()
    >>> _ = Path(source, "a.jpg").write_bytes(b"...")
    >>> download_files(["a.jpg"], SampleFiles(open_datasource(source)), tempfile.mkdtemp())
    [Downloaded(filename='a.jpg', was_there=False, problem='')]
    """
    if isinstance(max_workers, bool) or not isinstance(max_workers, int) or max_workers < 1:
        raise InputError(f"max_workers is {max_workers!r}; give a whole number, 1 or more")
    folder = _folder(output_dir)
    done: list[Downloaded] = []
    work = local.map(partial(_download, files, folder), filenames, max_workers)
    with closing(work), Stage(on_event or silent, "DOWNLOADING", len(filenames), "file") as stage:
        for one in work:
            done.append(one)
            stage.advance()
    return done


def _folder(output_dir: str | os.PathLike[str]) -> Path:
    folder = Path(output_dir).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        said = f"output_dir {str(folder)!r} cannot be made: {error.strerror}; give a folder to write to"
        raise InputError(said) from None
    return folder.resolve()


def _download(files: SampleFiles, folder: Path, filename: str) -> Downloaded:
    try:
        path = path_below(folder, filename)
        if (size := files.size_in_bytes(filename)) and path.is_file() and path.stat().st_size == size:
            return Downloaded(filename, was_there=True)
        content = files.read(filename)
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_aside(path) as aside:
            aside.write_bytes(content)
    except OSError as error:
        if error.errno in DISK_IS_FULL:
            raise DatasourceError(
                f"the disk of {folder} is full ({error.strerror}) at {filename!r}; free some space and call "
                "again: files that are there are whole and are not read again"
            ) from None
        return Downloaded(filename, problem=str(error))
    except InputError as error:
        return Downloaded(filename, problem=str(error))
    return Downloaded(filename)


def path_below(folder: Path, filename: str) -> Path:
    """Return the path of `filename` in `folder`, which has no link in it.

    Raises
    ------
    InputError
        If the name, or a link on the way, leads out of `folder`.
    """
    if problem := name_problem(filename):
        raise InputError(f"{filename!r} is not written: {problem}; rename the file in its source")
    path = folder / filename
    if not path.parent.resolve().is_relative_to(folder):
        raise InputError(f"{filename!r} is not written: a link in {folder} leads out of it; remove the link")
    return path


def problems_text(done: Sequence[Downloaded], shown: int = 20) -> str:
    """Return what to tell of the files that failed, '' if none did."""
    failed = [one for one in done if one.problem]
    if not failed:
        return ""
    lines = [f"  {one.filename}: {one.problem}" for one in failed[:shown]]
    more = [f"  … and {len(failed) - shown} more"] if len(failed) > shown else []
    first = f"{len(failed)} of {len(done)} files were not downloaded; call again to try only these:"
    return "\n".join([first, *lines, *more])
