"""Each network of the config trains, goes on, compiles and is scored like ProtoGCN."""

import dataclasses
import json
import math
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from protogcn.batches.bodies import pack_bodies
from protogcn.errors import ContractError
from protogcn.files.scores import Scores
from protogcn.models import build_model
from protogcn.models.checkpoint import load_checkpoint
from protogcn.models.engine import Engine
from protogcn.predict.ensemble import Member, TrainedEnsemble
from protogcn.predict.recognise import recognise
from protogcn.scores.score import main as score_main
from protogcn.scores.score import score
from protogcn.scores.scoring import ScoringCrops, score_clips
from protogcn.training.epoch import train_epoch
from protogcn.training.train import main as train_main
from protogcn.training.train import train
from tests.made.methods import method_run, write_texts
from tests.made.nano import (
    ENGINE,
    SKELETON,
    assert_same,
    in_double,
    nano_clips,
    store_of,
    weights_of,
    write_checkpoint,
    write_run,
)

# What each one's loss has beside the cross entropy.
TERMS = {
    "stgcn": set(),
    "stgcnpp": set(),
    "ctrgcn": set(),
    "infogcn": {"prior", "mean"},
    "hdgcn": set(),
    "blockgcn": set(),
    "skeletongcl": {"graph_contrast"},
    "frhead": {"refinement"},
    "gap": {"text"},
}
# Methods that two processes train, with what they need to be equal to one.
METHODS = {"skeletongcl": {}, "frhead": {}, "infogcn": {}, "blockgcn": {"encoding": "clean"}}
_CHECKPOINT = {"model": dict, "epoch": int, "facts": dict}


@pytest.fixture(scope="module")
def run_of(tmp_path_factory):
    """Make a run of a method with some settings changed."""
    texts = write_texts(tmp_path_factory.mktemp("texts") / "texts.npz")
    return partial(method_run, texts=texts)


def call(monkeypatch, main, **flags):
    words = [word for flag, value in flags.items() for word in (f"--{flag}", str(value))]
    monkeypatch.setattr("sys.argv", ["stage", *words])
    main()


@pytest.mark.parametrize("network", TERMS)
def test_stages_train_and_score_it(data, tmp_path, monkeypatch, run_of, network):
    run = run_of(network, modality="b", epochs=2)
    values = data / f"{run.stored_modality}.npy"
    inputs = {"config": write_run(tmp_path, run), "values": values, "clips": data / "clips.csv"}
    outputs = {"checkpoint": tmp_path / "checkpoint.pt", "history": tmp_path / "history.csv"}
    call(monkeypatch, train_main, **inputs, **outputs)
    header = set(outputs["history"].read_text().splitlines()[0].split(","))
    of_all = {
        "epoch",
        "learning_rate",
        "loss",
        "cross_entropy",
        "accuracy",
        "clips_per_second",
        "seconds",
    }
    assert header == of_all | TERMS[network]
    files = {"checkpoint": outputs["checkpoint"], "scores": tmp_path / "scores.npz"}
    call(monkeypatch, score_main, **inputs, **files)
    scores = Scores.load(files["scores"])
    assert scores.logits.shape == (8, 4)
    np.testing.assert_allclose(scores.probabilities.sum(1), 1, rtol=1e-5)
    assert scores.provenance["run"]["network"]["network"] == network
    assert load_checkpoint(outputs["checkpoint"], _CHECKPOINT)["epoch"] == 2


@pytest.mark.parametrize("network", ["blockgcn", "skeletongcl", "frhead"])
def test_killed_in_its_second_epoch_it_goes_on_bit_for_bit(data, tmp_path, run_of, network):
    """With what the method remembers of the clips or classes."""
    run = run_of(network, modality="b", epochs=2)
    store = store_of(data, f"{run.stored_modality}.npy", run)
    whole = train(run, store, tmp_path / "whole")

    def kill(training):
        if training.epoch == 1:
            raise KeyboardInterrupt
        return train_epoch(training)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("protogcn.training.train.train_epoch", kill)
        train(run, store, tmp_path / "killed")
    resumed = train(run, store, tmp_path / "killed")
    assert [row["loss"] for row in resumed.history] == [row["loss"] for row in whole.history]
    assert_same(weights_of(resumed), weights_of(whole))
    assert_same(resumed.add_ons.state_dict(), whole.add_ons.state_dict())


@pytest.mark.parametrize("network", ["stgcnpp", "hdgcn", "blockgcn", "skeletongcl", "gap"])
def test_the_same_seed_gives_the_same_bytes_by_operations_that_repeat_themselves(
    data, tmp_path, run_of, network
):
    """On the CPU, where torch knows some operations that do not; it knows others of a GPU."""
    found = []
    for folder, wanted in ((tmp_path / "as usual", False), (tmp_path / "again", True)):
        run = run_of(network, epochs=1)
        store = store_of(data, f"{run.stored_modality}.npy", run)
        torch.use_deterministic_algorithms(wanted)
        try:
            found.append(weights_of(train(run, store, folder)))
        finally:
            torch.use_deterministic_algorithms(False)
    assert_same(*found)


def test_a_network_that_reads_positions_has_the_file_of_joints_in_every_stream(data, run_of):
    run = run_of("blockgcn", modality="b")
    assert store_of(data, "j.npy", run).digest == store_of(data).digest
    with pytest.raises(ContractError, match=r"b\.npy: holds {'modality': 'b'.* needs"):
        store_of(data, "b.npy", run)


def test_clips_that_change_each_others_scores_are_scored_in_batches_of_training(data, run_of):
    """The released encoding, whose scale is the largest of a batch."""
    seen = []

    def logits_of(bodies):
        seen.append(len(bodies.person_weights))
        return torch.zeros(len(bodies.person_weights), 4)

    for own, expected in (({}, [6, 6, 6, 6]), ({"encoding": "clean"}, [24])):
        run = run_of("blockgcn", batch=6, own=own)
        store = store_of(data, run=run)
        score_clips(logits_of, store, store.rows("xsub", "test"), ScoringCrops.of(run))
        assert seen == expected
        seen.clear()


def test_recordings_are_recognised_as_their_clips_are_scored(data, tmp_path, run_of):
    """By a network that reads their positions besides their bones."""
    run = run_of("blockgcn", modality="b")
    store = store_of(data, run=run)
    model = seeded(run)
    torch.nn.init.normal_(model.classify.weight)  # or all scores would nearly be equal
    write_checkpoint(tmp_path / "checkpoint.pt", run, store, model)
    expected = score(run, store, tmp_path / "checkpoint.pt").probabilities
    ensemble = TrainedEnsemble([Member(run, model.eval(), 4, 1.0)], "probability")
    recordings = [clip.keypoints for clip in nano_clips() if clip.sides["xsub"] == "test"]
    found = recognise(ensemble, recordings, device=torch.device("cpu"))
    np.testing.assert_allclose(np.stack(found), expected, rtol=0, atol=1e-6)


@pytest.mark.slow
def test_two_processes_train_what_one_trains(data, tmp_path):
    """In float64, of methods that remember clips or classes, draw noise or read positions.

    BlockGCN in its clean form: the released one takes a part of a batch for the batch.
    """
    arguments = [json.dumps({"epochs": 1}), json.dumps({})]
    command = [sys.executable, "-m", "tests.made.several_processes", str(data)]
    ended = subprocess.run(
        [*command, str(tmp_path / "runs"), str(tmp_path), *arguments, json.dumps(METHODS)],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout
    for method, own in METHODS.items():
        run = method_run(method, own=own, epochs=1)
        one = in_float64(train, run, store_of(data, run=run), tmp_path / "one" / method)
        wanted = {**weights_of(one), **one.add_ons.state_dict()}
        for rank in (0, 1):
            found = load_checkpoint(tmp_path / f"{rank} {method}.pt", {"history": list})
            for name, value in wanted.items():
                other = {**found["model"], **found["add_ons"]}[name]
                torch.testing.assert_close(other, value, rtol=0, atol=1e-9, msg=f"{method} {name}")
        losses = [row["loss"] for row in one.history]
        assert [row["loss"] for row in found["history"]] == pytest.approx(losses, abs=1e-9)


def in_float64(train, run, store, folder):
    torch.set_default_dtype(torch.float64)
    try:
        return train(run, in_double(store), folder)
    finally:
        torch.set_default_dtype(torch.float32)


def test_another_graph_is_another_training(data, tmp_path, run_of):
    store, run = store_of(data), run_of("stgcnpp", epochs=1)
    path = tmp_path / "checkpoint.pt"
    write_checkpoint(path, run, store, train(run, store, tmp_path).model)
    score(run, store, path)
    skeleton = dataclasses.replace(SKELETON, edges=((2, 3), (1, 0), (4, 0)))
    other = dataclasses.replace(run, dataset=dataclasses.replace(run.dataset, skeleton=skeleton))
    with pytest.raises(ContractError, match="other skeleton than nano_xsub/stgcnpp/j; train again"):
        score(other, store, path)


@pytest.mark.long
@pytest.mark.parametrize("network", ["ctrgcn"])  # a minute for all of them; the others have less
def test_it_compiles_without_breaks_once_for_any_number_of_clips_and_bodies(
    captured_graphs, run_of, network
):
    compiled, plain = (seeded(run_of(network)).train() for _ in range(2))
    engine = Engine.of({**ENGINE, "compile": True}, torch.device("cpu"), precision="float32")
    optimizer = engine.optimizer(
        compiled.parameters(), learning_rate=1.0, momentum=0.0, weight_decay=0.0
    )
    step = engine.training_step(compiled, optimizer)
    for persons in ([2, 1, 1, 1, 2], [1, 1, 1, 2], [2, 2, 1, 1, 1, 1, 1, 1, 1]):
        clips = torch.randn(len(persons), 2, 16, 5, 3)
        bodies = pack_bodies(clips, np.array(persons), multiple=4)
        labels = torch.arange(len(persons)) % 4
        found, expected = step(bodies, labels, 0.0), plain.loss(bodies, labels)
        torch.testing.assert_close(found.total, expected.total)
        torch.testing.assert_close(found.logits, expected.logits)
    assert len(captured_graphs) == 1
    for name, value in compiled.named_buffers():
        torch.testing.assert_close(value, plain.get_buffer(name), msg=name)


def seeded(run):
    torch.manual_seed(0)
    return build_model(run.network, SKELETON, num_classes=4)


@pytest.mark.parametrize("network", TERMS)
def test_bfloat16_trains_it_too(data, tmp_path, run_of, network):
    run = run_of(network, precision="bfloat16", epochs=1)
    history = train(run, store_of(data, run=run), tmp_path).history
    assert math.isfinite(history[-1]["loss"])


def test_it_learns_what_there_is_to_learn(data, tmp_path, run_of):
    run = run_of("stgcnpp", epochs=12, rotation=0.0, swap=0.0, limb_drop=0.0, learning_rate=0.1)
    history = train(run, store_of(data), tmp_path).history
    assert history[-1]["loss"] < 0.7 * history[0]["loss"]
