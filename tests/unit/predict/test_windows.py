import numpy as np
import pytest

from protogcn.errors import ConfigError
from protogcn.predict.windows import check_window, live_windows, window_bounds


@pytest.mark.parametrize(
    ("num_frames", "length", "stride", "expected"),
    [
        (10, 4, 3, [(0, 4), (3, 7), (6, 10)]),
        (11, 4, 3, [(0, 4), (3, 7), (6, 10), (7, 11)]),
        (4, 4, 4, [(0, 4)]),
        (3, 4, 2, [(0, 3)]),
        (0, 4, 2, [(0, 0)]),
    ],
)
def test_windows_end_with_the_recording(num_frames, length, stride, expected):
    assert window_bounds(num_frames, length, stride) == expected


@pytest.mark.parametrize("stride", [1, 3, 4])
@pytest.mark.parametrize("num_frames", [5, 12, 17])
def test_every_frame_is_in_a_window(num_frames, stride):
    frames = {f for first, stop in window_bounds(num_frames, 4, stride) for f in range(first, stop)}
    assert frames == set(range(num_frames))


def test_live_windows_are_those_of_the_whole_recording_as_soon_as_they_are_complete():
    recording = np.arange(10 * 2 * 3 * 3).reshape(10, 2, 3, 3)  # (T, M, V, C)
    taken = []

    def frames():
        for number, frame in enumerate(recording):
            taken.append(number)
            yield frame

    for first, window in live_windows(frames(), 4, 3):
        np.testing.assert_array_equal(window, recording[first : first + 4].swapaxes(0, 1))
        assert taken[-1] == first + 3
    assert first == 6


@pytest.mark.parametrize("stride", [1, 3, 4])
@pytest.mark.parametrize("num_frames", [3, 4, 5, 12, 17])
def test_live_windows_of_a_stream_that_ends_are_those_of_a_recording(num_frames, stride):
    frames = [np.full((1, 1, 1), number) for number in range(num_frames)]  # (M, V, C)
    found = list(live_windows(frames, 4, stride))
    assert [(first, first + window.shape[1]) for first, window in found] == window_bounds(
        num_frames, 4, stride
    )
    for first, window in found:
        assert window.ravel().tolist() == list(range(first, first + window.shape[1]))


@pytest.mark.parametrize(("length", "stride"), [(4, 0), (4, 5)])
def test_windows_that_miss_frames_are_refused(length, stride):
    with pytest.raises(ConfigError, match="expected a stride of 1 up to the window"):
        window_bounds(10, length, stride)


@pytest.mark.parametrize("length", [0, -1])
def test_windows_without_frames_are_refused(length):
    with pytest.raises(ConfigError, match=f"--window: found {length}, expected frames, 1 or more"):
        check_window(length, length)
