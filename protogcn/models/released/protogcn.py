"""A state dict of the released ProtoGCN -> one for ours.

Source: the key list of the released code. Ours holds the same numbers in fewer tensors: maps that
read the same input are stacked along their output channels, and so are the norms after them.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from protogcn.models.protogcn import ProtoGCN
from protogcn.models.released.mismatch import refuse_mismatch

_NOT_RELEASED = "contrast.bank"
_MODULES = {
    "input_norm": ("backbone.data_bn",),
    "reconstruct.assign": ("backbone.prn.query_matrix",),
    "reconstruct.prototypes": ("backbone.prn.memory_matrix",),
    "reconstruct.project": ("backbone.post",),
    "reconstruct.norm": ("backbone.bn",),
    "contrast.project": ("cls_head.csc_loss.cl_fc",),
    "classify": ("cls_head.fc_cls",),
}
_BLOCK_MODULES = {
    "spatial.relate": ("gcn.conv1", "gcn.conv2"),
    "spatial.expand": ("gcn.pre.0",),
    "spatial.expand_norm": ("gcn.pre.1",),
    "spatial.merge": ("gcn.post",),
    "spatial.merge_norm": ("gcn.bn",),
    "spatial.shortcut.0": ("gcn.down.0",),
    "spatial.shortcut.1": ("gcn.down.1",),
    "temporal.reduce": (*(f"tcn.branches.{branch}.0" for branch in range(5)), "tcn.branches.5"),
    "temporal.reduce_norm": tuple(f"tcn.branches.{branch}.1" for branch in range(5)),
    **{f"temporal.dilated.{branch}": (f"tcn.branches.{branch}.3.conv",) for branch in range(4)},
    "temporal.merge_norm": ("tcn.transform.0",),
    "temporal.merge": ("tcn.transform.2",),
    "temporal.norm": ("tcn.bn",),
    "shortcut.0": ("residual.conv",),
    "shortcut.1": ("residual.bn",),
}
_BLOCK_PARAMETERS = {
    "spatial.topology": "gcn.A",
    "spatial.alpha": "gcn.alpha",
    "spatial.beta": "gcn.beta",
    "temporal.mean_weight": "tcn.add_coeff",
}


def from_released(state: Mapping[str, Tensor], model: ProtoGCN) -> dict[str, Tensor]:
    """Return ``state`` in the layout of ``model.state_dict()``.

    The released code does not save its memory bank: the result has the model's own.

    Raises:
        ContractError: keys are missing, unknown, or of another shape than this model has.
    """
    _check(state, model)
    ours = model.state_dict()
    for key, parts in released_names(model).items():
        expected = _part_shape(ours[key], len(parts))
        pieces = [state[name].reshape(expected) for name in parts]
        ours[key] = torch.cat(pieces) if expected else pieces[0].clone()  # a count has no axis
    return ours


def released_names(model: ProtoGCN) -> dict[str, tuple[str, ...]]:
    """Return, for each key of ours, the released keys stacked in it along axis 0, in equal parts.

    Counts of batches are not stacked: all parts of a norm have seen the same ones.
    """
    return {key: _released_parts(key) for key in model.state_dict() if key != _NOT_RELEASED}


def _released_parts(key: str) -> tuple[str, ...]:
    """``blocks.0.spatial.relate.bias`` -> ``backbone.gcn.0.gcn.conv1.bias``, ``...conv2.bias``."""
    if not key.startswith("blocks."):
        module, _, entry = key.rpartition(".")
        return tuple(f"{name}.{entry}" for name in _MODULES[module])
    _, index, inner = key.split(".", 2)
    if inner in _BLOCK_PARAMETERS:
        return (f"backbone.gcn.{index}.{_BLOCK_PARAMETERS[inner]}",)
    module, _, entry = inner.rpartition(".")
    return tuple(f"backbone.gcn.{index}.{name}.{entry}" for name in _BLOCK_MODULES[module])


def _part_shape(tensor: Tensor, num_parts: int) -> tuple[int, ...]:
    """Return the shape of each of ``num_parts`` tensors stacked in ``tensor``."""
    return (tensor.shape[0] // num_parts, *tensor.shape[1:]) if tensor.dim() else ()


def _check(state: Mapping[str, Tensor], model: ProtoGCN) -> None:
    ours = model.state_dict()
    expected = {
        name: _part_shape(ours[key], len(parts))
        for key, parts in released_names(model).items()
        for name in parts
    }
    found = {name: tuple(value.shape) for name, value in state.items()}
    misshapen = [
        f"{name} {found[name]} instead of {shape}"
        for name, shape in expected.items()
        if name in found and found[name] not in (shape, (*shape, 1, 1))
    ]
    refuse_mismatch(found, expected, misshapen)
