"""Training steps, run in every way: milliseconds, memory, the input alone, what the host does."""

import statistics
import time
import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from unittest.mock import patch

import torch

from benchmarks.gpu.card import wait_for
from benchmarks.gpu.loop import NUM_CLASSES, Loop, Size, forget
from benchmarks.gpu.report import Report
from benchmarks.measure import Row, Timing, interleaved, measure
from benchmarks.yardstick.network import PlainProtoGCN

_CAPTURED = 4  # calls of a size after which its graphs are only replayed: warm-up, capture, check


def measure_plain(report: Report, size: Size, device: torch.device, *, rounds: int) -> float:
    """Return seconds of a step of the yardstick, with torch's own switches.

    It computes empty bodies like all others, so that random numbers do for its input.
    """
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = True
    network = {key: size.network[key] for key in size.network if key != "network"}
    model = PlainProtoGCN(num_classes=NUM_CLASSES, num_joints=25, **network).to(device).train()
    optimizer = torch.optim.SGD(
        model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4, nesterov=True
    )
    clips = torch.randn(size.batch, 2, size.frames, 25, 3, device=device)
    clips[size.batch // 5 :, 1] = 0
    labels = torch.arange(size.batch, device=device) % NUM_CLASSES

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        model.loss(clips, labels).total.backward()
        optimizer.step()
        wait_for(device)

    step()
    timing = measure(step, rounds=rounds)
    report.rows([_milliseconds("step, the yardstick", timing)])
    return timing.median


def warm_up(report: Report, name: str, loop: Loop) -> None:
    """Compile, and take steps of every size of batch until its graphs are captured."""
    begin = time.perf_counter()
    loop.run(1)
    wait_for(loop.store.device)
    compiled = time.perf_counter()
    numbers = {  # the last batch is smaller
        (len(batch), loop.rows_of(number)): number for number, batch in enumerate(loop.batches)
    }
    for number in numbers.values():
        for _ in range(_CAPTURED if loop.engine.compiled else 1):
            loop.train(*loop.draw(number), number)
    wait_for(loop.store.device)
    report.add(f"first step, {name}", compiled - begin, "s")
    report.add(f"steps of {len(numbers)} sizes, {name}", time.perf_counter() - compiled, "s")


def measure_way(report: Report, name: str, loop: Loop, *, rounds: int, steps: int) -> float:
    """Return seconds of a step; the loop is warm."""
    device = loop.store.device
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    timing = measure(lambda: _steps(loop, steps), rounds=rounds)
    report.rows([_milliseconds(f"step, {name}", timing, steps)])

    batches = [loop.draw(number) for number in range(min(steps, len(loop.batches) - 1))]

    def without_input() -> None:
        for number, batch in enumerate(batches):
            loop.train(*batch, number)
        wait_for(device)

    timing_without = measure(without_input, rounds=rounds)
    report.rows([_milliseconds(f"step without input, {name}", timing_without, len(batches))])
    host = statistics.median(_host_seconds(loop) for _ in range(3 * rounds))
    report.add(f"time of the host in a step, {name}", host * 1e3, "ms")
    if device.type == "cuda":
        bound = "the host" if host > 0.9 * timing.median / steps else "the GPU"
        report.fact(f"{name} waits for", bound)
        report.add(f"memory, {name}", torch.cuda.max_memory_allocated(device) / 1e9, "GB")
        report.add(f"memory reserved, {name}", torch.cuda.max_memory_reserved(device) / 1e9, "GB")
        report.add(f"waits for the GPU in 3 steps, {name}", _count_waits(loop, 3), "", at_most=0)
    return timing.median / steps


def measure_control(report: Report, name: str, loop: Loop, *, rounds: int, steps: int) -> None:
    """Keep the ratio of a measurement to itself: how much of any ratio is noise."""

    def call() -> None:
        _steps(loop, steps)

    report.rows([Row(f"control, {name}", *interleaved(call, call, rounds=rounds), "x")])


def measure_input(report: Report, name: str, loop: Loop, *, rounds: int, steps: int) -> None:
    """Keep the clips per second of the input alone."""
    on_gpu = loop.store.device.type == "cuda"

    def draw() -> None:
        for number in range(steps):
            loop.draw(number % (len(loop.batches) - 1))
        wait_for(loop.store.device)

    seconds = measure(draw, rounds=rounds).median
    report.add(
        f"input alone, as for {name}",
        steps * loop.size.batch / seconds,
        "clips/s",
        at_least=20_000 if on_gpu else None,
    )


def measure_static(report: Report, make: Callable[[], Loop], *, rounds: int, steps: int) -> None:
    """Compare code for any number of bodies with code for the commonest one, on its batches."""
    for name in ("any number of bodies", "one number of bodies"):
        static = name.startswith("one")
        with (
            patch("protogcn.models.engine.mark_dynamic") if static else nullcontext(),
            torch._dynamo.config.patch(automatic_dynamic_shapes=not static),
        ):
            loop = make()
            commonest = Counter(map(loop.rows_of, range(len(loop.batches) - 1))).most_common(1)
            chosen = [
                batch
                for number, batch in enumerate(loop.batches[:-1])
                if loop.rows_of(number) == commonest[0][0]
            ]
            loop.batches = [*chosen, chosen[0]]
            warm_up(report, f"code for {name}", loop)
            timing = measure(lambda loop=loop: _steps(loop, steps), rounds=rounds)
        report.rows([_milliseconds(f"step, code for {name}", timing, steps)])
        device = loop.store.device
        del loop
        forget(device)


def _steps(loop: Loop, steps: int) -> None:
    loop.run(steps)
    wait_for(loop.store.device)


def _host_seconds(loop: Loop) -> float:
    """Seconds until the host has queued all of one step on an idle device."""
    wait_for(loop.store.device)
    begin = time.perf_counter()
    loop.run(1)
    return time.perf_counter() - begin


def _count_waits(loop: Loop, steps: int) -> int:
    """How often torch reports that the host waited for the device, and where."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            loop.run(steps)
        finally:
            torch.cuda.set_sync_debug_mode("default")
    waits = [warning for warning in caught if "synchronizing" in str(warning.message)]
    waits = [warning for warning in waits if "prototype" not in str(warning.message)]
    for place, count in Counter(f"{each.filename}:{each.lineno}" for each in waits).items():
        print(f"   waits {count} times at {place}", flush=True)
    return len(waits)


def _milliseconds(name: str, timing: Timing, steps: int = 1) -> Row:
    return Row(name, *(seconds * 1e3 / steps for seconds in timing), "ms")
