"""A state dict of the released BlockGCN -> one for ours."""

from collections.abc import Mapping

from torch import Tensor

from protogcn.models.baselines.blockgcn import NUM_SUBSETS, BlockGCN
from protogcn.models.released.ctrgcn import TEMPORAL_PARTS
from protogcn.models.released.stacked import stacked_state

_OUTSIDE = {
    "input_norm.embed": "to_joint_embedding",
    "input_norm.norm": "data_bn",
    "elements": "topo.pl",
    "classify": "fc",
}
_PARTS = {
    "shortcut.0": ("residual.conv",),
    "shortcut.1": ("residual.bn",),
    "spatial": ("gcn1",),
    "spatial.expand": tuple(f"gcn1.fc2.{subset}" for subset in range(NUM_SUBSETS)),
    "spatial.norm": ("gcn1.bn",),
    "spatial.shortcut.0": ("gcn1.down.0",),
    "spatial.shortcut.1": ("gcn1.down.1",),
    **{
        f"temporal.{module}": tuple(f"tcn1.{name}" for name in names)
        for module, names in TEMPORAL_PARTS.items()
    },
}
_ENTRIES = {"graph": "fc1", "by_hops": "rpe"}
_PLACES = "pos_embedding"


def from_blockgcn(state: Mapping[str, Tensor], model: BlockGCN) -> dict[str, Tensor]:
    """Return ``state`` in the layout of ``model.state_dict()``; errors as of ``stacked_state``."""
    known = {key: value.squeeze(0) if key == _PLACES else value for key, value in state.items()}
    return stacked_state(known, model.state_dict(), blockgcn_names(model))


def blockgcn_names(model: BlockGCN) -> dict[str, tuple[str, ...]]:
    """Return, for each key of ours, the keys that are stacked in it along axis 0."""
    return {key: _names_of(key) for key in model.state_dict()}


def _names_of(key: str) -> tuple[str, ...]:
    module, _, entry = key.rpartition(".")
    if key == "input_norm.places":
        return (_PLACES,)
    if module in _OUTSIDE:
        return (f"{_OUTSIDE[module]}.{entry}",)
    kind, index, inner = module.split(".", 2)
    if kind == "encodings":
        return (f"t{index}.{'mlp' if inner == 'map' else 'bn'}.{entry}",)
    entry = _ENTRIES.get(entry, entry)
    return tuple(f"l{int(index) + 1}.{name}.{entry}" for name in _PARTS[inner])
