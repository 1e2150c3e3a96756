"""Making the demo folder: fetch, cut, add the traps, write `SOURCES.csv`, move into place.

The folder is made aside and moved when it is complete, and `SOURCES.csv`, which names every file with
its origin, author and licence, tells a complete folder from anything else.
"""

from __future__ import annotations

import contextlib
import csv
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from lightly_nb.demo import packages, traps
from lightly_nb.demo.cutting import crop_boxes, cut, opened
from lightly_nb.demo.photographs import IN_DEBIAN_PACKAGES, IN_WHEELS, WHEELS, WHOLE, Photograph
from lightly_nb.engines import local
from lightly_nb.errors import DatasourceError
from lightly_nb.events import Listener, ProgressBar, Stage

RECIPE = "2"
"""Raised whenever the content of the folder changes, so that a folder of an older recipe is made anew."""
SOURCES = "SOURCES.csv"
N_CROPS = 480


class Source(NamedTuple):
    """One row of `SOURCES.csv`: where a file of the demo folder comes from."""

    filename: str
    bytes: int
    kind: str
    """crop, whole, odd, broken or duplicate."""
    photograph: str
    """`package/file` of the original, or the name of the file that a duplicate repeats."""
    author: str
    licence: str
    recipe: str = RECIPE


def demo_images(
    folder: str | os.PathLike[str] = "demo/photographs",
    *,
    wheels_only: bool = False,
    on_event: Listener | None = None,
) -> Path:
    """Gather real photographs in `folder`, unless they are there already, and return the folder.

    480 crops of some sixty photographs in nested folders, with a few whole ones, exact duplicates,
    broken files and odd but good files. The same packages give the same files. The photographs come
    from Debian packages (about 200 MB, fetched with `apt-get download`: no root, nothing is installed) and
    from the wheels of scikit-image and scikit-learn; without apt, as on macOS, from the wheels alone.

    Parameters
    ----------
    folder : path
        Made if it is not there. Files that the demo did not put there are never touched.
    wheels_only : bool
        Do not use Debian packages: fewer different photographs, no network.
    on_event : callable, optional
        Gets the progress events; None shows progress bars.

    Returns
    -------
    pathlib.Path
        `folder`. Its `SOURCES.csv` names photographer and licence of every file.

    Raises
    ------
    DatasourceError
        If the packages cannot be fetched, or `folder` holds other files but no demo.
    """
    folder = Path(folder)
    if is_complete(folder):
        print(f"{folder}: {len(_sources(folder))} files, already there (see {folder / SOURCES})")
        return folder
    _refuse_foreign(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    bars = ProgressBar() if on_event is None else None
    with contextlib.ExitStack() as stack:
        if bars is not None:
            stack.callback(bars.close)
        aside = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=".demo-", dir=folder.parent)))
        listener = on_event or bars
        assert listener is not None
        photographs = _fetched(aside / "packages", wheels_only, listener)
        sources = write_demo(aside / "images", photographs, N_CROPS, listener)
        _move_into_place(aside / "images", folder)
    print(f"{folder}: {len(sources)} files from {_packages_of(photographs)}; licences in {folder / SOURCES}")
    return folder


def is_complete(folder: Path) -> bool:
    """Whether `folder` holds every file of the present recipe, each of its size."""
    sources = _sources(folder)
    return bool(sources) and all(
        source.recipe == RECIPE and _size(folder / source.filename) == source.bytes for source in sources
    )


def write_demo(
    folder: Path, photographs: Sequence[tuple[Photograph, Path]], n_crops: int, on_event: Listener
) -> list[Source]:
    """Write the whole demo into the new folder `folder`: crops, whole files, traps and `SOURCES.csv`."""
    folder.mkdir(parents=True)
    extra = len(traps.ODD) + len(traps.BROKEN)
    shares = _shares(n_crops, len(photographs))
    jobs = zip(photographs, shares, strict=True)
    crops: list[Source] = []
    with (
        Stage(on_event, "CUTTING PHOTOGRAPHS", total=len(photographs), unit="photograph") as stage,
        contextlib.closing(local.map(lambda job: _write_crops(folder, *job), jobs)) as results,
    ):
        for sources in results:
            crops += sources
            stage.advance(1)
    sources = [*crops, *_write_whole(folder, photographs), *_write_traps(folder, photographs[-extra:])]
    sources += _write_duplicates(folder, crops)
    sources.sort()
    _write_sources(folder, sources)
    return sources


def _fetched(folder: Path, wheels_only: bool, on_event: Listener) -> list[tuple[Photograph, Path]]:
    folders = {package: packages.wheel_folder(package) for package in WHEELS}
    if not wheels_only and packages.has_apt():
        folder.mkdir(parents=True)
        names = dict.fromkeys(photo.package for photo in IN_DEBIAN_PACKAGES)
        folders |= packages.unpacked_debian_packages(names, folder, on_event)
    return packages.present([*IN_DEBIAN_PACKAGES, *IN_WHEELS], folders)


def _shares(total: int, parts: int) -> list[int]:
    return [total // parts + (part < total % parts) for part in range(parts)]


def _write_crops(folder: Path, original: tuple[Photograph, Path], n: int) -> list[Source]:
    photo, path = original
    image = opened(path)
    boxes = crop_boxes(image.size, n, seed=_key(photo))
    names = [f"{photo.name} {number:02d}.jpg" for number in range(1, n + 1)]
    return [
        _written(folder, name, "crop", photo, traps.jpeg(cut(image, box)))
        for name, box in zip(names, boxes, strict=True)
    ]


def _write_whole(folder: Path, photographs: Sequence[tuple[Photograph, Path]]) -> list[Source]:
    return [
        _written(folder, f"whole/{path.name}", "whole", photo, path.read_bytes())
        for photo, path in photographs
        if _key(photo) in WHOLE
    ]


def _write_traps(folder: Path, photographs: Sequence[tuple[Photograph, Path]]) -> list[Source]:
    """Write the odd and the broken files, each from a crop of its own."""
    rows = []
    makers = [(name, "odd", maker) for name, maker in traps.ODD.items()]
    makers += [(name, "broken", maker) for name, maker in traps.BROKEN.items()]
    for number, (name, kind, maker) in enumerate(makers):
        photo, path = photographs[number % len(photographs)]
        image = opened(path)
        crop = cut(image, crop_boxes(image.size, 1, seed=name)[0])
        rows.append(_written(folder, name, kind, photo, maker(crop)))
    return rows


def _write_duplicates(folder: Path, crops: Sequence[Source]) -> list[Source]:
    by_name = {source.filename: source for source in crops}
    rows = []
    for name, original in traps.duplicate_names(sorted(by_name)).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / original, folder / name)
        rows.append(by_name[original]._replace(filename=name, kind="duplicate", photograph=original))
    return rows


def _written(folder: Path, name: str, kind: str, photo: Photograph, content: bytes) -> Source:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return Source(name, len(content), kind, _key(photo), photo.author, photo.licence)


def _write_sources(folder: Path, sources: Sequence[Source]) -> None:
    with (folder / SOURCES).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(Source._fields)
        writer.writerows(sources)


def _sources(folder: Path) -> list[Source]:
    """Return the rows of the folder's `SOURCES.csv`, none if there is no such file or it is not ours."""
    try:
        with (folder / SOURCES).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return [Source(**{**row, "bytes": int(row["bytes"])}) for row in rows]  # type: ignore[arg-type]
    except (OSError, TypeError, KeyError, ValueError):
        return []


def _refuse_foreign(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise DatasourceError(f"{folder} is a file; name a folder for the demo photographs")
    if folder.is_dir() and not _sources(folder) and any(folder.iterdir()):
        raise DatasourceError(
            f"{folder} holds files that are not demo photographs; name a new or an empty folder"
        )


def _move_into_place(made: Path, folder: Path) -> None:
    """Move the made files into `folder`, `SOURCES.csv` last; files of an older recipe go."""
    outdated = {source.filename for source in _sources(folder)}
    if not outdated:
        if folder.exists():
            folder.rmdir()
        made.rename(folder)
        return
    names = [path.relative_to(made).as_posix() for path in made.rglob("*") if path.is_file()]
    for name in outdated - set(names):
        (folder / name).unlink(missing_ok=True)
    for name in sorted(names, key=lambda name: (name == SOURCES, name)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).replace(folder / name)


def _packages_of(photographs: Sequence[tuple[Photograph, Path]]) -> str:
    names = dict.fromkeys(WHEELS.get(photo.package, photo.package) for photo, _ in photographs)
    return f"{len(photographs)} photographs in the packages {', '.join(names)}"


def _key(photo: Photograph) -> str:
    return f"{photo.package}/{photo.file}"


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else -1
