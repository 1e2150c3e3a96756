"""The JSON files that samples have below a folder of `.lightly/`: listed once, fetched concurrently.

A sample's file has its name, with the ending .json; which sample it is of is said by `file_name` inside it. A
frame of a video without a file of its own has that of the video. docs/predictions.md has the rules in words.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from typing import Any, NamedTuple, TypeVar

from lightly_nb.datasource import Datasource
from lightly_nb.datasource.names import printable
from lightly_nb.engines import local
from lightly_nb.errors import DatasourceError, InputError
from lightly_nb.events import Listener, Stage, say

VIDEO_TYPES = ("mov", "mp4", "avi", "mpg", "hevc", "m4v", "webm", "mpeg")
NAMED = 10
"""Unusable files that are named one by one in warnings; a run keeps the list of all."""

_FRAME = re.compile(r"(?P<video>.+)-\d+-(?P<type>" + "|".join(VIDEO_TYPES) + r")\.png", re.IGNORECASE)
_FILES_AT_ONCE = (256, 4)
_FILES_OF_BUCKET_AT_ONCE = (8, 32)
"""How many files a thread fetches in a row, and how many threads."""

Content = TypeVar("Content")


class BadFile(NamedTuple):
    """A file below `.lightly/` that cannot be used, or not wholly."""

    path: str
    problem: str


class Files(NamedTuple):
    """Which file each sample has."""

    names: list[str | None]
    """By sample; None for no file."""
    n_others: int
    """Files that are of no sample."""
    other: str
    """One of them."""
    shared: frozenset[str]
    """Files that several images or videos may mean, which differ in their endings."""

    @property
    def n_found(self) -> int:
        """How many samples have a file."""
        return len(self.names) - self.names.count(None)


class Read(NamedTuple):
    """What reading the file of one sample gave."""

    body: dict[str, Any] | None
    """None for no file, one that cannot be used, or one that is of another sample."""
    bad: BadFile | None = None


def optional_json(datasource: Datasource, name: str) -> Any:
    """Return what a JSON file holds, None if there is none.

    Raises
    ------
    InputError
        If there is one that is no JSON.
    """
    if datasource.look(name).refused:
        return None
    body, problem = _parsed(datasource.read(name))
    if problem:
        raise InputError(f"{name} in {datasource.url}: {problem}; mend or remove it")
    return body


def companion_files(
    datasource: Datasource, folder: str, filenames: Iterable[str], stage: Stage | None = None
) -> Files:
    """List the files below `folder` once, and return which of them each sample has."""
    start = len(folder) + 1
    stems: set[str] = set()
    listed = datasource.list(lambda name: name.endswith(".json"), below=folder, lightly=True)
    for entry in listed:
        if not entry.refused:
            stems.add(entry.name[start:-5])
        if stage is not None:
            stage.advance()
    stems.discard("schema")
    names: list[str | None] = []
    used: dict[str, str] = {}
    shared: set[str] = set()
    for filename in filenames:
        stem, kind = posixpath.splitext(filename)
        if stem not in stems:
            frame = _FRAME.fullmatch(filename)
            stem, kind = (frame["video"], frame["type"]) if frame and frame["video"] in stems else ("", "")
        if stem and used.setdefault(stem, kind) != kind:
            shared.add(f"{folder}/{stem}.json")
        names.append(f"{folder}/{stem}.json" if stem else None)
    others = stems - used.keys()
    other = f"{folder}/{min(others)}.json" if others else ""
    return Files(names, len(others), other, frozenset(shared))


def read_companions(
    datasource: Datasource,
    filenames: Sequence[str],
    files: Files,
    check: Callable[[dict[str, Any]], str | None],
) -> Iterator[Read]:
    """Yield the content of each sample's file, in the order of the samples.

    Parameters
    ----------
    filenames : sequence of str
        The samples.
    files : Files
        What `companion_files` returned for them.
    check : callable
        Says what is wrong with the content of a file, None if nothing is. Called in threads.
    """
    step, n_threads = _FILES_AT_ONCE if datasource.folder is not None else _FILES_OF_BUCKET_AT_ONCE

    def fetched(start: int) -> list[Read]:
        found: list[Read] = []
        last, body, problem = "", None, None
        for row in range(start, min(start + step, len(filenames))):
            name = files.names[row]
            if name is None:
                found.append(_NOTHING)
                continue
            if name != last:  # the frames of a video share a file
                last, (body, problem) = name, _checked(datasource, name, check)
            found.append(_of_sample(filenames[row], name, body, problem, name in files.shared))
        return found

    work = local.map(fetched, range(0, len(filenames), step), n_threads)
    with closing(work):
        for chunk in work:
            yield from chunk


_NOTHING = Read(None)


def _checked(
    datasource: Datasource, name: str, check: Callable[[dict[str, Any]], str | None]
) -> tuple[Any, str | None]:
    try:
        content = datasource.read(name)
    except DatasourceError as error:
        return None, str(error)
    body, problem = _parsed(content)
    if problem:
        return None, problem
    if not isinstance(body, dict) or not isinstance(body.get("file_name"), str):
        return (
            None,
            "file_name is missing; allowed is an object with the name of the sample, relative to INPUT",
        )
    return body, check(body)


def _of_sample(filename: str, name: str, body: Any, problem: str | None, is_shared: bool) -> Read:
    if body is not None and not _is_of(filename, body["file_name"]):
        of = str(body["file_name"])
        if is_shared and name.endswith(f"/{posixpath.splitext(of)[0]}.json"):
            return _NOTHING
        said = f"file_name is {of!r}; allowed is the name of its sample, {filename!r}"
        return Read(None, BadFile(name, said))
    if problem is not None:
        return Read(None, BadFile(name, problem))
    return Read(body)


def _is_of(filename: str, file_name: str) -> bool:
    if filename == file_name:
        return True
    frame = _FRAME.fullmatch(filename)
    return frame is not None and file_name.lower() == f"{frame['video']}.{frame['type']}".lower()


def _parsed(content: bytes) -> tuple[Any, str | None]:
    try:
        return json.loads(content.decode("utf-8-sig")), None
    except RecursionError:
        return None, "it is nested too deeply"
    except ValueError as error:
        return None, f"it is no JSON ({error})"


def say_what_was_read(
    on_event: Listener, step: str, what: str, files: Files, bad: Sequence[BadFile], lost: str
) -> None:
    """Tell of samples without a file, of files without a sample, and of files that cannot be used.

    Parameters
    ----------
    what : str
        What the files hold: "predictions of task 'cars'".
    lost : str
        What becomes of the sample of an unusable file: "has no predictions".
    """
    n = len(files.names)
    said = f"{what}: {files.n_found:,} of {n:,} samples have a file"
    if files.n_others:
        said += (
            f"; {files.n_others:,} files are of no sample and not read, such as {printable(files.other)!r}"
        )
    say(on_event, step, said, "warning" if n and not files.n_found else "info")
    for one in bad[:NAMED]:
        say(on_event, step, f"{printable(one.path)}: {printable(one.problem)}", "warning")
    if bad:
        n_bad = len({one.path for one in bad})
        more = f" ({len(bad) - NAMED:,} problems are not shown here)" if len(bad) > NAMED else ""
        share = f"{n_bad / max(1, files.n_found):.1%}"
        advice = "mend the files and run again"
        told = f"{what}: {n_bad:,} files ({share}) cannot be used as they are; their sample {lost}; {advice}"
        say(on_event, step, told + more, "warning")
