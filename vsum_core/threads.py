"""Work on several threads that stops soon after an error or an interruption."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_threads(
    function: Callable[[Item], Result], items: Iterable[Item], *, workers: int
) -> Iterator[tuple[Item, Result]]:
    """Items with their results, as they come.

    At most two items per worker are handed out at a time. After an error in the function or in the caller's loop, or
    after Ctrl-C, only those already begun are finished.

    Args:
        function: called in the threads; should spend its time outside Python's global lock.
        items: taken one after the other, in the calling thread.
        workers: threads, 1 or more.

    Raises:
        ValueError: there are fewer than 1 worker.
    """
    if workers < 1:
        raise ValueError(f"workers must be 1 or more, but it is {workers}.")
    waiting = iter(items)
    pool = ThreadPoolExecutor(max_workers=workers)
    try:
        running: dict[Future[Result], Item] = {}
        while True:
            for item in itertools.islice(waiting, 2 * workers - len(running)):
                running[pool.submit(function, item)] = item
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(future), future.result()
    finally:
        pool.shutdown(cancel_futures=True)
