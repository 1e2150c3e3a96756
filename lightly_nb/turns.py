"""What a process has only once, and who has it: torch's settings and tracing, generators, loggers, threads.

Training, embedding and runs take turns in a process: while torch traces a model, modules that another thread
calls fail, or compute something else; and the random numbers of a training are those of the whole process.
"""

from __future__ import annotations

import functools
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

SECONDS_BETWEEN_LOOKS = 0.2


class _Turn:
    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.was_taken = False


_TURN = _Turn()


@contextmanager
def in_turn(wait: Callable[[], object] | None = None) -> Iterator[None]:
    """Take turns: one thread of this process at a time is in such a context, which may be nested.

    `wait` is called several times a second while another thread has its turn; it may raise.
    """
    lock = _TURN.lock
    while not lock.acquire(timeout=SECONDS_BETWEEN_LOOKS):
        if wait is not None:
            wait()
    _TURN.was_taken = True
    try:
        yield
    finally:
        lock.release()


def threads_were_started() -> None:
    """Note that this process has used threads of OpenMP, which a process that is forked from it lacks."""
    _TURN.was_taken = True


def taking_turns(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Decorate a function: threads of one process that call such functions take turns."""

    @functools.wraps(function)
    def in_its_turn(*arguments: Arguments.args, **named: Arguments.kwargs) -> Result:
        with in_turn():
            return function(*arguments, **named)

    return in_its_turn


def _in_forked_child() -> None:
    """Let a process that was forked after such work compute, if with one thread.

    The threads that OpenMP has started are not in the child, which would wait for them for ever; and no
    thread that had its turn is either.
    """
    had_worked = _TURN.was_taken
    _TURN.__init__()  # type: ignore[misc]
    torch = sys.modules.get("torch")
    if not had_worked or torch is None:
        return
    with suppress(Exception):
        torch.set_num_threads(1)
        from threadpoolctl import threadpool_limits

        threadpool_limits(1, user_api="openmp")  # that of faiss, for one
    if (cv2 := sys.modules.get("cv2")) is not None:
        with suppress(Exception):
            cv2.setNumThreads(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_forked_child)
