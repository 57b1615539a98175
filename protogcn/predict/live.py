"""Lines of numbers, as they come in -> the frames of a recording that goes on.

Shapes: M persons, V joints.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from protogcn.data.readers.malformed import show
from protogcn.errors import ContractError


def live_frames(lines: Iterable[str], num_joints: int) -> Iterator[np.ndarray]:
    """Yield the positions (M, V, 3) of one frame for each line of numbers; skip empty lines.

    Raises:
        ContractError: a line is no frame, or of another number of persons than the first; or no
            line is a frame.
    """
    size = None
    for number, line in enumerate(lines, start=1):
        fields = line.replace(",", " ").split()
        if not fields:
            continue
        try:
            values = np.array(fields, dtype=np.float32)
        except ValueError:
            raise ContractError(
                f"standard input, line {number}: found {show(line.strip())}, expected"
                f" {3 * num_joints} numbers for each person, with blanks or commas between them"
                " and no header."
            ) from None
        size = size or len(values)
        if len(values) != size or size % (3 * num_joints):
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
    if size is None:
        raise ContractError("standard input: found no line, expected a line for each frame.")
