"""Maximum over three frames for compiled code.

Torch's own adds its gradients up in float32 memory that is set to zero before. Here each frame
collects what the windows it is in owe it. Shapes: B rows, T frames, V joints, C channels.
"""

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import FunctionCtx, once_differentiable

from protogcn.models.compiled_sums import stored


class MaxOfThreeFrames(Function):
    """(B, T, V, C), stride -> (B, ceil(T / stride), V, C): as ``max_pool2d`` with padding 1."""

    @staticmethod
    def forward(ctx: FunctionCtx, features: Tensor, stride: int) -> Tensor:
        """Take the largest value of each window; of equal ones the first has the gradient."""
        frames = features.shape[1]
        padded = F.pad(features, (0, 0, 0, 0, 1, 1), value=-torch.inf)  # (B, T + 2, V, C)
        first, middle, last = (padded[:, begin : begin + frames : stride] for begin in range(3))
        is_first = (first >= middle) & (first >= last)
        taken = torch.where(is_first, 0, torch.where(middle >= last, 1, 2))
        ctx.save_for_backward(taken.to(torch.int8))
        ctx.frames, ctx.stride = frames, stride
        return torch.maximum(torch.maximum(first, middle), last)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor, None]:
        """Return the gradient of the features."""
        (taken,) = ctx.saved_tensors
        phases = []
        for phase in range(ctx.stride):  # of a frame in its stride
            total = torch.zeros_like(gradient)
            for offset in (-1, 0, 1):  # of a frame from the middle of a window
                if offset % ctx.stride == phase:
                    owed = torch.where(taken == offset + 1, gradient, 0)
                    total = total + _moved(owed, offset // ctx.stride)
            phases.append(total)
        return stored(torch.stack(phases, dim=2).flatten(1, 2)[:, : ctx.frames]), None


def _moved(windows: Tensor, places: int) -> Tensor:
    """Move windows (B, W, V, C) by -1, 0 or 1 places."""
    if places < 0:
        return F.pad(windows[:, 1:], (0, 0, 0, 0, 0, 1))
    return F.pad(windows[:, :-1], (0, 0, 0, 0, 1, 0)) if places else windows
