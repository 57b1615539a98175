"""Check and measure the training on a GPU: one command, self-checking, with a table at the end.

It needs torch, numpy, pandas and PyYAML, and no installation: ``python3 -m benchmarks.gpu`` in the
folder of the repository. Each section may fail without the others; the exit code is 1 if one did
or if a check found a difference. A target that is missed is no failure. ``--device cpu`` goes
through the same sections with a tiny network: it tests the command, and its times mean nothing.
Compiled code is kept in TORCHINDUCTOR_CACHE_DIR, so that a second call, for another section, is
quicker. Kernels are profiled last, as the profiler may slow down what comes after it.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from benchmarks.gpu import checks as gpu_checks
from benchmarks.gpu import steps as gpu_steps
from benchmarks.gpu.card import describe, measure_rates, wait_for
from benchmarks.gpu.evaluation import measure_evaluation
from benchmarks.gpu.expected import COPY_RATE, expected_figures
from benchmarks.gpu.floors import step_floor
from benchmarks.gpu.kernels import profile, report_kernels
from benchmarks.gpu.loop import FULL, NANO, WAYS, Size, forget, make_loop, with_batch
from benchmarks.gpu.projection import project
from benchmarks.gpu.report import Report
from benchmarks.synthetic import make_store
from protogcn.batches.clip_store import ClipStore

SECTIONS = ("checks", "steps", "floors", "static", "evaluation", "projection", "kernels")
_USUAL = "compiled bf16, graphs"  # what a training on a GPU does by default


@dataclass
class Bench:
    """What the sections share.

    Attributes:
        report: what was found.
        store: the clips.
        size: of the network and its batches.
        rounds: how often a measurement is repeated.
        steps: how many steps are measured at once.
        wanted: the ways to run that are measured.
        rates: of the device.
        seconds: of a step, for each way that was measured.
        scored: seconds to score a clip.
    """

    report: Report
    store: ClipStore
    size: Size
    rounds: int
    steps: int
    wanted: Sequence[str]
    rates: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    scored: float = 0.0

    @property
    def on_gpu(self) -> bool:
        """Whether there is anything to measure."""
        return self.store.device.type == "cuda"

    @property
    def best(self) -> str:
        """The fastest way; the usual one before any was measured."""
        fast = {name: value for name, value in self.seconds.items() if name in WAYS}
        usual = _USUAL if self.on_gpu else "eager float32"
        return min(fast, key=fast.get, default=usual)

    def ways(self) -> list[str]:
        """Return the ways that this device can run quickly enough to be measured."""
        if self.on_gpu:
            return list(self.wanted)
        print("compiled code, graphs and the topology kernel: needs a GPU")
        return ["eager float32", "eager bf16"]


def run_checks(bench: Bench) -> None:
    gpu_checks.check_all(bench.report, gpu_checks.small(bench.size), bench.store)


def run_steps(bench: Bench) -> None:
    report, device = bench.report, bench.store.device
    few = max(2, bench.rounds // 2)

    def plain() -> None:
        bench.seconds["yardstick"] = gpu_steps.measure_plain(report, bench.size, device, rounds=few)

    report.section("step, the yardstick", plain)
    forget(device)
    for name in bench.ways():
        report.section(f"step, {name}", lambda name=name: _run_way(bench, name))
        forget(device)
    if bench.on_gpu:
        best = bench.best
        report.add(f"step, fastest ({best})", bench.seconds[best] * 1e3, "ms", at_most=12)
    if "yardstick" in bench.seconds:
        ratio = bench.seconds["yardstick"] / bench.seconds[bench.best]
        report.add("times as fast as the yardstick", ratio, "x")


def _run_way(bench: Bench, name: str) -> None:
    loop = make_loop(WAYS[name], bench.size, bench.store)
    sizes = {"rounds": bench.rounds, "steps": bench.steps}
    gpu_steps.warm_up(bench.report, name, loop)
    bench.seconds[name] = gpu_steps.measure_way(bench.report, name, loop, **sizes)
    if name in (_USUAL, "eager float32"):
        gpu_steps.measure_input(bench.report, name, loop, **sizes)
        gpu_steps.measure_control(bench.report, name, loop, rounds=3, steps=bench.steps)
    if not bool(torch.isfinite(loop.losses).all()):
        raise RuntimeError("a loss is not finite")


def run_floors(bench: Bench) -> None:
    report, size = bench.report, bench.size
    rows = size.batch * float(bench.store.table.persons.mean()) + 1  # and one for all empty slots
    report.add("rows of bodies in a batch, mean", rows, "")
    seconds = bench.seconds.get(bench.best)
    for name, num_bytes, rate in (("bf16", 2, "half"), ("float32", 4, "single")):
        floor = step_floor(
            size.network,
            frames=size.frames,
            joints=25,
            rows=rows,
            clips=size.batch,
            bytes_per_number=num_bytes,
        )
        by_bytes = floor.bytes / bench.rates["bytes"]
        by_flop = floor.half_flop / bench.rates[rate] + floor.single_flop / bench.rates["single"]
        report.add(f"floor of bytes, {name}: {floor.bytes / 1e9:.3g} GB", by_bytes * 1e3, "ms")
        flop = floor.half_flop + floor.single_flop
        report.add(f"floor of operations, {name}: {flop / 1e12:.3g} TFLOP", by_flop * 1e3, "ms")
        if seconds is not None:
            report.add(
                f"fastest step over the larger floor, {name}", seconds / max(by_bytes, by_flop), "x"
            )


def run_static(bench: Bench) -> None:
    if not bench.on_gpu:
        print("needs a GPU")
        return
    gpu_steps.measure_static(
        bench.report,
        lambda: make_loop(WAYS[_USUAL], bench.size, bench.store),
        rounds=bench.rounds,
        steps=bench.steps,
    )


def run_evaluation(bench: Bench) -> None:
    ways = ("eager bf16", "compiled bf16") if bench.on_gpu else ("eager float32",)
    for way in ways:

        def one(way: str = way) -> None:
            bench.scored = measure_evaluation(
                bench.report, way, bench.size, bench.store, rounds=min(3, bench.rounds)
            )

        bench.report.section(f"evaluation, {way}", one)
        forget(bench.store.device)


def run_projection(bench: Bench) -> None:
    if bench.best not in bench.seconds or not bench.scored:
        print("needs the sections steps and evaluation")
        return
    project(
        bench.report,
        step=bench.seconds[bench.best],
        scored=bench.scored,
        batch=bench.size.batch,
        on_gpu=bench.on_gpu,
    )


def run_kernels(bench: Bench) -> None:
    device = bench.store.device
    loop = make_loop(WAYS[bench.best], bench.size, bench.store)
    gpu_steps.warm_up(bench.report, f"{bench.best}, again", loop)
    steps = min(5, bench.steps)
    loop.run(steps)
    wait_for(device)
    print(f"one step of: {bench.best}")
    report_kernels(bench.report, profile(lambda: loop.run(steps), steps=steps, device=device))


_RUN = {
    "checks": run_checks,
    "steps": run_steps,
    "floors": run_floors,
    "static": run_static,
    "evaluation": run_evaluation,
    "projection": run_projection,
    "kernels": run_kernels,
}


def main() -> None:
    """Run the sections, print the table, write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--only", choices=SECTIONS, nargs="+", default=SECTIONS)
    parser.add_argument("--ways", choices=WAYS, nargs="+", default=list(WAYS), metavar="WAY")
    parser.add_argument("--check-only", action="store_true", help="--only checks")
    parser.add_argument("--quick", action="store_true", help="few rounds of few steps")
    parser.add_argument("--batch", type=int, help="clips of a step (64)")
    parser.add_argument("--out", type=Path, help="folder for gpu.csv and gpu.json")
    args = parser.parse_args()
    if args.device == "cuda" and not torch.cuda.is_available():
        parser.error("torch finds no GPU; --device cpu tests this command without one")

    device = torch.device(args.device)
    torch.set_num_threads(1)
    size = with_batch(FULL if args.device == "cuda" else NANO, args.batch)
    match (args.device, args.quick):
        case ("cpu", _):
            rounds, steps = 2, 2
        case (_, True):
            rounds, steps = 3, 5
        case _:
            rounds, steps = 15, 20
    report = Report(args.out)
    report.section("card", lambda: describe(report, device))
    store = make_store(size.train_clips, device)
    bench = Bench(report, store, size, rounds, steps, args.ways)

    def rates() -> None:
        if bench.on_gpu:
            report.expected = expected_figures(COPY_RATE)
        bench.rates = measure_rates(report, device, rounds=bench.rounds)
        if bench.on_gpu:  # another card, or another clock
            report.expected = expected_figures(bench.rates["bytes"])

    sections = ("checks",) if args.check_only else args.only
    if not args.check_only:
        report.section("rates", rates)
    for name in SECTIONS:
        if name in sections:
            report.section(name, lambda name=name: _RUN[name](bench))
            forget(device)
    report.print_table()
    sys.exit(1 if report.failures else 0)


if __name__ == "__main__":
    main()
