"""Row numbers from what people have at hand: numbers, masks, names, a selection, a table."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from lightly_nb.errors import InputError


class Named(Protocol):
    """Samples, as far as rows are concerned."""

    def __len__(self) -> int:
        """How many."""

    def rows_of(self, filenames: Sequence[str]) -> np.ndarray:
        """The rows of names."""


def row_numbers(value: Any, samples: Named, what: str) -> np.ndarray:
    """Return the row numbers that `value` stands for, int64, in its order, repeats and all.

    Parameters
    ----------
    value : int, str, sequence of them, slice, mask, Selection, Samples or DataFrame
        Rows, one truth value per sample, file names, something that has `filenames`, or a table indexed by
        file name.
    samples : Samples
        Whose rows.
    what : str
        How an error calls it.

    Raises
    ------
    InputError
        If a name is unknown, a mask of another length, or the value nothing of the above.
    """
    if isinstance(value, slice):
        return np.arange(len(samples), dtype=np.int64)[value]
    value = list(value) if isinstance(value, Iterator) else value
    names = names_in(value)
    if names is not None:
        return _found(samples, names, what)
    given = _as_array(value, samples, what)
    if given.size == 0 and given.ndim == 1:
        return np.empty(0, dtype=np.int64)
    if given.dtype == bool and given.ndim == 1:
        if len(given) != len(samples):
            raise InputError(
                f"{what}: a mask needs {len(samples)} values, one per sample; got shape {given.shape}"
            )
        return np.flatnonzero(given).astype(np.int64)
    if given.ndim == 1 and given.dtype.kind in "iu":
        return given.astype(np.int64)
    raise InputError(f"{what}: got {described(value)}; give {forms(samples)}")


def forms(samples: Named) -> str:
    """Return in words what stands for rows."""
    return (
        f"row numbers, a mask of {len(samples)} truth values or file names, "
        "a Selection or a table indexed by name"
    )


def names_in(value: Any) -> list[str] | None:
    """Return the file names that `value` holds, None if it holds none: numbers, a mask, nothing.

    Examples
    --------
    >>> names_in("a.jpg"), names_in(["a.jpg", "b.jpg"]), names_in([0, 1])
    (['a.jpg'], ['a.jpg', 'b.jpg'], None)
    """
    if isinstance(value, str | os.PathLike):
        return [_name(value)]
    if hasattr(value, "filenames"):  # a Selection, Samples
        return [str(name) for name in value.filenames]
    if hasattr(value, "columns") and hasattr(value, "index"):  # a table
        value = value.index
    if (
        isinstance(value, bytes | Mapping)
        or not isinstance(value, Iterable)
        or getattr(value, "ndim", 1) != 1
    ):
        return None
    if not isinstance(value, Sequence | set | frozenset) and not hasattr(value, "dtype"):
        return None  # a generator would be used up by looking
    if not len(value):  # type: ignore[arg-type]
        return None
    if all(isinstance(one, str | os.PathLike) for one in value):
        return [_name(one) for one in (sorted(value) if isinstance(value, set | frozenset) else value)]
    return None


def names_of(value: Any, what: str) -> list[str]:
    """Return the file names that a list, an array, a Selection, Samples or a table indexed by names holds.

    Raises
    ------
    InputError
        If it holds something else, or is one text alone.
    """
    if isinstance(value, str | bytes):
        raise InputError(f"{what}: give a list of file names, got the text {value!r}")
    if value is None:
        return []
    value = list(value) if isinstance(value, Iterator | Mapping) else value
    names = names_in(value)
    if names is not None:
        return names
    if hasattr(value, "__len__") and not len(value):
        return []
    raise InputError(f"{what}: got {described(value)}; give a list of file names, or a Selection")


def described(value: Any) -> str:
    """Return in a few words what a value is: its type, its shape, what it begins with.

    Examples
    --------
    >>> described([1.5, 2.0]), described(None)
    ('a list of float', 'None')
    """
    if value is None or isinstance(value, bool | int | float):
        return repr(value)
    kind = type(value).__name__
    article = "an" if kind[0] in "aeiouAEIOU" else "a"
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"{article} {kind} of {value.dtype}, shape {tuple(value.shape)}"
    if isinstance(value, list | tuple) and value:
        inside = sorted({type(one).__name__ for one in value[:100]})
        return f"{article} {kind} of {' and '.join(inside)}"
    return f"{article} {kind}"


def _name(value: str | os.PathLike[str]) -> str:
    text = os.fspath(value)
    return text if isinstance(value, str) else text.replace(os.sep, "/")


def _found(samples: Named, names: list[str], what: str) -> np.ndarray:
    try:
        return np.asarray(samples.rows_of(names), dtype=np.int64)
    except InputError as error:
        raise InputError(f"{what}: {error}") from error


def _as_array(value: Any, samples: Named, what: str) -> np.ndarray:
    if isinstance(value, bool | np.bool_ | bytes | Mapping):
        raise InputError(f"{what}: got {described(value)}; give {forms(samples)}")
    if isinstance(value, int | np.integer):
        value = [value]
    if not isinstance(value, Iterable):
        raise InputError(f"{what}: got {described(value)}; give {forms(samples)}")
    try:
        return np.asarray(value if hasattr(value, "__array__") else list(value))
    except (TypeError, ValueError, RuntimeError) as error:  # ragged lists, tensors of a GPU
        raise InputError(f"{what}: got {described(value)} ({error}); give {forms(samples)}") from error
