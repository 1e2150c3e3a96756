"""Predictions and metadata read per CPU second, crops per CPU second against Pillow, and peak memory.

    python benchmarks/predictions.py [--files 100000] [--images 2000] [--pillow 200]

Each part runs in a process of its own, on files of a local disk (Linux). CPU seconds are user + system of all
threads, without imports. Memory is the peak of the resident set above what the imports take.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from photographs import write_photographs
from PIL import Image

from lightly_nb.datasource import open_datasource
from lightly_nb.events import silent
from lightly_nb.lightly_source.metadata_schema import read_metadata, read_metadata_schema
from lightly_nb.lightly_source.predictions import read_predictions, read_tasks
from lightly_nb.reading.crops import BOX, IMAGE, crops
from lightly_nb.samples import Samples, Task
from lightly_nb.samples.predictions import packed

WIDTH, HEIGHT, N_BOXES, N_DISTINCT = 1280, 960, 5, 100
CARS = Task("cars", "object-detection", ("car", "bus", "truck"))
SCHEMA = {
    "task_type": "object-detection",
    "categories": [{"id": number, "name": name} for number, name in enumerate(CARS.categories)],
}
METADATA = [
    {"name": "Speed", "path": "speed", "defaultValue": 0.0, "valueDataType": "NUMERIC_FLOAT"},
    {"name": "Road", "path": "road", "defaultValue": "", "valueDataType": "CATEGORICAL_STRING"},
]


def main() -> None:
    """Run the parts and print a line each."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--files", type=int, default=100_000, help="of predictions, and of metadata")
    parser.add_argument("--images", type=int, default=2_000, help="with 5 boxes each")
    parser.add_argument("--pillow", type=int, default=200, help="of the images, cut out by Pillow")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        names = names_of(options.files)
        write_annotations(folder / "annotations", names)
        for measure in (plainly_parsed, predictions_read, metadata_read):
            in_process_of_its_own(measure, folder / "annotations", options.files)
        shutil.rmtree(folder / "annotations")
        write_images(folder / "images", options.images)
        in_process_of_its_own(cut_out, folder / "images", options.images)
        in_process_of_its_own(pillow_one_by_one, folder / "images", options.pillow)
        in_process_of_its_own(pillow_each_image_once, folder / "images", options.pillow)
    in_process_of_its_own(table_of_crops, Path(), 20_000)


def in_process_of_its_own(measure: Callable[[Path, int], tuple[str, int]], folder: Path, n: int) -> None:
    """Call `measure` in a fresh interpreter, so that its peak is its own."""
    process = multiprocessing.get_context("spawn").Process(target=measured, args=(measure, folder, n))
    process.start()
    process.join()
    if process.exitcode:
        sys.exit(process.exitcode)


def measured(measure: Callable[[Path, int], tuple[str, int]], folder: Path, n: int) -> None:
    """Print what one part has done a CPU second, and its memory."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before, start = memory("VmRSS"), time.process_time()
    done, n_done = measure(folder, n)
    seconds = time.process_time() - start
    more = memory("VmHWM") - before
    print(
        f"{done}: {n_done:,} in {seconds:.1f} CPU-s, {n_done / seconds:,.0f} a CPU-s, "
        f"peak {more / 1e6:.0f} MB, {more / n_done:,.0f} bytes each",
        flush=True,
    )


def memory(key: str) -> int:
    """Return the resident set or its peak, in bytes; `ru_maxrss` would begin at that of the parent."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{key}:"))


def names_of(n: int) -> list[str]:
    """Return names of images, in folders of a thousand."""
    return [f"camera {number // 1000:03d}/{number:07d}.jpg" for number in range(n)]


def boxes(rng: np.random.Generator, n: int) -> list[dict[str, object]]:
    """Return objects of 40 to 250 pixels a side."""
    side = rng.integers(40, 250, (n, 2))
    corner = rng.integers(0, [WIDTH - 250, HEIGHT - 250], (n, 2))
    return [
        {
            "category_id": int(rng.integers(3)),
            "score": float(rng.random()),
            "bbox": [*xy.tolist(), *wh.tolist()],
        }
        for xy, wh in zip(corner, side, strict=True)
    ]


def write_annotations(folder: Path, names: list[str]) -> None:
    """Write a file of predictions (two objects) and one of metadata for each name."""
    rng = np.random.default_rng(0)
    predictions, metadata = folder / ".lightly/predictions", folder / ".lightly/metadata"
    write_json(predictions / "tasks.json", ["cars"])
    write_json(predictions / "cars/schema.json", SCHEMA)
    write_json(metadata / "schema.json", METADATA)
    for name in names:
        file = Path(name).with_suffix(".json")
        values = {"speed": float(rng.random()), "road": "town"}
        write_json(predictions / "cars" / file, {"file_name": name, "predictions": boxes(rng, 2)})
        write_json(metadata / file, {"file_name": name, "type": "image", "metadata": values})


def write_json(path: Path, body: object) -> None:
    """Write a JSON file, and its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(body), encoding="utf-8")


def plainly_parsed(folder: Path, n: int) -> tuple[str, int]:
    """Read and parse every file of predictions, one after the other, and check nothing."""
    top = folder / ".lightly/predictions/cars"
    for name in names_of(n):
        json.loads((top / name).with_suffix(".json").read_bytes())
    return "json.loads alone, files", n


def predictions_read(folder: Path, n: int) -> tuple[str, int]:
    """Read predictions as a run does."""
    lightly, names = open_datasource(folder), names_of(n)
    found, bad = read_predictions(lightly, names, read_tasks(lightly)["cars"], silent)
    assert found.n_singletons == 2 * n
    assert not bad
    return "predictions, files of 2 objects", n


def metadata_read(folder: Path, n: int) -> tuple[str, int]:
    """Read metadata as a run does."""
    lightly = open_datasource(folder)
    columns, bad = read_metadata(lightly, names_of(n), read_metadata_schema(lightly), silent)
    assert len(columns) == 2
    assert not bad
    return "metadata, files of 2 values", n


def write_images(folder: Path, n: int) -> None:
    """Write `n` JPEGs, copies of a hundred different ones under names of their own."""
    write_photographs(folder, min(n, N_DISTINCT), WIDTH, HEIGHT)
    for number in range(N_DISTINCT, n):
        shutil.copy(folder / f"{number % N_DISTINCT:06d}.jpg", folder / f"{number:06d}.jpg")


def crops_of(folder: Path, n: int) -> Samples:
    """Return the crops of the first `n` images, five each."""
    rng = np.random.default_rng(1)
    names = [f"{number:06d}.jpg" for number in range(n)]
    samples = Samples(pd.DataFrame(index=names), source=open_datasource(folder if folder.name else "."))
    return crops(samples.with_predictions(packed(CARS, [boxes(rng, N_BOXES) for _ in names])), "cars")


def cut_out(folder: Path, n: int) -> tuple[str, int]:
    """Look at every crop, in name order, on one thread."""
    objects = crops_of(folder, n)
    for name in objects.filenames:
        objects.source.look(name)  # type: ignore[union-attr]
    return "crops, each image decoded once and checked for damage", len(objects)


def pillow_one_by_one(folder: Path, n: int) -> tuple[str, int]:
    """Open an image for each of its crops."""
    table = crops_of(folder, n).table
    for name, (left, top, right, bottom) in zip(table[IMAGE], table[list(BOX)].to_numpy(), strict=True):
        with Image.open(folder / name) as image:
            np.asarray(image.convert("RGB").crop((left, top, right, bottom)))
    return "crops, Pillow one by one", len(table)


def pillow_each_image_once(folder: Path, n: int) -> tuple[str, int]:
    """Open each image once, and cut all its crops out of it."""
    table = crops_of(folder, n).table
    for name, rows in table.groupby(IMAGE):
        with Image.open(folder / str(name)) as opened:
            image = opened.convert("RGB")
        for left, top, right, bottom in rows[list(BOX)].to_numpy():
            np.asarray(image.crop((left, top, right, bottom)))
    return "crops, Pillow with each image once", len(table)


def table_of_crops(folder: Path, n: int) -> tuple[str, int]:
    """Make the samples of crops; no image is read."""
    objects = crops_of(folder, n)
    return f"table of the crops of {n:,} images, with making up the boxes", len(objects)


if __name__ == "__main__":
    main()
