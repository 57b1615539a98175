"""A state dict of the authors' CTR-GCN -> one for ours.

Source: the key list of the authors' code. Their graphs say what joint v takes from joint w, ours
what joint v gives to joint w: graphs are transposed, and of a difference of motions the two sides
change places, which changes the sign of the map after it.
"""

from collections.abc import Mapping

from torch import Tensor

from protogcn.models.baselines.ctrgcn import CTRGCN
from protogcn.models.released.pyskl import CTRGCN_PARTS
from protogcn.models.released.stacked import stacked_state

_OUTSIDE = {"input_norm": "data_bn", "classify": "fc"}
TEMPORAL_PARTS = {  # of what descends from CTR-GCN
    module.removeprefix("temporal."): tuple(name.partition(".")[2] for name in names)
    for module, names in CTRGCN_PARTS.items()
    if module.startswith("temporal.")
}
# What methods that stand on it train besides: FR-Head, GAP and SkeletonGCL.
_OF_TRAINING = ("ren_", "part_list.", "linear_head.", "logit_scale", "graphContrast.")
_PARTS = CTRGCN_PARTS | {
    "spatial.relate": tuple(f"gcn1.convs.{k}.conv{part}" for part in (2, 1) for k in range(3))
}


def from_authors(state: Mapping[str, Tensor], model: CTRGCN) -> dict[str, Tensor]:
    """Return ``state`` in the layout of ``model.state_dict()``; errors as of ``stacked_state``."""
    known = {key: value for key, value in state.items() if not key.startswith(_OF_TRAINING)}
    ours = stacked_state(known, model.state_dict(), author_names(model))
    for key, value in ours.items():
        if key.endswith("spatial.graph"):
            ours[key] = value.transpose(1, 2).contiguous()
        elif ".refine." in key and key.endswith(".weight"):
            ours[key] = -value
    return ours


def author_names(model: CTRGCN) -> dict[str, tuple[str, ...]]:
    """Return, for each key of ours, the keys of the authors that are stacked in it along axis 0."""
    return {key: _names_of(key) for key in model.state_dict()}


def _names_of(key: str) -> tuple[str, ...]:
    """``blocks.0.spatial.norm.bias`` -> ``l1.gcn1.bn.bias``."""
    module, _, entry = key.rpartition(".")
    if module in _OUTSIDE:
        return (f"{_OUTSIDE[module]}.{entry}",)
    _, index, inner = module.split(".", 2)
    entry = "PA" if entry == "graph" else entry
    return tuple(f"l{int(index) + 1}.{name}.{entry}" for name in _PARTS[inner])
