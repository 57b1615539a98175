"""Lines of numbers, as they come in -> the frames of a recording that goes on.

Shapes: M persons, V joints.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from protogcn.errors import ContractError


def live_frames(lines: Iterable[str], num_joints: int) -> Iterator[np.ndarray]:
    """Yield the positions (M, V, 3) of one frame for each line of numbers.

    Raises:
        ContractError: a line is no frame, or of another number of persons than the first.
    """
    size = None
    for number, line in enumerate(lines, start=1):
        try:
            values = np.array(line.replace(",", " ").split(), dtype=np.float32)
        except ValueError:
            values = np.array([np.nan])
        size = size or len(values)
        if not size or len(values) != size or size % (3 * num_joints):
            raise ContractError(
                f"standard input, line {number}: found {len(values)} values, expected"
                f" {3 * num_joints} for each person, the same number of persons in every line."
            )
        if not np.isfinite(values).all():
            raise ContractError(
                f"standard input, line {number}: found no finite numbers, expected three for each"
                " joint; a missing joint is all zero."
            )
        yield values.reshape(-1, num_joints, 3)  # (M, V, 3)
