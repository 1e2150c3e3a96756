"""What the files of a run say to its monitor: the end of the log, the last traceback, the outputs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from inspect import getdoc
from pathlib import Path

from lightly_nb.runfolder import RunFolder

BYTES_OF_LOG = 64 * 1024
LOG_LINES = 12
TRACEBACK_STARTS = "Traceback (most recent call last):"
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class OutputFile:
    """One line of the list of outputs."""

    name: str
    """Path inside the run folder; of many files of one kind, their folder with a slash."""
    bytes: int
    about: str
    """What it is, in a sentence; may be empty."""


def plain(text: str) -> str:
    r"""Return text without colour codes and characters that move the cursor or turn the direction.

    >>> plain("\x1b[31mred\x1b[0m\r\n")
    'red\n'
    """
    return _CONTROLS.sub("", _ESCAPES.sub("", text))


def end_of_log(folder: RunFolder) -> str:
    """Return the last 64 KB of the log from a whole line on, empty without one."""
    try:
        with folder.log.open("rb") as stream:
            start = max(0, stream.seek(0, 2) - BYTES_OF_LOG)
            stream.seek(start)
            text = stream.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return plain(text.partition("\n")[2] if start else text)


def log_tail(folder: RunFolder, lines: int = LOG_LINES) -> str:
    """Return the last lines of the log."""
    return "\n".join(end_of_log(folder).splitlines()[-lines:])


def last_traceback(folder: RunFolder) -> str:
    """Return the last traceback of the log, with those it came from; its last lines without one."""
    lines = end_of_log(folder).splitlines()
    starts = [number for number, line in enumerate(lines) if re.match(r"\d{4}-\d\d-\d\d ", line)]
    for start, end in reversed(list(zip(starts, [*starts[1:], len(lines)], strict=True))):
        if any(TRACEBACK_STARTS in line for line in lines[start:end]):
            return "\n".join(lines[start:end])
    return "\n".join(lines[-LOG_LINES:])


def output_files(folder: RunFolder) -> list[OutputFile]:
    """Return the files that the run has written, those that a person opens first; plots as one line."""
    named = _named(folder)
    found = []
    for path in sorted(folder.path.iterdir(), key=lambda path: (path.is_dir(), path.name)):
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        found += [file for file in inside if file.is_file() and not file.name.startswith(".")]
    lines: dict[str, OutputFile] = {}
    for file in found:
        about, place = named.get(file, ""), file
        if not about and file.parent in named:
            about, place = named[file.parent], file.parent
        name = place.relative_to(folder.path).as_posix() + ("/" if place != file else "")
        before = lines[name].bytes if name in lines else 0
        lines[name] = OutputFile(name, before + file.stat().st_size, about or _about_checkpoint(file))
    first = [path.relative_to(folder.path).as_posix() for path in _opened_first(folder)]
    return sorted(
        lines.values(),
        key=lambda line: (first.index(line.name) if line.name in first else len(first), "/" in line.name),
    )


def _opened_first(folder: RunFolder) -> tuple[Path, ...]:
    return folder.report_html, folder.report_pdf, folder.sampled_filenames, folder.quarantine


def _named(folder: RunFolder) -> dict[Path, str]:
    """Return what `RunFolder` says of every path that it names."""
    properties = {name: value for name, value in vars(RunFolder).items() if isinstance(value, property)}
    named = {getattr(folder, name): getdoc(value) or "" for name, value in properties.items()}
    return {path: about for path, about in named.items() if path != folder.data}


def _about_checkpoint(path: Path) -> str:
    if path.suffix != ".ckpt":
        return ""
    return "To go on with an interrupted training." if path.stem == "last" else "The trained model."
