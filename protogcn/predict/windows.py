"""A long recording -> windows that overlap, each as long as a clip.

Shapes: M persons, T frames, V joints, C channels.
"""

from collections import deque
from collections.abc import Iterable, Iterator

import numpy as np

from protogcn.errors import ConfigError


def window_bounds(num_frames: int, length: int, stride: int) -> list[tuple[int, int]]:
    """Return (first frame, frame after the last) of each window, in order.

    A recording that is no longer than a window is one window. If frames are left behind the last
    whole step, a last window ends with the recording, so that every frame is in a window.

    Raises:
        ConfigError: length or stride is less than 1, or frames would be passed over.
    """
    check_window(length, stride)
    if num_frames <= length:
        return [(0, num_frames)]
    starts = list(range(0, num_frames - length + 1, stride))
    if starts[-1] + length < num_frames:
        starts.append(num_frames - length)
    return [(start, start + length) for start in starts]


def live_windows(
    frames: Iterable[np.ndarray], length: int, stride: int
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield windows of a stream of frames, each as soon as it is complete.

    If the stream ends, its windows are those of ``window_bounds``: a last one ends with it.

    Args:
        frames: positions (M, V, C) of one frame after the other; the stream need not end.
        length: frames of a window.
        stride: frames from one window to the next, at most a window.

    Yields:
        The number of a window's first frame, and its positions (M, T, V, C).

    Raises:
        ConfigError: length or stride is less than 1, or frames would be passed over.
    """
    check_window(length, stride)
    kept: deque[np.ndarray] = deque(maxlen=length)
    count = num_covered = 0  # frames so far, and those in a window
    for count, frame in enumerate(frames, start=1):
        kept.append(frame)
        if count >= length and (count - length) % stride == 0:
            yield count - length, np.stack(kept, axis=1)  # (M, T, V, C)
            num_covered = count
    if count > num_covered:
        yield count - len(kept), np.stack(kept, axis=1)  # (M, T, V, C)


def check_window(length: int, stride: int) -> None:
    """Raise ConfigError unless windows of this length and stride miss no frame."""
    if length < 1:
        raise ConfigError(f"--window: found {length}, expected frames, 1 or more.")
    if not 1 <= stride <= length:
        raise ConfigError(
            f"--window {length} --stride {stride}: expected a stride of 1 up to the window."
        )
