"""What a step must at least do, against counts of torch and by hand."""

import pytest
import torch

from benchmarks.gpu.floors import PASSES, Block, blocks_of, moved_in, num_moved, step_floor, table
from protogcn.batches.bodies import all_bodies
from protogcn.models.protogcn import ProtoGCN
from tests.made.counting import count_flop

NETWORK = {"width": 48, "blocks": 3, "downsample": (3,), "prototypes": 30}


def test_operations_are_those_that_torch_counts():
    """But for the sums over joints of the first block's gradient, the head and the contrast."""
    model = ProtoGCN(num_classes=5, num_joints=25, **NETWORK)
    bodies, labels = all_bodies(torch.randn(3, 2, 20, 25, 3)), torch.zeros(3, dtype=torch.int64)
    counted = count_flop(lambda: model.loss(bodies, labels).total.backward())
    sizes = {"frames": 20, "joints": 25, "rows": 6, "clips": 3, "bytes_per_number": 4}
    floor = step_floor(NETWORK, **sizes)
    assert floor.half_flop + floor.single_flop == pytest.approx(counted, rel=0.03)


def test_blocks_of_the_full_network():
    network = {"width": 96, "blocks": 10, "downsample": (5, 8), "prototypes": 400}
    shapes = [
        (block.in_channels, block.channels, block.frames) for block in blocks_of(network, 100)
    ]
    assert shapes[:2] == [(3, 96, 100), (96, 96, 100)]
    assert shapes[4:6] == [(96, 192, 100), (192, 192, 50)]
    assert shapes[-1] == (384, 384, 25)


def test_numbers_that_a_plain_block_moves():
    """46 tensors of C x T x V, and 4 + 1 that have one joint more."""
    block = Block(in_channels=8, channels=8, frames=10, stride=1, residual=True)
    reduced = sum((*each.reads, *each.writes).count("reduced") for each in PASSES)
    reduced += sum((*each.reads, *each.writes).count("d reduced") for each in PASSES)
    others = sum(len(each.reads) + len(each.writes) for each in PASSES) - reduced
    assert num_moved(block, 25) == 8 * 10 * (others * 25 + reduced * 26)


def test_first_block_reads_nothing_for_a_shortcut_it_has_not():
    with_one, without = (Block(8, 8, 10, 1, residual=residual) for residual in (True, False))
    last = next(each for each in PASSES if each.name == "norm, shortcut")
    assert moved_in(last, with_one, 25) - moved_in(last, without, 25) == 8 * 10 * 25


def test_table_has_a_row_for_each_pass():
    lines = table(blocks_of(NETWORK, 20), 25, rows=6, bytes_per_number=2).splitlines()
    assert len(lines) == len(PASSES) + 3
    assert len({line.count("|") for line in lines}) == 1
