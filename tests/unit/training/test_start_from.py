"""Trainings that begin with the weights of a network that is there."""

import dataclasses
import json

import pytest
import torch

from protogcn.config.skeleton import Skeleton
from protogcn.errors import ConfigError, ContractError
from protogcn.models.checkpoint import save_checkpoint
from protogcn.models.released.protogcn import released_names
from protogcn.models.released.pyskl import pyskl_names
from protogcn.models.trained import build_network, load_trained
from protogcn.scores.score import score
from protogcn.training.start_from import load_start
from protogcn.training.train import _checkpoint, train
from tests.made.nano import (
    DATASET,
    NETWORK,
    SKELETON,
    assert_same,
    nano_run,
    store_of,
    weights_of,
    with_classes,
)
from tests.made.network_settings import network_settings

CLASSIFIER = ("classify.weight", "classify.bias")
SIZE = {"width": 24, "blocks": 2, "downsample": [2]}


def run_with(path=None, *, dataset=DATASET, network=NETWORK, **settings):
    """Return the nano run that starts from a file."""
    start = {} if path is None else {"start_from": str(path)}
    run = nano_run(epochs=1, **settings)
    return dataclasses.replace(
        run, dataset=dataset, network=network, settings={**run.settings, **start}
    )


def network_of(run, seed=7):
    """Return a network of a run with other weights than a training draws."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = build_network(run)
        for value in model.state_dict().values():
            if value.is_floating_point():
                value.add_(0.05 * torch.rand_like(value))
    return model


def ours(path, run, seed=7):
    """Write the checkpoint of a training of this run; return its weights."""
    model = network_of(run, seed)
    entry = json.loads(json.dumps(run.to_mapping()))
    save_checkpoint(path, {"model": model.state_dict(), "epoch": 9, "facts": {}, "run": entry})
    return model.state_dict()


def theirs(path, run):
    """Write a file as the released code and PYSKL do; return our names for its weights."""
    model = network_of(run)
    names = released_names(model) if run.network["network"] == "protogcn" else pyskl_names(model)
    state, written = model.state_dict(), {}
    for key, parts in names.items():
        sizes = len(state[key]) // len(parts) if state[key].dim() else 0
        for number, name in enumerate(parts):
            value = state[key]
            written[name] = value[number * sizes :][:sizes] if value.dim() else value
    torch.save(
        {"meta": {"epoch": 80}, "state_dict": {k: v.clone() for k, v in written.items()}}, path
    )
    return {key: state[key] for key in names}


def before_training(run, data, folder, monkeypatch):
    """Return the training of a run before its first step."""
    from protogcn.training import train as stage

    monkeypatch.setattr(
        stage,
        "train_epoch",
        lambda training: {
            "epoch": 1,
            "accuracy": 0.0,
            "loss": 0.0,
            "learning_rate": 0.0,
            "clips_per_second": 1.0,
        },
    )
    return train(run, store_of(data), folder)


def test_every_weight_is_that_of_the_checkpoint(data, tmp_path, monkeypatch, capsys):
    weights = ours(tmp_path / "c.pt", run_with())
    training = before_training(run_with(tmp_path / "c.pt"), data, tmp_path / "run", monkeypatch)
    assert_same(weights_of(training), weights)
    told = capsys.readouterr().err
    assert f"nano_xsub/protogcn/j: starts from {tmp_path}/c.pt (SHA-256 " in told
    assert f", epoch 9); {len(weights)} tensors loaded; new: nothing; frozen: nothing." in told


@pytest.mark.parametrize("classes", [("a", "b", "c", "d", "e", "f"), ("a", "b", "c", "d")])
def test_classifier_of_other_classes_is_new_by_name(data, tmp_path, monkeypatch, capsys, classes):
    weights = ours(tmp_path / "c.pt", run_with(dataset=with_classes(*classes)))
    training = before_training(run_with(tmp_path / "c.pt"), data, tmp_path / "run", monkeypatch)
    drawn = before_training(run_with(), data, tmp_path / "drawn", monkeypatch)
    new = (*CLASSIFIER, "contrast.bank")
    for name, value in weights_of(training).items():
        expected = weights_of(drawn) if name in new else weights
        assert torch.equal(value, expected[name]), name
    reason = "6 -> 4 classes" if len(classes) == 6 else "4 other classes"
    said = f"new: classify.weight, classify.bias, contrast.bank ({reason}); frozen"
    assert said in capsys.readouterr().err.replace(
        "contrast.bank, classify.weight, classify.bias",
        "classify.weight, classify.bias, contrast.bank",
    )


@pytest.mark.parametrize("network", ["protogcn", "stgcn", "stgcnpp", "ctrgcn"])
def test_files_of_the_authors_are_read(data, tmp_path, monkeypatch, capsys, network):
    settings = NETWORK if network == "protogcn" else network_settings(network, **SIZE)
    other = run_with(dataset=with_classes("a", "b"), network=settings)
    weights = theirs(tmp_path / "c.pth", other)
    run = run_with(tmp_path / "c.pth", network=settings)
    found = weights_of(before_training(run, data, tmp_path / "run", monkeypatch))
    for name, value in weights.items():
        assert name in CLASSIFIER or torch.equal(found[name], value), name
    told = capsys.readouterr().err
    assert "classify.weight, classify.bias (2 -> 4 classes)" in told
    assert ("contrast.bank (not in the file)" in told) == (network == "protogcn")
    assert "the file does not tell its joint layout, its classes and its modality" in told


@pytest.mark.parametrize(
    ("network", "norm", "more"),
    [
        ("infogcn", "input_norm.norm", {"prior": "2 -> 4 classes"}),
        ("blockgcn", "input_norm.norm", {}),
        ("hdgcn", "input_norm", {}),
        ("frhead", "input_norm", {}),
    ],
)
def test_classes_and_persons_of_further_networks_are_new(tmp_path, network, norm, more):
    settings = network_settings(network, **SIZE)
    alone = dataclasses.replace(with_classes("a", "b"), persons=1)
    ours(tmp_path / "c.pt", run_with(dataset=alone, network=settings))
    run = run_with(tmp_path / "c.pt", network=settings)
    entries = ("weight", "bias", "running_mean", "running_var")
    assert load_start(run, network_of(run)).record["new"] == {
        **dict.fromkeys(CLASSIFIER, "2 -> 4 classes"),
        **{f"{norm}.{entry}": "1 -> 2 persons" for entry in entries},
        **more,
    }


def test_input_norm_of_other_persons_is_new(data, tmp_path, monkeypatch, capsys):
    settings = network_settings("ctrgcn", **SIZE)
    alone = dataclasses.replace(DATASET, persons=1)
    theirs(tmp_path / "c.pth", run_with(dataset=alone, network=settings))
    run = run_with(tmp_path / "c.pth", network=settings, freeze=["blocks 1-2"])
    training = before_training(run, data, tmp_path / "run", monkeypatch)
    assert training.start.record["new"]["input_norm.running_mean"] == "1 -> 2 persons"
    assert training.start.record["frozen"] == ["blocks 1-2"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"width": 48}, r"c\.pt as run nano_xsub/protogcn/j: its tensors are not those of this net"),
        ({"blocks": 3}, r"missing: blocks\.2"),
        ({"prototypes": 5}, r"reconstruct\.assign\.weight \(10, 48\) instead of \(5, 48\)"),
        ({"network": "stgcnpp"}, "its tensors are not those of this network"),
    ],
)  # fmt: skip
def test_another_network_is_refused_as_an_import_is(data, tmp_path, changes, sentence):
    ours(tmp_path / "c.pt", run_with())
    run = run_with(tmp_path / "c.pt", network={**NETWORK, **changes})
    with pytest.raises(ContractError, match=sentence):
        train(run, store_of(data), tmp_path / "run")
    assert not (tmp_path / "run/resume.pt").exists()


def skeleton_like(name, **changes):
    entry = {**SKELETON.to_mapping(), **changes}
    return Skeleton.from_mapping(name, entry)


FOUR = skeleton_like(
    "toy4", joints=["a", "b", "c", "d"], parents=[0, 0, 1, 1], limbs={}, edges=[[1, 0]]
)


@pytest.mark.parametrize(
    ("skeleton", "sentence"),
    [
        (FOUR, r"layout toy4 \(4 joints\), but this run's is toy5 \(5 joints\)"),
        (skeleton_like("kin", joints=["root", "chest", "x", "y", "foot"]), r"kin \(joint 2 is x\), but this run's is toy5 \(joint 2 is left\)"),
        (skeleton_like("kin", parents=[0, 0, 1, 1, 1]), r"\(parent of joint 4 is 1\), .* toy5 \(parent of joint 4 is 0\)"),
        (skeleton_like("kin", in_image=True), r"kin \(x, y in pixels\), but this run's is toy5 \(x, y, z\)"),
    ],
)  # fmt: skip
def test_another_joint_layout_is_one_sentence(data, tmp_path, skeleton, sentence):
    ours(tmp_path / "c.pt", run_with(dataset=dataclasses.replace(DATASET, skeleton=skeleton)))
    with pytest.raises(ConfigError, match=sentence):
        train(run_with(tmp_path / "c.pt"), store_of(data), tmp_path / "run")


@pytest.mark.parametrize("network", ["protogcn", "stgcn", "stgcnpp", "ctrgcn"])
def test_another_number_of_joints_shows_in_a_file_of_the_authors(data, tmp_path, network):
    settings = NETWORK if network == "protogcn" else network_settings(network, **SIZE)
    other = run_with(dataset=dataclasses.replace(DATASET, skeleton=FOUR), network=settings)
    theirs(tmp_path / "c.pth", other)
    sentence = r"layout of the file \(4 joints\), but this run's is toy5 \(5 joints\); weights of"
    with pytest.raises(ConfigError, match=sentence):
        train(run_with(tmp_path / "c.pth", network=settings), store_of(data), tmp_path / "run")


def test_same_layout_under_another_name_is_the_same(data, tmp_path, monkeypatch):
    ours(
        tmp_path / "c.pt",
        run_with(dataset=dataclasses.replace(DATASET, skeleton=skeleton_like("mine"))),
    )
    before_training(run_with(tmp_path / "c.pt"), data, tmp_path / "run", monkeypatch)


@pytest.mark.parametrize(
    ("freeze", "frozen"),
    [
        (["blocks 1-2"], ("input_norm.", "blocks.")),
        (["block 2"], ("blocks.1.",)),
        (["all but classifier"], ("input_norm.", "blocks.", "reconstruct.", "contrast.")),
    ],
)
def test_frozen_parts_keep_weights_and_statistics_bit_for_bit(data, tmp_path, freeze, frozen):
    weights = ours(tmp_path / "c.pt", run_with())
    run = run_with(tmp_path / "c.pt", freeze=freeze, weight_decay=0.1)
    after = weights_of(train(run, store_of(data), tmp_path / "run"))
    same = {name for name, value in weights.items() if torch.equal(value, after[name])}
    expected = {name for name in weights if name.startswith(frozen)}
    assert expected <= same
    moved = {name for name in weights if name not in expected and name.endswith(("weight", "mean"))}
    assert not moved & same


ROUNDING = {"atol": 1e-4, "rtol": 1e-4}  # of compiled norms, over a training


@pytest.mark.long
def test_compiled_step_trains_the_same_with_frozen_parts(data, tmp_path, captured_graphs):
    ours(tmp_path / "c.pt", run_with(dataset=with_classes("a", "b")))
    start = {"freeze": ["block 1"], "loaded_learning_rate": 0.01}
    plain = train(run_with(tmp_path / "c.pt", **start), store_of(data), tmp_path / "plain")
    run = run_with(tmp_path / "c.pt", **start, compile=True)
    compiled = train(run, store_of(data), tmp_path / "compiled")
    assert captured_graphs
    for name, value in weights_of(plain).items():
        if not name.endswith("num_batches_tracked"):  # which compiled code does not count
            torch.testing.assert_close(weights_of(compiled)[name], value, msg=name, **ROUNDING)


def test_memory_of_new_classes_is_not_frozen(data, tmp_path):
    ours(tmp_path / "c.pt", run_with(dataset=with_classes("a", "b")))
    run = run_with(tmp_path / "c.pt", freeze=["all but classifier"])
    training = train(run, store_of(data), tmp_path / "run")
    assert training.start.record["frozen"] == ["input_norm", "reconstruct", "blocks 1-2"]


def test_loaded_weights_have_the_rate_that_is_asked_for(data, tmp_path):
    """So small a rate that they stay, while the new ones learn."""
    weights = ours(tmp_path / "c.pt", run_with(dataset=with_classes("a", "b")))
    run = run_with(tmp_path / "c.pt", loaded_learning_rate=1e-30)
    training = train(run, store_of(data), tmp_path / "run")
    after = weights_of(training)
    for name, _ in training.model.named_parameters():
        if name not in CLASSIFIER:
            assert torch.equal(after[name], weights[name]), name
    assert after["classify.bias"].abs().min() > 0
    rates = [group["lr"] for group in training.optimizer.param_groups]
    assert rates[1] / rates[0] == pytest.approx(1e-30 / 0.05)


def test_rate_of_the_others_makes_the_training_that_has_no_other_rate(data, tmp_path):
    ours(tmp_path / "c.pt", run_with(dataset=with_classes("a", "b")))
    plain = train(run_with(tmp_path / "c.pt"), store_of(data), tmp_path / "a")
    grouped = run_with(tmp_path / "c.pt", loaded_learning_rate=0.05)
    assert_same(weights_of(train(grouped, store_of(data), tmp_path / "b")), weights_of(plain))


def test_moved_file_is_the_same_start_and_other_weights_are_another(data, tmp_path, capsys):
    ours(tmp_path / "a.pt", run_with())
    first = train(run_with(tmp_path / "a.pt"), store_of(data), tmp_path / "run")
    (tmp_path / "a.pt").rename(tmp_path / "b.pt")
    again = train(run_with(tmp_path / "b.pt"), store_of(data), tmp_path / "run")
    assert again.history == first.history
    capsys.readouterr()
    ours(tmp_path / "b.pt", run_with(), seed=8)
    train(run_with(tmp_path / "b.pt"), store_of(data), tmp_path / "run")
    told = capsys.readouterr().err
    assert "other weights to start from; training starts from the beginning" in told
    train(run_with(), store_of(data), tmp_path / "run")
    assert "is of a training with other start_from, weights to start" in capsys.readouterr().err


def test_scores_say_where_the_training_started_and_need_no_file_of_it(data, tmp_path):
    ours(tmp_path / "c.pt", run_with(dataset=with_classes("a", "b")))
    run = run_with(tmp_path / "c.pt", freeze=["block 1"])
    training = train(run, store_of(data), tmp_path / "run")
    save_checkpoint(tmp_path / "checkpoint.pt", dict(_checkpoint(training)))
    (tmp_path / "c.pt").unlink()
    scores = score(run, store_of(data), tmp_path / "checkpoint.pt")
    load_trained(tmp_path / "checkpoint.pt", run)  # as predict does, without its clips
    said = scores.provenance["start"]
    assert said["file"] == str(tmp_path / "c.pt")
    assert len(said["sha256"]) == 64
    assert said["new"]["classify.weight"] == "2 -> 4 classes"
    assert said["frozen"] == ["input_norm", "block 1"]
    with pytest.raises(ContractError, match="with other freeze, start_from than"):
        score(run_with(), store_of(data), tmp_path / "checkpoint.pt")
    assert "start" not in _checkpoint(train(run_with(), store_of(data), tmp_path / "drawn"))


def test_missing_file_is_one_sentence(data, tmp_path):
    with pytest.raises(ConfigError, match=r"c\.pt: is no file, expected a checkpoint"):
        train(run_with(tmp_path / "c.pt"), store_of(data), tmp_path / "run")
