"""`pretag`: samples in; the same samples out, with what a detector has found as predictions of a task."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from lightly_nb.engines import local
from lightly_nb.errors import InputError
from lightly_nb.events import Listener, ProgressBar, Stage, say
from lightly_nb.pictures import decode_rgb, single_threaded_cv2
from lightly_nb.pretagging.detection import Detector, Found, Seen, categories_of, detected
from lightly_nb.pretagging.detectors import DEFAULT, resolve_detector
from lightly_nb.pretagging.progress import Progress
from lightly_nb.samples import Predictions, Samples, Source, Task
from lightly_nb.samples.predictions import packed

STEP = "PRETAGGING"
TASK = "lightly_pretagging"
"""The platform's name of the task."""
SIZE = ("lightly.width", "lightly.height")


def pretag(
    samples: Samples,
    detector: str | Detector = DEFAULT,
    *,
    task: str = TASK,
    categories: Sequence[str] | None = None,
    min_score: float = 0.3,
    batch_size: int = 4,
    num_workers: int = -1,
    progress_path: Path | None = None,
    on_event: Listener | None = None,
) -> Samples:
    """Detect objects in every sample, and keep them as predictions.

    Parameters
    ----------
    samples : Samples
        With a source to read from.
    detector : str or callable
        A name of `lightly_nb.pretagging.DETECTORS`, all of torchvision and trained on COCO, their weights
        downloaded once; they find the platform's seven categories bicycle, bus, car, motorcycle, person,
        train and truck. Or any callable `(list of uint8 RGB arrays) -> boxes, scores, labels`, each with one
        entry a picture: boxes (n, 4) as x1, y1, x2, y2 in pixels, n scores from 0 to 1, n names of
        categories.
    task : str
        Name of the prediction task. Predictions that it has already are replaced.
    categories : sequence of str or None
        Names of all categories. None: the detector's attribute `categories`; without one, those that were
        found, in alphabetical order.
    min_score : float
        Detections with a lower score are left out.
    batch_size : int
        Pictures that the detector gets at once.
    num_workers : int
        Threads that read and decode; -1 for one per CPU. The detector is called from one thread.
    progress_path : pathlib.Path or None
        A file to which every batch is added at once, so that the same call goes on after an interruption. It
        may be deleted afterwards.
    on_event : callable, optional
        Gets the events of step PRETAGGING. None: a progress bar.

    Returns
    -------
    Samples
        The same, with `predictions[task]`, the array `class_distribution.TASK` and the columns
        `lightly.width` and `lightly.height`. A sample that cannot be decoded has no predictions, and a
        warning names it.

    Raises
    ------
    InputError
        If there is no such detector, it returns something else, an argument is out of range, or no sample can
        be decoded.
    CheckpointError
        If its weights are not here and cannot be downloaded; before any work, within seconds.

    Examples
    --------
    >>> import tempfile, skimage.data, PIL.Image, lightly_nb as lnb
    >>> from lightly_nb.events import silent
    >>> folder = Path(tempfile.mkdtemp())
    >>> PIL.Image.fromarray(skimage.data.chelsea()).save(folder / "cat.jpg")
    >>> def left_half(images):  # a detector that sees a thing in the left half of everything
    ...     boxes = [[[0, 0, image.shape[1] / 2, image.shape[0]]] for image in images]
    ...     return boxes, [[0.9]] * len(images), [["thing"]] * len(images)
    >>> samples = lnb.list_samples(folder, on_event=silent)
    >>> lnb.pretag(samples, left_half, on_event=silent).predictions["lightly_pretagging"].singletons(0)
    [{'category_id': 0, 'score': 0.9, 'bbox': [0.0, 0.0, 225.5, 300.0]}]
    """
    _check(samples, min_score, batch_size)
    on_event = on_event or ProgressBar()
    name, found_detector = resolve_detector(detector)
    where = f"detector '{name}'"
    names = categories_of(found_detector, where) if categories is None else tuple(categories)
    assert samples.source is not None
    progress = Progress(progress_path, f"{name} {names} {min_score:g}", samples)
    seen: list[Seen] = []
    with (
        single_threaded_cv2(),
        Stage(on_event, STEP, len(samples), "image") as stage,
        closing(_batches(samples, batch_size, num_workers, progress)) as batches,
    ):
        for filenames, batch in batches:
            answers = _asked(found_detector, where, filenames, batch, names, min_score)
            progress.add(answers)
            seen += [
                one if isinstance(one, Seen) else answers[f] for f, one in zip(filenames, batch, strict=True)
            ]
            stage.advance(len(batch))
    _tell(samples, seen, on_event)
    return _with_found(samples, seen, task, names, where)


def _check(samples: Samples, min_score: float, batch_size: int) -> None:
    if samples.source is None:
        raise InputError(
            "pretag: samples have no source to read from; make them with lightly_nb.list_samples"
        )
    if not len(samples):
        raise InputError("pretag: there are no samples")
    if isinstance(min_score, bool) or not 0 <= min_score <= 1:
        raise InputError(f"min_score: got {min_score!r}, allowed is 0 to 1")
    if isinstance(batch_size, bool) or batch_size < 1:
        raise InputError(f"batch_size: got {batch_size!r}, must be at least 1")


def _batches(
    samples: Samples, batch_size: int, num_workers: int, progress: Progress
) -> Generator[tuple[list[str], list[np.ndarray | Seen]], None, None]:
    """Yield names and pictures of a few samples; in place of a picture what is known of it already."""
    source, names = samples.source, samples.filenames
    assert source is not None

    def picture(filename: str) -> np.ndarray | Seen:
        known = progress.found.get(progress.key(filename))
        return _decoded(source, filename) if known is None else known

    batch: list[np.ndarray | Seen] = []
    with closing(local.map(picture, names, num_workers)) as pictures:
        for number, one in enumerate(pictures, start=1):
            batch.append(one)
            if len(batch) == batch_size or number == len(names):
                yield names[number - len(batch) : number], batch
                batch = []


def _decoded(source: Source, filename: str) -> np.ndarray | Seen:
    try:
        return decode_rgb(source.read(filename), strict=False)
    except Exception as error:  # a source may raise anything; one file must not stop the others
        return Seen(None, problem=str(error) or type(error).__name__)


def _asked(
    detector: Detector,
    where: str,
    filenames: list[str],
    batch: list[np.ndarray | Seen],
    categories: Sequence[str] | None,
    min_score: float,
) -> dict[str, Seen]:
    """Return what the detector says of those of a batch that are pictures."""
    pictures = {f: one for f, one in zip(filenames, batch, strict=True) if isinstance(one, np.ndarray)}
    if not pictures:
        return {}
    found = detected(detector, where, list(pictures), list(pictures.values()), categories, min_score)
    return {
        filename: Seen(one, picture.shape[1], picture.shape[0])
        for (filename, picture), one in zip(pictures.items(), found, strict=True)
    }


def _tell(samples: Samples, seen: list[Seen], on_event: Listener) -> None:
    bad = [
        (name, one.problem) for name, one in zip(samples.filenames, seen, strict=True) if one.found is None
    ]
    if len(bad) == len(seen):
        raise InputError(
            f"pretag: none of the {len(seen):,} samples can be looked at; '{bad[0][0]}': {bad[0][1]}"
        )
    for name, problem in bad[:10]:
        say(on_event, STEP, f"{name} is not pretagged: {problem}", "warning")
    if bad:
        say(on_event, STEP, f"{len(bad):,} of {len(seen):,} samples have no detections, see above", "warning")
    n_outside = sum(one.found.n_outside for one in seen if one.found is not None)
    if n_outside:
        say(
            on_event, STEP, f"{n_outside:,} boxes have no area within their image and are left out", "warning"
        )


def _with_found(
    samples: Samples, seen: list[Seen], task: str, names: Sequence[str] | None, where: str
) -> Samples:
    if names is None:
        names = sorted({label for one in seen if one.found for label in one.found.labels})
        if not names:
            raise InputError(
                f"pretag: {where} has found nothing in {len(seen):,} samples and does not say its categories;"
                " give categories=[…], or lower min_score"
            )
    known = Task(task, "object-detection", tuple(names))
    result = samples.with_predictions(_predictions(known, seen))
    sizes = {SIZE[0]: [one.width for one in seen], SIZE[1]: [one.height for one in seen]}
    missing = {key: np.array(values) for key, values in sizes.items() if key not in samples.table}
    return result.with_columns(missing) if missing else result


def _predictions(task: Task, seen: list[Seen]) -> Predictions:
    number_of = {name: number for number, name in enumerate(task.categories)}

    def singletons(found: Found) -> list[dict[str, object]]:
        return [
            {"category_id": number_of[label], "score": float(score), "bbox": _with_size(box)}
            for box, score, label in zip(found.boxes, found.scores, found.labels, strict=True)
        ]

    return packed(task, (None if one.found is None else singletons(one.found) for one in seen))


def _with_size(box: np.ndarray) -> list[float]:
    x1, y1, x2, y2 = box.tolist()
    return [x1, y1, x2 - x1, y2 - y1]
