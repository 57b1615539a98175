import pickle
import time
import zipfile
from pathlib import PurePosixPath

import numpy as np
import pytest
import torch

from protogcn.data.readers.pickles.allowed_names import Foreign
from protogcn.data.readers.pickles.load import load_pickle
from protogcn.data.readers.pickles.torch_file import array_of, find_score_name, load_torch_file
from protogcn.errors import ConfigError, ContractError
from tests.made.hostile_pickles import CALLS, TRICKS, call, name, number, text
from tests.made.mutations import zipped

FORMS = pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "before 1.6"])


class Config(dict):
    """What only the code that wrote a checkpoint knows."""


def write(path, content, is_zip=True):
    torch.save(content, path, _use_new_zipfile_serialization=is_zip)
    return path


@FORMS
@pytest.mark.parametrize(
    "tensor",
    [
        torch.arange(24.0).reshape(2, 3, 4),
        torch.arange(24.0).reshape(4, 6).T,
        torch.arange(24.0)[5:9],
        torch.tensor(7),
        torch.tensor([True, False]),
        torch.arange(3, dtype=torch.float64),
        torch.arange(3, dtype=torch.float16),
        torch.zeros(0, 3),
        torch.nn.Parameter(torch.ones(2, 1)),
        torch.ones(2, 3, 4, 5).to(memory_format=torch.channels_last),
    ],
)
def test_tensors_read_back_as_torch_wrote_them(tmp_path, tensor, is_zip):
    path = write(tmp_path / "c.pth", {"a": tensor}, is_zip)
    found = array_of(path, "a", load_torch_file(path)["a"])
    np.testing.assert_array_equal(found, tensor.detach().numpy(), strict=True)


@FORMS
def test_checkpoint_with_foreign_parts_gives_its_state_and_plain_meta(tmp_path, is_zip):
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1), torch.nn.BatchNorm2d(4))
    optimizer = {"state": {0: {"momentum_buffer": torch.ones(2)}}, "param_groups": [{"lr": 0.1}]}
    meta = {
        "epoch": 146,
        "hook_msgs": {"best_score": np.float64(0.93), "best": PurePosixPath("best.pth")},
        "config": Config(model=Config(type="Recognizer"), parts={1, 2}),
    }
    content = {"meta": meta, "state_dict": network.state_dict(), "optimizer": optimizer}
    path = write(tmp_path / "c.pth", content, is_zip)
    found = load_torch_file(path)
    assert found["meta"]["epoch"] == 146
    assert found["meta"]["hook_msgs"]["best_score"] == 0.93
    assert type(found["meta"]["config"]) is Foreign
    assert list(found["state_dict"]) == list(network.state_dict())
    for key, value in network.state_dict().items():
        np.testing.assert_array_equal(array_of(path, key, found["state_dict"][key]), value.numpy())


def loaded(path):
    """Return what a checkpoint holds, or the sentence that refuses it."""
    try:
        return load_torch_file(path)
    except ContractError as error:
        return str(error)


@FORMS
def test_nothing_in_a_checkpoint_is_run(tmp_path, monkeypatch, is_zip):
    """What a checkpoint would run becomes nothing, or is refused."""
    monkeypatch.chdir(tmp_path)
    for trick, pickled in CALLS.items():
        write_with_pickle(tmp_path / "c.pth", b"\x80\x02" + pickled + b".", is_zip)
        found = loaded(tmp_path / "c.pth")
        assert type(found) is Foreign or "c.pth: found" in found, trick
        assert not (tmp_path / "CANARY").exists(), trick


@FORMS
def test_tricks_are_refused_in_one_sentence_or_give_nothing(tmp_path, is_zip):
    for trick, pickled in TRICKS.items():
        write_with_pickle(tmp_path / "c.pth", b"\x80\x02" + pickled + b".", is_zip)
        found = loaded(tmp_path / "c.pth")
        if isinstance(found, str):
            assert "c.pth: found" in found, trick
        else:
            assert found == {} or not isinstance(found, dict | list | tuple | np.ndarray), trick


def write_with_pickle(path, payload, is_zip):
    """Put another pickle in place of a checkpoint's content."""
    write(path, {}, is_zip)
    if not is_zip:
        content = pickle.dumps({}, 2)
        path.write_bytes(path.read_bytes().replace(content, payload, 1))
        return
    with zipfile.ZipFile(path) as archive:
        entries = {entry: archive.read(entry) for entry in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for entry, data in entries.items():
            archive.writestr(entry, payload if entry.endswith("data.pkl") else data)


STORAGE = name(b"torch", b"FloatStorage")


def tensor_of(offset, shape, strides, size=2**20):
    key = b"(" + text(b"storage") + STORAGE + text(b"0") + text(b"cpu") + number(size) + b"tQ"
    numbers = (
        b"(" + b"".join(map(number, shape)) + b"t",
        b"(" + b"".join(map(number, strides)) + b"t",
    )
    return call(name(b"torch._utils", b"_rebuild_tensor_v2"), key, number(offset), *numbers)


@pytest.mark.parametrize(
    ("pickled", "sentence"),
    [
        (tensor_of(0, [2**40], [0], 4), "in 4 elements, expected enough"),
        (tensor_of(3, [2], [1], 4), "in 4 elements, expected enough"),
        (tensor_of(0, [2, 2], [2**40, 1], 4), "in 4 elements, expected enough"),
        (tensor_of(0, [4], [1]), "16 bytes of the tensor data/0, expected 4194304"),
        (tensor_of(0, [4], [-1], 4), "a tensor with another shape"),
        (tensor_of(0, [4], [1, 1], 4), "a stride for each axis"),
        (tensor_of(-1, [4], [1], 4), "a tensor in another form"),
    ],
)
def test_tensor_beyond_its_storage_is_refused(tmp_path, pickled, sentence):
    path = write(tmp_path / "c.pth", {"a": torch.ones(4)})
    with zipfile.ZipFile(path) as archive:
        entries = {entry: archive.read(entry) for entry in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for entry, data in entries.items():
            payload = b"\x80\x02}" + text(b"a") + pickled + b"s."
            archive.writestr(entry, payload if entry.endswith("data.pkl") else data)
    with pytest.raises(ContractError, match=sentence):
        array_of(path, "a", load_torch_file(path)["a"])


@FORMS
def test_truncated_checkpoint_is_one_sentence(tmp_path, is_zip):
    path = write(tmp_path / "c.pth", {"a": torch.arange(1000.0)}, is_zip)
    whole = path.read_bytes()
    for share in (0.0, 0.02, 0.3, 0.6, 0.99):
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(ContractError, match=r"c\.pth: found"):
            array_of(path, "a", load_torch_file(path)["a"])


def test_old_checkpoint_without_its_end_tells_how_much_is_missing(tmp_path):
    path = write(tmp_path / "c.pth", {"a": torch.arange(1000.0)}, is_zip=False)
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    sentence = rf"found {len(whole) - 5} bytes, expected at least {len(whole)}: the end of the"
    with pytest.raises(ContractError, match=sentence):
        load_torch_file(path)


def test_flipped_bits_of_a_tensor_are_found(tmp_path):
    path = write(tmp_path / "c.pth", {"a": torch.arange(1000.0)})
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 4
    path.write_bytes(damaged)
    with pytest.raises(ContractError, match=r"c\.pth.*CRC"):
        array_of(path, "a", load_torch_file(path)["a"])


def test_other_files_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="is no file, expected a checkpoint"):
        load_torch_file(tmp_path)
    (tmp_path / "c.pth").write_bytes(b"<html>not found</html>")
    with pytest.raises(ContractError, match=r"found a web page .*, expected a checkpoint of torch"):
        load_torch_file(tmp_path / "c.pth")
    with zipfile.ZipFile(tmp_path / "c.pth", "w") as archive:
        archive.writestr("readme", "hello")
    with pytest.raises(
        ContractError, match=r"found a zip archive \(unpack it first\), expected a ch"
    ):
        load_torch_file(tmp_path / "c.pth")
    with zipfile.ZipFile(tmp_path / "c.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", b"\0" * 1_000_000)
    with pytest.raises(ContractError, match=r"a/data\.pkl compressed"):
        load_torch_file(tmp_path / "c.pth")


def test_type_that_numpy_does_not_have_is_named(tmp_path):
    path = write(tmp_path / "c.pth", {"a": torch.ones(2, dtype=torch.complex64)})
    with pytest.raises(ContractError, match=r"a tensor of torch\.ComplexFloatStorage, expected F"):
        load_torch_file(path)


@FORMS
@pytest.mark.parametrize("tensor", [torch.linspace(-3, 1e9, 24).reshape(4, 6).T, torch.ones(0, 3)])
def test_brain_floats_become_float32(tmp_path, tensor, is_zip):
    tensor = tensor.bfloat16()
    path = write(tmp_path / "c.pth", {"a": tensor}, is_zip)
    found = array_of(path, "a", load_torch_file(path)["a"])
    np.testing.assert_array_equal(found, tensor.float().numpy(), strict=True)


def test_tensors_in_a_plain_pickle_are_read_and_nothing_else(tmp_path):
    path = tmp_path / "scores.pkl"
    path.write_bytes(
        pickle.dumps([{"pred_score": torch.arange(5.0), "gt_label": torch.tensor([3])}])
    )
    (sample,) = load_pickle(path, find_name=find_score_name)
    assert sample["pred_score"].to_array().tolist() == [0, 1, 2, 3, 4]
    assert sample["gt_label"].to_array().tolist() == [3]
    with pytest.raises(ContractError, match=r"wants to load `torch\._utils\._rebuild_tensor_v2`"):
        load_pickle(path)
    nested = call(name(b"torch.storage", b"_load_from_bytes"), b"C\x04abcd")
    path.write_bytes(b"\x80\x04" + nested + b".")
    with pytest.raises(ContractError, match="elements in another form"):
        load_pickle(path, find_name=find_score_name)


@pytest.mark.parametrize("trick", TRICKS)
def test_tricks_are_refused_in_a_pickle_with_tensors_too(tmp_path, trick):
    path = tmp_path / "scores.pkl"
    path.write_bytes(b"\x80\x04" + TRICKS[trick] + b".")
    with pytest.raises(ContractError, match=r"scores\.pkl: byte \d+: .*, expected"):
        load_pickle(path, find_name=find_score_name)


@FORMS
def test_a_storage_is_read_once_for_all_of_its_tensors(tmp_path, is_zip):
    storage = torch.zeros(1 << 20)
    path = write(tmp_path / "c.pth", {str(i): storage[i : i + 1] for i in range(2000)}, is_zip)
    begin = time.process_time()
    found = load_torch_file(path)
    assert sum(len(array_of(path, name, tensor)) for name, tensor in found.items()) == 2000
    assert time.process_time() - begin < 1  # once each, it took 2 s and more


def test_a_truth_value_of_2_is_refused_in_the_tensor_that_has_it(tmp_path):
    path = write(tmp_path / "c.pth", {"a": torch.tensor([True, False]), "b": torch.tensor([False])})
    data = {entry.filename: content for entry, content in parts_of(path)}
    data["c/data/0"] = b"\2\0"
    path.write_bytes(zipped(list(data.items())))
    found = load_torch_file(path)
    assert not array_of(path, "b", found["b"]).any()
    with pytest.raises(ContractError, match=r"c\.pth: a: found a truth value other than 0 and 1"):
        array_of(path, "a", found["a"])


def parts_of(path):
    with zipfile.ZipFile(path) as archive:
        return [(entry, archive.read(entry)) for entry in archive.infolist()]
