import threading
import time

import pytest

from vsum_core.threads import in_threads


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_every_item_once_with_its_own_result(workers):
    results = list(in_threads(lambda number: number**2, range(20), workers=workers))
    assert sorted(results) == [(number, number**2) for number in range(20)]


def test_nothing_to_do():
    assert list(in_threads(str, [], workers=3)) == []


def test_items_run_at_the_same_time():
    """Each of the two waits for the other; a single thread would never come back."""
    barrier = threading.Barrier(2)
    assert len(list(in_threads(lambda _: barrier.wait(timeout=10), range(2), workers=2))) == 2


def test_an_error_of_the_function_reaches_the_caller_and_stops_the_rest():
    seen = []

    def fail(number):
        seen.append(number)
        raise ArithmeticError(f"item {number}")

    with pytest.raises(ArithmeticError, match="item 0"):
        list(in_threads(fail, range(100), workers=1))
    assert len(seen) <= 3


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_an_error_in_the_callers_loop_stops_the_rest(error):
    seen = []

    def work(number):
        seen.append(number)
        time.sleep(0.01)

    def caller():
        for _ in in_threads(work, range(100), workers=2):
            raise error

    with pytest.raises(error):
        caller()
    count = len(seen)
    assert count <= 5
    time.sleep(0.05)
    assert len(seen) == count  # nothing goes on in the background


@pytest.mark.parametrize("workers", [0, -1])
def test_no_workers(workers):
    with pytest.raises(ValueError, match="workers must be 1 or more"):
        list(in_threads(str, [1], workers=workers))
