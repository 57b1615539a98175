"""Where the device's time goes: kernels by time, and summed by what kind of work they do."""

import re
from collections import defaultdict
from collections.abc import Callable
from typing import NamedTuple

import torch

from benchmarks.gpu.report import Report

_KINDS = (  # the first that a name matches
    ("topology kernel", r"mix_forward|mix_backward"),
    ("convolution", r"conv|wgrad|dgrad|fprop|implicit|cudnn"),
    ("matrix product", r"gemm|gemv|cublas|cutlass|splitk|nvjet|matmul|_bmm|_mm"),
    ("optimizer", r"multi_tensor|sgd|FusedSgd"),
    ("copy", r"memcpy|memset|copy_kernel|direct_copy|CatArray|gather|index_select|indexSelect"),
    ("reduction", r"triton_red|triton_per|reduce|batch_norm|softmax|welford"),
    ("pointwise", r"triton_poi|elementwise|vectorized|unrolled|max_pool|fill"),
)


class Kernel(NamedTuple):
    """All calls of one kernel."""

    name: str
    calls: float
    milliseconds: float


def profile(call: Callable[[], None], *, steps: int, device: torch.device) -> list[Kernel]:
    """Return calls and milliseconds of each kernel for one of ``steps`` steps, longest first.

    On the CPU these are the operators of torch.
    """
    on_gpu = device.type == "cuda"
    activity = torch.profiler.ProfilerActivity
    with torch.profiler.profile(activities=[activity.CUDA if on_gpu else activity.CPU]) as profiler:
        call()
        if on_gpu:
            torch.cuda.synchronize(device)
    found = []
    for event in profiler.key_averages():
        if on_gpu and event.device_type != torch.autograd.DeviceType.CUDA:
            continue
        if getattr(event, "is_user_annotation", False):  # a range, whose kernels are listed too
            continue
        spent = event.self_device_time_total if on_gpu else event.self_cpu_time_total
        found.append(Kernel(event.key, event.count / steps, spent / 1e3 / steps))
    return sorted(found, key=lambda kernel: -kernel.milliseconds)


def report_kernels(report: Report, kernels: list[Kernel], *, worst: int = 10) -> None:
    """Print the worst kernels, and keep the time of each kind."""
    total = sum(kernel.milliseconds for kernel in kernels)
    if not total:
        raise RuntimeError("the profiler saw no kernel")
    print(f"{'kernel':<70} {'calls':>6} {'ms':>8} share")
    for kernel in kernels[:worst]:
        share = kernel.milliseconds / total
        print(
            f"{shortened(kernel.name):<70} {kernel.calls:6.0f} {kernel.milliseconds:8.3f}"
            f" {share:5.1%}"
        )
    report.add("kernels in a step", sum(kernel.calls for kernel in kernels), "")
    report.add("time in kernels", total, "ms")
    by_kind: dict[str, float] = defaultdict(float)
    for kernel in kernels:
        by_kind[kind_of(kernel.name)] += kernel.milliseconds
    for kind, spent in sorted(by_kind.items(), key=lambda item: -item[1]):
        report.add(f"time in kernels, {kind}", spent, "ms")


def kind_of(name: str) -> str:
    """Guess from its name what kind of work a kernel does."""
    for kind, pattern in _KINDS:
        if re.search(pattern, name, re.IGNORECASE):
            return kind
    return "other"


def shortened(name: str) -> str:
    """Leave out namespaces, return types and template arguments that mean little."""
    name = re.sub(r"^void |at::native::|\(anonymous namespace\)::|std::|cutlass::", "", name)
    return name if len(name) <= 70 else f"{name[:44]}...{name[-23:]}"
