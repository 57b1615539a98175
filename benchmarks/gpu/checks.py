"""Does this device compute what the yardstick computes, in every way a training can be run?

Small networks. In float64, where rounding hides nothing, the fast network against the plain one:
as it is, compiled, and replayed from CUDA graphs on batches with three numbers of bodies in turn,
so that a graph which reads what another has left in memory is found. Then equal seeds, and what
bfloat16 and the topology kernel change.
"""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from benchmarks.gpu.loop import WAYS, Size, engine_of, forget, make_loop
from benchmarks.gpu.report import Report
from benchmarks.yardstick.pairs import (
    BANK,
    Pair,
    assert_equal_evaluation,
    assert_equal_step,
    make_clips,
    make_labels,
    make_pair,
    packed,
    released_parts,
)
from protogcn.batches.clip_store import ClipStore
from protogcn.models.loss import Loss
from protogcn.models.topology import MotionTopology

_ALONE, _TWO = (True, False), (True, True)
BODIES = {
    "one person": [_ALONE] * 4,
    "one or two": [_TWO, _ALONE, _TWO, _ALONE, _ALONE],
    "two": [_TWO] * 3,
}
IN_TURN = ([_ALONE] * 20, [_TWO] * 12 + [_ALONE] * 8, [_TWO] * 20)  # 32, 48, 40 rows: all of it
_PRECISE = {"precision": "float32", "tf32": False}
_CALLS = 12  # four of each batch: warm-up, capture, two replays


def check_equality(report: Report, device: torch.device) -> None:
    """Compare eager code with the yardstick in float64: values, gradients, statistics, memory."""
    engine_of(_PRECISE, device)
    for name, bodies in BODIES.items():
        pair = _pair_on(device)
        clips = make_clips(bodies).to(device)
        labels = make_labels(pair, clips)
        wrong = 0
        for compare in (assert_equal_step, assert_equal_evaluation):
            try:
                compare(pair, clips, labels)
            except AssertionError as error:
                print(str(error)[:500], flush=True)
                wrong += 1
        report.check(f"float64 against the yardstick, {name}: differences", wrong, 0)


def check_way(
    report: Report, name: str, way: Mapping[str, Any], device: torch.device, *, double: bool
) -> None:
    """Train a fast network in one way beside the plain one, without moving the weights.

    Statistics and memory move, and are compared at the end.
    """
    engine = engine_of(way, device)
    pair = _pair_on(device, engine.spatial)
    model = pair.fast.train() if double else pair.fast.float().train()
    optimizer = engine.optimizer(
        model.parameters(), learning_rate=0.0, momentum=0.0, weight_decay=0.0
    )
    step = engine.training_step(model, optimizer)
    batches = []
    for seed, bodies in enumerate(IN_TURN):
        clips = make_clips(bodies, seed=seed).to(device)
        batches.append((clips, make_labels(pair, clips)))
    errors: dict[str, float] = {}
    for number in range(_CALLS if engine.compiled else len(batches)):
        clips, labels = batches[number % len(batches)]
        expected = pair.plain.train().loss(clips, labels)
        pair.plain.zero_grad()
        expected.total.backward()
        dtype = torch.float64 if double else torch.float32
        bodies = packed(clips.to(dtype), multiple=engine.row_multiple)
        found = step(bodies, labels, 0.0)
        for key, error in _errors(pair, found, expected).items():
            errors[key] = max(errors.get(key, 0.0), error) if error == error else error
    state = {name: value.double() for name, value in dict(model.named_buffers()).items()}
    expected_state = pair.plain.state_dict()
    errors["memory bank"] = _error(state["contrast.bank"].t(), expected_state[BANK].double())
    errors["statistics"] = max(
        _error(value, expected_state[key].double())
        for key, value in released_parts(model, state).items()
        if not key.endswith("num_batches_tracked")  # compiled code does not count batches
    )
    limits = {"gradients": 1e-8 if double else 2e-2}
    for key, error in errors.items():
        report.check(f"{name}: {key}", error, limits.get(key, 1e-9 if double else 2e-3))


def check_seeds(
    report: Report, name: str, way: Mapping[str, Any], size: Size, store: ClipStore
) -> None:
    """Train twice from one seed, with dropout: every loss is the same but for rounding.

    Gradients of weights of cuDNN's convolutions may be added up in another order.
    """
    losses = []
    for _ in range(2):
        loop = make_loop(way, size, store)
        loop.run(min(8, len(loop.batches) - 1))
        losses.append(loop.losses.clone())
        del loop
        forget(store.device)
    difference = float((losses[0] - losses[1]).abs().max())
    limit = 0.0 if store.device.type == "cpu" else 1e-3
    report.check(f"equal seeds, {name}: largest difference of losses", difference, limit)


def check_half(
    report: Report, name: str, way: Mapping[str, Any], size: Size, store: ClipStore
) -> None:
    """Compare the first loss in bfloat16 with the one in float32, on the same clips."""
    found = []
    for each in (_PRECISE, way):
        loop = make_loop(each, size, store)
        loop.run(1)
        found.append(float(loop.losses[0]))
        del loop
        forget(store.device)
    report.check(f"{name}: loss against float32", abs(found[1] / found[0] - 1), 0.02)


def check_all(report: Report, size: Size, store: ClipStore) -> None:
    """Run every check that this device can."""
    device = store.device
    report.section("float64 equality", lambda: check_equality(report, device))
    report.section(
        "float32, eager", lambda: check_way(report, "float32", _PRECISE, device, double=False)
    )
    report.section(
        "equal seeds, eager", lambda: check_seeds(report, "float32", _PRECISE, size, store)
    )
    report.section(
        "bf16", lambda: check_half(report, "eager bf16", WAYS["eager bf16"], size, store)
    )
    if device.type != "cuda":
        print("\ncompiled code, graphs and the topology kernel: needs a GPU")
        return
    compiled = {**_PRECISE, "compile": True}
    graphs = {**compiled, "cuda_graphs": True}
    ways = {"compiled, float64": compiled, "graphs, float64": graphs, "graphs, float32": graphs}
    for name, way in ways.items():
        double = name.endswith("float64")
        report.section(
            name,
            lambda name=name, way=way, double=double: check_way(
                report, name, way, device, double=double
            ),
        )
        forget(device)
    best = "compiled bf16, graphs"
    report.section("bf16 graphs", lambda: check_half(report, best, WAYS[best], size, store))
    report.section("equal seeds", lambda: check_seeds(report, best, WAYS[best], size, store))
    kernel = {**_PRECISE, "topology_kernel": True}
    report.section(
        "kernel", lambda: check_way(report, "topology kernel", kernel, device, double=False)
    )
    kernel_graphs = {**graphs, "topology_kernel": True}
    report.section(
        "kernel, graphs",
        lambda: check_way(report, "topology kernel, graphs", kernel_graphs, device, double=False),
    )
    forget(device)


def _pair_on(device: torch.device, spatial: type[MotionTopology] = MotionTopology) -> Pair:
    pair = make_pair(blocks=3, spatial=spatial)
    return Pair(pair.plain.to(device), pair.fast.to(device))


def _errors(pair: Pair, found: Loss, expected: Loss) -> dict[str, float]:
    """Relative errors; the gradients' is of all of them as one vector."""
    gradients = {name: value.grad.double() for name, value in pair.fast.named_parameters()}
    parts = released_parts(pair.fast, gradients)
    both = [
        (parts[name].flatten(), value.grad.flatten())
        for name, value in pair.plain.named_parameters()
    ]
    return {
        "logits": _error(found.logits, expected.logits),
        "loss": _error(found.total, expected.total),
        "gradients": _error(*(torch.cat(side) for side in zip(*both, strict=True))),
    }


def _error(found: Tensor, expected: Tensor) -> float:
    expected = expected.detach().double()
    distance = (found.detach().double() - expected).norm()
    return float(distance / expected.norm().clamp(min=1e-30))


def small(size: Size) -> Size:
    """Return a smaller network for the checks, with the frames and clips of ``size``."""
    network = {**size.network, "width": 24, "blocks": 3, "downsample": (3,), "prototypes": 20}
    smaller = copy.copy(size)
    return Size(network, 32, min(smaller.batch, 32), size.crops, size.train_clips, size.test_clips)
