"""`add_predictions`: what models have said of samples, in whatever form it comes, put beside the samples."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lightly_nb.datasource import WritableDatasource, open_datasource
from lightly_nb.engines import local
from lightly_nb.errors import InputError, did_you_mean
from lightly_nb.events import Listener, ProgressBar, Stage, say
from lightly_nb.lightly_source.companions import NAMED, BadFile
from lightly_nb.lightly_source.json_files import json_name, write_json
from lightly_nb.lightly_source.prediction_rules import (
    predictions_problem,
    schema_problem,
    task_name_problem,
)
from lightly_nb.lightly_source.predictions import PREDICTIONS, write_task_schema
from lightly_nb.reading.annotations.coco import coco_results
from lightly_nb.reading.annotations.found import Form, Found, Request, rows_by_name
from lightly_nb.reading.annotations.label_files import voc_folder, yolo_folder
from lightly_nb.reading.annotations.outputs import (
    probability_array,
    torchvision_outputs,
    ultralytics_results,
)
from lightly_nb.reading.annotations.tables import predictions_dict, predictions_table
from lightly_nb.samples import TASK_TYPES, Samples
from lightly_nb.samples.predictions import Task, packed, predictions_of
from lightly_nb.states import DatasourcePurpose

FORMS: Mapping[str, Callable[[Request], Form]] = MappingProxyType(
    {
        "table": predictions_table,
        "dict": predictions_dict,
        "array": probability_array,
        "coco": coco_results,
        "yolo": yolo_folder,
        "voc": voc_folder,
        "torchvision": torchvision_outputs,
        "ultralytics": ultralytics_results,
    }
)
"""Forms of predictions by name. A new one is one function and one line here."""
STEP = "LOADING_PREDICTION"
_FILLERS = ("N/A", "__background__")
"""Names in torchvision's lists of categories that stand for no category."""


def add_predictions(
    samples: Samples,
    task: str,
    predictions: Any,
    *,
    categories: Sequence[str] | Mapping[int, str] | None = None,
    task_type: str | None = None,
    form: str | None = None,
    images: Any = None,
    on_event: Listener | None = None,
) -> Samples:
    """Put predictions beside samples: for `score`, for strategies on SCORES and PREDICTIONS, and for `run`.

    Parameters
    ----------
    samples : Samples
        The images. One that nothing is said of has no predictions.
    task : str
        Name of the task, by which strategies ask for it. Predictions of that name are replaced.
    predictions : DataFrame, dict, array, list or path
        See docs/predictions.md: a table; a dict by file name; an array of class probabilities; COCO results;
        folders of YOLO or VOC files; outputs of torchvision's or ultralytics' models.
    categories : sequence of str or mapping of int to str, optional
        Names of the categories, in the order of their numbers or by id. None: those of the predictions.
    task_type : str, optional
        `classification`, `object-detection`, `semantic-segmentation`, `instance-segmentation` or
        `keypoint-detection`. None: by what the predictions hold.
    form : str, optional
        A name of `FORMS`: what `predictions` is. None: it is recognised.
    images : dict, path or mapping of id to file name, optional
        Of COCO results: the dataset that the image ids are of.
    on_event : callable, optional
        Gets what is said of names that no sample has, and of files that cannot be used. None prints it.

    Returns
    -------
    Samples
        With `.predictions[task]` and the array `class_distribution.TASK`.

    Raises
    ------
    InputError
        If a prediction cannot be (by the rules that files have), or none is of a sample.

    Examples
    --------
    >>> import pandas as pd
    >>> samples = Samples(pd.DataFrame(index=["a.jpg", "b.jpg"]))
    >>> boxes = {"a.jpg": [{"category": "car", "score": 0.9, "bbox": [10, 20, 30, 40]}]}
    >>> add_predictions(samples, "traffic", boxes).predictions["traffic"]
    Predictions('traffic', object-detection, 1 categories, 1 for 1 of 2 samples)
    """
    on_event, where = on_event or ProgressBar(), f"add_predictions, task {task!r}"
    if problem := task_name_problem(task):
        raise InputError(f"{where}: {problem}")
    if task_type is not None and task_type not in TASK_TYPES:
        raise InputError(f"{where}: task_type is {task_type!r}; there are {', '.join(TASK_TYPES)}")
    request = Request(samples, predictions, _by_id(categories, where), images, where)
    read = FORMS[_recognised(predictions, form, where)](request)
    rows = _rows(samples, read, where, on_event)
    names = _categories(request.categories or read.categories, [one for _, one in rows.values()], where)
    ids = {name: number for number, name in names.items()}
    several = {row: _with_ids(one, ids, where, names) for row, (_, one) in rows.items()}
    kind = task_type or _type_of(one for found in several.values() for one in found)
    made = Task(task, kind, tuple(names.values()), tuple(names))
    bad = []
    for row, found in list(several.items()):
        if problem := predictions_problem(found, made):
            path = rows[row][0].path
            if not path:
                raise InputError(f"{where}: '{samples.filenames[row]}': {problem}")
            bad.append(BadFile(path, problem))
            del several[row]
    _say_bad([*(BadFile(one.path, one.problem) for one, _ in rows.values() if one.problem), *bad], on_event)
    kept = {row: None if rows[row][0].problem else found for row, found in several.items()}
    return samples.with_predictions(packed(made, (kept.get(row) for row in range(len(samples)))))


def _by_id(categories: Sequence[str] | Mapping[int, str] | None, where: str) -> dict[int, str] | None:
    if categories is None:
        return None
    if isinstance(categories, str):
        raise InputError(f"{where}: categories is the text {categories!r}; give a list of names")
    pairs = categories.items() if isinstance(categories, Mapping) else enumerate(categories)
    named = {int(number): str(name) for number, name in pairs if str(name) not in _FILLERS}
    entries = [{"id": number, "name": name} for number, name in named.items()]
    if problem := schema_problem({"task_type": TASK_TYPES[0], "categories": entries}):
        raise InputError(f"{where}: {problem}")
    return named


def _recognised(predictions: Any, form: str | None, where: str) -> str:
    if form is not None:
        if form not in FORMS:
            raise InputError(
                f"{where}: form is {form!r}; there are {', '.join(FORMS)}.{did_you_mean(form, FORMS)}"
            )
        return form
    if isinstance(predictions, str | os.PathLike):
        return _form_of_path(Path(predictions), where)
    if hasattr(predictions, "columns"):
        return "table"
    if isinstance(predictions, Mapping):
        return "coco" if {"images", "annotations"} <= set(predictions) else "dict"
    if hasattr(predictions, "shape") or hasattr(predictions, "detach"):
        return "array"
    if isinstance(predictions, list | tuple):
        first = predictions[0] if len(predictions) else {}
        if isinstance(first, Mapping):
            return "torchvision" if {"boxes", "labels"} <= set(first) else "coco"
        if hasattr(first, "names") and hasattr(first, "path"):
            return "ultralytics"
        return "array"
    raise InputError(
        f"{where}: got {type(predictions).__name__}; give a DataFrame, a dict by file name, an array of "
        f"class probabilities, a list or a path; forms are {', '.join(FORMS)}"
    )


def _form_of_path(path: Path, where: str) -> str:
    if path.is_dir():
        return "voc" if next(path.rglob("*.xml"), None) is not None else "yolo"
    if path.suffix.lower() == ".json":
        return "coco"
    raise InputError(
        f"{where}: '{path}' is neither a folder of YOLO or VOC files nor a JSON file of COCO; read it and "
        "give what is in it, such as a DataFrame"
    )


def _rows(
    samples: Samples, read: Form, where: str, on_event: Listener
) -> dict[int, tuple[Found, list[dict[str, Any]]]]:
    """Return what is found of each row, and tell of names that no sample has."""
    row_of = rows_by_name(samples, read.by_stem)
    rows: dict[int, tuple[Found, list[dict[str, Any]]]] = {}
    unknown: list[str] = []
    for found in read.found:
        row = row_of(found.name)
        if row is None:
            unknown.append(str(found.name))
        elif row in rows:
            raise InputError(
                f"{where}: '{samples.filenames[row]}' has predictions under two names: "
                f"{rows[row][0].name!r} and {found.name!r}; give each image once"
            )
        else:
            rows[row] = (found, list(found.singletons))
    if unknown:
        n_known = f"{len(unknown):,} of {len(unknown) + len(rows):,} names are of no sample"
        said = f"{where}: {n_known}, such as {unknown[0]!r}"
        if not rows:
            example = (
                f"; names are relative to the source, such as {samples.filenames[0]!r}"
                if len(samples)
                else ""
            )
            raise InputError(said + example)
        say(on_event, STEP, said, "warning")
    return rows


def _categories(
    names: Mapping[int, str] | None, found: Iterable[list[dict[str, Any]]], where: str
) -> dict[int, str]:
    if names:
        return dict(names)
    all_of = [one for several in found for one in several]
    by_name = sorted({str(one["category"]) for one in all_of if one.get("category") is not None})
    if by_name:
        return dict(enumerate(by_name))
    ids = {one.get("category_id") for one in all_of}
    whole = sorted(one for one in ids if isinstance(one, int) and not isinstance(one, bool))
    if not whole:
        raise InputError(
            f"{where}: no categories, as there are no predictions; give categories=, their names"
        )
    return {number: str(number) for number in whole}


def _with_ids(
    found: list[dict[str, Any]], ids: Mapping[str, int], where: str, names: Mapping[int, str]
) -> list[dict[str, Any]]:
    result = []
    for one in found:
        if isinstance(one, Mapping) and one.get("category") is not None and one.get("category_id") is None:
            name = str(one["category"])
            if name not in ids:
                guess = did_you_mean(name, ids)
                raise InputError(f"{where}: category '{name}' is none of {list(names.values())[:20]}.{guess}")
            one = {**one, "category_id": ids[name]}
            del one["category"]
        if isinstance(one, Mapping):
            one = {key: value for key, value in one.items() if value is not None}
        result.append(one)
    return result


def _type_of(found: Iterable[Any]) -> str:
    keys: set[str] = set()
    for one in found:
        keys |= set(one) if isinstance(one, Mapping) else set()
    if "keypoints" in keys:
        return "keypoint-detection"
    if "segmentation" in keys:
        return "instance-segmentation" if "bbox" in keys else "semantic-segmentation"
    return "object-detection" if "bbox" in keys else "classification"


def _say_bad(bad: Sequence[BadFile], on_event: Listener) -> None:
    for one in bad[:NAMED]:
        say(on_event, STEP, f"{one.path}: {one.problem}", "warning")
    if bad:
        said = f"{len(bad):,} files cannot be used, and their samples have no predictions; mend the files"
        say(on_event, STEP, said, "warning")


def save_predictions(
    samples: Samples,
    task: str,
    lightly_source: str | os.PathLike[str] | WritableDatasource,
    *,
    storage_options: Mapping[str, Any] | None = None,
    max_workers: int = 8,
    on_event: Listener | None = None,
) -> None:
    """Write predictions of samples as the platform's files, below `.lightly/predictions/TASK` of LIGHTLY.

    That converts what `add_predictions` reads, COCO and YOLO among it, for the runs of a dataset.

    Parameters
    ----------
    samples : Samples
        With predictions of the task; of one that has none no file is written.
    task : str
        Name of the task; its schema and line in `tasks.json` are written too.
    lightly_source : str, path or WritableDatasource
        The LIGHTLY datasource.
    storage_options : mapping, optional
        What fsspec needs to reach a URL. Never shown.
    max_workers : int
        Files at a time.
    on_event : callable, optional
        Gets the progress. None: a progress bar.
    """
    predictions = predictions_of(samples.predictions, task, "save_predictions: ")
    names = samples.filenames
    if isinstance(lightly_source, WritableDatasource):
        datasource = lightly_source
    else:
        datasource = open_datasource(
            lightly_source, purpose=DatasourcePurpose.LIGHTLY, storage_options=storage_options
        )
    made = predictions.task
    pairs = zip(made.category_ids, made.categories, strict=True)
    schema = {"name": task, "type": made.type, "categories": [{"id": n, "name": name} for n, name in pairs]}
    write_task_schema(datasource, {**schema, "keypoint_names": list(made.keypoint_names)})

    def write(row: int) -> None:
        body = {"file_name": names[row], "predictions": predictions.singletons(row)}
        write_json(datasource, json_name(f"{PREDICTIONS}/{task}", names[row]), body)

    rows = predictions.is_predicted.nonzero()[0].tolist()
    with Stage(on_event or ProgressBar(), "UPLOADING_DATASET", len(rows), "file") as stage:
        for _ in local.map(write, rows, max_workers):
            stage.advance()
