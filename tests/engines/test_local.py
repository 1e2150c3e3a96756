"""`map` of the local engine: results in order, a bounded window, and an end that leaves nothing behind."""

from __future__ import annotations

import threading
import time
from contextlib import closing

import pytest

from lightly_nb.engines import local


def test_results_come_in_the_order_of_the_items():
    def slow_first(n):
        time.sleep(0.05 if n == 0 else 0)
        return n * n

    assert list(local.map(slow_first, range(50), 4)) == [n * n for n in range(50)]


@pytest.mark.parametrize("num_workers", [-1, 0, 1, 3])
def test_any_number_of_threads_will_do(num_workers):
    assert list(local.map(str, [3, 1, 2], num_workers)) == ["3", "1", "2"]
    assert list(local.map(str, [], num_workers)) == []


def test_items_are_taken_only_a_little_ahead():
    taken = []
    items = (taken.append(n) or n for n in range(1000))
    with closing(local.map(str, items, 2)) as results:
        for n_results in range(1, 20):
            next(results)
            assert len(taken) <= n_results + 2 * 2


def test_an_error_is_raised_when_its_turn_comes():
    results = local.map(lambda n: 1 // n, [1, 1, 0, 1], 2)
    assert [next(results), next(results)] == [1, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert list(results) == []


def test_what_has_not_begun_when_it_is_closed_never_does():
    begun, go_on = [], threading.Event()

    def work(n):
        begun.append(n)
        if n:
            go_on.wait(10)
        return n

    results = local.map(work, range(100), 2)
    assert next(results) == 0
    threading.Timer(0.1, go_on.set).start()
    results.close()
    n_begun = len(begun)
    assert n_begun <= 5
    time.sleep(0.1)
    assert len(begun) == n_begun
    assert [thread for thread in threading.enumerate() if thread.name.startswith("lightly_nb_")] == []


def test_each_thread_is_prepared_once():
    names = []
    list(local.map(str, range(20), 2, lambda: names.append(threading.current_thread().name)))
    assert 1 <= len(names) == len(set(names)) <= 2
