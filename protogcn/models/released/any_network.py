"""A third-party state dict -> one of ours, whatever network it is of."""

from collections.abc import Callable, Mapping

from torch import Tensor, nn

from protogcn.models.baselines.blockgcn import BlockGCN
from protogcn.models.baselines.ctrgcn import CTRGCN
from protogcn.models.baselines.hdgcn import HDGCN
from protogcn.models.baselines.infogcn import InfoGCN
from protogcn.models.protogcn import ProtoGCN
from protogcn.models.released.blockgcn import blockgcn_names, from_blockgcn
from protogcn.models.released.ctrgcn import author_names, from_authors
from protogcn.models.released.hdgcn import from_hdgcn, hdgcn_names
from protogcn.models.released.infogcn import from_infogcn, infogcn_names
from protogcn.models.released.protogcn import from_released, released_names
from protogcn.models.released.pyskl import from_pyskl, pyskl_names

Convert = Callable[[Mapping[str, Tensor], nn.Module], dict[str, Tensor]]
Name = Callable[[nn.Module], dict[str, tuple[str, ...]]]


def conversion_to(model: nn.Module) -> tuple[Convert, Name]:
    """Return what converts a state dict, and what names the keys that are stacked in ours."""
    match model:
        case ProtoGCN():
            return from_released, released_names
        case InfoGCN():
            return from_infogcn, infogcn_names
        case HDGCN():
            return from_hdgcn, hdgcn_names
        case BlockGCN():
            return from_blockgcn, blockgcn_names
        case CTRGCN(form="authors"):
            return from_authors, author_names
    return from_pyskl, pyskl_names
