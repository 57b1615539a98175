"""A run's switches and its device -> how its network is computed there; results but for rounding.

Each saving on a GPU has a setting that turns it off. Networks do not know of it: the engine calls
them, or builds their parts from variants that compute the same.
"""

import ctypes
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from protogcn.batches.bodies import Bodies
from protogcn.batches.parallel import add_up_gradients, num_processes
from protogcn.errors import ConfigError
from protogcn.models import Loss
from protogcn.models.add_on import AddOn
from protogcn.models.compiling import INDUCTOR, compiled_graphs, find_whole_steps, mark_dynamic
from protogcn.models.fast.cpu.folded import fastest_evaluation
from protogcn.models.fast.gpu.topology import KernelTopology
from protogcn.models.topology import MotionTopology

_ROWS = 16  # compiled code sees numbers of bodies that are multiples of it
_KEPT_BLOCKS = 32 << 20  # bytes; the largest threshold that glibc takes
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


@dataclass(frozen=True)
class Engine:
    """The way one run is computed.

    Attributes:
        device: where.
        half: in bfloat16 where that is safe, else in float32.
        compiled: by torch.compile.
        cuda_graphs: the compiled training step is captured and replayed, one graph for each number
            of bodies.
        tf32: float32 products on a GPU may round their factors to TF32.
        fused_optimizer: one kernel updates all weights (GPU).
        topology_kernel: on a GPU, the Triton kernel for the mixing along the topology.
        deterministic: only operations that give the same bytes each time, which costs a GPU time.
    """

    device: torch.device
    half: bool
    compiled: bool
    cuda_graphs: bool
    tf32: bool
    fused_optimizer: bool
    topology_kernel: bool
    deterministic: bool

    @classmethod
    def of(cls, switches: Mapping[str, Any], device: torch.device, *, precision: str) -> "Engine":
        """Read a run's switches and its precision; ``auto`` is on where it pays: on a GPU.

        Several processes do not compile: nothing promises that code compiled in each of them sends
        the same messages in the same order.

        Raises:
            ConfigError: unknown precision.
        """
        on_gpu = device.type == "cuda"
        match precision:
            case "auto":
                half = on_gpu and torch.cuda.is_bf16_supported(including_emulation=False)
            case "float32" | "bfloat16":
                half = precision == "bfloat16"
            case _:
                raise ConfigError(
                    f"train.precision: found {precision!r}, expected auto, float32 or bfloat16."
                )
        compiled = on_gpu if switches["compile"] == "auto" else switches["compile"]
        compiled = compiled and num_processes() == 1
        return cls(
            device=device,
            half=half,
            compiled=compiled,
            cuda_graphs=compiled and on_gpu and switches["cuda_graphs"],
            tf32=on_gpu and switches["tf32"],
            fused_optimizer=on_gpu and switches["fused_optimizer"],
            topology_kernel=on_gpu and switches["topology_kernel"],
            deterministic=switches.get("deterministic", False),
        )

    @property
    def row_multiple(self) -> int:
        """What the number of bodies of a batch is filled up to a multiple of."""
        return _ROWS if self.compiled else 1

    def start(self, threads: int) -> None:
        """Set what holds for the whole process; for ``main`` only."""
        torch.set_num_threads(threads)
        # Set in either case: torch has TF32 off in products and on in convolutions by default.
        torch.set_float32_matmul_precision("high" if self.tf32 else "highest")
        torch.backends.cudnn.allow_tf32 = self.tf32
        if self.compiled:
            import torch._functorch.config as functorch_config  # takes a second

            # Else the backward pass of what is kept in float32 would be in bfloat16.
            functorch_config.backward_pass_autocast = "off"
            # The kernel's gradient is no part of the key that torch finds a step by.
            if not self.topology_kernel:
                find_whole_steps()
        if self.deterministic:
            # cuBLAS adds up in one order only with buffers of a fixed size.
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
            torch.backends.cudnn.benchmark = False
            torch.use_deterministic_algorithms(True)
        if self.device.type == "cpu":
            _keep_freed_memory()

    def precision(self) -> AbstractContextManager:
        """Return the context of a forward pass."""
        return torch.autocast(self.device.type, torch.bfloat16) if self.half else nullcontext()

    @property
    def spatial(self) -> type[MotionTopology]:
        """What to build the spatial parts of ProtoGCN's blocks from."""
        return KernelTopology if self.topology_kernel else MotionTopology

    def optimizer(
        self,
        parameters: Iterable[nn.Parameter] | Iterable[dict[str, Any]],
        *,
        learning_rate: float,
        momentum: float,
        weight_decay: float,
    ) -> torch.optim.SGD:
        """Return SGD with Nesterov's momentum; groups of parameters may have an ``lr`` each."""
        return torch.optim.SGD(
            parameters,
            lr=learning_rate,
            momentum=momentum,
            weight_decay=weight_decay,
            nesterov=momentum > 0,
            # Not False, which would also turn off the updates of many weights at once.
            fused=True if self.fused_optimizer else None,
        )

    def training_step(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        add_ons: Sequence[AddOn] = (),
    ) -> Callable[[Bodies, Tensor, float], Loss]:
        """Return (bodies, labels, learning rate) -> loss, which has updated the weights.

        The loss's tensors are good until the next call. Groups of parameters with rates of their
        own keep their ratio to the rate of the others.
        """

        def loss_with_add_ons(bodies: Bodies, labels: Tensor) -> Loss:
            return model.loss(bodies, labels, add_ons)

        loss_of = loss_with_add_ons if len(add_ons) else model.loss
        call = self._compiled(loss_of, graphs=self.cuda_graphs)
        base = optimizer.defaults["lr"]
        ratios = [group["lr"] / base if base else 1.0 for group in optimizer.param_groups]

        def step(bodies: Bodies, labels: Tensor, rate: float) -> Loss:
            # Before the forward pass: the last gradients lie in memory that a graph's next replay
            # writes to.
            optimizer.zero_grad(set_to_none=True)
            with self.precision():
                loss = call(bodies, labels)
            loss.total.backward()
            add_up_gradients(each for group in optimizer.param_groups for each in group["params"])
            for group, ratio in zip(optimizer.param_groups, ratios, strict=True):
                group["lr"] = ratio * rate
            optimizer.step()
            return loss

        return self._announced(step, "training step")

    def logits_of(self, model: nn.Module) -> Callable[[Bodies], Tensor]:
        """Return a trained network's bodies -> logits (N, K), float32, on the device.

        The network is put into evaluation mode.
        """
        model.to(self.device).eval()
        if self.device.type == "cpu" and not self.compiled and not self.half:
            return fastest_evaluation(model)
        # No graphs: a batch of test crops keeps a GPU busy for much longer than its launches take,
        # and nearly every batch has another number of bodies, each a graph to capture.
        call = self._compiled(model.forward, graphs=False)

        def logits(bodies: Bodies) -> Tensor:
            with self.precision():
                return call(bodies).float()

        return self._announced(logits, "evaluation")

    def evaluation(self, model: nn.Module) -> Callable[[], Callable[[Bodies], Tensor]]:
        """Return what gives ``logits_of`` between two epochs: compiled once, folded each time."""
        if not self.compiled:
            return partial(self.logits_of, model)
        logits = self.logits_of(model)

        def in_evaluation_mode() -> Callable[[Bodies], Tensor]:
            model.eval()
            return logits

        return in_evaluation_mode

    def _compiled(self, function: Callable, *, graphs: bool) -> Callable:
        """Compile once for any number of clips and bodies.

        With graphs, each number of bodies is captured the second time that it comes up. Statistics
        and the memory bank may change inside: they are the module's own, at fixed addresses.
        """
        if not self.compiled:
            return function
        options = {"triton.cudagraphs": graphs, **INDUCTOR}
        call = torch.compile(function, fullgraph=True, options=options)

        def run(bodies: Bodies, *more: Tensor) -> Any:
            if len(bodies.person_weights) == 1:
                # An epoch's last batch, maybe. Torch would compile for this number alone.
                return function(bodies, *more)
            if graphs:
                torch.compiler.cudagraph_mark_step_begin()
            mark_dynamic(bodies, more)
            return call(bodies, *more)

        return run

    def _announced(self, call: Callable, what: str) -> Callable:
        """Report what the first call of compiled code waits for; a step compiles two passes."""
        if not self.compiled:
            return call
        from torch._dynamo.exc import TorchDynamoException  # takes a second, for compiling alone

        started = False

        def run(*arguments: Any) -> Any:
            nonlocal started
            if started:
                return call(*arguments)
            print(
                f"Compiling the {what}; it takes minutes once, and seconds when it is found in the"
                " cache of torch (TORCHINDUCTOR_CACHE_DIR).",
                file=sys.stderr,
            )
            begin, before, started = time.monotonic(), compiled_graphs(), True
            try:
                result = call(*arguments)
            except TorchDynamoException as error:  # without a C compiler, for example
                found = str(error).strip().splitlines() or [type(error).__name__]
                raise ConfigError(
                    f"engine.compile: torch could not compile the {what} on this machine"
                    f" ({found[0]}); set engine.compile to false."
                ) from error
            found, anew = (now - then for now, then in zip(compiled_graphs(), before, strict=True))
            how = ", anew" if anew else ", found in the cache of torch" if found else ""
            seconds = time.monotonic() - begin
            print(f"Compiled the {what} in {seconds:.0f} s{how}.", file=sys.stderr)
            return result

        return run


def _keep_freed_memory() -> None:
    """Let glibc keep freed memory: features of the same sizes are asked for at every step.

    Given back, each of their pages would be faulted in and zeroed again, a tenth of a step.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:  # musl and others have none
        mallopt(_M_MMAP_THRESHOLD, _KEPT_BLOCKS)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
