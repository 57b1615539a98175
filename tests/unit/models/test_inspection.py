import torch

from protogcn.batches.bodies import all_bodies
from protogcn.models.inspection import topologies
from protogcn.models.protogcn import ProtoGCN


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
