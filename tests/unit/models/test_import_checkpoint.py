import argparse
import json
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from protogcn.batches.bodies import all_bodies
from protogcn.batches.clip_store import ClipStore
from protogcn.config.plan import expand
from protogcn.errors import ConfigError, ContractError
from protogcn.models import build_model
from protogcn.models.checkpoint import load_checkpoint, save_checkpoint
from protogcn.models.import_checkpoint import import_checkpoint, main
from protogcn.models.released.any_network import conversion_to
from protogcn.models.released.protogcn import released_names
from protogcn.scores.score import score
from tests.made.config import repository_config
from tests.made.golden_network import GOLDEN, golden_clips, golden_scale, golden_weights
from tests.made.nano import nano_run, write_run
from tests.made.network_settings import network_settings

SIZE = {"width": 8, "blocks": 2, "downsample": [2]}
NTU = {"V": 25, "3V": 75, "V2": 625, "NP": 400, "NC": 60}


@pytest.fixture(scope="module")
def plan():
    return expand(repository_config())


@pytest.fixture(scope="module")
def ntu_run(plan):
    """The joint stream of NTU-60 X-Sub, with the released settings."""
    return plan.run("ntu60_xsub", "protogcn", "j")


def logits_of(run, checkpoint):
    """Return the logits (2, K) of an imported network for the golden clips, in float64."""
    model = build_model(run.network, run.dataset.skeleton, num_classes=len(run.dataset.classes))
    model.load_state_dict(checkpoint["model"])
    with torch.no_grad():
        return model.double().eval()(all_bodies(golden_clips(25)))


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """A file as the released code writes it, with the golden weights."""
    path = tmp_path_factory.mktemp("released") / "best_top1_acc_epoch_146.pth"
    meta = {"epoch": 146, "mmcv_version": "1.5.0", "hook_msgs": {"best_score": np.float64(0.93)}}
    state = golden_weights("checkpoint_keys.csv", NTU)
    torch.save({"meta": meta, "state_dict": state, "optimizer": {}}, path)
    return path


def test_released_checkpoint_gives_the_golden_logits(ntu_run, released):
    checkpoint = import_checkpoint(ntu_run, released)
    expected = json.loads((GOLDEN / "model.json").read_text())["ntu60_xsub/j"]["eval_logits"]
    np.testing.assert_allclose(logits_of(ntu_run, checkpoint), expected, rtol=0, atol=1e-10)
    assert checkpoint["epoch"] == 146
    assert checkpoint["imported"]["file"] == "best_top1_acc_epoch_146.pth"
    assert len(checkpoint["imported"]["sha256"]) == 64


def test_checkpoint_of_pyskl_gives_the_golden_logits(tmp_path, plan):
    run = plan.run("ntu120_xsub", "stgcnpp", "b")
    state = golden_weights("checkpoint_keys_stgcnpp.csv", {})
    torch.save({"meta": {}, "state_dict": state}, tmp_path / "b.pth")
    logits = logits_of(run, import_checkpoint(run, tmp_path / "b.pth"))
    expected = json.loads((GOLDEN / "stgcnpp.json").read_text())["logits"]
    np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-11)


def golden_scale_of_authors(key, noise):
    return golden_scale(key.replace(".PA", ".A"), noise)


@pytest.mark.parametrize(
    ("method", "left_out"),
    [
        ("frhead", "ren_low (18), ren_mid (18), ren_high (18), ren_fin (18)"),
        ("gap", "logit_scale (1), linear_head (2), part_list (8)"),
    ],
)
def test_file_of_an_add_on_gives_the_golden_logits(tmp_path, ntu_run, method, left_out):
    """What only its training needs is left out, and said."""
    settings = network_settings(method, width=64, blocks=10, downsample=[5, 8])
    run = replace(ntu_run, model=method, network=settings)
    path = tmp_path / f"{method}.pt"
    torch.save(golden_weights(f"checkpoint_keys_{method}.csv", {}, golden_scale_of_authors), path)
    checkpoint = import_checkpoint(run, path)
    expected = json.loads((GOLDEN / f"{method}.json").read_text())["rule"]["logits"]
    np.testing.assert_allclose(logits_of(run, checkpoint), expected, rtol=1e-10, atol=1e-10)
    said = f"has what evaluation does not need and was left out: {left_out}"
    assert checkpoint["imported"]["remarks"] == [said]


@pytest.mark.parametrize("method", ["infogcn", "hdgcn", "blockgcn", "skeletongcl"])
def test_file_of_the_authors_keeps_every_number(tmp_path, method):
    run = replace(nano_run(), network=network_settings(method, **SIZE))
    torch.manual_seed(1)
    model = build_model(run.network, run.dataset.skeleton, num_classes=4)
    convert, names_of = conversion_to(model)
    theirs = {}
    for key, parts in names_of(model).items():
        value = model.state_dict()[key]
        pieces = value.chunk(len(parts)) if value.dim() else [value] * len(parts)
        for name, piece in zip(parts, pieces, strict=True):
            is_map = piece.dim() == 2 and "branches" in name
            theirs[name] = (piece[..., None, None] if is_map else piece).clone()
    if method in ("infogcn", "blockgcn"):
        theirs["pos_embedding"] = theirs["pos_embedding"][None]
    expected = convert(theirs, model)
    more = {"hdgcn": "l2.gcn1.conv_d.0.0.weight", "skeletongcl": "graphContrast.trans.weight"}
    if method in more:
        theirs[more[method]] = torch.ones(2)
    torch.save({f"module.{name}": value for name, value in theirs.items()}, tmp_path / "c.pt")
    checkpoint = import_checkpoint(run, tmp_path / "c.pt")
    found = checkpoint["model"]
    for name, value in expected.items():
        if name != "prior":  # no file has it
            assert torch.equal(found[name], value), name
    assert ("remarks" in checkpoint["imported"]) == (method in more)


def test_checkpoint_of_another_network_is_one_readable_message(plan, released):
    with pytest.raises(ContractError) as error:
        import_checkpoint(plan.run("ntu60_xsub", "stgcnpp", "j"), released)
    lines = str(error.value).splitlines()
    assert lines[0].endswith(
        "as run ntu60_xsub/stgcnpp/j: its tensors are not those of this network:"
    )
    assert "backbone.gcn.*.gcn.conv.weight (10 times)" in lines[1]
    assert "unknown: backbone.gcn.*.gcn.alpha (10 times)" in lines[2]
    assert "of another shape: backbone.gcn.*.gcn.A (8, 25, 25) instead of (3, 25, 25)" in lines[3]
    assert len(lines) == 4


def test_checkpoint_of_another_dataset_is_one_readable_message(ntu_run, released):
    other = replace(ntu_run, dataset=replace(ntu_run.dataset, classes=("a", "b")))
    with pytest.raises(ContractError) as error:
        import_checkpoint(other, released)
    assert str(error.value).splitlines() == [
        f"{released} as run ntu60_xsub/protogcn/j: its tensors are not those of this network:",
        "  2 of another shape: cls_head.fc_cls.weight (60, 384) instead of (2, 384),"
        " cls_head.fc_cls.bias (60,) instead of (2,)",
    ]


def test_checkpoint_of_other_prototypes_names_them(ntu_run, released):
    other = replace(ntu_run, network={**ntu_run.network, "prototypes": 100})
    with pytest.raises(ContractError, match=r"backbone\.prn\.\w+\.weight \(400, 384\) instead of"):
        import_checkpoint(other, released)


@pytest.fixture
def nano_state():
    """A released state of the nano network, and our own of the same numbers."""
    run = nano_run()
    torch.manual_seed(1)
    model = build_model(run.network, run.dataset.skeleton, num_classes=4)
    ours = model.state_dict()
    theirs = {
        name: part if part.dim() != 2 or "gcn" not in name else part[..., None, None]
        for key, parts in released_names(model).items()
        for name, part in zip(
            parts, ours[key].chunk(len(parts)) if ours[key].dim() else [ours[key]] * len(parts),
            strict=True,
        )
    }  # fmt: skip
    return run, ours, theirs


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


def test_checkpoint_of_ours_is_taken_as_it_is(tmp_path, nano_state):
    run, ours, _ = nano_state
    save_checkpoint(tmp_path / "checkpoint.pt", {"model": ours, "epoch": 7, "facts": {}})
    found = import_checkpoint(run, tmp_path / "checkpoint.pt")
    assert found["epoch"] == 7
    assert all(torch.equal(found["model"][name], value) for name, value in ours.items())


def test_imported_checkpoint_is_scored_like_a_trained_one(tmp_path, data, nano_state, monkeypatch):
    run, _, theirs = nano_state
    run = replace(run, settings={**run.settings, "checkpoint": "c.pth", "select": "unknown"})
    torch.save({"state_dict": theirs}, tmp_path / "c.pth")
    config = write_run(tmp_path / "run", run)
    arguments = ["--source", tmp_path / "c.pth", "--checkpoint", tmp_path / "checkpoint.pt"]
    monkeypatch.setattr(sys, "argv", ["import", "--config", *map(str, [config, *arguments])])
    main()
    checkpoint = load_checkpoint(tmp_path / "checkpoint.pt", {"model": dict})
    store = ClipStore.load(data / "j.npy", data / "clips.csv", run, torch.device("cpu"))
    scores = score(run, store, tmp_path / "checkpoint.pt")
    assert scores.provenance["imported"] == checkpoint["imported"]
    assert scores.provenance["select"] == "unknown"
    assert "trained by" not in scores.provenance
    with pytest.raises(
        ContractError, match=r"other modality than nano_xsub/protogcn/b; import again"
    ):
        score(replace(run, modality="b"), store, tmp_path / "checkpoint.pt")


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
