import pytest
import torch

from protogcn.batches.bodies import all_bodies
from protogcn.config.plan import expand
from protogcn.config.skeleton import Skeleton, built_in_skeletons
from protogcn.errors import ConfigError
from protogcn.models import build_model
from tests.made.config import repository_config
from tests.made.nano import SKELETON
from tests.made.network_settings import network_settings

SETTINGS = {
    "network": "protogcn",
    "width": 24,
    "blocks": 2,
    "downsample": [2],
    "subsets": 8,
    "prototypes": 6,
    "contrast_weight": 0.3,
}


def test_builds_the_network_of_the_settings():
    model = build_model(SETTINGS, SKELETON, num_classes=4, channels=2)
    assert len(model.blocks) == 2
    assert model.blocks[1].stride == 2
    assert model.reconstruct.assign.weight.shape == (6, 48)
    assert model.contrast.weight == 0.3
    assert model(all_bodies(torch.randn(3, 2, 8, 5, 2))).shape == (3, 4)


def test_same_seed_same_weights():
    states = []
    for _ in range(2):
        torch.manual_seed(7)
        states.append(build_model(SETTINGS, SKELETON, num_classes=4).state_dict())
    assert all(torch.equal(value, states[1][key]) for key, value in states[0].items())


def test_refuses_an_unknown_network():
    with pytest.raises(ConfigError, match=r"model\.network: found 'vgg', expected one of protogcn"):
        build_model(SETTINGS | {"network": "vgg"}, SKELETON, num_classes=4)


@pytest.mark.parametrize(
    ("network", "num_classes", "expected"),
    [
        ("stgcn", 60, 3_083_412 + 15_420),
        ("stgcn", 120, 3_114_252),
        ("stgcnpp", 120, 1_387_724 + 30_840),
        ("ctrgcn", 60, 1_431_252 + 15_420),
        ("ctrgcn", 120, 1_462_092),
    ],
)
def test_networks_have_the_published_sizes(network, num_classes, expected):
    size = network_settings(network, width=64, blocks=10, downsample=[5, 8])
    model = build_model(size, built_in_skeletons()["ntu25"], num_classes=num_classes)
    assert sum(parameter.numel() for parameter in model.parameters()) == expected
    assert model.blocks[9].spatial.norm.num_features == 256
    assert [block.stride for block in model.blocks] == [1, 1, 1, 1, 2, 1, 1, 2, 1, 1]


STICK = Skeleton.from_mapping(
    "stick", {"joints": ["a", "b", "c", "d", "e"], "parents": [0, 0, 1, 2, 3]}
)
LAYOUTS = {
    "UTD-MHAD": (expand(repository_config()).datasets["utd_mhad"].skeleton, 1),
    "stick": (STICK, 2),
    "COCO in 2-D": (built_in_skeletons()["coco20"], 2),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "network", ["ctrgcn", "skeletongcl", "infogcn", "hdgcn", "blockgcn", "stgcn", "stgcnpp"]
)
def test_networks_learn_on_other_joints(network, layout):
    """A step moves every parameter but those that have no effect in training."""
    skeleton, persons = LAYOUTS[layout]
    settings = network_settings(network, width=8, blocks=2, downsample=[2])
    model = build_model(settings, skeleton, num_classes=4, num_persons=persons).train()
    clips = torch.randn(3, persons, 8, skeleton.num_joints, 3)
    bodies = all_bodies(clips)._replace(positions=clips.flatten(0, 1))
    loss = model.loss(bodies, torch.tensor([0, 1, 3]))
    loss.total.backward()
    assert loss.logits.shape == (3, 4)
    assert torch.isfinite(loss.total)
    assert all(torch.isfinite(each.grad).all() for each in model.parameters())


def test_score_of_a_joint_in_an_image_is_no_coordinate_of_its_topology():
    skeleton = built_in_skeletons()["coco20"]
    settings = network_settings("blockgcn", width=8, blocks=1, downsample=[])
    model = build_model(settings, skeleton, num_classes=4).eval()
    clips = torch.randn(3, 2, 8, 20, 3)
    bodies = all_bodies(clips)._replace(positions=clips.flatten(0, 1))
    other = bodies._replace(positions=bodies.positions * torch.tensor([1, 1, 0]))
    assert torch.equal(model(bodies), model(other))
    assert not torch.equal(model(bodies), model(bodies._replace(positions=other.values.square())))


def test_ctrgcn_starts_as_its_shortcuts_without_refinement():
    size = network_settings("ctrgcn", width=8, blocks=2, downsample=[])
    model = build_model(size, SKELETON, num_classes=4)
    for block in model.blocks:
        assert block.spatial.alpha.tolist() == [0]
        assert block.spatial.norm.weight.tolist() == pytest.approx([1e-6] * 8)
    mapped = model.blocks[1].spatial.expand.weight  # 3 subsets of 8 channels, fan out 8
    assert mapped.std().item() == pytest.approx((2 / 8) ** 0.5, rel=0.25)
