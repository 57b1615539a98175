import json
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from protogcn.batches.bodies import all_bodies
from protogcn.batches.clip_store import ClipStore
from protogcn.config.plan import expand
from protogcn.errors import ContractError
from protogcn.models import build_model
from protogcn.models.checkpoint import load_checkpoint, save_checkpoint
from protogcn.models.import_checkpoint import import_checkpoint, main
from protogcn.models.released.any_network import conversion_to
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
