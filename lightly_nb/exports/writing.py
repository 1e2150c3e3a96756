"""Exports in files: whole or not there, and cut where the tool that imports them has a limit."""

from __future__ import annotations

import os
import re
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from lightly_nb.errors import DatasourceError
from lightly_nb.events import Event, Listener, Stage, say, silent
from lightly_nb.exports.folders import Folder, write_folder
from lightly_nb.exports.formats import Format
from lightly_nb.exports.images import STEP, Images
from lightly_nb.exports.json_text import entry_text, json_text, lines_text

AT_A_TIME = 1_000
"""Images whose content is made at a time, where a file is a list."""


def write(content: Any, path: str | os.PathLike[str]) -> Path:
    """Write an export to a file or folder, what is no text as JSON; return its path.

    It is whole or not there.

    Raises
    ------
    DatasourceError
        If it cannot be written; what stood there before is untouched.
    InputError
        If it is a folder, and something is there already.
    """
    target = _target(path)
    try:
        if isinstance(content, Folder):
            target.parent.mkdir(parents=True, exist_ok=True)
            write_folder(content, target)
        else:
            _write_files([_bytes(content)], target)
    except OSError as error:
        raise _unwritable(target, error) from None
    return target


def write_parts(
    images: Images, chosen: Format, path: str | os.PathLike[str], chunk_size: int | None, **options: Any
) -> list[Path]:
    """Write images in a format to one file, or to several if there are more than the tool takes at a time.

    These are named `name-001.json`, `name-002.json`, …

    Parameters
    ----------
    images : Images
        All of them.
    chosen : Format
        One of a file; a folder is written by `write`.
    path : path
        Of the file.
    chunk_size : int or None
        Samples in a file; None: what the tool takes.
    **options
        Of the format.
    """
    target = _target(path)
    most = min(chunk_size or len(images), chosen.most_samples or len(images)) or 1
    try:
        paths = _write_files(_contents(images, chosen, most, options), target)
    except OSError as error:
        raise _unwritable(target, error) from None
    _tell_of_old_parts(images, target, paths)
    return paths


def _contents(images: Images, chosen: Format, most: int, options: dict[str, Any]) -> Iterator[bytes]:
    """Yield the content of each file."""
    first = images
    if len(images) > AT_A_TIME:  # only to see what it is made of
        first = replace(next(images.parts(1)), left_out=Counter(), on_event=silent)
    content = chosen.save(first, **options)
    is_list = isinstance(content, list)
    if first is images and len(images) <= most:
        yield from _cut([content], chosen.most_bytes) if is_list else [_bytes(content)]
    elif not is_list and len(images) <= most:
        yield _bytes(chosen.save(images, **options))
    else:
        images.left_out.clear()
        with Stage(images.listener, STEP, len(images), "image") as stage:
            for of_file in images.parts(most):
                parts = _saved(of_file, chosen, AT_A_TIME if is_list else most, options, stage)
                yield from _cut(parts, chosen.most_bytes) if is_list else map(_bytes, parts)


def _saved(images: Images, chosen: Format, step: int, options: dict[str, Any], stage: Stage) -> Iterator[Any]:
    """Yield the content of `step` images after the other."""
    quiet = replace(images, on_event=_messages_of(images.listener))
    for part in quiet.parts(step):
        yield chosen.save(part, **options)
        stage.advance(len(part))


def _cut(lists: Iterable[list[Any]], most_bytes: int | None) -> Iterator[bytes]:
    """Yield lists as JSON, an entry a line, as many bytes in a file as the tool takes."""
    held: list[str] = []
    n_bytes = len("[\n]\n")
    for entries in lists:
        for entry in entries:
            text = entry_text(entry)
            size = len(text.encode()) + 2
            if held and most_bytes and n_bytes + size > most_bytes:
                yield _list(held)
                held, n_bytes = [], len("[\n]\n")
            held.append(text)
            n_bytes += size
    yield _list(held)


def _list(lines: list[str]) -> bytes:
    return f"{lines_text(lines)}\n".encode()


def _bytes(content: Any) -> bytes:
    if isinstance(content, bytes):
        return content
    text = content if isinstance(content, str) else json_text(content)
    return (text if text.endswith("\n") or not text else f"{text}\n").encode()


def _write_files(contents: Iterable[bytes], target: Path) -> list[Path]:
    """Write the files aside, then give them their names, which hang on how many there are."""
    target.parent.mkdir(parents=True, exist_ok=True)
    aside: list[Path] = []
    try:
        for content in contents:
            aside.append(target.with_name(f".writing-{secrets.token_hex(8)}"))
            aside[-1].write_bytes(content)
        names = [target] if len(aside) == 1 else [_part(target, number + 1) for number in range(len(aside))]
        for one, name in zip(aside, names, strict=True):
            os.replace(one, name)
    except BaseException:
        for one in aside:
            with suppress(OSError):
                one.unlink(missing_ok=True)
        raise
    return names


def _part(target: Path, number: int) -> Path:
    return target.with_name(f"{target.stem}-{number:03d}{target.suffix}")


def _tell_of_old_parts(images: Images, target: Path, paths: list[Path]) -> None:
    """Say which files of an earlier export, of another number of files, are still there."""
    pattern = re.compile(rf"{re.escape(target.stem)}-\d{{3,}}{re.escape(target.suffix)}")
    old = [path for path in sorted(target.parent.iterdir()) if pattern.fullmatch(path.name)]
    old = [path for path in [*old, *([target] if target.exists() else [])] if path not in paths]
    if old:
        names = ", ".join(path.name for path in old[:3]) + (", …" if len(old) > 3 else "")
        said = f"{names} in '{target.parent}' are not of this export; remove them, or they are imported, too"
        say(images.listener, STEP, said, "warning")


def _messages_of(listener: Listener) -> Listener:
    """Return a listener that passes on messages, but no progress of its own."""

    def listen(event: Event) -> None:
        if "done" not in event:
            listener(event)

    return listen


def _target(path: str | os.PathLike[str]) -> Path:
    return Path(path).expanduser().absolute()


def _unwritable(target: Path, error: OSError) -> DatasourceError:
    said = f"'{target}' cannot be written: {error.strerror or error}"
    return DatasourceError(f"{said}; free some space or choose another folder")
