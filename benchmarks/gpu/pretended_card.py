"""An H200 for torch's compiler on a machine without a GPU: it writes code, and nothing can run it.

All of torch's private names that this takes are in this file and in ``generated.py``. The process
that pretends is of no other use: ``pretend`` goes before the first import of torch.
"""

import ctypes
import importlib.util
import os
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

KNOWN_TORCH = ("2.11", "2.13")
_SOURCE = Path(__file__).with_suffix(".cpp")


class CannotPretendError(Exception):
    """Why no card can be pretended here."""


class _H200:
    name = "NVIDIA H200"
    major, minor = 9, 0
    multi_processor_count = 132
    max_threads_per_multi_processor = 2048
    max_threads_per_block = 1024
    regs_per_multiprocessor = 65536
    shared_memory_per_block = 49152
    shared_memory_per_block_optin = 232448
    shared_memory_per_multiprocessor = 233472
    warp_size = 32
    total_memory = 150 * 10**9
    L2_cache_size = 60 << 20
    gcnArchName = ""  # noqa: N815 - torch's name
    uuid = ""


def why_not() -> str | None:
    """Return what keeps this machine from pretending, if anything does."""
    try:
        found = version("torch")
        version("triton")
    except PackageNotFoundError as error:
        return f"{error.name} is not installed"
    if not found.startswith(tuple(f"{known}." for known in KNOWN_TORCH)):
        return f"torch {found} is none of {', '.join(KNOWN_TORCH)}, whose compiler this knows"
    if not sys.platform.startswith("linux"):
        return "the card is pretended on Linux only"
    if any((_torch() / "lib").glob("libtorch_cuda*")):
        return "this torch is built for CUDA and answers for itself; a build for the CPU is needed"
    return None


def pretend() -> None:
    """Let torch believe in one H200.

    Raises:
        CannotPretendError: with the reason.
    """
    if reason := why_not():
        raise CannotPretendError(reason)
    if "torch" in sys.modules:
        raise CannotPretendError("torch is imported already")
    for name in ("TORCHINDUCTOR_FX_GRAPH_CACHE", "TORCHINDUCTOR_AUTOGRAD_CACHE"):
        os.environ[name] = "0"
    os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"
    _load_hooks()
    _replace_runtime()
    _replace_triton_driver()
    _replace_measurements()


def _torch() -> Path:
    return Path(importlib.util.find_spec("torch").origin).parent


def _load_hooks() -> None:
    folder = _torch()
    with tempfile.TemporaryDirectory() as made:
        library = Path(made) / "pretended_card.so"
        command = ["g++", "-shared", "-fPIC", "-std=c++20", f"-I{folder}/include", str(_SOURCE)]
        command += [f"-L{folder}/lib", "-lc10", "-ltorch_cpu", f"-Wl,-rpath,{folder}/lib"]
        try:
            subprocess.run([*command, "-o", str(library)], check=True, capture_output=True)
        except FileNotFoundError:
            raise CannotPretendError("there is no g++") from None
        except subprocess.CalledProcessError as error:
            raise CannotPretendError(f"g++: {error.stderr.decode()[-400:]}") from error
        ctypes.CDLL(str(library)).pretend()


def _replace_runtime() -> None:
    import torch
    from torch._dynamo import device_interface
    from torch._subclasses import fake_tensor

    class Nothing:
        def __init__(self, *_: Any):
            self.idx = 0

        def __enter__(self) -> "Nothing":
            return self

        def __exit__(self, *_: object) -> None:
            pass

    cuda, interface = torch.cuda, device_interface.CudaInterface
    cuda.is_available = lambda: True
    cuda.is_initialized = lambda: True
    cuda.is_bf16_supported = lambda including_emulation=True: True
    cuda.device_count = lambda: 1
    # Dynamo tells functions apart: each name has its own.
    for name in ("current_device", "_exchange_device", "_maybe_exchange_device"):
        setattr(cuda, name, lambda *_: 0)
    cuda.get_device_name = lambda device=None: _H200.name
    cuda.get_device_properties = lambda device=None: _H200
    cuda.get_device_capability = lambda device=None: (_H200.major, _H200.minor)
    cuda.mem_get_info = lambda device=None: (_H200.total_memory, _H200.total_memory)
    for name in ("_lazy_init", "synchronize", "manual_seed", "manual_seed_all", "set_rng_state"):
        setattr(cuda, name, lambda *_, **__: None)
    cuda.get_rng_state = lambda device="cuda": torch.zeros(16, dtype=torch.uint8)
    cuda.device = Nothing
    torch._C._cuda_getCurrentRawStream = lambda *_: 0
    torch._C._cuda_getDevice = lambda: 0
    torch.accelerator.is_available = lambda: False
    for owner in (interface, interface.Worker):
        owner.current_device = staticmethod(lambda *_: 0)
        owner.get_device_properties = staticmethod(lambda device=None: _H200)
    interface.device_count = staticmethod(lambda: 1)
    interface.get_raw_stream = staticmethod(lambda *_: 0)
    interface.synchronize = staticmethod(lambda *_: None)
    interface.is_bf16_supported = staticmethod(lambda including_emulation=True: True)
    interface.device = Nothing
    fake_tensor.init_gpu_context = lambda *_: None


def _replace_triton_driver() -> None:
    import torch
    import triton
    from triton.backends.compiler import GPUTarget

    class Driver:
        def get_current_target(self) -> GPUTarget:
            return GPUTarget("cuda", 90, 32)

        def get_current_device(self) -> int:
            return 0

        def get_active_torch_device(self) -> torch.device:
            return torch.device("cuda", 0)

        def is_active(self) -> bool:
            return True

    triton.runtime.driver.set_active(Driver())


def _replace_measurements() -> None:
    """Answer what Inductor would measure, and register its patterns without a card."""
    import torch
    from torch._inductor import config, utils
    from torch._inductor.fx_passes import fuse_attention, joint_graph, misc_patterns, pad_mm

    utils.get_device_tflops = lambda dtype: {torch.float32: 495, torch.float64: 67}.get(dtype, 989)
    utils.get_gpu_dram_gbps = lambda: 4800
    config.shape_padding = False  # where it pays is measured, too
    fuse_attention._sfdp_init = lambda *_: None  # no network here has attention
    for module, name in ((pad_mm, "_pad_mm_init"), (misc_patterns, "_misc_patterns_init")):
        setattr(module, name, _on_the_cpu(getattr(module, name)))
    folder = joint_graph.UniformValueConstantFolder
    deduce = folder._deduce_value

    def deduce_on_the_cpu(self: Any, node: Any) -> Any:
        if node.target is torch.ops.prims.device_put.default:
            return self.env.get(node.args[0], self.unknown_value)
        kept = node.kwargs
        if kept.get("device") is not None:
            node.kwargs = {**kept, "device": torch.device("cpu")}
        try:
            return deduce(self, node)
        finally:
            node.kwargs = kept

    folder._deduce_value = deduce_on_the_cpu


def _on_the_cpu(register: Any) -> Any:
    """Let a registration of patterns trace its examples on the CPU."""

    def registered(*_: Any) -> None:
        import torch

        there = torch.cuda.is_available
        torch.cuda.is_available = lambda: False
        try:
            register(torch.device("cpu"))
        finally:
            torch.cuda.is_available = there

    return registered
