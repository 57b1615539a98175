"""Each network of the config trains, goes on, compiles and is scored like ProtoGCN."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from protogcn.batches.bodies import pack_bodies
from protogcn.errors import ContractError
from protogcn.files.scores import Scores
from protogcn.models import build_model
from protogcn.models.checkpoint import load_checkpoint
from protogcn.models.engine import Engine
from protogcn.scores.score import main as score_main
from protogcn.scores.score import score
from protogcn.training.train import main as train_main
from protogcn.training.train import train
from tests.made.nano import ENGINE, SKELETON, nano_run, store_of, write_checkpoint, write_run
from tests.made.network_settings import network_settings

NETWORKS = ("stgcn", "stgcnpp", "ctrgcn")
_CHECKPOINT = {"model": dict, "epoch": int, "facts": dict}


def run_of(network, **settings):
    size = network_settings(network, width=12, blocks=2, downsample=[2])
    return dataclasses.replace(nano_run(**settings), model=network, network=size)


def call(monkeypatch, main, **flags):
    words = [word for flag, value in flags.items() for word in (f"--{flag}", str(value))]
    monkeypatch.setattr("sys.argv", ["stage", *words])
    main()


@pytest.mark.parametrize("network", NETWORKS)
def test_stages_train_and_score_it(data, tmp_path, monkeypatch, network):
    config = write_run(tmp_path, run_of(network, epochs=2))
    inputs = {"config": config, "values": data / "j.npy", "clips": data / "clips.csv"}
    outputs = {"checkpoint": tmp_path / "checkpoint.pt", "history": tmp_path / "history.csv"}
    call(monkeypatch, train_main, **inputs, **outputs)
    header = outputs["history"].read_text().splitlines()[0].split(",")
    assert "cross_entropy" in header
    assert "contrast" not in header
    files = {"checkpoint": outputs["checkpoint"], "scores": tmp_path / "scores.npz"}
    call(monkeypatch, score_main, **inputs, **files)
    scores = Scores.load(files["scores"])
    assert scores.logits.shape == (8, 4)
    np.testing.assert_allclose(scores.probabilities.sum(1), 1, rtol=1e-5)
    assert scores.provenance["run"]["network"]["network"] == network
    assert load_checkpoint(outputs["checkpoint"], _CHECKPOINT)["epoch"] == 2


def test_another_graph_is_another_training(data, tmp_path):
    store, run = store_of(data), run_of("stgcnpp", epochs=1)
    path = tmp_path / "checkpoint.pt"
    write_checkpoint(path, run, store, train(run, store, tmp_path).model)
    score(run, store, path)
    skeleton = dataclasses.replace(SKELETON, edges=((2, 3), (1, 0), (4, 0)))
    other = dataclasses.replace(run, dataset=dataclasses.replace(run.dataset, skeleton=skeleton))
    with pytest.raises(ContractError, match="other skeleton than nano_xsub/stgcnpp/j; train again"):
        score(other, store, path)


@pytest.mark.slow
@pytest.mark.parametrize("network", ["ctrgcn"])  # a minute for all of them; the others have less
def test_it_compiles_without_breaks_once_for_any_number_of_clips_and_bodies(
    captured_graphs, network
):
    compiled, plain = (seeded(network).train() for _ in range(2))
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


def seeded(network):
    torch.manual_seed(0)
    return build_model(run_of(network).network, SKELETON, num_classes=4)


@pytest.mark.parametrize("network", NETWORKS)
def test_bfloat16_trains_it_too(data, tmp_path, network):
    run = run_of(network, precision="bfloat16", epochs=1)
    history = train(run, store_of(data), tmp_path).history
    assert math.isfinite(history[-1]["loss"])


def test_it_learns_what_there_is_to_learn(data, tmp_path):
    run = run_of("stgcnpp", epochs=12, rotation=0.0, swap=0.0, limb_drop=0.0, learning_rate=0.1)
    history = train(run, store_of(data), tmp_path).history
    assert history[-1]["loss"] < 0.7 * history[0]["loss"]
