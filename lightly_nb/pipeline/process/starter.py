"""A background run that ends with the process that started it, where that process asked for it.

A run from a notebook outlives its kernel. One that a worker has started must not go on when the worker was
killed: nobody would hold its lock, or know of its end.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from lightly_nb.processes import is_alive, this_process
from lightly_nb.runfolder import RunFolder

VARIABLE = "LIGHTLY_NB_ENDS_WITH"
SECONDS_BETWEEN_LOOKS = 0.5
SECONDS_TO_END = 20.0


@contextmanager
def ending_with_this_process() -> Iterator[None]:
    """Let the runs that are started in the body end when this process does."""
    os.environ[VARIABLE] = json.dumps(this_process())
    try:
        yield
    finally:
        os.environ.pop(VARIABLE, None)


def end_with_starter(folder: RunFolder) -> None:
    """Cancel the run of this process once its starter is gone, if it is to end with it."""
    starter = os.environ.pop(VARIABLE, None)
    if starter is not None:
        thread = threading.Thread(target=_end_with, args=(folder, json.loads(starter)), daemon=True)
        thread.start()


def _end_with(folder: RunFolder, starter: dict[str, Any]) -> None:
    while is_alive(starter):
        time.sleep(SECONDS_BETWEEN_LOOKS)
    with suppress(OSError):
        folder.cancel.touch()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(SECONDS_TO_END)
    os._exit(1)
