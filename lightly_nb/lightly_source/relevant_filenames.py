"""Relevant filenames: a text that names the files of a datasource that count; all others are ignored.

One entry a line, relative to the datasource: a file's name, a prefix that ends in an asterisk (`subdir/*`),
or a prefix followed by patterns, separated by whitespace, that leave files out again
(`subdir/* subdir/image_4* !subdir/image_41.png`): those of a .gitignore, with git's semantics.
A line that is itself the name of a file always means that file.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import NamedTuple

from lightly_nb.datasource import Datasource, Entry
from lightly_nb.datasource.names import is_below, name_problem, printable
from lightly_nb.engines import local
from lightly_nb.errors import InputError
from lightly_nb.lightly_source.gitignore import ignoring

WHERE = "relevant_filenames"
SHOWN = 3
LOOKS_AT_ONCE = 32
"""Threads that look names up in a bucket; each waits for an answer most of the time."""

_PREFIX = re.compile(r"(?P<start>[^*]*)\*+(?:\s+(?P<patterns>.*))?", re.DOTALL)
_FORMS = "write one name a line, relative to the input ('subdir/image.png'), or a prefix ('subdir/*')"


class Prefix(NamedTuple):
    """A line that stands for all files whose names begin with `start` and which `is_ignored` lets through."""

    text: str
    start: str
    is_ignored: Callable[[str], bool]

    @property
    def folder(self) -> str:
        """The folder that holds all these files, '' for the whole datasource."""
        return self.start.rpartition("/")[0]


@dataclass(frozen=True)
class RelevantFilenames:
    """The lines of a text, each once.

    Parameters
    ----------
    names : tuple of str
        Lines that name one file, as they stand.
    prefixes : tuple of Prefix
        Lines that stand for several.
    """

    names: tuple[str, ...]
    prefixes: tuple[Prefix, ...]


def parse_relevant_filenames(content: str | bytes | Iterable[str], where: str = WHERE) -> RelevantFilenames:
    r"""Return the entries of a text (UTF-8, with or without a byte order mark) or of a list of lines.

    Parameters
    ----------
    content : str, bytes or iterable of str
        The text, or its lines. Blank lines are passed over.
    where : str
        What errors call it: the name of the file.

    Raises
    ------
    InputError
        If there is no entry, or one is absolute or has a `.` or `..` part; names the lines.

    Examples
    --------
    >>> relevant = parse_relevant_filenames("image_1.png\nsubdir/* *.jpg")
    >>> relevant.names, [(prefix.start, prefix.is_ignored("subdir/a.jpg")) for prefix in relevant.prefixes]
    (('image_1.png',), [('subdir/', True)])
    """
    names: dict[str, None] = {}
    prefixes: dict[str, Prefix] = {}
    problems: list[str] = []
    for number, line in enumerate(_lines(content, where), start=1):
        text = line.strip()
        if not text:
            continue
        found = _PREFIX.fullmatch(text)
        if problem := name_problem(found["start"] + "x" if found else text):
            problems.append(f"line {number}: {printable(text)!r}: {problem}")
        elif found:
            patterns = re.findall(r"(?:\\.|\S)+", found["patterns"] or "")
            prefixes[text] = Prefix(text, found["start"], ignoring(patterns))
        else:
            names[line] = None
    if problems:
        more = f" (and {len(problems) - SHOWN:,} more)" if len(problems) > SHOWN else ""
        raise InputError(f"{where}: {'; '.join(problems[:SHOWN])}{more}; {_FORMS}")
    if not names and not prefixes:
        raise InputError(f"{where}: it has no entries; {_FORMS}, or leave it out for all files")
    return RelevantFilenames(tuple(names), tuple(prefixes.values()))


def _lines(content: str | bytes | Iterable[str], where: str) -> list[str]:
    if isinstance(content, bytes):
        try:
            content = content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputError(
                f"{where}: not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8"
            ) from None
    if isinstance(content, str):
        return re.split(r"\r\n|\r|\n", content.removeprefix("\ufeff"))
    lines = list(content)
    for number, line in enumerate(lines, start=1):
        if not isinstance(line, str):
            raise InputError(f"{where}: line {number} is {line!r}; {_FORMS}")
    return [line.removesuffix("\n").removesuffix("\r") for line in lines]


def relevant_entries(
    datasource: Datasource,
    relevant: RelevantFilenames,
    *,
    is_wanted: Callable[[str], bool],
    entry_of: Callable[[Datasource, str], Entry],
    exclude: Collection[str] = (),
) -> Iterator[Entry]:
    """Yield the entries of the relevant files, each once. Only the folders of prefixes are walked.

    Parameters
    ----------
    datasource : Datasource
        Where the files are. A name that is not there is tried in other Unicode normalisations too.
    relevant : RelevantFilenames
        The entries.
    is_wanted : callable
        Says of a file found by a prefix whether it counts.
    entry_of : callable
        Returns the entry of one named file; `refused` where it cannot be used.
    exclude : collection of str
        Folders that are not looked into.
    """
    lines = [prefix.text for prefix in relevant.prefixes]
    files = {entry.name for entry in _looked_up(datasource, lines, entry_of) if not entry.refused}
    seen: set[str] = set()
    for entry in _looked_up(datasource, [*relevant.names, *sorted(files)], entry_of):
        if entry.name not in seen and not is_below(entry.name, exclude, lightly=False):
            seen.add(entry.name)
            yield entry
    prefixes = [prefix for prefix in relevant.prefixes if prefix.text not in files]
    matches = _matching(prefixes)
    for folder in _outermost({prefix.folder for prefix in prefixes}):
        yield from datasource.list(
            lambda name: name not in seen and matches(name) and is_wanted(name), exclude=exclude, below=folder
        )


def without_match(relevant: RelevantFilenames, names: Iterable[str]) -> list[str]:
    """Return the lines with prefixes that stand for none of `names`."""
    starts = {prefix.start for prefix in relevant.prefixes}
    lengths = {len(start) for start in starts}
    found = {start for name in names for length in lengths if (start := name[:length]) in starts}
    return [prefix.text for prefix in relevant.prefixes if prefix.start not in found]


def _looked_up(
    datasource: Datasource, lines: list[str], entry_of: Callable[[Datasource, str], Entry]
) -> Iterator[Entry]:
    def look(line: str) -> Entry:
        entries = (entry_of(datasource, name) for name in _forms(line))
        first = next(entries)
        return next((entry for entry in entries if not entry.refused), first) if first.refused else first

    if datasource.folder is not None:
        yield from map(look, lines)
        return
    with closing(local.map(look, lines, LOOKS_AT_ONCE)) as entries:
        yield from entries


def _forms(line: str) -> list[str]:
    """Return the names that a line may mean, the likeliest first."""
    text = line.strip()
    return list(dict.fromkeys([text, line, *(unicodedata.normalize(form, text) for form in ("NFC", "NFD"))]))


def _matching(prefixes: Iterable[Prefix]) -> Callable[[str], bool]:
    """Return whether a name is one of any prefix; quick however many there are."""
    by_start: dict[str, list[Prefix]] = {}
    for prefix in prefixes:
        by_start.setdefault(prefix.start, []).append(prefix)
    lengths = sorted({len(start) for start in by_start})

    def matches(name: str) -> bool:
        return any(
            not prefix.is_ignored(name) for length in lengths for prefix in by_start.get(name[:length], ())
        )

    return matches


def _outermost(folders: Collection[str]) -> list[str]:
    """Return the folders that lie in no other one of them.

    Examples
    --------
    >>> _outermost({"a/b", "a", "ab"})
    ['a', 'ab']
    """
    if "" in folders:
        return [""]
    parents = {folder: folder.rpartition("/")[0] for folder in sorted(folders)}
    return [folder for folder, parent in parents.items() if not is_below(parent, folders, lightly=False)]
