"""Check and time the topology kernel against its eager twin on a GPU.

One line for each stage of the network: the worst relative error of the output and the seven
gradients (infinite where two calls differ in a bit); times in ms of the forward pass and of both
passes (kernel, twin compiled, twin eager; replayed from a CUDA graph); and the bytes that the two
launches need to move over their time.
``--plans`` times other ways to cut the work up; ``--check`` runs small shapes on the CPU in
Triton's interpreter, where times mean nothing.
"""

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from types import ModuleType

import torch
import torch.nn.functional as F
from torch import Tensor

from protogcn.models.fast.gpu.mix import MixInputs, mix
from protogcn.models.norms import at_least_float32

NUM_SUBSETS, NUM_JOINTS = 8, 25
STAGES = ((96, 100), (192, 50), (384, 25))  # channels, frames
SMALL_STAGES = ((8, 20),)
KINDS = {"bf16": (torch.bfloat16, 2e-2), "fp32": (torch.float32, 2e-3)}  # tf32: 2 ** -11
Step = Callable[[], object]


def main() -> None:
    """Print the table; stop where the kernel is wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bodies", type=int, default=64)
    parser.add_argument("--kind", choices=KINDS, nargs="+", default=list(KINDS))
    parser.add_argument("--precision", choices=("ieee", "tf32"), default="tf32")
    parser.add_argument("--plans", action="store_true")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    if not args.check and not torch.cuda.is_available():
        parser.error("no GPU found; --check runs without one")
    if args.check:
        os.environ["TRITON_INTERPRET"] = "1"  # before anything imports Triton
    from protogcn.models.fast.gpu import launch as topology_launch

    device = torch.device("cpu" if args.check else "cuda")
    stages, bodies = (SMALL_STAGES, 1) if args.check else (STAGES, args.bodies)
    print(f"{torch.cuda.get_device_name() if device.type == 'cuda' else 'interpreter'}, ", end="")
    print(f"torch {torch.__version__}, {bodies} bodies, {args.precision}")
    print("                          forward, ms               both passes, ms            GB/s")
    print(
        "kind    C    T    error    kernel compiled   eager   kernel compiled   eager   fwd   bwd"
    )
    for kind in args.kind:
        dtype, tolerance = KINDS[kind]
        for channels, frames in stages:
            inputs = draw_inputs(bodies, channels, frames, dtype=dtype, device=device)
            grad_y = draw_grad(inputs)
            error = worst_error(inputs, grad_y, args.precision)
            times = passes(inputs, grad_y, args.precision)
            rates = launch_rates(topology_launch, inputs, grad_y, args.precision)
            print(
                f"{kind} {channels:4d} {frames:4d} {error:8.1e}",
                *(f"{value * 1e3:8.3f}" for value in times),
                *(f"{rate:5.0f}" for rate in rates),
                flush=True,
            )
            if not error <= tolerance:
                raise SystemExit(f"The kernel is wrong: expected at most {tolerance:.0e}.")
            if args.plans:
                time_plans(topology_launch, inputs, grad_y, args.precision)


def mix_eager(inputs: MixInputs) -> Tensor:
    """``mix`` in plain torch operations, for any floating dtype."""
    x, scale, shift, static, source, target, alpha = inputs
    affine = scale[:, None, None] * x.to(at_least_float32(x.dtype)) + shift[:, None, None]
    motion = torch.tanh(source.unsqueeze(-1) - target.unsqueeze(-2))  # (B, C, V, V)
    motion = motion.unflatten(1, (static.shape[1], -1))  # (B, S, D, V, V)
    topology = (static.unsqueeze(2) + alpha * motion).flatten(1, 2)  # (B, C, V, V)
    return F.relu(affine).to(x.dtype) @ topology.to(x.dtype)


def draw_inputs(
    bodies: int, channels: int, frames: int, *, dtype: torch.dtype, device: torch.device
) -> MixInputs:
    """Return random inputs that require a gradient."""
    shapes = (
        (bodies, channels, frames, NUM_JOINTS),
        (channels,),
        (channels,),
        (bodies, NUM_SUBSETS, NUM_JOINTS, NUM_JOINTS),
        (bodies, channels, NUM_JOINTS),
        (bodies, channels, NUM_JOINTS),
    )
    x, *others = (torch.randn(shape, device=device) for shape in shapes)
    alpha = torch.tensor(0.7, device=device)
    return MixInputs(*(tensor.requires_grad_() for tensor in (x.to(dtype), *others, alpha)))


def draw_grad(inputs: MixInputs) -> Tensor:
    """Noise and a share of the output, so that the sum that is alpha's gradient is not near 0."""
    with torch.no_grad():
        y = mix_eager(inputs)
        return y + torch.randn_like(y)


def run_both(
    function: Callable[[MixInputs], Tensor], inputs: MixInputs, grad_y: Tensor
) -> tuple[Tensor, ...]:
    y = function(inputs)
    return y.detach(), *torch.autograd.grad(y, inputs, grad_y)


def worst_error(inputs: MixInputs, grad_y: Tensor, precision: str) -> float:
    """Compare two calls' bits, and one with the twin in float64; memory is poisoned with NaN."""
    torch.use_deterministic_algorithms(True)  # fills new memory
    found, again = (run_both(partial(mix, precision=precision), inputs, grad_y) for _ in range(2))
    torch.use_deterministic_algorithms(False)
    with torch.no_grad():
        precise = MixInputs(*(tensor.double().requires_grad_() for tensor in inputs))
    expected = run_both(mix_eager, precise, grad_y.double())
    errors = [
        float((one.double() - other).norm() / other.norm())
        for one, other in zip(found, expected, strict=True)
    ]
    same = all(torch.equal(one, other) for one, other in zip(found, again, strict=True))
    return max(errors) if same and all(error == error for error in errors) else float("inf")


def passes(inputs: MixInputs, grad_y: Tensor, precision: str) -> list[float]:
    """Seconds of the forward pass, then of both: kernel, twin compiled, twin eager."""
    functions = [
        partial(mix, precision=precision),
        torch.compile(mix_eager, fullgraph=True) if grad_y.is_cuda else mix_eager,
        mix_eager,
    ]
    without = MixInputs(*(tensor.detach() for tensor in inputs))
    forward = [seconds(lambda f=f: f(without), grad_y.device, graph=True) for f in functions]
    both = [
        seconds(lambda f=f: run_both(f, inputs, grad_y), grad_y.device, graph=True)
        for f in functions
    ]
    return forward + both


def launch_rates(
    launch: ModuleType, inputs: MixInputs, grad_y: Tensor, precision: str
) -> tuple[float, float]:
    """GB/s of the forward and the backward launch, with a cold cache.

    Counted is what must be read and written once, and the parts of the gradients that are summed.
    """
    ready = launch.contiguous(MixInputs(*(tensor.detach() for tensor in inputs)))
    chosen = launch.plan_launch(ready)
    forward, backward = launches(launch, ready, grad_y, precision, chosen)
    features, joints = num_bytes(ready.x), num_bytes(ready.source, ready.target)
    static = num_bytes(ready.static)
    parts = ready.x.shape[1] // NUM_SUBSETS // chosen.group
    summed = static * (2 * parts + 1 if parts > 1 else 1)
    moved = (2 * features + joints + static, 3 * features + 2 * joints + static + summed)
    device = grad_y.device
    return tuple(
        count / 1e9 / seconds(step, device, graph=False)
        for count, step in zip(moved, (forward, backward), strict=True)
    )


def time_plans(launch: ModuleType, inputs: MixInputs, grad_y: Tensor, precision: str) -> None:
    """Print the times of other groups, tiles and numbers of warps."""
    ready = launch.contiguous(MixInputs(*(tensor.detach() for tensor in inputs)))
    chosen = launch.plan_launch(ready)
    features = ready.x.shape[1] // NUM_SUBSETS
    groups = [size for size in range(1, features + 1) if features % size == 0]
    plans = [replace(chosen, group=group) for group in groups]
    plans += [
        replace(chosen, tile=tile, warps=warps)
        for tile, warps in ((16, 1), (32, 1), (32, 2), (64, 2), (64, 4), (128, 4), (128, 8))
    ]
    for plan in plans:
        steps = launches(launch, ready, grad_y, precision, plan)
        times = [seconds(step, grad_y.device, graph=False) * 1e3 for step in steps]
        print(f"  {plan}: forward {times[0]:.3f} ms, backward {times[1]:.3f} ms", flush=True)


def launches(
    launch: ModuleType, ready: MixInputs, grad_y: Tensor, precision: str, plan: object
) -> tuple[Step, Step]:
    return (
        lambda: launch.launch_forward(ready, precision=precision, plan=plan),
        lambda: launch.launch_backward(grad_y, ready, precision=precision, plan=plan),
    )


def num_bytes(*tensors: Tensor) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def seconds(step: Step, device: torch.device, *, graph: bool) -> float:
    """Median time of a step; a graph leaves the launches' own time out, but not the cache."""
    if device.type == "cuda":
        from triton.testing import do_bench, do_bench_cudagraph

        bench = do_bench_cudagraph if graph else do_bench
        return bench(step, return_mode="median") / 1e3
    begin = time.perf_counter()
    step()
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
