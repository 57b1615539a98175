import pytest
import torch

from benchmarks.gpu.topology_kernel import mix_eager
from protogcn.models import build_model
from protogcn.models.fast.gpu import topology as module
from protogcn.models.fast.gpu.topology import KernelTopology
from protogcn.models.topology import MotionTopology
from tests.made.nano import NETWORK, SKELETON


def part(kind):
    torch.manual_seed(0)
    made = kind(3, 8, topology=torch.randn(2, 5, 5)).double()
    with torch.no_grad():
        made.alpha.fill_(0.5)
        made.beta.fill_(0.3)
    return made


@pytest.mark.parametrize("is_training", [True, False])
def test_computes_what_the_plain_part_does(monkeypatch, is_training):
    """With the kernel's function in torch's operations: the kernel itself needs a GPU."""
    monkeypatch.setattr(module, "mix", lambda inputs, precision: mix_eager(inputs))
    features, multiplicity = torch.randn(4, 6, 5, 3).double(), torch.tensor([1.0, 3, 1, 1]).double()
    kernel, plain = (part(kind).train(is_training) for kind in (KernelTopology, MotionTopology))
    found, expected = kernel(features, multiplicity), plain(features, multiplicity)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(kernel.state_dict(), plain.state_dict())


def test_a_network_is_built_of_it():
    model = build_model(NETWORK, SKELETON, num_classes=4, spatial=KernelTopology)
    assert all(type(block.spatial) is KernelTopology for block in model.blocks)
