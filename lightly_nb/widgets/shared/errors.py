"""Exceptions of callbacks: shown under the panel, never swallowed.

A widget's message handlers run outside any cell, where an exception would end in a log that nobody reads.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lightly_nb.errors import LightlyNBError


def error_text(error: BaseException) -> str:
    """Return what a person should read: the message alone if it was raised on purpose, else with the trace.

    >>> from lightly_nb.errors import InputError
    >>> error_text(InputError("n_samples: got -1; allowed are 1 and more"))
    'n_samples: got -1; allowed are 1 and more'
    """
    if isinstance(error, LightlyNBError):
        return str(error)
    return "".join(traceback.format_exception(error)).strip()


@contextmanager
def errors_shown(show: Callable[[str], None]) -> Iterator[None]:
    """Hand the text of an exception of the body to `show` instead of raising it; interrupts pass through."""
    try:
        yield
    except Exception as error:  # whatever a user's callback raises belongs under the panel
        show(error_text(error))
