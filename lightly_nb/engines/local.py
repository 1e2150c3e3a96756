"""Work on many files at once, in threads: the decoders and torch let go of Python's lock while they work."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import cv2

Item = TypeVar("Item")
Result = TypeVar("Result")


def worker_count(num_workers: int) -> int:
    """Return how many threads to use: the CPUs this process may run on for -1, and at least one."""
    if num_workers < 0:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, num_workers)


def ordered_map(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    num_workers: int,
    initializer: Callable[[], None] | None = None,
) -> Generator[Result, None, None]:
    """Yield `function(item)` in the order of `items`, computed in threads, at most 2 × `num_workers` ahead.

    An error of `function` is raised when its turn comes. When the generator is closed, so is the
    work: what has not begun never does.

    Examples
    --------
    >>> list(ordered_map(lambda n: n * n, range(5), num_workers=2))
    [0, 1, 4, 9, 16]
    """
    ahead: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(num_workers, "lightly_nb", initializer)
    try:
        for item in items:
            if len(ahead) >= 2 * num_workers:
                yield ahead.popleft().result()
            ahead.append(pool.submit(function, item))
        while ahead:
            yield ahead.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def single_threaded_cv2() -> Iterator[None]:
    """Keep OpenCV from starting threads of its own beside ours."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
