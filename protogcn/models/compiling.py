"""Settings of torch's compiler for our networks, and how many graphs its cache had."""

import torch
from torch import Tensor

from protogcn.batches.bodies import Bodies

# When the compiler stores a value that several kernels read, instead of computing it in each again:
# its own thresholds are for kernels that are bound by operations, and these are bound by bytes.
INDUCTOR = {
    "realize_reads_threshold": 10,
    "realize_opcount_threshold": 150,
    "realize_acc_reads_threshold": 16,
}


def find_whole_steps() -> None:
    """Let torch find a step in its cache before it is differentiated, half of a start's work.

    It leaves out graphs with what our networks have: functions with a gradient of their own, and
    regions without autocast. Both are in the graph, and so in the key; later versions keep the
    regions by themselves.
    """
    import torch._functorch.config as functorch_config
    import torch._inductor.config as inductor_config

    functorch_config.autograd_cache_allow_custom_autograd_functions = True
    inductor_config.unsafe_marked_cacheable_functions = {
        f"torch.amp.autocast_mode.{name}": torch.__version__
        for name in ("_enter_autocast", "_exit_autocast")
    }


def compiled_graphs() -> tuple[int, int]:
    """Return how many graphs of this process torch has found in its cache, and how many not."""
    from torch._dynamo.utils import counters  # takes a second, for compiling alone

    counted = counters["inductor"]  # a Counter: should torch rename them, 0
    return counted["fxgraph_cache_hit"], counted["fxgraph_cache_miss"]


def mark_dynamic(bodies: Bodies, more: tuple[Tensor, ...]) -> None:
    """Tell the compiler which sizes change from batch to batch: clips, and rows of bodies."""
    sizes = (
        (bodies.values, 1),
        (bodies.person_weights, 2),
        (bodies.multiplicity, 1),
        (bodies.persons, 1),
        (bodies.numbers, 1),
        (bodies.positions, 1),
    )
    for tensor, axes in sizes:
        for axis in range(axes if tensor is not None else 0):
            torch._dynamo.maybe_mark_dynamic(tensor, axis)
    for tensor in more:
        torch._dynamo.maybe_mark_dynamic(tensor, 0)
