"""Work being done -> a bar on a terminal, or a line now and then in a log."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

SECONDS_BETWEEN_LINES = 10.0

_Item = TypeVar("_Item")


def show_progress(
    items: Iterable[_Item],
    *,
    total: int,
    what: str,
    size: Callable[[_Item], int] = lambda item: 1,
) -> Iterator[_Item]:
    """Yield the items and report on stderr how much is done and how fast.

    Args:
        items: what is being worked off.
        total: how much there will be.
        what: what is counted, plural.
        size: how much of ``total`` an item is.
    """
    begin = last = time.monotonic()
    done = 0
    with tqdm(total=total, unit=f" {what}", dynamic_ncols=True, disable=None) as bar:
        for item in items:
            yield item
            done += size(item)
            bar.update(size(item))
            now = time.monotonic()
            if bar.disable and (now - last >= SECONDS_BETWEEN_LINES or done == total):
                last = now
                rate = done / max(now - begin, 1e-9)
                print(f"{done} of {total} {what}, {rate:.0f} {what}/s", file=sys.stderr)
