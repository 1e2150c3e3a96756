"""Crops: the objects of a prediction task as samples of their own, cut out when they are looked at.

No file is written. `crops` makes a table with a row for each box; its source decodes an image once for all
the crops that are read one after the other, in name order, as every step does.
"""

from __future__ import annotations

import io
import posixpath
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from lightly_nb.errors import InputError
from lightly_nb.pictures import CorruptImageError, decode_rgb
from lightly_nb.samples import FOR_MACHINES, Predictions, Samples, Source
from lightly_nb.samples.predictions import predictions_of

IMAGE = "crop.image"
"""Column of a crop's table: the name of its image."""
CATEGORY, SCORE = "crop.category", "crop.score"
BOX = ("crop.x1", "crop.y1", "crop.x2", "crop.y2")
"""The grown box in pixels of the upright image, not yet clipped: the last column and row are excluded."""
BYTES_KEPT = 512 * 2**20
"""Most memory for decoded images some of whose crops have not been looked at yet."""
FINISHED_KEPT = 2
"""Decoded images that are kept although all of their crops have been looked at, the last ones asked for."""
ADVICE = "mend its box, or leave the prediction out"


class Look(NamedTuple):
    """One crop, decoded."""

    rgb: np.ndarray
    """uint8 of shape (height, width, 3)."""
    content_hash: str
    """Of the image and the box: crops of images with the same content have the same."""
    size_in_bytes: int
    """Of the image's file."""


def crops(samples: Samples, task: str, *, padding: float = 0.0) -> Samples:
    """Return a sample for each object that is predicted in a task.

    Parameters
    ----------
    samples : Samples
        Whole images with predictions of `task`, from `add_predictions`, `pretag` or a run. Of images that
        have the same content only the crops of the first stay once they are checked or embedded.
    task : str
        A prediction task with boxes.
    padding : float
        By how much a box is grown on each side, as a share of its width and height. What reaches out of the
        image is cut off.

    Returns
    -------
    Samples
        Named `{image without ending}-{number}-{ending}.png`, with the columns `crop.image`, `crop.category`,
        `crop.score` and the box, the image's own metadata, and predictions: in `task` the one of the object,
        in others those of the image. A box without area within its image is found when it is looked at, and
        goes to quarantine then.

    Raises
    ------
    InputError
        If there are no such predictions, none of them has a box, or the padding is negative.

    Examples
    --------
    >>> from lightly_nb.samples import Task
    >>> from lightly_nb.samples.predictions import packed
    >>> boxes = [{"category_id": 0, "score": 0.9, "bbox": [10, 10, 20, 40]}]
    >>> images = Samples(pd.DataFrame(index=["street/1.jpg"]), source={"street/1.jpg": b""})
    >>> images = images.with_predictions(packed(Task("cars", "object-detection", ("car",)), [boxes]))
    >>> found = crops(images, "cars", padding=0.1)
    >>> found.filenames, found.table[list(BOX)].to_numpy().tolist()
    (['street/1-0-jpg.png'], [[8, 6, 32, 54]])
    """
    predictions = _with_boxes(samples, task)
    if isinstance(padding, bool) or not isinstance(padding, int | float) or not 0 <= padding < np.inf:
        raise InputError(f"crops: padding is {padding!r}, allowed is a number of at least 0")
    assert predictions.bbox is not None
    kept = np.flatnonzero(~np.isnan(predictions.bbox).any(axis=1))
    rows = predictions.sample_rows[kept]
    box = grown(predictions.bbox[kept].astype(np.float64), padding)
    table = _of_images(samples, rows)
    names = np.array(predictions.task.categories, dtype=object)
    table = table.assign(
        **{
            IMAGE: samples.table.index.to_numpy(dtype=object)[rows],
            CATEGORY: pd.Categorical(names[predictions.category[kept]], categories=list(names)),
            SCORE: predictions.score[kept],
            **dict(zip(BOX, box.T, strict=True)),
        }
    )
    table.index = pd.Index(crop_names(samples.filenames, rows), name="filename")
    result = Samples(table, quarantine=samples.quarantine, source=crop_source(samples.source, table))
    for name, one in samples.predictions.items():
        result = result.with_predictions(_single(one, kept) if name == task else one.take(rows))
    return result


def _with_boxes(samples: Samples, task: str) -> Predictions:
    if samples.source is None:
        raise InputError("crops: samples have no source to read from; make them with lightly_nb.list_samples")
    if isinstance(samples.source, CropSource):
        raise InputError("crops: these samples are crops already; give the whole images")
    advice = "call lightly_nb.add_predictions or lightly_nb.pretag first"
    found = predictions_of(samples.predictions, task, "crops: ", advice)
    if found.bbox is None or np.isnan(found.bbox).any(axis=1).all():
        said = f"is one of {found.task.type}" if found.n_singletons else "has found nothing"
        raise InputError(
            f"crops: task '{task}' {said} and has no boxes to cut out; take one of object-detection"
        )
    return found


def grown(bbox: np.ndarray, padding: float) -> np.ndarray:
    """Return boxes x, y, width, height grown and as whole pixels x1, y1, x2, y2, int32.

    >>> grown(np.array([[1.5, 2.0, 4.0, 3.0]]), 0.0).tolist()
    [[1, 2, 6, 5]]
    """
    corner, size = bbox[:, :2], bbox[:, 2:]
    start, end = corner - padding * size, corner + (1 + padding) * size
    nearly = 1e-4  # boxes are float32: 7.0000005 is 7
    result = np.concatenate([np.floor(start + nearly), np.ceil(end - nearly)], axis=1)
    result[:, 2:] = np.where(size > 0, result[:, 2:], result[:, :2])
    return result.clip(-(2**31), 2**31 - 1).astype(np.int32)


def crop_names(filenames: Sequence[str], rows: np.ndarray) -> list[str]:
    """Return the names of crops whose images are in `rows`, ascending: as those of frames, numbered by image.

    >>> crop_names(["a/b.jpg", "c.png"], np.array([0, 0, 1]))
    ['a/b-0-jpg.png', 'a/b-1-jpg.png', 'c-0-png.png']
    """
    counts = np.bincount(rows, minlength=len(filenames))
    names = []
    for filename, count in zip(filenames, counts.tolist(), strict=True):
        stem, ending = posixpath.splitext(filename)
        width = len(str(count))
        names += [f"{stem}-{number:0{width}d}-{ending[1:]}.png" for number in range(count)]
    return names


def _of_images(samples: Samples, rows: np.ndarray) -> pd.DataFrame:
    """Return what of the images' metadata holds for their crops: not what was computed from the pixels."""
    kept = [
        name
        for name in samples.table
        if name not in FOR_MACHINES
        and name not in (IMAGE, CATEGORY, SCORE, *BOX)
        and not str(name).startswith(("lightly.", "score."))
    ]
    return samples.table[kept].iloc[rows]


def _single(predictions: Predictions, kept: np.ndarray) -> Predictions:
    """Return predictions in which each singleton of `kept` has a sample of its own."""
    n = predictions.n_singletons
    each = replace(predictions, offsets=np.arange(n + 1), is_predicted=np.ones(n, dtype=bool))
    return each.take(kept)


class CropSource:
    """Where crops are read from: the images' source and the boxes.

    Parameters
    ----------
    source : Source
        Of the whole images.
    table : pandas.DataFrame
        With a row for each crop.
    """

    def __init__(self, source: Source, table: pd.DataFrame):
        self.source = source
        self._rows = pd.Series(np.arange(len(table)), index=table.index.astype(object))
        self._images = table[IMAGE].to_numpy(dtype=object)
        self._boxes = table[list(BOX)].to_numpy(dtype=np.int64)
        self._repeats = table.groupby([IMAGE, *BOX], sort=False).cumcount().to_numpy()
        self._n_crops = table[IMAGE].value_counts().to_dict()
        self._decoded: OrderedDict[tuple[str, bool], _Decoded] = OrderedDict()
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        table = pd.DataFrame(self._boxes, columns=list(BOX), index=self._rows.index)
        return (CropSource, (self.source, table.assign(**{IMAGE: self._images})))

    def __repr__(self) -> str:
        return f"CropSource({self.source!r}, {len(self._images):,} crops)"

    def read(self, filename: str) -> bytes:
        """Return a crop as the bytes of a PNG."""
        from PIL import Image

        buffer = io.BytesIO()
        Image.fromarray(self.look(filename, strict=False).rgb).save(buffer, "PNG", compress_level=1)
        return buffer.getvalue()

    def look(self, filename: str, *, strict: bool = True) -> Look:
        """Return a crop, decoded, without making a file of it.

        Raises
        ------
        CorruptImageError
            If the image cannot be read or decoded, or the box has no area within it.
        """
        row = self._row(filename)
        image = self._image(str(self._images[row]), strict)
        height, width = image.rgb.shape[:2]
        x1, y1, x2, y2 = self._boxes[row].clip(0, [width, height, width, height]).tolist()
        if x2 <= x1 or y2 <= y1:
            raise CorruptImageError(
                f"the box {self._boxes[row].tolist()} has no area within '{self._images[row]}' "
                f"({width} × {height} pixels)",
                ADVICE,
            )
        rgb = np.ascontiguousarray(image.rgb[y1:y2, x1:x2])
        return Look(rgb, self._digest(image.content_hash, row), image.size_in_bytes)

    def digest(self, filename: str) -> str:
        """Return the content hash of a crop, for which its image is read and not decoded."""
        row = self._row(filename)
        name = str(self._images[row])
        with self._lock:
            kept = self._decoded.get((name, True))
        known = kept.content_hash if kept is not None and kept.done.is_set() else ""
        return self._digest(known or sha256(_read(self.source, name)).hexdigest(), row)

    def _row(self, filename: str) -> int:
        if filename not in self._rows.index:
            raise InputError(f"there is no crop '{filename}' among these {len(self._images):,}")
        row: Any = self._rows.at[filename]
        return int(row)

    def _digest(self, content_hash: str, row: int) -> str:
        """Tell crops of one image apart, and those of images with the same content not at all."""
        what = f"{content_hash} {self._boxes[row].tolist()} {self._repeats[row]}"
        return sha256(what.encode()).hexdigest()

    def _image(self, name: str, strict: bool) -> _Decoded:
        with self._lock:
            image = self._decoded.get((name, strict))
            is_mine = image is None
            if image is None:
                image = self._decoded[name, strict] = _Decoded(int(self._n_crops[name]))
            image.n_left -= 1
            self._decoded.move_to_end((name, strict))
        if is_mine:
            image.fill(self.source, name, strict)
            with self._lock:
                self._forget()
        image.done.wait()
        if image.error is not None:
            raise CorruptImageError(image.error.reason, image.error.what_to_do) from image.error
        return image

    def _forget(self) -> None:
        """Let go of images: those whose crops were all looked at, and the oldest where memory is short."""
        finished = [key for key, image in self._decoded.items() if image.n_left <= 0 and image.done.is_set()]
        for key in finished[: max(0, len(finished) - FINISHED_KEPT)]:
            del self._decoded[key]
        while (
            sum(image.rgb.nbytes for image in self._decoded.values()) > BYTES_KEPT and len(self._decoded) > 1
        ):
            self._decoded.popitem(last=False)


class _Decoded:
    """One image that a thread decodes and others wait for; `n_left` of its crops are still to be cut out."""

    def __init__(self, n_left: int) -> None:
        self.n_left = n_left
        self.done = threading.Event()
        self.rgb = np.zeros((0, 0, 3), np.uint8)
        self.content_hash, self.size_in_bytes = "", 0
        self.error: CorruptImageError | None = None

    def fill(self, source: Source, name: str, strict: bool) -> None:
        try:
            content = _read(source, name)
            self.size_in_bytes, self.content_hash = len(content), sha256(content).hexdigest()
            self.rgb = decode_rgb(content, filename=name, strict=strict)
        except CorruptImageError as error:
            self.error = error
        except BaseException:
            self.error = CorruptImageError("its image was not decoded", "run again")
            raise
        finally:
            self.done.set()


def _read(source: Source, name: str) -> bytes:
    try:
        return source.read(name)
    except Exception as error:  # a source may be anything; one file must not stop a run
        raise CorruptImageError(
            f"its image '{name}' cannot be read: {error}", "check that it is there and may be read"
        ) from error


def crop_source(source: Any, table: pd.DataFrame) -> Any:
    """Return where the samples of `table` are read from: `source` itself, but for a table of crops."""
    return CropSource(source, table) if source is not None and IMAGE in table else source
