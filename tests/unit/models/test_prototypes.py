import torch
import torch.nn.functional as F

from protogcn.models.prototypes import PrototypeReconstruction


def test_weights_of_the_prototypes_sum_to_one():
    weights = PrototypeReconstruction(8, 5).assignments(torch.randn(3, 7, 8))
    assert weights.shape == (3, 7, 5)
    torch.testing.assert_close(weights.sum(-1), torch.ones(3, 7))


def test_equals_one_pair_of_joints_at_a_time():
    network = PrototypeReconstruction(8, 5, dropout=0.0).eval().double()
    relations = torch.randn(2, 8, 3, 3, dtype=torch.float64)
    found = network(relations)
    assert found.shape == (2, 9)
    for clip in range(2):
        for source in range(3):
            for target in range(3):
                scores = network.assign.weight @ relations[clip, :, source, target]
                rebuilt = network.prototypes.weight @ torch.exp(scores) / torch.exp(scores).sum()
                mapped = network.project.weight @ rebuilt + network.project.bias
                kept = F.relu(mapped / (1 + 1e-5) ** 0.5).mean()
                torch.testing.assert_close(found[clip, 3 * source + target], kept)


def test_dropout_acts_in_training_only():
    network = PrototypeReconstruction(8, 5, dropout=0.5)
    relations = torch.randn(2, 8, 3, 3)
    assert not torch.equal(network(relations), network(relations))
    network.eval()
    assert torch.equal(network(relations), network(relations))
