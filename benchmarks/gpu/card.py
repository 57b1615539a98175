"""The card and the rates it reaches: what it copies and multiplies in a second."""

import platform
import subprocess
from collections.abc import Callable

import numpy as np
import torch

from benchmarks.gpu.report import Report
from benchmarks.measure import measure


def describe(report: Report, device: torch.device) -> None:
    """Keep names and versions."""
    report.fact("torch", f"{torch.__version__}, CUDA {torch.version.cuda}")
    report.fact("Python and numpy", f"{platform.python_version()}, {np.__version__}")
    if device.type != "cuda":
        report.fact("device", "cpu; sections that need a GPU are left out")
        return
    properties = torch.cuda.get_device_properties(device)
    free, total = torch.cuda.mem_get_info(device)
    report.fact("card", f"{properties.name}, {properties.multi_processor_count} multiprocessors")
    report.fact("free memory", f"{free / 1e9:.1f} of {total / 1e9:.1f} GB")
    report.fact("driver", _driver())
    report.fact("Triton", _version_of_triton())
    report.fact("cuDNN", torch.backends.cudnn.version())
    if free < 0.5 * total:
        report.fact("warning", "another process uses this card; times mean little")


def measure_rates(report: Report, device: torch.device, *, rounds: int) -> dict[str, float]:
    """Return bytes per second of a copy, and operations per second of matrix products.

    Products are of random numbers: of zeros some cards make more in a second.
    """
    large = device.type == "cuda"
    length = 1 << (30 if large else 22)
    source = torch.ones(length, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    copied = _seconds(lambda: target.copy_(source), device, rounds)
    rates = {"bytes": 2 * length / copied}
    report.add("copy on the device, read and written", rates["bytes"] / 1e9, "GB/s")
    size = 8192 if large else 256
    kinds = {"half": torch.bfloat16, "single": torch.float32}
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    for name, dtype in kinds.items():
        one, other = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
        product = _seconds(lambda one=one, other=other: one @ other, device, rounds)
        rates[name] = 2 * size**3 / product
        kind = "bfloat16" if name == "half" else "TF32" if large else "float32"
        report.add(f"matrix product of {size}, {kind}", rates[name] / 1e12, "TFLOP/s")
    torch.set_float32_matmul_precision(before)
    return rates


def wait_for(device: torch.device) -> None:
    """Wait until the device has done all its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _seconds(call: Callable[[], object], device: torch.device, rounds: int) -> float:
    """Seconds of one call, ten of them at a time so that launching costs nothing."""

    def ten() -> None:
        for _ in range(10):
            call()
        wait_for(device)

    return measure(ten, rounds=rounds).median / 10


def _driver() -> str:
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        return subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _version_of_triton() -> str:
    try:
        import triton
    except ImportError:
        return "not installed"
    return triton.__version__
