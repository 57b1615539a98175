"""The graphs that networks start from, entry by entry as PYSKL's code builds them."""

import csv

import pytest
import torch

from protogcn.models.baselines.graphs import directed_graph, distance_graph
from tests.made.golden_network import GOLDEN


@pytest.mark.parametrize(("make", "file"), [(directed_graph, "stgcnpp"), (distance_graph, "stgcn")])
def test_graph_of_ntu_has_the_published_entries(ntu25, make, file):
    expected = torch.zeros(3, 25, 25)
    with (GOLDEN / f"graph_{file}.csv").open() as lines:
        for entry in csv.DictReader(lines):
            place = tuple(int(entry[axis]) for axis in ("subset", "row", "col"))
            expected[place] = float(entry["value"])
    torch.testing.assert_close(make(ntu25), expected, rtol=0, atol=1e-6)


def test_joint_takes_from_its_parent_and_equally_from_its_children(toy5):
    itself, from_parent, from_children = directed_graph(toy5)
    assert torch.equal(itself, torch.eye(5))
    assert from_parent[:, 2].tolist() == [0, 1, 0, 0, 0]  # the left hand hangs on the chest
    assert from_parent[:, 0].tolist() == [0] * 5  # the root has no parent
    assert from_children[:, 1].tolist() == [0, 0, 0.5, 0.5, 0]
    assert from_children[:, 0].tolist() == [0, 0.5, 0, 0, 0.5]


def test_nearer_the_root_is_told_apart_next_to_it_only(toy5):
    itself, no_nearer, nearer = distance_graph(toy5)
    assert itself.diagonal().tolist() == pytest.approx([1 / 3, 1 / 4, 1 / 2, 1 / 2, 1 / 2])
    assert nearer[:, 1].tolist() == pytest.approx([1 / 4, 0, 0, 0, 0])  # the chest from the root
    assert nearer[:, 2].tolist() == pytest.approx([0, 1 / 2, 0, 0, 0])
    assert no_nearer[:, 1].tolist() == pytest.approx([0, 0, 1 / 4, 1 / 4, 0])
    torch.testing.assert_close((itself + no_nearer + nearer).sum(0), torch.ones(5))
