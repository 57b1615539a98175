import csv

import pytest
import torch

from protogcn.errors import ContractError
from protogcn.models.protogcn import ProtoGCN
from protogcn.models.released.protogcn import from_released, released_names
from tests.made.golden_network import GOLDEN


@pytest.fixture(scope="module")
def model():
    return ProtoGCN(num_classes=60, num_joints=25)


@pytest.fixture
def released():
    """A state dict of the released shapes; every tensor holds its own row number."""
    state = {}
    with (GOLDEN / "checkpoint_keys.csv").open() as file:
        for row in csv.DictReader(file):
            shape = row["shape_ntu60_j"]
            axes = () if shape == "scalar" else tuple(map(int, shape.split("x")))
            dtype = torch.int64 if shape == "scalar" else torch.float32
            state[row["key"]] = torch.full(axes, int(row["index"]), dtype=dtype)
    return state


def test_every_released_key_has_one_place(model, released):
    used = [name for parts in released_names(model).values() for name in parts]
    assert len(used) == 843
    assert sorted(used) == sorted(released)


def test_state_loads_and_keeps_every_number(model, released):
    bank = model.contrast.bank.clone()
    state = from_released(released, model)
    model.load_state_dict(state)
    assert torch.equal(model.contrast.bank, bank)
    for key, parts in released_names(model).items():
        if not key.endswith("num_batches_tracked"):
            pieces = state[key].chunk(len(parts))
            for name, piece in zip(parts, pieces, strict=True):
                assert torch.equal(piece.flatten(), released[name].flatten()), name


def test_names_what_is_missing_unknown_and_misshapen(model, released):
    for branch in (0, 3):
        del released[f"backbone.gcn.3.tcn.branches.{branch}.0.bias"]
    released["backbone.gcn.10.gcn.A"] = torch.zeros(8, 25, 25)
    released["cls_head.fc_cls.bias"] = torch.zeros(120)
    released["backbone.gcn.9.gcn.post.weight"] = torch.zeros(384, 384, 3, 3)
    with pytest.raises(ContractError) as error:
        from_released(released, model)
    assert str(error.value).splitlines() == [
        "its tensors are not those of this network:",
        "  2 missing: backbone.gcn.*.tcn.branches.*.0.bias (2 times)",
        "  1 unknown: backbone.gcn.10.gcn.A",
        "  2 of another shape: backbone.gcn.9.gcn.post.weight (384, 384, 3, 3) instead of (384, 384),"
        " cls_head.fc_cls.bias (120,) instead of (60,)",
    ]


def test_every_missing_tensor_is_counted_in_a_few_lines(model, released):
    kept = {"backbone.data_bn.bias": released["backbone.data_bn.bias"]}
    with pytest.raises(ContractError, match="842 missing: ") as error:
        from_released(kept, model)
    assert len(str(error.value)) < 6000


def test_tensors_of_something_else_are_one_sentence(model):
    with pytest.raises(
        ContractError, match=r"none of its 1 tensors \(such as .*\) has a name of this network"
    ):
        from_released({"fc.weight": torch.zeros(1)}, model)
