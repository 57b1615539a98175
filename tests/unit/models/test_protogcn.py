import io

import pytest
import torch

from protogcn.batches.bodies import all_bodies
from protogcn.errors import ConfigError
from protogcn.models.protogcn import ProtoGCN

# task, joints, classes, prototypes: all parameters, those needed at test time
SIZES = [
    ("ntu60 j", 25, 60, 400, 4_344_860, 3_728_796),
    ("ntu60 b", 25, 60, 100, 4_114_460, 3_728_796),
    ("ntu120 j", 25, 120, 400, 4_367_960, 3_751_896),
    ("ntu120 b", 25, 120, 100, 4_137_560, 3_751_896),
    ("kinetics j", 20, 400, 400, 4_400_130, 3_841_666),
    ("kinetics b", 20, 400, 100, 4_169_730, 3_841_666),
    ("finegym j", 20, 99, 400, 4_284_245, 3_725_781),
    ("finegym b", 20, 99, 100, 4_053_845, 3_725_781),
]


def small_model(*, num_joints=5, channels=3, dropout=0.1):
    model = ProtoGCN(
        num_classes=4,
        num_joints=num_joints,
        channels=channels,
        width=24,
        blocks=3,
        downsample=(3,),
        prototypes=6,
        contrast_features=8,
        dropout=dropout,
    )
    with torch.no_grad():
        for block in model.blocks:
            block.spatial.alpha.fill_(0.5)
            block.spatial.beta.fill_(0.5)
            block.temporal.mean_weight.fill_(0.2)
    return model


def random_clips(num_clips=3, frames=9, joints=5, channels=3):
    return torch.randn(num_clips, 2, frames, joints, channels)


def random_bodies(*size):
    return all_bodies(random_clips(*size))


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("num_joints", "num_classes", "num_prototypes", "total", "at_test_time"),
    [size[1:] for size in SIZES],
    ids=[size[0] for size in SIZES],
)
def test_has_the_released_number_of_parameters(
    num_joints, num_classes, num_prototypes, total, at_test_time
):
    with torch.device("meta"):
        model = ProtoGCN(num_classes=num_classes, num_joints=num_joints, prototypes=num_prototypes)
    assert count(model) == total
    assert total - count(model.reconstruct) - count(model.contrast) == at_test_time


def test_blocks_start_from_one_topology_and_no_relations():
    model = ProtoGCN(num_classes=4, num_joints=5, width=24, blocks=3, downsample=())
    first = model.blocks[0].spatial.topology
    assert first.mean().item() == pytest.approx(0.04, abs=0.01)
    assert first.std().item() == pytest.approx(0.02, abs=0.01)
    for block in model.blocks:
        assert torch.equal(block.spatial.topology, first)
        assert not block.spatial.alpha.any()
        assert not block.spatial.beta.any()
        assert not block.temporal.mean_weight.any()


def test_evaluation_leaves_out_prototypes_and_contrast():
    model = small_model().eval()
    bodies = random_bodies()
    expected = model(bodies)
    model.reconstruct = model.contrast = None
    assert torch.equal(model(bodies), expected)


def test_order_of_clips_does_not_matter():
    model = small_model().eval()
    clips = random_clips()
    order = torch.tensor([2, 0, 1])
    found = model(all_bodies(clips[order]))
    torch.testing.assert_close(found, model(all_bodies(clips))[order])


def test_order_of_persons_does_not_matter():
    model = small_model().eval()
    clips = random_clips()
    torch.testing.assert_close(model(all_bodies(clips.flip(1))), model(all_bodies(clips)))


@pytest.mark.parametrize(("joints", "channels", "frames"), [(5, 2, 8), (30, 3, 1)])
def test_takes_other_skeletons_channels_and_lengths(joints, channels, frames):
    model = small_model(num_joints=joints, channels=channels)
    loss = model.loss(random_bodies(3, frames, joints, channels), torch.tensor([0, 1, 2]))
    assert loss.logits.shape == (3, 4)


def test_loss_is_cross_entropy_plus_weighted_contrast():
    loss = small_model().loss(random_bodies(), torch.tensor([0, 1, 2]))
    parts = loss.parts
    expected = parts["cross_entropy"] + 0.2 * parts["contrast"]
    torch.testing.assert_close(loss.total.detach(), expected)
    assert not loss.logits.requires_grad


def test_every_parameter_learns():
    model = small_model()
    model.loss(random_bodies(), torch.tensor([0, 1, 2])).total.backward()
    assert [name for name, value in model.named_parameters() if value.grad is None] == []


def test_memory_bank_moves_in_training_mode_only():
    model = small_model()
    bodies = random_bodies()
    labels = model.loss(bodies, torch.tensor([0, 1, 2])).logits.argmax(dim=1)
    before = model.contrast.bank.clone()
    model.eval().loss(bodies, model(bodies).argmax(dim=1))
    assert torch.equal(model.contrast.bank, before)
    model.train().loss(bodies, labels)
    assert not torch.equal(model.contrast.bank, before)


def test_memory_bank_survives_saving_and_loading():
    model, other = small_model(), small_model()
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    other.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(other.contrast.bank, model.contrast.bank)


def test_autocast_keeps_scores_losses_and_bank_in_float32():
    model = small_model()
    bodies, labels = random_bodies(), torch.tensor([0, 1, 2])
    expected = model.loss(bodies, labels).logits
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = model.loss(bodies, labels)
    loss.total.backward()
    assert loss.logits.dtype == loss.total.dtype == model.contrast.bank.dtype == torch.float32
    assert (loss.logits - expected).norm() < 0.05 * expected.norm()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"width": 100}, "width is 100, but 6 branches and 8 subsets need a multiple of 24"),
        ({"width": 0}, "width is 0"),
        ({"subsets": 5}, "width is 96, but 6 branches and 5 subsets need a multiple of 30"),
        ({"downsample": (1, 5)}, "downsample has 1, but only blocks 2 to 10"),
        ({"blocks": 5, "downsample": (5, 8)}, "downsample has 8, but only blocks 2 to 5"),
    ],
)
def test_refuses_what_it_cannot_build(settings, message):
    with pytest.raises(ConfigError, match=message):
        ProtoGCN(num_classes=4, num_joints=5, **settings)
