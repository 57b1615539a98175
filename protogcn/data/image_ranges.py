"""The poses of one clip and the size of its image -> what is odd about them together.

Shapes: M persons, T frames, V joints.
"""

from collections.abc import Iterator

import numpy as np

_SCORES = (-1, 2)  # of pose estimators, generously
_MARGIN = 0.1  # of an image, by which estimated joints may lie outside
_ROUNDING = 1.01
_NORMALISED = 2  # the largest coordinate of poses within 0 to 1, or -1 to 1, generously
_BELOW = -0.25  # poses within 0 to 1 do not go
_SMALLEST_IMAGE = 8  # pixels


def odd_in_image(
    keypoints: np.ndarray, image_size: tuple[int, int] | None
) -> Iterator[tuple[str, str]]:
    """Yield kinds of oddities, each with what was found.

    ``exchanged size`` is an image that all joints fit in only if width and height are exchanged,
    ``size as it is`` one that they fit in only as it is.

    Args:
        keypoints: x and y in pixels and a score, (M, T, V, 3).
        image_size: height and width in pixels.
    """
    x, y, score = (keypoints[..., channel] for channel in range(3))
    lowest, highest = score.min(), score.max()
    if not _SCORES[0] <= lowest <= highest <= _SCORES[1]:
        yield "scores", f"they are {lowest:.4g} to {highest:.4g}"
    elif lowest == highest == 0:
        yield "no scores", f"{score.size} of {score.size}"
    if image_size is None:
        return
    height, width = image_size
    left, right, top, bottom = (float(end) for end in (x.min(), x.max(), y.min(), y.max()))
    found = (
        f"x {left:.4g} to {right:.4g}, y {top:.4g} to {bottom:.4g} in an image {width} wide and"
        f" {height} high"
    )
    if max(right, bottom, -left, -top) <= _NORMALISED:
        if min(height, width) > _SMALLEST_IMAGE:
            yield "normalised" if min(left, top) > _BELOW else "normalised about 0", found
        return
    inside = right <= _ROUNDING * width and bottom <= _ROUNDING * height
    inside_exchanged = right <= _ROUNDING * height and bottom <= _ROUNDING * width
    if inside != inside_exchanged:
        yield "size as it is" if inside else "exchanged size", found
    across, along = _MARGIN * width, _MARGIN * height
    if left < -across or right > width + across or top < -along or bottom > height + along:
        yield "outside", found
