"""Files being read -> a bar on a terminal, or a line now and then in a log."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

SECONDS_BETWEEN_LINES = 10.0

_Item = TypeVar("_Item")


def show_progress(items: Iterable[_Item], *, total: int, what: str) -> Iterator[_Item]:
    """Yield the items and tell on stderr how many have passed and how fast.

    Args:
        items: what is being worked off.
        total: how many there will be.
        what: what they are, plural.
    """
    if sys.stderr.isatty():
        yield from tqdm(items, total=total, unit=f" {what}", dynamic_ncols=True)
        return
    begin = last = time.monotonic()
    for count, item in enumerate(items, start=1):
        now = time.monotonic()
        if now - last >= SECONDS_BETWEEN_LINES or count == total:
            last = now
            rate = count / max(now - begin, 1e-9)
            print(f"read {count} of {total} {what}, {rate:.0f} {what}/s", file=sys.stderr)
        yield item
