"""A state dict of PYSKL's ST-GCN, ST-GCN++ or CTR-GCN -> one for ours.

Source: the key lists of PYSKL's code.
"""

from collections.abc import Mapping

from torch import Tensor

from protogcn.models.baselines.ctrgcn import CTRGCN
from protogcn.models.baselines.stgcn import STGCN
from protogcn.models.baselines.stgcnpp import STGCNPP
from protogcn.models.released.stacked import stacked_state

_SUBSETS, _FOUR, _SIX = range(3), range(4), range(6)
_OUTSIDE = {"input_norm": ("backbone.data_bn",), "classify": ("cls_head.fc_cls",)}
_SHORTCUTS = {"shortcut.0": ("residual.conv",), "shortcut.1": ("residual.bn",)}
_STGCN = {
    **_SHORTCUTS,
    "spatial": ("gcn",),
    "spatial.expand": ("gcn.conv",),
    "spatial.norm": ("gcn.bn",),
    "temporal.convolve": ("tcn.conv",),
    "temporal.norm": ("tcn.bn",),
}
_STGCNPP = {
    **_SHORTCUTS,
    "spatial": ("gcn",),
    "spatial.expand": ("gcn.conv",),
    "spatial.norm": ("gcn.bn",),
    "spatial.shortcut.0": ("gcn.down.0",),
    "spatial.shortcut.1": ("gcn.down.1",),
    "temporal.reduce": (*(f"tcn.branches.{branch}.0" for branch in _SIX[:5]), "tcn.branches.5"),
    "temporal.reduce_norm": tuple(f"tcn.branches.{branch}.1" for branch in _SIX[:5]),
    **{f"temporal.dilated.{branch}": (f"tcn.branches.{branch}.3.conv",) for branch in _SIX[:4]},
    "temporal.merge_norm": ("tcn.transform.0",),
    "temporal.merge": ("tcn.transform.2",),
    "temporal.norm": ("tcn.bn",),
}
CTRGCN_PARTS = {
    **_SHORTCUTS,
    "spatial": ("gcn1",),
    "spatial.relate": tuple(f"gcn1.convs.{k}.conv{part}" for part in (1, 2) for k in _SUBSETS),
    "spatial.expand": tuple(f"gcn1.convs.{k}.conv3" for k in _SUBSETS),
    **{f"spatial.refine.{k}": (f"gcn1.convs.{k}.conv4",) for k in _SUBSETS},
    "spatial.norm": ("gcn1.bn",),
    "spatial.shortcut.0": ("gcn1.down.0",),
    "spatial.shortcut.1": ("gcn1.down.1",),
    "temporal.reduce": tuple(f"tcn1.branches.{branch}.0" for branch in _FOUR),
    "temporal.reduce_norm": tuple(f"tcn1.branches.{branch}.1" for branch in _FOUR[:3]),
    **{f"temporal.dilated.{branch}": (f"tcn1.branches.{branch}.3.conv",) for branch in _FOUR[:2]},
    "temporal.merge_norm": (
        "tcn1.branches.0.3.bn",
        "tcn1.branches.1.3.bn",
        "tcn1.branches.2.4",
        "tcn1.branches.3.1",
    ),
}
_PARAMETERS = {"graph": "A", "importance": "PA"}
_UNUSED = "backbone.A"  # a buffer of CTR-GCN that its forward pass never reads


def from_pyskl(state: Mapping[str, Tensor], model: STGCN | STGCNPP | CTRGCN) -> dict[str, Tensor]:
    """Return ``state`` in the layout of ``model.state_dict()``; errors as of ``stacked_state``."""
    known = {name: value for name, value in state.items() if name != _UNUSED}
    return stacked_state(known, model.state_dict(), pyskl_names(model))


def pyskl_names(model: STGCN | STGCNPP | CTRGCN) -> dict[str, tuple[str, ...]]:
    """Return, for each key of ours, the keys of PYSKL that are stacked in it along axis 0."""
    match model:
        case STGCN():
            blocks, modules = "backbone.gcn", _STGCN
        case STGCNPP():
            blocks, modules = "backbone.gcn", _STGCNPP
        case CTRGCN():
            blocks, modules = "backbone.net", CTRGCN_PARTS
    return {key: _parts(key, blocks, modules) for key in model.state_dict()}


def _parts(key: str, blocks: str, modules: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """``blocks.0.spatial.norm.bias`` -> ``backbone.gcn.0.gcn.bn.bias``."""
    module, _, entry = key.rpartition(".")
    entry = _PARAMETERS.get(entry, entry)
    if not key.startswith("blocks."):
        return tuple(f"{name}.{entry}" for name in _OUTSIDE[module])
    _, index, inner = module.split(".", 2)
    return tuple(f"{blocks}.{index}.{name}.{entry}" for name in modules[inner])
