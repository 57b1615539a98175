"""Several processes that train one network: started together, each with its part of a batch.

Every process draws the same random numbers for the whole batch and computes its part of the clips.
A loss is the process's part of the mean over the whole batch, so that losses and gradients add up
to those of one process. In a single process nothing here does anything.
"""

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Any, NamedTuple, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import FunctionCtx, once_differentiable

from protogcn.errors import ConfigError, exit_code_of, run_stage

# A process that waits longer than this for the others fails: they are gone or stuck.
_PATIENCE = timedelta(minutes=10)
_SECONDS_TO_END = 5.0  # of the others, once one has failed
_FAILED = "first failure"
_HERE = "127.0.0.1"
_OF_SIGNALS = 128  # a shell's exit code for a process that a signal ended, less the signal

_Made = TypeVar("_Made")


class Peer(NamedTuple):
    """One of the processes that train one network.

    Attributes:
        rank: its number; process 0 writes and reports.
        size: how many there are.
        port: where the process that started them keeps what they tell each other.
    """

    rank: int = 0
    size: int = 1
    port: int = 0


class BatchPart(NamedTuple):
    """Which clips of a batch this process has.

    Attributes:
        first: the number of the first one.
        stop: after the last one; all of them may be other processes'.
        total: clips of the whole batch.
    """

    first: int
    stop: int
    total: int


def run_together(size: int, work: Callable[..., None], *arguments: Any) -> int:
    """Run ``work(peer, *arguments)`` in several new processes, until all or one of them end.

    They end with this process, however it ends. Ctrl-C comes from this process alone.

    Args:
        size: how many.
        work: a function of a module, so that a new process finds it.
        arguments: its further arguments; a socket stays open as long as they run.

    Returns:
        The exit code of the process that failed first, 128 + the signal for one that a signal
        ended; 0 if none failed.
    """
    store = dist.TCPStore(_HERE, 0, is_master=True, wait_for_workers=False)
    new = multiprocessing.get_context("spawn")  # not forked: CUDA and threads
    peers = [Peer(rank, size, store.port) for rank in range(size)]
    processes = [
        new.Process(target=_begin, args=(peer, work, arguments), daemon=True) for peer in peers
    ]
    try:
        with _no_interrupt():  # they inherit it: only this process reports Ctrl-C
            for process in processes:
                process.start()
        running = {process.sentinel: rank for rank, process in enumerate(processes)}
        while running:
            for sentinel in wait(running):
                rank = running.pop(sentinel)
                processes[rank].join()
                if code := processes[rank].exitcode:
                    _join(processes, _SECONDS_TO_END)  # the first to fail may still print why
                    if code < 0:
                        name = signal.Signals(-code).name
                        print(f"Killed: process {rank} of {size}, by {name}.", file=sys.stderr)
                    return code if code > 0 else _OF_SIGNALS - code
        return 0
    finally:
        for process in processes:
            if process.pid is not None:
                process.kill()
                process.join()


@contextmanager
def _no_interrupt() -> Iterator[None]:
    former = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former or signal.SIG_DFL)


def _join(processes: Iterable[BaseProcess], seconds: float) -> None:
    end = time.monotonic() + seconds
    for process in processes:
        process.join(max(0.0, end - time.monotonic()))


def _begin(peer: Peer, work: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    from tqdm import tqdm  # here alone: batches and networks do without it

    tqdm.set_lock(threading.RLock())  # its own is a semaphore, which a killed process leaves
    threading.Thread(target=_end_with_parent, daemon=True).start()
    run_stage(partial(work, peer, *arguments))


def _end_with_parent() -> None:
    multiprocessing.parent_process().join()
    os._exit(1)  # whatever the other threads wait for


class ProcessGroup:
    """The processes of ``run_together``, for as long as the context lasts.

    The first one to fail reports its mistake. The others, which wait for it in vain, end with the
    same exit code and without a report.
    """

    def __init__(self, device: torch.device, peer: Peer):
        """``device``: what a single process would use."""
        self._wanted = device
        self._peer = peer
        self._store: dist.Store | None = None

    def __enter__(self) -> torch.device:
        """Wait for all processes; return this one's device.

        Raises:
            ConfigError: there are fewer GPUs than processes.
        """
        rank, size, port = self._peer
        if size == 1:
            return self._wanted
        device = self._wanted
        on_gpu = device.type == "cuda"
        if on_gpu:
            if rank >= (found := torch.cuda.device_count()):
                raise ConfigError(
                    f"engine.gpus: {size} GPUs are wanted for one run, but torch finds {found}."
                )
            device = torch.device("cuda", rank)
            torch.cuda.set_device(device)
        self._store = dist.TCPStore(_HERE, port, is_master=False, timeout=_PATIENCE)
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
        # Whoever is first to put its mistake into the store reports it. The others fail only since
        # they lost it, and end with its exit code. None leaves the group, which would wait.
        mine = f"{self._peer.rank} {exit_code_of(error)}"
        first = self._store.compare_set(_FAILED, "", mine).decode()
        if first != mine:
            code = int(first.split()[1])
            raise SystemExit(code) from None


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


def of_whole_batch(part: BatchPart | None, rows: int, draw: Callable[[int], Tensor]) -> Tensor:
    """Return random rows for the clips of this process: those of one that has the whole batch.

    Args:
        part: which clips these are, None for all.
        rows: how many there are without a part.
        draw: number of rows -> random rows.
    """
    return draw(rows) if part is None else draw(part.total)[part.first : part.stop]


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


def gathered_rows(values: Tensor) -> Tensor:
    """(N, ...) -> the rows of all processes, in their order; N may differ.

    Its gradient is that of the sum of all processes' losses.
    """
    return _GatheredRows.apply(values) if is_parallel() else values


class _GatheredRows(Function):
    @staticmethod
    def forward(ctx: FunctionCtx, values: Tensor) -> Tensor:
        count = torch.tensor([len(values)], device=values.device)
        counts = [torch.empty_like(count) for _ in range(dist.get_world_size())]
        dist.all_gather(counts, count)
        ctx.counts = [int(each) for each in counts]
        padded = values.new_zeros(max(ctx.counts), *values.shape[1:])
        padded[: len(values)] = values
        parts = [torch.empty_like(padded) for _ in counts]
        dist.all_gather(parts, padded)
        return torch.cat([part[:size] for part, size in zip(parts, ctx.counts, strict=True)])

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor) -> Tensor:
        total = gradient.contiguous().clone()
        dist.all_reduce(total)
        return total.split(ctx.counts)[dist.get_rank()]


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
