"""Several processes that train one network together: torchrun's environment -> a process group.

Every process draws the same random numbers for the whole batch and computes its part of the clips.
A loss is the process's part of the mean over the whole batch, so that losses and gradients add up
to those of one process. Without torchrun there is one process, and nothing here does anything.
"""

import os
from collections.abc import Callable, Iterable
from datetime import timedelta
from types import TracebackType
from typing import NamedTuple, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import FunctionCtx, once_differentiable

from protogcn.errors import ConfigError, exit_code_of

# A process that waits longer than this for the others fails: they are gone or stuck.
_PATIENCE = timedelta(minutes=10)
_FAILED = "first failure"

_Made = TypeVar("_Made")


class BatchPart(NamedTuple):
    """Which clips of a batch this process has.

    Attributes:
        first: the number of the first one.
        stop: behind the last one; all of them may be other processes'.
        total: clips of the whole batch.
    """

    first: int
    stop: int
    total: int


class ProcessGroup:
    """The processes that torchrun started, for as long as the context lasts.

    The first one to fail reports its mistake. The others, which wait for it in vain, end with the
    same exit code and without a report.
    """

    def __init__(self, device: torch.device):
        """``device``: what a single process would use."""
        self._wanted = device
        self._store: dist.Store | None = None

    def __enter__(self) -> torch.device:
        """Wait for all processes; return this one's device.

        RANK, WORLD_SIZE and LOCAL_RANK are read, never Slurm's numbers: torchrun is one task.

        Raises:
            ConfigError: there are fewer GPUs than processes.
        """
        size = int(os.environ.get("WORLD_SIZE", "1"))
        if size == 1:
            return self._wanted
        on_gpu = self._wanted.type == "cuda"
        device = self._wanted
        if on_gpu:
            number, there = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
            if number >= there:
                raise ConfigError(
                    f"engine.gpus: {size} processes were started, but torch finds {there} GPU(s)."
                )
            device = torch.device("cuda", number)
            torch.cuda.set_device(device)
        self._store, rank, size = next(dist.rendezvous("env://", timeout=_PATIENCE))
        dist.init_process_group(
            "nccl" if on_gpu else "gloo",
            store=self._store,
            rank=rank,
            world_size=size,
            timeout=_PATIENCE,
            device_id=device if on_gpu else None,
        )
        return device

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the group; after a failure of another process, end this one."""
        if self._store is None:
            return
        if error is None:
            dist.destroy_process_group()
            return
        # Leaving the group would wait for the others here: they end by this process's end.
        mine = f"{dist.get_rank()} {exit_code_of(error)}"
        first = self._store.compare_set(_FAILED, "", mine).decode()
        if first != mine:
            raise SystemExit(int(first.split()[1])) from None


def num_processes() -> int:
    """Return how many processes share each batch."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def is_parallel() -> bool:
    """Whether there is more than this process."""
    return num_processes() > 1


def is_first() -> bool:
    """Whether this is the process that writes and reports: one alone, or rank 0."""
    return not is_parallel() or dist.get_rank() == 0


def my_part(total: int) -> BatchPart:
    """Return which of ``total`` clips are this process's: parts of nearly equal size, in order."""
    if not is_parallel():
        return BatchPart(0, total, total)
    rank, size = dist.get_rank(), dist.get_world_size()
    return BatchPart(total * rank // size, total * (rank + 1) // size, total)


def on_first_process(make: Callable[[], _Made]) -> _Made:
    """Return what ``make`` returns in the first process; the others do not call it."""
    if not is_parallel():
        return make()
    box = [make() if is_first() else None]
    dist.broadcast_object_list(box, src=0)
    return box[0]


def summed(values: Tensor) -> Tensor:
    """Return the sum over all processes, without gradients."""
    if not is_parallel():
        return values
    total = values.detach().clone()
    dist.all_reduce(total)
    return total


def gathered(values: Tensor) -> Tensor:
    """(...) -> (R, ...), the values of each of R processes, the same everywhere.

    Its gradient is that of the sum of all processes' losses.
    """
    return _Gathered.apply(values)


class _Gathered(Function):
    @staticmethod
    def forward(ctx: FunctionCtx, values: Tensor) -> Tensor:
        parts = [torch.empty_like(values) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, values.contiguous())
        return torch.stack(parts)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor) -> Tensor:
        total = gradient.contiguous().clone()
        dist.all_reduce(total)
        return total[dist.get_rank()]


def add_up_gradients(parameters: Iterable[torch.nn.Parameter]) -> None:
    """Replace every gradient by the sum over all processes, in one message."""
    if not is_parallel():
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    together = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(together)
    sizes = [gradient.numel() for gradient in gradients]
    for gradient, total in zip(gradients, together.split(sizes), strict=True):
        gradient.copy_(total.view_as(gradient))
