"""One encoding block of ProtoGCN in training, from the fused passes.

Shapes: B bodies, C channels = S subsets x D features, T frames, V joints.
"""

import torch
from torch import Tensor, nn

from protogcn.models.fast.cpu.branches import NormBranches
from protogcn.models.fast.cpu.linear import Expand, NormAct, NormActLinear
from protogcn.models.fast.cpu.norm import Moments, batch_statistics
from protogcn.models.fast.cpu.topology import NormMixLinear
from protogcn.models.topology import MotionRelations


def train_block(
    block: nn.Module, features: Tensor, multiplicity: Tensor
) -> tuple[Tensor, MotionRelations]:
    """Compute what ``EncodingBlock`` computes in training mode.

    Args:
        block: the module, whose parameters and running statistics are used.
        features: (B, C, T, V), channels first.
        multiplicity: (B,) how many bodies each row stands for.

    Returns:
        (B, O, T / stride, V), and what the relations between joints are made of.
    """
    spatial, temporal = block.spatial, block.temporal
    frames, joints = features.shape[2:]
    num_values = frames * joints

    expand = spatial.expand
    expanded, *moments, pooled = Expand.apply(features, expand.weight, expand.bias)
    compared = spatial.compare(pooled.transpose(1, 2))
    norm = spatial.expand_norm
    merged, *moments = NormMixLinear.apply(
        expanded,
        norm.weight,
        norm.bias,
        compared.source.flatten(1, 2),
        compared.target.flatten(1, 2),
        spatial.topology + compared.intra,
        spatial.alpha[0],
        spatial.merge.weight,
        spatial.merge.bias,
        batch_statistics(norm, Moments(*moments), multiplicity, num_values, expand.bias),
    )
    norm, reduce = spatial.merge_norm, temporal.reduce
    reduced, *moments, mean_joint = NormActLinear.apply(
        merged,
        _shortcut(spatial.shortcut, features, multiplicity),
        norm.weight,
        norm.bias,
        reduce.weight,
        reduce.bias,
        batch_statistics(norm, Moments(*moments), multiplicity, num_values, spatial.merge.bias),
        True,
    )

    norm = temporal.reduce_norm
    normed = len(norm.weight)
    of_reduced = Moments(*(moment[:, :normed] for moment in moments))
    num_values = frames * (joints + 1)
    biases = [convolution.bias for convolution in temporal.dilated]
    pooled_bias = reduce.bias.new_zeros(temporal.branch_channels)
    scales, *moments = NormBranches.apply(
        reduced,
        mean_joint,
        norm.weight,
        norm.bias,
        torch.cat([*biases, pooled_bias, reduce.bias[normed:]]),
        temporal.mean_weight[:joints],
        temporal.stride,
        batch_statistics(norm, of_reduced, multiplicity, num_values, reduce.bias[:normed]),
        *(convolution.weight for convolution in temporal.dilated),
    )

    norm, merge = temporal.merge_norm, temporal.merge
    num_values = scales.shape[2] * joints
    no_bias = torch.zeros_like(merge.bias)
    merged, *moments, _ = NormActLinear.apply(
        scales,
        None,
        norm.weight,
        norm.bias,
        merge.weight,
        merge.bias,
        batch_statistics(norm, Moments(*moments), multiplicity, num_values, no_bias),
        False,
    )
    norm = temporal.norm
    statistics = batch_statistics(norm, Moments(*moments), multiplicity, num_values, merge.bias)
    shortcut = None
    if block.residual:
        shortcut = _shortcut(block.shortcut, features[:, :, :: block.stride], multiplicity)
    return NormAct.apply(merged, shortcut, norm.weight, norm.bias, statistics, True), compared


def _shortcut(shortcut: nn.Module, features: Tensor, multiplicity: Tensor) -> Tensor:
    """(B, C, T, V) -> (B, O, T, V)."""
    if isinstance(shortcut, nn.Identity):
        return features
    linear, norm = shortcut
    mapped, *moments, _ = Expand.apply(features, linear.weight, linear.bias)
    num_values = features.shape[2] * features.shape[3]
    statistics = batch_statistics(norm, Moments(*moments), multiplicity, num_values, linear.bias)
    return NormAct.apply(mapped, None, norm.weight, norm.bias, statistics, False)
