"""Samples as datasets of other libraries: torch, HuggingFace, FiftyOne. Each is one line for who has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lightly_nb.datasource import Datasource
from lightly_nb.errors import InputError
from lightly_nb.samples import FOR_MACHINES, Samples, as_samples
from lightly_nb.samples.arguments import FUNCTION, TEXT, refuse_other_kinds

if TYPE_CHECKING:
    import torch


def to_torch(
    samples: Samples,
    picks: Any = None,
    *,
    transform: Callable[[Any], Any] | None = None,
    label: str | None = None,
) -> torch.utils.data.Dataset[tuple[Any, Any]]:
    """Return a `torch.utils.data.Dataset` of the images; each is read and decoded when it is asked for.

    Parameters
    ----------
    samples : Samples
        With a source to read images from.
    picks : Selection, sequence of str or int, mask or None
        Which samples, in this order. None: all.
    transform : callable, optional
        Takes a `PIL.Image`, such as a transform of torchvision. None: a float tensor (3, height, width) in
        [0, 1].
    label : str, optional
        The column of the table that comes with each image; None: its file name.

    Returns
    -------
    torch.utils.data.Dataset
        Of (image, label or file name). It can be pickled, so that workers of a DataLoader read it.

    Raises
    ------
    InputError
        If there is no source, sample or column.
    """
    from lightly_nb.exports.torch_dataset import ImageDataset

    chosen = _chosen(samples, picks, "to_torch")
    refuse_other_kinds(
        "to_torch", {"transform": transform, "label": label}, {"transform": FUNCTION, "label": TEXT}
    )
    targets = chosen.filenames if label is None else _column(chosen, label).tolist()
    assert chosen.source is not None
    return ImageDataset(chosen.source, chosen.filenames, targets, transform)


def to_huggingface(samples: Samples, picks: Any = None) -> Any:
    """Return a `datasets.Dataset`: `image`, `filename`, the table's columns, `embedding` if there is one.

    Parameters
    ----------
    samples : Samples
        Local files are named, not copied; those of a bucket are read into it.
    picks : Selection, sequence of str or int, mask or None
        Which samples, in this order. None: all.

    Raises
    ------
    InputError
        If the package `datasets` is not installed, or there is no such sample.
    """
    try:
        import datasets
    except ImportError as error:
        raise InputError("to_huggingface: needs the package datasets: pip install datasets") from error
    chosen = _chosen(samples, picks, "to_huggingface", needs_source=False)
    columns: dict[str, Any] = {}
    if chosen.source is not None:
        paths = _local_paths(chosen)
        columns["image"] = paths or [
            {"path": name, "bytes": chosen.source.read(name)} for name in chosen.filenames
        ]
    columns["filename"] = chosen.filenames
    columns |= _columns(chosen)
    if "embeddings" in chosen.arrays:
        columns["embedding"] = list(chosen.embeddings)
    dataset = datasets.Dataset.from_dict(columns)
    return dataset.cast_column("image", datasets.Image()) if "image" in columns else dataset


def to_fiftyone(samples: Samples, picks: Any = None, *, name: str | None = None) -> Any:
    """Return a `fiftyone.Dataset`: a sample per image, with the table's columns and `embedding` as fields.

    Parameters
    ----------
    samples : Samples
        Of local files.
    picks : Selection, sequence of str or int, mask or None
        Which samples, in this order. None: all.
    name : str, optional
        Of the dataset in FiftyOne.

    Raises
    ------
    InputError
        If the package `fiftyone` is not installed, or the files are not on this machine.
    """
    try:
        import fiftyone
    except ImportError as error:
        raise InputError("to_fiftyone: needs the package fiftyone: pip install fiftyone") from error
    chosen = _chosen(samples, picks, "to_fiftyone")
    paths = _local_paths(chosen)
    if paths is None:
        raise InputError(
            "to_fiftyone: the files are not on this machine, and FiftyOne opens local ones; download them "
            "first"
        )
    columns = {column.replace(".", "_"): values for column, values in _columns(chosen).items()}
    vectors = chosen.arrays.get("embeddings")
    dataset = fiftyone.Dataset(name)
    dataset.add_samples(
        [
            fiftyone.Sample(
                filepath=path,
                lightly_filename=chosen.filenames[row],
                **{column: values[row] for column, values in columns.items() if values[row] is not None},
                **({} if vectors is None else {"embedding": np.array(vectors[row])}),
            )
            for row, path in enumerate(paths)
        ]
    )
    return dataset


def _chosen(samples: Any, picks: Any, what: str, needs_source: bool = True) -> Samples:
    samples = as_samples(samples, what)
    chosen: Samples = samples if picks is None else samples.take(picks)
    if needs_source and chosen.source is None:
        raise InputError(
            f"{what}: these samples have no source to read images from; list them with list_samples"
        )
    return chosen


def _local_paths(samples: Samples) -> list[str] | None:
    source = samples.source
    if not isinstance(source, Datasource) or source.folder is None:
        return None
    return [str(source.folder / name) for name in samples.filenames]


def _column(samples: Samples, name: str) -> pd.Series[Any]:
    if name not in samples.table.columns:
        raise InputError(
            f"label: the samples have no column {name!r}; they have {list(samples.table.columns)}"
        )
    return samples.table[name]


def _columns(samples: Samples) -> dict[str, list[Any]]:
    """Return the columns that say something to a person, missing values as None."""
    found = {}
    for name in samples.table.columns:
        if name not in FOR_MACHINES and name not in ("image", "filename", "embedding"):
            column = samples.table[name]
            found[str(name)] = column.astype(object).where(column.notna(), None).tolist()
    return found
