import random

import pytest
import torch

from benchmarks.measure import Row
from benchmarks.published import full_memory, plain_loss, rows, step_view
from benchmarks.yardstick.persistence import plain_deaths
from protogcn.models.baselines.mean_pose import deaths_of


def both_losses(negatives):
    torch.manual_seed(0)
    contrast = full_memory(300, positives=4, negatives=negatives)
    step = step_view(contrast, 8)
    return (
        step.relations,
        lambda: contrast(step),
        lambda: plain_loss(contrast, step, random.Random(0)),
    )


def test_loop_over_clips_gives_the_loss_of_the_add_on():
    # All 295 clips of other classes are negatives: the random ones are the same whoever draws.
    relations, *calls = both_losses(negatives=295)
    losses, gradients = [], []
    for call in calls:
        losses.append(call())
        gradients.extend(torch.autograd.grad(losses[-1], relations))
    assert losses[0].item() == pytest.approx(losses[1].item(), rel=1e-6)
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-7)


def test_loop_over_clips_leaves_out_who_has_too_few_negatives():
    _, fast, plain = both_losses(negatives=296)
    assert fast().item() == plain().item() == 0


def test_joining_parts_edge_by_edge_gives_the_batched_persistence():
    poses = torch.randn(6, 20, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.testing.assert_close(plain_deaths(poses), deaths_of(poses)[0])


def test_points_on_a_line_join_at_their_gaps():
    pose = torch.tensor([[[0.0], [1.0], [3.0]]])
    # Rows of distances (0 1 3), (1 0 2), (3 2 0): sqrt(3), then sqrt(12) apart.
    torch.testing.assert_close(plain_deaths(pose), torch.tensor([[3.0, 12.0]]).sqrt())


def test_rows_are_ratios_with_controls_and_seconds():
    found = rows(num_clips=700, rounds=1)
    assert all(isinstance(row, Row) and row.median > 0 for row in found)
    assert [row.unit for row in found] == ["x", "x", "x", "x", "s", "s"]
