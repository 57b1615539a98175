"""The networks: settings in, a module with ``forward(clips)`` and ``loss(clips, labels)`` out."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from protogcn.bodies import Bodies
from protogcn.errors import ConfigError
from protogcn.models.folded import FoldedProtoGCN
from protogcn.models.loss import Loss
from protogcn.models.protogcn import FOLDED_FROM, ProtoGCN

__all__ = ["Loss", "build_model", "evaluator"]


def build_model(
    settings: Mapping[str, Any], *, num_joints: int, num_classes: int, channels: int = 3
) -> nn.Module:
    """Build the network that ``settings["network"]`` names.

    Every network maps clips (N, M, T, V, C) to logits (N, K), and its ``loss(clips, labels)``
    returns a ``Loss``. Initial weights come from torch's global generator.

    Raises:
        ConfigError: unknown network, or settings that it cannot have.
    """
    match settings["network"]:
        case "protogcn":
            return ProtoGCN(
                num_classes=num_classes,
                num_joints=num_joints,
                channels=channels,
                width=settings["width"],
                blocks=settings["blocks"],
                downsample=settings["downsample"],
                subsets=settings["subsets"],
                prototypes=settings["prototypes"],
                contrast_weight=settings["contrast_weight"],
            )
        case unknown:
            raise ConfigError(f"model.network: {unknown} is not known; there is: protogcn.")


def evaluator(model: nn.Module) -> Callable[[Bodies], Tensor]:
    """Return what evaluates a trained network fastest on the CPU, bodies -> logits (N, K)."""
    if not isinstance(model, ProtoGCN):
        return model
    folded = FoldedProtoGCN(model)

    def logits_of(bodies: Bodies) -> Tensor:
        pays = model.bytes_of_body(bodies.values) >= FOLDED_FROM
        return (folded if pays else model)(bodies)

    return logits_of
