"""What ends a run from outside: SIGTERM of containers, schedulers and `timeout`, SIGHUP of a closed terminal.

A run says how it ended, whoever holds the handler: ours is called, or a library's, or the caller's raises
what it likes. Ours raises `SystemExit` with the code that a shell gives to a process that a signal has ended,
143 for SIGTERM; as it is no `Exception`, nothing on the way takes it for an error of a file or a model.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name))


class RunTerminated(SystemExit):
    """A run, or its process, was ended by a signal; `code` is 128 and the number of the signal."""

    def __init__(self, number: int, said: str):
        super().__init__(128 + number)
        self.said = said

    def __str__(self) -> str:
        return self.said


@contextmanager
def ending_signals(message: Callable[[str], str]) -> Iterator[None]:
    """Raise `RunTerminated` in the body when a signal that ends processes comes.

    Only in the main thread, where Python calls handlers. A signal that is ignored stays so, as under nohup;
    a handler of the caller's is called first, and what it raises goes its way.

    Parameters
    ----------
    message : callable
        Makes what is said from the name of the signal.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: dict[int, Any] = {}
    for number in ENDING:
        handler = signal.getsignal(number)
        if handler not in (signal.SIG_IGN, None):
            before[number] = handler
            signal.signal(number, _raising(handler, message))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _raising(earlier: Any, message: Callable[[str], str]) -> Callable[[int, FrameType | None], None]:
    is_ending = False

    def raise_terminated(number: int, frame: FrameType | None) -> None:
        nonlocal is_ending
        if is_ending:  # once is enough: it is on its way out
            return
        is_ending = True
        if callable(earlier):
            earlier(number, frame)
        raise RunTerminated(number, message(signal.Signals(number).name))

    return raise_terminated
