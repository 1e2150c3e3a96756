"""Exports that are a folder of files: `Folder`, and how it is written, as a folder or as a zip file."""

from __future__ import annotations

import os
import secrets
import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from lightly_nb.datasource.names import name_problem
from lightly_nb.engines import local
from lightly_nb.errors import InputError
from lightly_nb.events import Stage
from lightly_nb.exports.images import Images
from lightly_nb.exports.json_text import json_text
from lightly_nb.exports.sizes import AT_ONCE
from lightly_nb.files import written_aside

File = tuple[str, bytes]
"""Name within the folder, `/` between its parts, and content; a name that ends in `/` is an empty folder."""


@dataclass(frozen=True)
class Folder:
    """The files of an export, made one after the other when they are asked for."""

    files: Callable[[], Iterable[File]]

    def __iter__(self) -> Iterator[File]:
        for name, content in self.files():
            if problem := name_problem(name.rstrip("/")):
                raise InputError(f"{name!r} cannot be a file of an export: {problem}")
            yield name, content


def write_folder(content: Folder, target: Path) -> None:
    """Write a folder, or a zip file if the name ends in .zip: whole, or not at all.

    Raises
    ------
    InputError
        If something is in the folder already: nothing of it is changed.
    """
    if target.suffix.lower() == ".zip":
        with written_aside(target) as aside, zipfile.ZipFile(aside, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in content:
                archive.writestr(name, data)
        return
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputError(f"'{target}' is there already; choose another folder, or remove it first")
    aside = target.with_name(f".writing-{secrets.token_hex(8)}")
    try:
        aside.mkdir(parents=True)
        for name, data in content:
            path = aside / name
            if name.endswith("/"):
                path.mkdir(parents=True, exist_ok=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
        os.replace(aside, target)
    except BaseException:
        with suppress(OSError):
            shutil.rmtree(aside, ignore_errors=True)
        raise


def text_file(name: str, text: str) -> File:
    """Return a file of text."""
    return name, text.encode()


def json_file(name: str, content: object) -> File:
    """Return a file of JSON."""
    return text_file(name, json_text(content) + "\n")


def image_files(images: Images, names: Iterable[str]) -> Iterator[File]:
    """Yield the images themselves under `names`, read by several threads."""

    def read(named: tuple[str, str]) -> File:
        filename, name = named
        return name, images.read(filename, None)

    work = local.map(read, zip(images.filenames, names, strict=True), AT_ONCE)
    with closing(work), Stage(images.listener, "COPY IMAGES", len(images), "image") as stage:
        for found in work:
            yield found
            stage.advance()
