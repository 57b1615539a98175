from dataclasses import replace

import pytest
import torch

from protogcn.batches.bodies import all_bodies
from protogcn.models.inspection import topologies
from protogcn.models.protogcn import ProtoGCN
from protogcn.models.trained import build_network
from tests.made.nano import nano_run
from tests.made.network_settings import network_settings


def small_network():
    """A network with prototypes whose relations are not zero, as after training."""
    torch.manual_seed(0)
    model = ProtoGCN(
        num_classes=4, num_joints=5, width=24, blocks=2, downsample=[2], prototypes=10
    ).eval()
    for block in model.blocks:
        torch.nn.init.constant_(block.spatial.alpha, 0.5)
        torch.nn.init.constant_(block.spatial.beta, 0.3)
        torch.nn.init.normal_(block.spatial.topology)
    return model


def test_matrices_are_channel_means_of_what_the_network_computes():
    model = small_network()
    clips = torch.randn(2, 2, 8, 5, 3, generator=torch.Generator().manual_seed(0))
    bodies = all_bodies(clips)
    kept = {}
    last = model.blocks[-1].spatial
    last.register_forward_hook(lambda module, inputs, outputs: kept.update(compared=outputs[1]))
    model.reconstruct.project.register_forward_pre_hook(
        lambda module, inputs: kept.update(rebuilt=inputs[0])
    )
    with torch.no_grad():
        model.loss(bodies, torch.tensor([0, 1]))
        relations = last.relations(kept["compared"]).unflatten(0, (2, 2)).mean(1)  # (N, C, V, V)
        static = last.topology.repeat_interleave(relations.shape[1] // 8, dim=0)  # (C, V, V)
    found = topologies(model, bodies)
    torch.testing.assert_close(found.relations, relations.mean(1))
    torch.testing.assert_close(found.learned, (relations + static).mean(1))
    torch.testing.assert_close(found.rebuilt.flatten(1), kept["rebuilt"].mean(-1))


def method_network(method):
    """A network whose relations are not zero, and two clips of two persons."""
    torch.manual_seed(0)
    run = replace(nano_run(), network=network_settings(method, width=8, blocks=2, downsample=[2]))
    model = build_network(run).eval()
    torch.nn.init.normal_(model.blocks[-1].spatial.graph)
    if method == "ctrgcn":
        torch.nn.init.constant_(model.blocks[-1].spatial.alpha, 0.5)
    bodies = all_bodies(torch.randn(2, 2, 16, 5, 3))
    return model, bodies._replace(positions=bodies.values)


def test_the_part_of_ctrgcn_that_follows_the_motion_is_what_its_graph_is_not():
    model, bodies = method_network("ctrgcn")
    found = topologies(model, bodies)
    static = model.blocks[-1].spatial.graph.mean(0)
    torch.testing.assert_close(found.learned, found.relations + static)
    assert (found.relations[0] - found.relations[1]).abs().max() > 1e-3
    assert found.rebuilt is None


def test_what_a_joint_takes_by_the_attention_of_infogcn_adds_up_to_one():
    found = topologies(*method_network("infogcn"))
    torch.testing.assert_close(found.relations.sum(1), torch.ones(2, 5))
    assert found.learned.std() > 0


@pytest.mark.parametrize("method", ["stgcn", "stgcnpp", "hdgcn", "blockgcn"])
def test_a_graph_that_is_alike_for_all_clips_has_givers_in_its_rows(method):
    model, bodies = method_network(method)
    with torch.no_grad():
        model.blocks[-1].spatial.graph[..., 0, 3] += 100  # rows take in HD-GCN, give in the others
    found = topologies(model, bodies)
    assert found.learned.shape == (2, 5, 5)
    assert found.relations is None
    torch.testing.assert_close(found.learned[0], found.learned[1])
    largest = divmod(int(found.learned[0].argmax()), 5)
    assert largest == ((3, 0) if method == "hdgcn" else (0, 3))
