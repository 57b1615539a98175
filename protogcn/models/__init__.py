"""Settings -> a network: ``forward(bodies)`` gives logits, ``loss(bodies, labels)`` a loss.

In reading order: ``protogcn``, its parts ``topology``, ``temporal``, ``prototypes``, ``contrast``,
``norms``, ``pointwise``; what compiled code has in their place: ``compiled_norm``,
``compiled_pool``, ``compiled_sums``; ``add_on`` (a further loss), ``loss``; ``engine`` (how it is
run on its device), ``compiling`` (settings of torch's compiler), ``checkpoint``, ``trained`` (the
network of a run, or an error), ``inspection`` (what it learned), ``network_cost``, ``weights_file``
(a checkpoint of any origin). Rooms: ``baselines``, ``add_ons``, ``released`` (the authors'
weights), ``fast``. The command: ``import_checkpoint``.
"""

from collections.abc import Mapping
from typing import Any

from torch import nn

from protogcn.config.settings import NETWORKS
from protogcn.config.skeleton import Skeleton
from protogcn.errors import ConfigError
from protogcn.models.baselines.blockgcn import BlockGCN
from protogcn.models.baselines.ctrgcn import CTRGCN
from protogcn.models.baselines.graph_network import NetworkSize
from protogcn.models.baselines.hdgcn import HDGCN
from protogcn.models.baselines.infogcn import InfoGCN
from protogcn.models.baselines.stgcn import STGCN
from protogcn.models.baselines.stgcnpp import STGCNPP
from protogcn.models.loss import Loss
from protogcn.models.protogcn import ProtoGCN
from protogcn.models.topology import MotionTopology

__all__ = ["Loss", "build_model"]


def build_model(
    settings: Mapping[str, Any],
    skeleton: Skeleton,
    *,
    num_classes: int,
    num_persons: int = 2,
    channels: int = 3,
    spatial: type[MotionTopology] = MotionTopology,
) -> nn.Module:
    """Build the network that ``settings["network"]`` names.

    Every network maps the ``Bodies`` of N clips to logits (N, K), and its ``loss(bodies, labels)``
    returns a ``Loss``. Initial weights come from torch's global generator.

    Args:
        settings: the model's entry of the config.
        skeleton: the joint layout; ProtoGCN learns its graph and only counts the joints.
        num_classes: K.
        num_persons: M, which changes CTR-GCN alone.
        channels: C.
        spatial: the spatial part of ProtoGCN's blocks, see ``Engine.spatial``.

    Raises:
        ConfigError: unknown network, or settings that it cannot have.
    """
    size = NetworkSize(
        num_classes=num_classes,
        num_persons=num_persons,
        channels=channels,
        width=settings["width"],
        blocks=settings["blocks"],
        downsample=settings["downsample"],
    )
    match settings["network"]:
        case "protogcn":
            return ProtoGCN(
                num_classes=num_classes,
                num_joints=skeleton.num_joints,
                channels=channels,
                width=size.width,
                blocks=size.blocks,
                downsample=size.downsample,
                subsets=settings["subsets"],
                prototypes=settings["prototypes"],
                contrast_weight=settings["contrast_weight"],
                spatial=spatial,
            )
        case "stgcn":
            return STGCN(skeleton, size)
        case "stgcnpp":
            return STGCNPP(skeleton, size)
        case "ctrgcn":
            return CTRGCN(skeleton, size, form=settings["form"])
        case "skeletongcl" | "frhead" | "gap":  # with further losses in training
            return CTRGCN(skeleton, size, form="authors")
        case "infogcn":
            return InfoGCN(skeleton, size, k=settings["k"], noise=settings["noise"])
        case "blockgcn":
            return BlockGCN(skeleton, size, encoding=settings["encoding"])
        case "hdgcn":
            return HDGCN(skeleton, size, root=settings["root"])
        case unknown:
            raise ConfigError(
                f"model.network: found {unknown!r}, expected one of {', '.join(NETWORKS)}."
            )
