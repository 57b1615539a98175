"""The fast network computes what the plain one does, whichever bodies are empty."""

import pytest
import torch

from benchmarks.yardstick.pairs import (
    assert_equal_evaluation,
    assert_equal_step,
    close,
    fast_loss,
    make_clips,
    make_labels,
    make_pair,
    packed,
)
from protogcn.models.fast.cpu.folded import FoldedProtoGCN

# For each clip, which of its two bodies is real.
BODIES = {
    "no body is empty": [(True, True)] * 3,
    "one is": [(True, True), (True, False), (True, True)],
    "several are": [(True, False), (True, True), (True, False), (True, True), (True, False)],
    "all second ones are": [(True, False)] * 4,
    "first ones are": [(False, True), (True, True), (False, True)],
    "a clip has none": [(True, True), (False, False), (True, False)],
    "none is real": [(False, False)] * 2,
    "a batch of one clip": [(True, False)],
}


@pytest.mark.parametrize("num_joints", [25, 20])
@pytest.mark.parametrize("bodies", BODIES.values(), ids=BODIES)
def test_training_step(bodies, num_joints):
    pair = make_pair(num_joints=num_joints)
    clips = make_clips(bodies, num_joints=num_joints)
    assert_equal_step(pair, clips, make_labels(pair, clips))


@pytest.mark.parametrize("num_joints", [25, 20])
@pytest.mark.parametrize("bodies", BODIES.values(), ids=BODIES)
def test_evaluation(bodies, num_joints):
    pair = make_pair(num_joints=num_joints)
    clips = make_clips(bodies, num_joints=num_joints)
    assert_equal_evaluation(pair, clips, make_labels(pair, clips))
    folded = FoldedProtoGCN(pair.fast)(packed(clips))
    close("folded logits", folded, pair.plain(clips), 1e-10)


def test_second_step_and_the_evaluation_after_it():
    """Statistics and memory that the first step left behind are used alike."""
    pair = make_pair()
    for seed in (1, 2):
        clips = make_clips(BODIES["several are"], seed=seed)
        assert_equal_step(pair, clips, make_labels(pair, clips))
    assert_equal_evaluation(pair, clips, make_labels(pair, clips))


@pytest.mark.parametrize(("blocks", "downsample"), [(1, ()), (3, (2, 3))])
@pytest.mark.parametrize("num_frames", [7, 16])
def test_other_depths_and_odd_lengths(blocks, downsample, num_frames):
    pair = make_pair(blocks=blocks, downsample=downsample)
    clips = make_clips(BODIES["several are"], num_frames=num_frames)
    assert_equal_step(pair, clips, make_labels(pair, clips))
    assert_equal_evaluation(pair, clips, make_labels(pair, clips))


def test_labels_hit_and_miss():
    """So that the memory moves, and not for all classes and clips."""
    pair = make_pair()
    clips = make_clips(BODIES["several are"])
    labels = make_labels(pair, clips)
    before = pair.fast.contrast.bank.clone()
    loss = fast_loss(pair.fast.train(), clips, labels)
    assert (loss.logits.argmax(1) == labels).tolist() == [True] * 4 + [False]
    moved = (pair.fast.contrast.bank != before).any(1).nonzero().flatten()
    assert moved.tolist() == sorted(set(labels[:-1].tolist()))


@pytest.mark.parametrize(
    "name", ["blocks.0.spatial.alpha", "blocks.3.temporal.mean_weight", "reconstruct.assign.weight"]
)
def test_a_difference_in_one_number_is_found(name):
    pair = make_pair()
    clips = make_clips(BODIES["one is"])
    labels = make_labels(pair, clips)
    with torch.no_grad():
        pair.fast.get_parameter(name).view(-1)[0] += 1e-6
    with pytest.raises(AssertionError, match="not close"):
        assert_equal_step(pair, clips, labels)
