"""A network -> the kernels that torch would run for it on a GPU, and the bytes each one moves.

The step is traced on the CPU, moved to a pretended card, cut into forward and backward pass,
lowered and fused as ever; only the text of the kernels is never written.
Shapes: N clips, B rows of bodies, T frames, V joints.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn

from protogcn.batches.bodies import Bodies
from protogcn.models.engine import INDUCTOR, _mark_dynamic

_CARD = torch.device("cuda", 0)
_SMALL = 1_000_000  # bytes; below, a launch costs more than the bytes
KINDS = ("pointwise", "reductions", "products", "convolutions", "mixing kernel", "small")


@dataclass(frozen=True)
class Kernel:
    """One launch.

    Attributes:
        kind: one of ``KINDS``.
        bytes: read and written; each buffer counts once.
        source: the lines of the package that it comes from.
    """

    kind: str
    bytes: int
    source: str


@dataclass(frozen=True)
class Pass:
    """What a forward or backward pass launches, and the bytes that it keeps for another."""

    kernels: Sequence[Kernel]
    kept: int

    @property
    def bytes(self) -> int:
        """Moved by all kernels."""
        return sum(kernel.bytes for kernel in self.kernels)


class _TracedError(Exception):
    """Ends a trace: there is no card to run it on."""


def trace_step(model: nn.Module, bodies: Bodies, labels: Tensor) -> list[Pass]:
    """Return the forward and the backward pass of a training step in bfloat16."""
    model.train()
    return _passes_of(model.loss, bodies, labels)


def trace_evaluation(model: nn.Module, bodies: Bodies) -> list[Pass]:
    """Return the one pass of an evaluation in bfloat16."""
    model.eval()
    with torch.no_grad():
        return _passes_of(model.forward, bodies)


def _passes_of(function: Callable, bodies: Bodies, *more: Tensor) -> list[Pass]:
    import torch._functorch.config as functorch_config
    from torch._inductor import compile_fx, output_code
    from torch._inductor.graph import GraphLowering

    found: list[Pass] = []

    class Unwritten:
        __file__ = ""

        def call(self, *_: Any) -> None:
            raise _TracedError

    def lowered(graph: Any) -> Unwritten:
        graph.init_wrapper_code()
        graph._update_scheduler()
        found.append(_pass_of(graph))
        return Unwritten()

    def backend(graph: torch.fx.GraphModule, inputs: Sequence[Any]) -> None:
        inputs = _on_the_card(graph, inputs)
        with torch.autocast("cpu", enabled=False), torch.autocast("cuda", torch.bfloat16):
            compile_fx.compile_fx(graph, inputs, config_patches=INDUCTOR)
        raise _TracedError

    torch._dynamo.reset()
    _mark_dynamic(bodies, more)
    compiled = torch.compile(function, fullgraph=True, backend=backend)
    with (
        mock.patch.object(GraphLowering, "compile_to_module", lowered),
        mock.patch.object(output_code, "cudagraph_partition_post_compile"),
        functorch_config.patch(force_non_lazy_backward_lowering=True, backward_pass_autocast="off"),
        torch.autocast("cpu", torch.bfloat16),
    ):
        try:
            compiled(bodies, *more)
        except Exception as error:
            if not _is_the_end(error):
                raise
    return found


def _is_the_end(error: BaseException | None) -> bool:
    return error is not None and (
        isinstance(error, _TracedError) or _is_the_end(error.__cause__ or error.__context__)
    )


def _on_the_card(graph: torch.fx.GraphModule, inputs: Sequence[Any]) -> list[Any]:
    """Move a captured graph to the card; return its inputs there."""
    from torch._guards import TracingContext

    fake = TracingContext.get().fake_mode
    for node in graph.graph.nodes:
        if "_enter_autocast" in str(node.target):
            node.args = tuple("cuda" if each == "cpu" else each for each in node.args)
        node.args = tuple(_CARD if isinstance(each, torch.device) else each for each in node.args)
        if "device" in node.kwargs:
            node.kwargs = {**node.kwargs, "device": _CARD}
    graph.recompile()
    moved = []
    holders = [node for node in graph.graph.nodes if node.op == "placeholder"]
    for holder, given in zip(holders, inputs, strict=True):
        value = holder.meta.get("example_value", given)
        if isinstance(value, Tensor):
            with fake:
                there = torch.empty_strided(
                    value.size(), value.stride(), dtype=value.dtype, device=_CARD
                )
            value = there.requires_grad_(value.requires_grad)
            holder.meta["example_value"] = value
        moved.append(value)
    for node in graph.graph.nodes:
        if node.op != "placeholder":
            node.meta.pop("example_value", None)
    return moved


def _pass_of(graph: Any) -> Pass:
    kernels = [_kernel_of(node) for node in graph.scheduler.nodes]
    made = [graph.name_to_buffer.get(name) for name in set(graph.get_output_names())]
    kept = sum(_num_bytes(graph, buffer) for buffer in made if buffer is not None)
    return Pass([kernel for kernel in kernels if kernel is not None], kept)


def _num_bytes(graph: Any, buffer: Any) -> int:
    hint = getattr(graph.sizevars, "optimization_hint", None) or graph.sizevars.size_hint
    layout = buffer.get_layout()
    return math.prod(int(hint(size)) for size in layout.size) * layout.dtype.itemsize


def _kernel_of(node: Any) -> Kernel | None:
    """Return the launch of a scheduled node; None if it launches nothing."""
    from torch._inductor import ir, scheduler

    if isinstance(node, scheduler.NopKernelSchedulerNode) or isinstance(node.node, ir.MultiOutput):
        return None
    parts = node.get_nodes()
    moved = int(node.get_read_write_buffers_sizes())
    origins = [origin for part in parts if part.node is not None for origin in part.node.origins]
    source = ", ".join(sorted({line for each in origins if (line := _line_of(each))})[:4])
    if isinstance(node, scheduler.ExternKernelSchedulerNode):
        called = node.node.python_kernel_name or str(getattr(node.node, "op_overload", ""))
        return Kernel(_kind_of_call(called, moved), moved, source)
    if moved < _SMALL:
        return Kernel("small", moved, source)
    is_reduction = any(part.is_reduction() for part in parts)
    return Kernel("reductions" if is_reduction else "pointwise", moved, source)


def _kind_of_call(called: str, moved: int) -> str:
    if "convolution" in called:
        return "convolutions"
    if "protogcn" in called:
        return "mixing kernel"
    return "small" if moved < _SMALL else "products"


def _line_of(origin: torch.fx.Node) -> str | None:
    """Return ``file:line`` of the innermost line of the package in a node's stack."""
    lines = re.findall(r'protogcn/(models/\S+)", line (\d+)', origin.meta.get("stack_trace") or "")
    return ":".join(lines[-1]) if lines else None
