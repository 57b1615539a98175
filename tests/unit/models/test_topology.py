import torch
import torch.nn.functional as F

from protogcn.models.topology import MotionTopology


def make_topology(in_channels=6, out_channels=8, *, alpha=0.5, beta=0.7):
    spatial = MotionTopology(in_channels, out_channels, topology=torch.randn(4, 5, 5)).double()
    torch.nn.init.constant_(spatial.alpha, alpha)
    torch.nn.init.constant_(spatial.beta, beta)
    return spatial


def relations_of(spatial, features):
    return spatial.relations(spatial.compare(features.mean(1)))


def test_relations_start_at_zero():
    relations = relations_of(make_topology(alpha=0, beta=0), torch.randn(2, 7, 5, 6).double())
    assert relations.shape == (2, 8, 5, 5)
    assert not relations.any()


def test_intra_weights_of_the_sources_sum_to_one():
    relations = relations_of(make_topology(alpha=0, beta=1), torch.randn(2, 7, 5, 6).double())
    torch.testing.assert_close(relations.sum(dim=2), torch.ones(2, 8, 5).double())
    assert torch.equal(relations[:, 0], relations[:, 1])  # one weight for a subset's channels
    assert not torch.equal(relations[:, 0], relations[:, 2])


def test_relations_equal_maps_of_each_frame():
    spatial = make_topology()
    features = torch.randn(2, 7, 5, 6, dtype=torch.float64)
    maps = spatial.relate(features).mean(1)  # (N, V, 2 * C): the mean behind the maps
    source = maps[..., :8].reshape(2, 5, 4, 2)
    target = maps[..., 8:].reshape(2, 5, 4, 2)
    similarity = torch.einsum("nvsd,nwsd->nsvw", source, target)
    intra = 0.7 * F.softmax(similarity, dim=2)
    found = relations_of(spatial, features).unflatten(1, (4, 2))
    for joint in range(5):
        for other in range(5):
            inter = 0.5 * torch.tanh(source[:, joint] - target[:, other])
            expected = inter + intra[:, :, joint, other].unsqueeze(-1)
            torch.testing.assert_close(found[..., joint, other], expected)


def test_joints_are_mixed_along_topology_and_relations():
    spatial = make_topology(in_channels=8).eval()
    features = torch.randn(2, 7, 5, 8, dtype=torch.float64)
    found, compared = spatial(features)
    relations = spatial.relations(compared)
    norm = (1 + 1e-5) ** 0.5
    expanded = F.relu(F.linear(features, spatial.expand.weight, spatial.expand.bias) / norm)
    edges = relations + spatial.topology.repeat_interleave(2, dim=0)
    mixed = torch.einsum("ntvc,ncvw->ntwc", expanded, edges)
    merged = F.linear(mixed, spatial.merge.weight, spatial.merge.bias) / norm
    torch.testing.assert_close(found, merged + features)  # the activation is the next part's


def test_gradients_are_right():
    spatial = make_topology()
    features = torch.randn(2, 3, 5, 6, dtype=torch.float64, requires_grad=True)

    def flat(values):
        mixed, compared = spatial(values)
        return mixed, *compared

    assert torch.autograd.gradcheck(flat, (features,))
