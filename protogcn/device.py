"""Where a network runs, how values get there, and in which precision it runs."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from protogcn.errors import ConfigError


def pick_device(wanted: str) -> torch.device:
    """Return the device a run asks for; ``auto`` is the GPU where there is one.

    Raises:
        ConfigError: a GPU is wanted and there is none.
    """
    if wanted == "cpu" or (wanted == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise ConfigError("train.device: cuda is wanted, but torch finds no GPU; use auto or cpu.")
    return torch.device("cuda")


def send(values: Tensor, device: torch.device) -> Tensor:
    """Copy host values to a device without waiting for what runs there."""
    if device.type == "cuda":  # a copy of memory that is not pinned would wait
        return values.pin_memory().to(device, non_blocking=True)
    return values


def autocast(device: torch.device, precision: str) -> AbstractContextManager:
    """Return the context of a forward pass: bfloat16 where it is asked for.

    ``auto`` is bfloat16 on a GPU that has it, float32 elsewhere.

    Raises:
        ConfigError: unknown precision.
    """
    match precision:
        case "auto" if device.type == "cuda" and torch.cuda.is_bf16_supported(
            including_emulation=False
        ):
            return torch.autocast("cuda", dtype=torch.bfloat16)
        case "auto" | "float32":
            return nullcontext()
        case "bfloat16":
            return torch.autocast(device.type, dtype=torch.bfloat16)
    raise ConfigError(f"train.precision: found {precision!r}, expected auto, float32 or bfloat16.")
