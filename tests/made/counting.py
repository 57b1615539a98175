"""What a computation costs, counted and not timed: operations, FLOP and bytes kept for backward."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

# Calls that compute nothing: another look at the same memory, or memory without content.
NOT_OPERATIONS = {
    "alias",
    "as_strided",
    "detach",
    "empty",
    "empty_like",
    "expand",
    "permute",
    "select",
    "slice",
    "squeeze",
    "t",
    "transpose",
    "unbind",
    "unsqueeze",
    "_unsafe_view",
    "view",
}


class _Operations(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += func.overloadpacket.__name__ not in NOT_OPERATIONS
        return func(*args, **(kwargs or {}))


def count_operations(action: Callable[[], object]) -> int:
    """Return how many of torch's operators run, those of autograd's backward included."""
    with _Operations() as operations:
        action()
    return operations.count


def count_flop(action: Callable[[], object]) -> int:
    """Return the FLOP of convolutions and matrix products; a multiply-add is two."""
    with FlopCounterMode(display=False) as counter:
        action()
    return counter.get_total_flops()


def count_saved_bytes(action: Callable[[], object], parameters: set[int]) -> int:
    """Return the bytes that a forward pass keeps for backward, without those of parameters.

    ``parameters`` has their ``id``. Memory that several saved tensors share counts once.
    """
    kept = []

    def keep(tensor: Tensor) -> Tensor:
        kept.append(tensor)  # alive, or its memory's number could be given out again
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        action()
    storages = [tensor.untyped_storage() for tensor in kept if id(tensor) not in parameters]
    return sum({storage._cdata: storage.nbytes() for storage in storages}.values())
