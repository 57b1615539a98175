"""Third-party tensors and their names -> the tensors of ours that they are stacked in.

Ours holds the same numbers in fewer tensors: maps that read the same input are stacked along their
output channels, and so are the norms after them.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from protogcn.models.released.mismatch import refuse_mismatch


def stacked_state(
    state: Mapping[str, Tensor], ours: Mapping[str, Tensor], names: Mapping[str, Sequence[str]]
) -> dict[str, Tensor]:
    """Return ``state`` in the layout of ``ours``.

    Args:
        state: the third-party tensors.
        ours: a state dict of the network, whose values are not read.
        names: for each key of ours the third-party tensors that make it up, along axis 0.

    Raises:
        ContractError: keys are missing, unknown, or of another shape than this network has.
    """
    misshapen = []
    for key, value in ours.items():
        parts = [tuple(state[name].shape) for name in names[key] if name in state]
        if len(parts) == len(names[key]) and not _fit(parts, tuple(value.shape)):
            misshapen.append(
                f"{', '.join(names[key])} {_listed(parts)} instead of {_listed([value.shape])}"
            )
    refuse_mismatch(state, [name for parts in names.values() for name in parts], misshapen)
    result = {}
    for key, value in ours.items():
        parts = [state[name] for name in names[key]]
        if value.dim():
            result[key] = torch.cat([part.reshape(len(part), *value.shape[1:]) for part in parts])
        else:  # a count of batches: all parts have seen the same ones
            result[key] = parts[0].clone()
    return result


def _fit(parts: Sequence[tuple[int, ...]], whole: tuple[int, ...]) -> bool:
    """Whether tensors of these shapes, stacked along axis 0, are one of shape ``whole``.

    The weight of a 1 x 1 convolution is that of a linear map.
    """
    if not whole:
        return all(not part for part in parts)
    rests = (whole[1:], (*whole[1:], 1), (*whole[1:], 1, 1))
    return (
        all(part and part[1:] in rests for part in parts) and sum(p[0] for p in parts) == whole[0]
    )


def _listed(shapes: Sequence[Sequence[int]]) -> str:
    return ", ".join(str(tuple(shape)) for shape in shapes)
