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
def ending_signals(message: Callable[[str], str], *, unless_handled: bool = False) -> Iterator[None]:
    """Raise `RunTerminated` in the body when a signal that ends processes comes.

    Only in the main thread, where Python calls handlers. A signal that is ignored stays so, as under nohup;
    a handler of the caller's is called first, and what it raises goes its way.

    Parameters
    ----------
    message : callable
        Makes what is said from the name of the signal.
    unless_handled : bool
        Whether to leave it to a context of this kind that the body is in already.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: dict[int, Any] = {}
    for number in ENDING:
        handler = signal.getsignal(number)
        if unless_handled and isinstance(handler, _Raising):
            continue
        if handler not in (signal.SIG_IGN, None):
            before[number] = handler
            signal.signal(number, _Raising(handler, message))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Raising:
    """A handler that calls the earlier one, if that is not of this kind too, and raises."""

    def __init__(self, earlier: Any, message: Callable[[str], str]):
        self.earlier, self.message, self.is_ending = earlier, message, False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.is_ending:  # once is enough: it is on its way out
            return
        self.is_ending = True
        earlier = self.earlier
        while isinstance(earlier, _Raising):
            earlier.is_ending = True
            earlier = earlier.earlier
        if callable(earlier):
            earlier(number, frame)
        raise RunTerminated(number, self.message(signal.Signals(number).name))
