"""BLAS threads: one for small inputs, where waiting for each other costs more than the work."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from typing import Any

SMALL = 2**23
"""Numbers in an array (65,536 rows of 128) up to which one thread is used."""


def threads_for(size: int) -> AbstractContextManager[Any]:
    """Return a context in which BLAS uses one thread if an array of `size` numbers is small."""
    limit: AbstractContextManager[Any] = _controller().limit(
        limits=1 if size <= SMALL else None, user_api="blas"
    )
    return limit


@cache
def _controller() -> Any:
    import numpy  # noqa: F401 - the controller sees only libraries that are loaded
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
