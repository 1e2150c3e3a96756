"""Folders of label files, one an image: YOLO's text with confidences, Pascal VOC's XML."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from lightly_nb.errors import InputError
from lightly_nb.reading.annotations.found import Form, Found, Request, rows_by_name

_NAME_FILES = ("data.yaml", "data.yml", "dataset.yaml", "classes.txt", "obj.names")


def yolo_folder(request: Request) -> Form:
    """A folder of YOLO text files: `class x y width height [confidence]` a line, shares of the image's sides.

    Without a confidence an object counts as certain: 1. Names of the categories are those handed in, or of
    `data.yaml` or `classes.txt` in the folder or one of the two above it.
    """
    folder = _folder(request)
    categories = request.categories or _names(folder, request.where)
    row_of = rows_by_name(request.samples, by_stem=True)
    names = request.samples.filenames

    def read(path: Path, name: str) -> list[dict[str, Any]]:
        row = row_of(name)
        size = (1, 1) if row is None else request.size_of(names[row])
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        return [_of_line(line, number, size) for number, line in enumerate(lines, 1) if line.strip()]

    skipped = {Path(one).stem for one in _NAME_FILES}
    paths = [path for path in sorted(folder.rglob("*.txt")) if path.stem not in skipped]
    return Form(_read_all(folder, paths, read), categories, by_stem=True)


def _of_line(line: str, number: int, size: tuple[int, int]) -> dict[str, Any]:
    try:
        values = [float(part) for part in line.split()]
    except ValueError:
        values = []
    is_box = len(values) in (5, 6) and all(map(math.isfinite, values)) and values[0] == int(values[0])
    if not is_box:
        allowed = "class x y width height, and a confidence: 5 or 6 numbers"
        raise ValueError(f"line {number} is {line[:80]!r}; allowed is {allowed}")
    category, x, y, width, height = values[:5]
    across, down = size
    bbox = [(x - width / 2) * across, (y - height / 2) * down, width * across, height * down]
    score = values[5] if len(values) == 6 else 1.0
    return {"category_id": int(category), "score": score, "bbox": bbox}


def _names(folder: Path, where: str) -> dict[int, str]:
    for place in (folder, folder.parent, folder.parent.parent):
        for file in _NAME_FILES:
            path = place / file
            if not path.is_file():
                continue
            text = path.read_text(encoding="utf-8-sig")
            names = (
                yaml.safe_load(text).get("names") if path.suffix in (".yaml", ".yml") else text.splitlines()
            )
            pairs = names.items() if isinstance(names, Mapping) else enumerate(names or ())
            return {int(number): str(name).strip() for number, name in pairs if str(name).strip()}
    raise InputError(
        f"{where}: no names of the categories: there is no data.yaml or classes.txt in {folder} or above it; "
        "give categories=, a list of names in the order of the class numbers"
    )


def voc_folder(request: Request) -> Form:
    """A folder of Pascal VOC XML files: `object` with `name`, `bndbox`, and a `confidence` or `score`.

    Corners count from 1, as VOC's do: x is xmin - 1, the width xmax - xmin. Without a confidence an object
    counts as certain: 1.
    """
    folder = _folder(request)
    paths = sorted(folder.rglob("*.xml"))
    return Form(_read_all(folder, paths, _voc_objects), request.categories, by_stem=True)


def _voc_objects(path: Path, name: str) -> list[dict[str, Any]]:
    from xml.etree import ElementTree

    content = path.read_bytes()
    if re.search(rb"<!(DOCTYPE|ENTITY)", content):
        raise ValueError("it has a DOCTYPE or ENTITY, which label files do not need; remove it")
    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError as error:
        raise ValueError(f"it is no XML ({error})") from None
    return [_voc_object(one, number) for number, one in enumerate(root.iter("object"))]


def _voc_object(element: Any, number: int) -> dict[str, Any]:
    def value(key: str, default: float | None = None) -> float:
        text = element.findtext(key)
        try:
            return float(text) if text is not None or default is None else default
        except (TypeError, ValueError):
            raise ValueError(f"object {number}: {key} is {text!r}; allowed is a number") from None

    name = (element.findtext("name") or "").strip()
    if not name:
        raise ValueError(f"object {number} has no name")
    left, top, right, bottom = (value(f"bndbox/{key}") for key in ("xmin", "ymin", "xmax", "ymax"))
    score = value("confidence", value("score", 1.0))
    return {"category": name, "score": score, "bbox": [left - 1, top - 1, right - left, bottom - top]}


def _folder(request: Request) -> Path:
    folder = Path(request.predictions)
    if not folder.is_dir():
        raise InputError(f"{request.where}: '{folder}' is no folder; give the folder of the label files")
    return folder


def _read_all(
    folder: Path, paths: list[Path], read: Callable[[Path, str], list[dict[str, Any]]]
) -> Iterator[Found]:
    for path in paths:
        name = path.relative_to(folder).with_suffix("").as_posix()
        try:
            yield Found(name, read(path, name), str(path))
        except (OSError, ValueError) as error:
            yield Found(name, [], str(path), str(error))
