import argparse
import json

import numpy as np
import pytest
import torch

from protogcn.errors import ConfigError, ContractError
from protogcn.models.import_checkpoint import import_checkpoint
from tests.made.nano import nano_run


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("is_zip", [True, False])
def test_state_of_any_form_keeps_every_number(tmp_path, nano_state, prefix, is_zip):
    run, ours, theirs = nano_state
    named = {f"{prefix}{name}": value.clone() for name, value in theirs.items()}
    path = tmp_path / "c.pth"
    torch.save(named, path, _use_new_zipfile_serialization=is_zip)
    found = import_checkpoint(run, path)
    for name, value in ours.items():
        if name != "contrast.bank":
            assert torch.equal(found["model"][name], value), name


def loaded(run, ours, content, path):
    torch.save(content, path)
    found = import_checkpoint(run, path)
    for name, value in ours.items():
        if name != "contrast.bank":
            assert torch.equal(found["model"][name], value), name
    return found["imported"]


@pytest.mark.parametrize(
    "place",
    [
        lambda state: {"state_dict": state, "optimizer": {"state": {0: {"a": torch.ones(1)}}}},
        lambda state: {"model": state},
        lambda state: {"model_state_dict": state, "epoch": 3},
        lambda state: {"net": state},
        lambda state: {"weights": state},
        lambda state: {"model": {"state_dict": state}},
        lambda state: {"ema": state},
        lambda state: {"params": state, "optimizer": {"state": {}}},
        lambda state: {"ema_state_dict": state | {"steps": torch.tensor(5)}},
        lambda state: {"state_dict": {f"model.{name}": v for name, v in state.items()}},
        lambda state: {f"_orig_mod.module.{name}": v for name, v in state.items()},
        lambda state: {name.replace("cls_head.fc_cls.", "cls_head.fc."): v for name, v in state.items()},
    ],
)  # fmt: skip
def test_weights_are_found_wherever_code_of_the_field_puts_them(tmp_path, nano_state, place):
    run, ours, theirs = nano_state
    assert "remarks" not in loaded(run, ours, place(theirs), tmp_path / "c.pth")


def test_of_several_networks_in_a_file_one_is_taken_and_said(tmp_path, nano_state):
    run, ours, theirs = nano_state
    other = {name: value + 1 for name, value in theirs.items()}
    content = {
        "ema_state_dict": other,
        "state_dict": theirs,
    }  # the order in the file does not matter
    (remark,) = loaded(run, ours, content, tmp_path / "c.pth")["remarks"]
    assert remark.startswith(
        "has the weights of 2 networks; those of its entry state_dict were taken"
    )


def as_safetensors(state):
    """Written by hand from the format's description, with blanks behind the header."""
    kinds = {torch.float32: "F32", torch.int64: "I64", torch.float16: "F16", torch.bfloat16: "BF16"}
    header, parts, end = {"__metadata__": {"format": "pt"}}, [], 0
    for name, value in state.items():
        words = value.view(torch.int16) if value.dtype == torch.bfloat16 else value
        raw = words.contiguous().numpy().tobytes()
        places = [end, end + len(raw)]
        header[name] = {
            "dtype": kinds[value.dtype],
            "shape": [*value.shape],
            "data_offsets": places,
        }
        parts.append(raw)
        end += len(raw)
    text = json.dumps(header).encode() + b"   "
    return len(text).to_bytes(8, "little") + text + b"".join(parts)


def test_safetensors_are_read(tmp_path, nano_state):
    run, ours, theirs = nano_state
    path = tmp_path / "model.safetensors"
    path.write_bytes(as_safetensors(theirs))
    found = import_checkpoint(run, path)
    assert all(torch.equal(found["model"][n], v) for n, v in ours.items() if n != "contrast.bank")
    path.write_bytes(as_safetensors(theirs)[:-4])
    with pytest.raises(ContractError, match=r"bytes of tensors, expected at least .* is cut short"):
        import_checkpoint(run, path)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"dtype": "F8_E4M3"}, "a tensor of 'F8_E4M3', expected F64, F32"),
        ({"shape": [-1]}, "a tensor without shape and place"),
        ({"shape": [3]}, r"8 bytes of a tensor of shape \[3\], expected its size"),
        ({"data_offsets": [0, 8, 9]}, "a tensor without shape and place"),
    ],
)
def test_safetensors_that_contradict_themselves_are_refused(tmp_path, change, sentence):
    entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} | change
    header = json.dumps({"a": entry}).encode()
    (tmp_path / "a").write_bytes(len(header).to_bytes(8, "little") + header + bytes(8))
    with pytest.raises(ContractError, match=sentence):
        import_checkpoint(nano_run(), tmp_path / "a")


def test_safetensors_that_share_their_bytes_are_refused(tmp_path):
    """A header of 1 MB could else have 12,000 tensors of the size of the whole file."""
    entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    header = json.dumps({"a": entry, "b": entry}).encode()
    (tmp_path / "a").write_bytes(len(header).to_bytes(8, "little") + header + bytes(8))
    with pytest.raises(ContractError, match="found tensors of 16 bytes in 8, expected each in its"):
        import_checkpoint(nano_run(), tmp_path / "a")


def test_file_of_another_kind_is_named_with_what_to_do(tmp_path, nano_state):
    run, _, theirs = nano_state
    path = tmp_path / "c.pth"
    for is_zip in (True, False):
        torch.save(torch.nn.Linear(3, 4), path, _use_new_zipfile_serialization=is_zip)
        sentence = r"a whole pickled model \(.*Linear\), .* save model\.state_dict\(\)"
        with pytest.raises(ContractError, match=sentence):
            import_checkpoint(run, path)
    torch.save({"model": torch.nn.Linear(3, 4), "epoch": 3}, path)
    with pytest.raises(ContractError, match=r"a whole pickled model in model \(.*Linear\)"):
        import_checkpoint(run, path)
    torch.save({"state_dict": theirs}, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ContractError) as error:
        import_checkpoint(run, path)
    assert str(error.value) == (
        f"{path}: found a checkpoint of torch that is cut short (download or make it again),"
        " expected a checkpoint of torch."
    )
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 255
    path.write_bytes(damaged)
    with pytest.raises(ContractError, match=r"found a damaged file \(Bad CRC.* make it again\.$"):
        import_checkpoint(run, path)
    path.write_bytes(b"<!DOCTYPE html><html>Google Drive can't scan this file</html>")
    with pytest.raises(
        ContractError, match=r"found a web page instead of the file, .* again\), exp"
    ):
        import_checkpoint(run, path)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ([1, 2], "holds no tensors with names but a list, expected a state_dict"),
        ({"state_dict": {}}, "holds no tensors with names"),
        (
            {"optimizer": {"state": {}}, "epoch": 3},
            "holds the state of an optimizer and no weights",
        ),
        (
            {"optimizer": {}, "args": argparse.Namespace(lr=0.1)},
            "holds the state of an optimizer and no weights",
        ),
        ({"state": {}, "param_groups": []}, "holds the state of an optimizer and no weights"),
        (
            {"fc.weight": np.ones(1)},
            r"arrays of numpy, .* with torch\.from_numpy and save the dict",
        ),
        (
            {"j": {"a": torch.ones(1)}, "b": {"a": torch.ones(1)}},
            "has the tensors of j, b, expected one network; save one of these",
        ),
        (
            {"state_dict": {"fc.weight": torch.ones(1)}},
            r"none of its 1 tensors \(such as fc\.weight\) has a name of this",
        ),
    ],
)
def test_checkpoint_of_something_else_is_one_sentence(tmp_path, content, sentence):
    torch.save(content, tmp_path / "c.pth")
    with pytest.raises(ContractError, match=sentence):
        import_checkpoint(nano_run(), tmp_path / "c.pth")


def test_weights_that_are_not_finite_are_named(tmp_path, nano_state):
    run, _, theirs = nano_state
    theirs = {name: value.clone() for name, value in theirs.items()}
    theirs["cls_head.fc_cls.bias"][2] = torch.nan
    torch.save(theirs, tmp_path / "c.pth")
    with pytest.raises(ContractError, match=r"cls_head\.fc_cls\.bias is not finite"):
        import_checkpoint(run, tmp_path / "c.pth")


def test_weights_that_are_whole_numbers_are_refused(tmp_path, nano_state):
    run, _, theirs = nano_state
    theirs["cls_head.fc_cls.bias"] = theirs["cls_head.fc_cls.bias"].to(torch.int8)
    torch.save(theirs, tmp_path / "c.pth")
    with pytest.raises(ContractError, match=r"fc_cls\.bias holds elements of int8, expected float"):
        import_checkpoint(run, tmp_path / "c.pth")


def test_missing_checkpoint_is_one_sentence(tmp_path):
    with pytest.raises(ConfigError, match=r"c\.pth: is no file, expected a checkpoint"):
        import_checkpoint(nano_run(), tmp_path / "c.pth")
