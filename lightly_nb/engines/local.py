"""Threads of this process: decoders, torch and sockets let go of Python's lock while they work."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def map(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    num_workers: int = -1,
    initializer: Callable[[], None] | None = None,
) -> Generator[Result, None, None]:
    """Yield `function(item)` in the order of `items`, at most two items a thread ahead of who takes them.

    An error of `function` is raised when its turn comes. When the generator is closed, so is the work: what
    has not begun never does.

    Parameters
    ----------
    function : callable
        Called in threads.
    items : iterable
        Taken one by one, as the work goes on.
    num_workers : int
        Threads, at least one; -1 for one per CPU that this process may run on.
    initializer : callable, optional
        Called once in each thread before its first item.

    Examples
    --------
    >>> list(map(lambda n: n * n, range(5), num_workers=2))
    [0, 1, 4, 9, 16]
    """
    n_threads = _cpus() if num_workers < 0 else max(1, num_workers)
    ahead: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(n_threads, "lightly_nb", initializer)
    try:
        for item in items:
            if len(ahead) >= 2 * n_threads:
                yield ahead.popleft().result()
            ahead.append(pool.submit(function, item))
        while ahead:
            yield ahead.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
