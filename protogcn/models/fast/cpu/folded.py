"""A trained ProtoGCN for evaluation on the CPU: norms folded, nothing of training left.

With fixed statistics a norm is an affine map, which the linear map beside it takes up. The logits
are the network's own but for rounding. Bodies go through one at a time, so that their features stay
in the cache. Shapes: B bodies, C channels = S subsets x D features = 6 branches, O output channels,
T frames, V joints, K classes.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from protogcn.batches.bodies import Bodies
from protogcn.models.fast.cpu.temporal_parts import Convolutions, add_joint, largest
from protogcn.models.norms import Shortcut
from protogcn.models.protogcn import EncodingBlock, ProtoGCN

# Bytes of one body's features in the first block: from here on, passes over one body at a time cost
# less than calls of torch for the whole batch, which leave the cache between them.
FOLDED_FROM = 250_000


def fastest_evaluation(model: nn.Module) -> Callable[[Bodies], Tensor]:
    """Return what evaluates a trained network fastest on the CPU, bodies -> logits (N, K)."""
    if not isinstance(model, ProtoGCN):
        return model
    folded = FoldedProtoGCN(model)

    def logits_of(bodies: Bodies) -> Tensor:
        pays = folded.bytes_of_body(bodies.values) >= FOLDED_FROM
        return (folded if pays else model)(bodies)

    return logits_of


class FoldedProtoGCN(nn.Module):
    """Logits of a trained network, without gradients; its weights are copies."""

    def __init__(self, model: ProtoGCN):
        """Fold ``model``, which is left as it is."""
        super().__init__()
        self.width = model.blocks[0].spatial.expand.out_features
        self.input_scale, self.input_shift = _affine(model.input_norm)
        self.blocks = [_FoldedBlock(block) for block in model.blocks]
        self.weight = model.classify.weight.detach().clone()
        self.bias = model.classify.bias.detach().clone()

    @torch.no_grad()
    def forward(self, bodies: Bodies) -> Tensor:
        """Bodies of N clips -> logits (N, K)."""
        pooled = torch.stack([self._pooled(values) for values in bodies.values])  # (B, O)
        return F.linear(bodies.mean_over_persons(pooled), self.weight, self.bias)

    def bytes_of_body(self, values: Tensor) -> int:
        """(B, T, V, C) -> the size of one body's features in the first block."""
        return self.width * values.shape[1] * values.shape[2] * values.element_size()

    def _pooled(self, values: Tensor) -> Tensor:
        """One body (T, V, C) -> (O,), the mean over frames and joints."""
        features = torch.addcmul(self.input_shift, values.flatten(1), self.input_scale)
        features = features.view(values.shape).permute(2, 0, 1).contiguous()  # (C, T, V)
        for block in self.blocks:
            features = block(features)
        return features.mean((1, 2))


class _Map:
    """A linear map with its bias."""

    def __init__(self, weight: Tensor, bias: Tensor):
        self._weight = weight.detach().clone()
        self._bias = bias.detach().clone().unsqueeze(1)

    def __call__(self, features: Tensor) -> Tensor:
        """(C, T, V) -> (O, T, V)."""
        mapped = torch.mm(self._weight, features.flatten(1)).add_(self._bias)
        return mapped.unflatten(1, features.shape[1:])


class _FoldedBlock:
    """One encoding block, for one body."""

    def __init__(self, block: EncodingBlock):
        spatial, temporal = block.spatial, block.temporal
        self._stride = temporal.stride
        self._width = temporal.widths[0]
        self._topology = spatial.topology.detach().clone()
        self._alpha, self._beta = spatial.alpha[0].item(), spatial.beta[0].item()
        self._relate = _Map(spatial.relate.weight, spatial.relate.bias)
        self._expand = _folded(spatial.expand, spatial.expand_norm)
        self._merge = _folded(spatial.merge, spatial.merge_norm)
        self._spatial_shortcut = _folded_shortcut(spatial.shortcut)
        self._shortcut = _folded_shortcut(block.shortcut) if block.residual else None
        self._merge_branches = _folded(temporal.merge, temporal.norm)
        with torch.no_grad():
            self._fold_branches(block)

    def _fold_branches(self, block: EncodingBlock) -> None:
        """Fold the norm before the branches into ``reduce``, the one after them into each branch.

        The scale of the branch with the maximum is applied to its output: it may be negative, and
        a maximum of negated values is not the negated maximum.
        """
        temporal, width = block.temporal, self._width
        before, offset = _affine(temporal.reduce_norm)
        scale, shift = _affine(temporal.merge_norm)
        of_reduce = torch.cat([before, scale[-width:]])
        bias = temporal.reduce.bias * of_reduce
        bias[:-width] += offset
        self._reduce = _Map(temporal.reduce.weight * of_reduce.unsqueeze(1), bias)

        convolutions = temporal.dilated
        self._linear = linear = len(convolutions) * width
        self._kernels = [
            convolution.weight * part.view(-1, 1, 1, 1)
            for convolution, part in zip(convolutions, scale[:linear].split(width), strict=True)
        ]
        self._for_size: tuple[tuple[int, int], Convolutions | None] = ((0, 0), None)
        self._pool_scale = scale[linear:-width].view(-1, 1, 1)
        self._coefficients = temporal.mean_weight[: self._topology.shape[-1]].detach().clone()
        of_kernels = scale[:linear] * torch.cat([convolution.bias for convolution in convolutions])
        biases = shift.unsqueeze(1).repeat(1, len(self._coefficients))  # (C, V)
        biases[:linear] += torch.outer(of_kernels, 1 + self._coefficients)
        self._biases = biases.unsqueeze(1)  # (C, 1, V)
        self._mean = torch.full_like(self._coefficients, 1 / len(self._coefficients))

    def __call__(self, features: Tensor) -> Tensor:
        """(C, T, V) -> (O, T / stride, V)."""
        expanded = self._expand(features).relu_()
        mixed = torch.bmm(expanded, self._mixing(features.mean(1)), out=expanded.new_empty(0))
        merged = self._merge(mixed).add_(self._spatial_shortcut(features)).relu_()
        out = self._merge_branches(self._branches(merged))
        if self._shortcut is not None:
            out += self._shortcut(features[:, :: self._stride])
        return out.relu_()

    def _convolutions(self, num_frames: int, num_joints: int) -> Convolutions:
        """Return the dilated convolutions for bodies of this size; usually all have one."""
        if self._for_size[0] != (num_frames, num_joints):
            made = Convolutions(self._kernels, self._stride, num_frames, num_joints)
            self._for_size = ((num_frames, num_joints), made)
        return self._for_size[1]

    def _mixing(self, pooled: Tensor) -> Tensor:
        """Time mean (C, V) -> what joint v gives to joint w, (O, V, V)."""
        both = self._relate(pooled.unsqueeze(1)).squeeze(1)  # (2 O, V)
        source, target = both.unflatten(0, (2, len(self._topology), -1)).unbind(0)  # (S, D, V)
        intra = torch.softmax(source.transpose(1, 2) @ target, dim=1)  # (S, V, V)
        static = self._topology.add(intra, alpha=self._beta)
        inter = (source.unsqueeze(-1) - target.unsqueeze(-2)).tanh_()  # (S, D, V, V)
        return inter.mul_(self._alpha).add_(static.unsqueeze(1)).flatten(0, 1)

    def _branches(self, features: Tensor) -> Tensor:
        """(C, T, V) -> the six branches, activated, (C, T / stride, V)."""
        width, stride, linear = self._width, self._stride, self._linear
        reduced = self._reduce(features)
        joint = reduced.view(-1, reduced.shape[2]).mv(self._mean).view(reduced.shape[:2])  # (C, T)
        reduced[:-width].relu_()
        joint[:-width].relu_()

        out = reduced.new_empty(len(reduced), -(-reduced.shape[1] // stride), reduced.shape[2])
        summed = torch.empty_like(reduced[:linear])
        add_joint(reduced, joint, self._coefficients, summed)
        self._convolutions(*reduced.shape[1:]).forward(summed, out[:linear])
        pooled, pointwise = out[linear:].split(width)
        of_joint = largest(joint[linear:-width], stride)
        add_joint(largest(reduced[linear:-width], stride), of_joint, self._coefficients, pooled)
        pooled *= self._pool_scale
        add_joint(
            reduced[-width:, ::stride], joint[-width:, ::stride], self._coefficients, pointwise
        )
        return out.add_(self._biases).relu_()


def _affine(norm: nn.BatchNorm1d | nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Scale and shift (C,) of a norm with its running statistics."""
    scale = norm.weight.detach() * (norm.running_var + norm.eps).rsqrt()
    return scale, norm.bias.detach() - scale * norm.running_mean


def _folded(linear: nn.Linear, norm: nn.BatchNorm1d | nn.BatchNorm2d) -> _Map:
    scale, shift = _affine(norm)
    bias = torch.addcmul(shift, linear.bias.detach(), scale)
    return _Map(linear.weight * scale.unsqueeze(1), bias)


def _folded_shortcut(shortcut: Shortcut) -> nn.Module | _Map:
    return _folded(*shortcut) if len(shortcut) else nn.Identity()
