"""Compiled code against eager code in float64: training steps and evaluations of each network."""

import copy
import shutil

import numpy as np
import pytest
import torch

from benchmarks.gpu.topology_kernel import mix_eager
from protogcn.batches.bodies import pack_bodies
from protogcn.models import build_model
from protogcn.models.compiling import INDUCTOR
from protogcn.models.fast.gpu import topology
from protogcn.models.topology import MotionTopology
from tests.made.nano import NETWORK, SKELETON
from tests.unit.models.test_networks_on_bodies import NETWORKS, make_clips, make_model, with_seed


def make_protogcn(spatial):
    torch.manual_seed(3)
    model = build_model(NETWORK, SKELETON, num_classes=4, spatial=spatial)
    for value in model.parameters():
        torch.nn.init.normal_(value, std=0.3)
    model.reconstruct.dropout.p = 0.0
    return model.double()


def compare(eager, **how):
    """Compare what eager and compiled code give: loss, gradients, running statistics, logits."""
    other = copy.deepcopy(eager)
    clips, labels = make_clips([2, 1, 1, 1])
    bodies = pack_bodies(clips, np.array([2, 1, 1, 1]), multiple=4)
    torch._dynamo.reset()
    compiled = torch.compile(other.loss, fullgraph=True, **how)
    other.train()
    expected = with_seed(eager.train().loss, bodies, labels)
    found = with_seed(compiled, bodies, labels)
    torch.testing.assert_close(found.total, expected.total)
    expected.total.backward()
    found.total.backward()
    for name, value in eager.named_parameters():
        gradient = other.get_parameter(name).grad
        torch.testing.assert_close(gradient, value.grad, atol=1e-8, rtol=1e-6, msg=name)
    for name, value in eager.named_buffers():
        if not name.endswith("num_batches_tracked"):
            torch.testing.assert_close(other.get_buffer(name), value, msg=name)
    logits = torch.compile(other.eval().forward, fullgraph=True, **how)
    with torch.no_grad():
        torch.testing.assert_close(logits(bodies), eager.eval()(bodies))


@pytest.mark.long
@pytest.mark.parametrize("network", NETWORKS)
def test_a_compiled_network_gives_what_eager_code_gives(network):
    compare(make_model(network), backend="aot_eager")


@pytest.mark.long
def test_compiled_code_around_the_mixing_kernel_gives_what_eager_code_gives(monkeypatch):
    monkeypatch.setattr(topology, "mix", lambda inputs, precision: mix_eager(inputs))
    compare(make_protogcn(topology.KernelTopology), backend="aot_eager")


@pytest.mark.long
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch compiles with g++, which is missing")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, of torch.jit
def test_the_code_that_torch_writes_gives_what_eager_code_gives(monkeypatch, tmp_path):
    """Only here layouts are the compiler's own: a wrong one is a wrong gradient."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    compare(make_protogcn(MotionTopology), options=dict(INDUCTOR))
