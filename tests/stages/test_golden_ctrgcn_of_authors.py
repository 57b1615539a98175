"""Every number that the authors' CTR-GCN gives for fixed weights, in float64."""

import json

import numpy as np
import pytest
import torch

from protogcn.batches.bodies import all_bodies
from tests.made.golden_authors import authors_ctrgcn
from tests.made.golden_network import GOLDEN, golden_clips

EXPECTED = json.loads((GOLDEN / "skeletongcl.json").read_text())["scaled"]


@pytest.fixture(scope="module")
def model():
    return authors_ctrgcn("skeletongcl", EXPECTED["scale"]).eval()


@pytest.fixture(scope="module")
def blocks(model):
    """Return the logits, the output of each block and the relations of the last one."""
    bodies = all_bodies(golden_clips(25).float().double())  # as the authors ran it
    with torch.no_grad():
        features = model._features(bodies, range(11))
        relations = bodies.mean_over_persons(model.blocks[-1].spatial.relations(features[9]))
        return model(bodies), features, relations


def test_size(model):
    assert sum(parameter.numel() for parameter in model.parameters()) == 1_446_672


def test_logits(blocks):
    np.testing.assert_allclose(blocks[0], EXPECTED["logits"], rtol=1e-10, atol=1e-12)


def test_features_of_each_block(blocks):
    for number, expected in EXPECTED["block_sum_l2"].items():
        features = blocks[1][int(number)]
        found = [features.sum().item(), features.norm().item()]
        np.testing.assert_allclose(found, expected, rtol=1e-11)


def test_relations_of_the_last_block(blocks):
    relations = blocks[2]
    assert list(relations.shape) == EXPECTED["graph_shape"]
    np.testing.assert_allclose(relations.sum(1), EXPECTED["graph_sum"], rtol=1e-10)
    np.testing.assert_allclose(relations.norm(dim=1), EXPECTED["graph_l2"], rtol=1e-10)
    np.testing.assert_allclose(relations[:, :6], EXPECTED["graph_first6"], rtol=1e-10)
    sums = relations.unflatten(1, (3, -1)).sum(2)
    np.testing.assert_allclose(sums, EXPECTED["graph_subset_sums"], rtol=1e-10)
