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
from protogcn.models.compiling import INDUCTOR, mark_dynamic

_CARD = torch.device("cuda", 0)
_SMALL = 1_000_000  # bytes; below, a launch costs more than the bytes
# What every part calls, and so says nothing of where a kernel belongs.
_SHARED = ("models/compiled_", "models/norms", "models/pointwise")
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
    mark_dynamic(bodies, more)
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
    kernels = [kernel for node in graph.scheduler.nodes for kernel in _kernels_of(graph, node)]
    made = [graph.name_to_buffer.get(name) for name in set(graph.get_output_names())]
    kept = sum(_num_bytes(graph, buffer) for buffer in made if buffer is not None)
    return Pass(kernels, kept)


def _num_bytes(graph: Any, values: Any) -> int:
    return math.prod(_hints(graph, values.get_size())) * values.get_dtype().itemsize


def _hints(graph: Any, numbers: Sequence[Any]) -> list[int]:
    hint = getattr(graph.sizevars, "optimization_hint", None) or graph.sizevars.size_hint
    return [int(hint(number)) for number in numbers]


def _kernels_of(graph: Any, node: Any) -> list[Kernel]:
    """Return the launches of a scheduled node."""
    from torch._inductor import ir, scheduler

    if isinstance(node, scheduler.NopKernelSchedulerNode) or isinstance(node.node, ir.MultiOutput):
        return []
    parts = node.get_nodes()
    origins = [origin for part in parts if part.node is not None for origin in part.node.origins]
    source = ", ".join(sorted({line for each in origins if (line := _line_of(each))})[:4])
    if isinstance(node, scheduler.ExternKernelSchedulerNode):
        return _calls_of(graph, node, source)
    moved = int(node.get_read_write_buffers_sizes())
    if moved < _SMALL:
        return [Kernel("small", moved, source)]
    is_reduction = any(part.is_reduction() for part in parts)
    return [Kernel("reductions" if is_reduction else "pointwise", moved, source)]


def _calls_of(graph: Any, node: Any, source: str) -> list[Kernel]:
    """Return a library's call: of a slice it reads that alone, and cuDNN copies it first."""
    from torch._inductor import ir

    moved = int(node.get_read_write_buffers_sizes())
    slices: dict[str, list[int]] = {}
    for each in node.node.inputs:
        if isinstance(each, ir.ReinterpretView) and _is_slice(graph, each):
            slices.setdefault(each.get_name(), []).append(_num_bytes(graph, each))
    for name, sizes in slices.items():
        whole = graph.name_to_buffer.get(name) or graph.graph_inputs[name]
        moved -= max(0, _num_bytes(graph, whole) - sum(sizes))
    called = node.node.python_kernel_name or str(getattr(node.node, "op_overload", ""))
    call = Kernel(_kind_of_call(called, moved), moved, source)
    if call.kind != "convolutions":
        return [call]
    copied = [size for sizes in slices.values() for size in sizes]
    return [*(Kernel("pointwise", 2 * size, f"a copy for {source}") for size in copied), call]


def _is_slice(graph: Any, view: Any) -> bool:
    """Say whether memory that the view leaves out lies between what it has."""
    dense = 1
    pairs = zip(_hints(graph, view.get_stride()), _hints(graph, view.get_size()), strict=True)
    for stride, size in sorted(pairs):
        if size > 1 and stride != dense:
            return True
        dense *= size
    return False


def _kind_of_call(called: str, moved: int) -> str:
    if "convolution" in called:
        return "convolutions"
    if "protogcn" in called:
        return "mixing kernel"
    return "small" if moved < _SMALL else "products"


def _line_of(origin: torch.fx.Node) -> str | None:
    """Return ``file:line`` of the part of a network that a node comes from."""
    lines = re.findall(r'protogcn/(models/\S+)", line (\d+)', origin.meta.get("stack_trace") or "")
    named = [line for line in lines if not line[0].startswith(_SHARED)]
    return ":".join((named or lines)[-1]) if lines else None
