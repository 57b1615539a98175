"""A state dict of the released InfoGCN -> one for ours.

The file has neither k nor the prior nor its noise: those are of the settings and of this network.
"""

from collections.abc import Mapping

from torch import Tensor

from protogcn.models.baselines.infogcn import InfoGCN
from protogcn.models.released.ctrgcn import TEMPORAL_PARTS
from protogcn.models.released.stacked import stacked_state

_OUTSIDE = {
    "input_norm.embed": "to_joint_embedding",
    "input_norm.norm": "data_bn",
    "encode": "fc",
    "mean": "fc_mu",
    "log_scale": "fc_logvar",
    "classify": "decoder",
}
_PARTS = {
    "shortcut.0": ("residual.conv",),
    "shortcut.1": ("residual.bn",),
    "spatial.norm_input": ("agcn.attn.ln",),
    "spatial.relate": ("agcn.attn.to_qk",),
    "spatial.expand": tuple(f"agcn.conv_d.{head}" for head in range(3)),
    "spatial.norm": ("agcn.bn",),
    "spatial.shortcut.0": ("agcn.down.0",),
    "spatial.shortcut.1": ("agcn.down.1",),
    **{
        f"temporal.{module}": tuple(f"tcn.{name}" for name in names)
        for module, names in TEMPORAL_PARTS.items()
    },
}
_OURS = ("prior", "input_norm.relative")


def from_infogcn(state: Mapping[str, Tensor], model: InfoGCN) -> dict[str, Tensor]:
    """Return ``state`` in the layout of ``model.state_dict()``; errors as of ``stacked_state``."""
    names, ours = infogcn_names(model), model.state_dict()
    places = "pos_embedding"
    known = {key: value.squeeze(0) if key == places else value for key, value in state.items()}
    kept = {key: ours.pop(key) for key in _OURS}
    return stacked_state(known, ours, names) | kept


def infogcn_names(model: InfoGCN) -> dict[str, tuple[str, ...]]:
    """Return, for each key that a file has, the keys that are stacked in it along axis 0."""
    return {key: _names_of(key) for key in model.state_dict() if key not in _OURS}


def _names_of(key: str) -> tuple[str, ...]:
    module, _, entry = key.rpartition(".")
    if key == "input_norm.places":
        return ("pos_embedding",)
    if module in _OUTSIDE:
        return (f"{_OUTSIDE[module]}.{entry}",)
    _, index, inner = module.split(".", 2)
    if inner == "spatial" and entry == "graph":
        return (f"l{int(index) + 1}.agcn.shared_topology",)
    return tuple(f"l{int(index) + 1}.{name}.{entry}" for name in _PARTS[inner])
