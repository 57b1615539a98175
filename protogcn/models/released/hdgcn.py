"""A state dict of the released HD-GCN -> one for ours.

The file names the parts of the last layer a second time (``conv_d``), which is not read.
"""

from collections.abc import Mapping

from torch import Tensor

from protogcn.models.baselines.hdgcn import HDGCN
from protogcn.models.released.ctrgcn import TEMPORAL_PARTS
from protogcn.models.released.stacked import stacked_state

_OUTSIDE = {"input_norm": "data_bn", "classify": "fc"}
_PARTS = {
    "shortcut.0": ("residual.conv",),
    "shortcut.1": ("residual.bn",),
    "spatial": ("gcn1",),
    "spatial.norm": ("gcn1.bn",),
    "spatial.shortcut.0": ("gcn1.down.0",),
    "spatial.shortcut.1": ("gcn1.down.1",),
    "spatial.attend.reduce": ("gcn1.aha.conv_down.0",),
    "spatial.attend.reduce_norm": ("gcn1.aha.conv_down.1",),
    "spatial.attend.edge.map": ("gcn1.aha.edge_conv.conv.0",),
    "spatial.attend.edge.norm": ("gcn1.aha.edge_conv.conv.1",),
    "spatial.attend.expand": ("gcn1.aha.aggregate",),
    **{
        f"temporal.{module}": tuple(f"tcn1.{name}" for name in names)
        for module, names in TEMPORAL_PARTS.items()
    },
}
_ALIAS = ".conv_d."


def from_hdgcn(state: Mapping[str, Tensor], model: HDGCN) -> dict[str, Tensor]:
    """Return ``state`` in the layout of ``model.state_dict()``; errors as of ``stacked_state``."""
    known = {key: value for key, value in state.items() if _ALIAS not in key}
    for key, value in known.items():
        if value.dim() == 4 and value.shape[0] == 1 and key.endswith(".3.bias"):
            known[key] = value.flatten()  # of a convolution over time
    return stacked_state(known, model.state_dict(), hdgcn_names(model))


def hdgcn_names(model: HDGCN) -> dict[str, tuple[str, ...]]:
    """Return, for each key of ours, the keys that are stacked in it along axis 0."""
    layers = model.blocks[0].spatial.layers
    of_layers = {
        "spatial.reduce": [f"gcn1.conv_down.{layer}.0" for layer in range(layers)],
        "spatial.reduce_norm": [f"gcn1.conv_down.{layer}.1" for layer in range(layers)],
        "spatial.branch": [f"gcn1.conv.{i}.{way}.0" for i in range(layers) for way in range(3)],
        "spatial.branch_norm": [
            f"gcn1.conv.{i}.{way}.1" for i in range(layers) for way in range(3)
        ],
        "spatial.edge.map": [f"gcn1.conv.{layer}.3.conv.0" for layer in range(layers)],
        "spatial.edge.norm": [f"gcn1.conv.{layer}.3.conv.1" for layer in range(layers)],
    }
    parts = _PARTS | {module: tuple(names) for module, names in of_layers.items()}
    return {key: _names_of(key, parts) for key in model.state_dict()}


def _names_of(key: str, parts: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    module, _, entry = key.rpartition(".")
    if module in _OUTSIDE:
        return (f"{_OUTSIDE[module]}.{entry}",)
    _, index, inner = module.split(".", 2)
    if inner.startswith("temporal.dilated.") and entry == "bias":
        branch = inner.rsplit(".", 1)[1]
        return (f"l{int(index) + 1}.tcn1.branches.{branch}.3.bias",)
    entry = "PA" if entry == "graph" else entry
    return tuple(f"l{int(index) + 1}.{name}.{entry}" for name in parts[inner])
