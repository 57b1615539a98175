"""Where a network runs, and how values get there."""

import torch
from torch import Tensor

from protogcn.errors import ConfigError


def pick_device(wanted: str) -> torch.device:
    """Return the device a run asks for; ``auto`` is the GPU if one exists.

    Raises:
        ConfigError: a GPU is asked for and does not exist.
    """
    if wanted == "cpu" or (wanted == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise ConfigError("engine.device: is cuda, but torch finds no GPU; use auto or cpu.")
    return torch.device("cuda")


def to_device(values: Tensor, device: torch.device) -> Tensor:
    """Copy host values to a device without waiting for what runs there."""
    if device.type == "cuda":  # a copy of memory that is not pinned would wait
        return values.pin_memory().to(device, non_blocking=True)
    return values
