import pytest
import torch

from protogcn.errors import ConfigError
from protogcn.models import build_model

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
    model = build_model(SETTINGS, num_joints=5, num_classes=4, channels=2)
    assert len(model.blocks) == 2
    assert model.blocks[1].stride == 2
    assert model.reconstruct.assign.weight.shape == (6, 48)
    assert model.contrast_weight == 0.3
    assert model(torch.randn(3, 2, 8, 5, 2)).shape == (3, 4)


def test_same_seed_same_weights():
    states = []
    for _ in range(2):
        torch.manual_seed(7)
        states.append(build_model(SETTINGS, num_joints=5, num_classes=4).state_dict())
    assert all(torch.equal(value, states[1][key]) for key, value in states[0].items())


def test_refuses_an_unknown_network():
    with pytest.raises(ConfigError, match=r"model\.network: vgg is not known"):
        build_model(SETTINGS | {"network": "vgg"}, num_joints=5, num_classes=4)
