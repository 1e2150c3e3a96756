"""Row numbers: a trait that accepts what people have at hand, and the bitmask that travels to the browser."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets

from lightly_nb.errors import InputError
from lightly_nb.samples import Samples
from lightly_nb.samples.rows import names_in, row_numbers


def pack_rows(rows: np.ndarray, n_samples: int) -> bytes:
    r"""Return one bit per sample, least significant bit first.

    >>> pack_rows(np.array([0, 9]), 10)
    b'\x01\x02'
    """
    mask = np.zeros(n_samples, dtype=bool)
    mask[rows] = True
    return np.packbits(mask, bitorder="little").tobytes()


def unpack_rows(packed: bytes | memoryview, n_samples: int) -> np.ndarray:
    """Return the rows of a bitmask, int64 and ascending.

    Raises
    ------
    InputError
        If the mask is not of `n_samples` bits, rounded up to bytes.
    """
    content = np.frombuffer(packed, dtype=np.uint8)
    if len(content) != (n_samples + 7) // 8:
        raise InputError(f"a mask of {len(content)} bytes does not belong to {n_samples} samples")
    bits = np.unpackbits(content, count=n_samples, bitorder="little")
    return np.flatnonzero(bits).astype(np.int64)


def as_rows(value: Any, samples: Samples, what: str = "rows") -> np.ndarray:
    """Return row numbers (int64, read-only, no repeats, in the order given).

    Parameters
    ----------
    value : int, str, sequence of them, boolean mask, Selection, DataFrame or None
        Rows, one truth value per sample, file names, something that has `filenames`, a table indexed by file
        name, or nothing.
    what : str
        How an error calls it.

    Raises
    ------
    InputError
        If a row is out of range, a name unknown, or the value nothing of the above.
    """
    numbers = np.empty(0, dtype=np.int64) if value is None else row_numbers(_once(value), samples, what)
    rows = np.array(numbers)
    outside = rows[(rows < 0) | (rows >= len(samples))]
    if outside.size:
        raise InputError(f"{what}: row {outside[0]} is not there; allowed are 0 to {len(samples) - 1}")
    if rows.size > 1 and not (rows[1:] > rows[:-1]).all():
        rows = rows[np.sort(np.unique(rows, return_index=True)[1])]
    rows.flags.writeable = False
    return rows


def _once(value: Any) -> Any:
    """Return names without repeats; anything else as it is."""
    names = names_in(value)
    return value if names is None else list(dict.fromkeys(names))


class Rows(traitlets.TraitType):  # type: ignore[type-arg]
    """A trait of row numbers of the owner's `samples`; see `as_rows` for what it accepts."""

    default_value = None

    def validate(self, obj: Any, value: Any) -> np.ndarray:
        """Return `value` as row numbers."""
        return as_rows(value, obj.samples, self.name or "rows")
