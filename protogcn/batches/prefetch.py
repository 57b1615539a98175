"""Batches made one ahead: a thread makes the next one while the caller uses the last one."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch
from torch import Tensor

_Item = TypeVar("_Item")
_Made = TypeVar("_Made", bound=Tensor | tuple)


def one_ahead(make: Callable[[_Item], _Made], items: Iterable[_Item]) -> Iterator[_Made]:
    """Yield ``make(item)`` of each item in order; two of them are in memory at a time.

    The thread ends with the iterator: close it where a loop may be left early.
    """
    pool = ThreadPoolExecutor(1, thread_name_prefix="one-ahead")
    under_way: deque[Future[_Made]] = deque()
    try:
        for item in items:
            under_way.append(pool.submit(make, item))
            if len(under_way) > 1:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def prefetched(
    make: Callable[[_Item], _Made], items: Iterable[_Item], device: torch.device, *, ahead: bool
) -> Iterator[_Made]:
    """Yield ``make(item)`` of each item, ready to use in the caller's stream.

    Args:
        make: returns a tensor, or tensors, numbers and None in tuples.
        items: its arguments.
        device: where the tensors lie.
        ahead: make them one ahead in a thread; on a GPU also in a separate stream.
    """
    if not ahead:
        yield from map(make, items)
    elif device.type != "cuda":
        yield from one_ahead(make, items)
    else:
        yield from _one_ahead_on_gpu(make, items, device)


def _one_ahead_on_gpu(
    make: Callable[[_Item], _Made], items: Iterable[_Item], device: torch.device
) -> Iterator[_Made]:
    side = torch.cuda.Stream(device)
    used: deque[torch.cuda.Event] = deque()

    def make_aside(item: _Item) -> tuple[_Made, torch.cuda.Event]:
        if used:  # or a caller that never waits would have any number of them under way
            used.popleft().synchronize()
        with torch.cuda.stream(side):
            made = make(item)
            return made, side.record_event()

    for made, ready in one_ahead(make_aside, items):
        current = torch.cuda.current_stream(device)
        current.wait_event(ready)
        for tensor in _tensors(made):
            tensor.record_stream(current)  # or its memory would serve the next one too early
        yield made
        used.append(current.record_event())


def _tensors(made: Tensor | tuple | int | None) -> Iterator[Tensor]:
    if isinstance(made, Tensor):
        yield made
    elif isinstance(made, tuple):
        for part in made:
            yield from _tensors(part)
