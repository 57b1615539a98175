"""A function of many items -> its results in order, from several processes at once."""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from protogcn.errors import TooLittleMemoryError

_Item = TypeVar("_Item")
_Made = TypeVar("_Made")


def in_processes(
    make: Callable[[_Item], _Made], items: Iterable[_Item], workers: int
) -> Iterator[_Made]:
    """Yield ``make(item)`` of each item in order; few results are under way or waiting at a time.

    Args:
        make: a function of a module, so that a new process finds it.
        items: its arguments.
        workers: processes; one is this process itself.

    Raises:
        TooLittleMemoryError: one of them was killed.
    """
    if workers == 1:
        yield from map(make, items)
        return
    # Spawned, not forked: the caller may have threads.
    pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
    under_way: deque[Future[_Made]] = deque()
    try:
        for item in items:
            under_way.append(pool.submit(make, item))
            if len(under_way) > 2 * workers:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    except BrokenProcessPool as error:
        raise TooLittleMemoryError(
            f"one of {workers} worker processes was killed, as the system does where memory runs"
            " out; give the job fewer threads, or more memory (mem_mb), and start again."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)
