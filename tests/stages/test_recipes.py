"""Networks under the recipes of their authors: trained, resumed bit for bit, scored."""

import dataclasses

import numpy as np
import pytest
import torch

from protogcn.batches.clip_store import ClipStore
from protogcn.errors import OutOfTimeError
from protogcn.jobs.deadline import TimeLimit
from protogcn.predict.ensemble import Member, TrainedEnsemble
from protogcn.predict.recognise import recognise
from protogcn.scores.score import score
from protogcn.training.train import train
from tests.made.nano import assert_same, nano_clips, nano_run, weights_of, write_checkpoint
from tests.made.network_settings import network_settings

AUTHORS = {
    "epochs": 2,
    "sampling": "resized",
    "crops": 1,
    "schedule": "steps",
    "steps": [1],
    "warmup": 1,
    "drop_last": True,
    "copy_person": True,
}
CASES = [
    ("blockgcn", "bm", {"difference": "clip"}),
    ("infogcn", "b", {"label_smoothing": 0.1}),
    ("frhead", "bm", {"difference": "sampled", "bone_lengths": 0.2}),
    ("skeletongcl", "b", {"copy_person": False}),
]


@pytest.mark.parametrize(("network", "modality", "settings"), CASES)
def test_a_network_is_trained_resumed_and_scored(data, tmp_path, network, modality, settings):
    size = network_settings(network, width=16, blocks=2, downsample=[2])
    size |= {"encoding": "clean"} if network == "blockgcn" else {}  # no batch matters to a clip
    run = dataclasses.replace(
        nano_run(**{**AUTHORS, **settings}), model=network, modality=modality, network=size
    )
    file = data / f"{run.stored_modality}.npy"
    assert file.name == ("b.npy" if network == "skeletongcl" else "j.npy")
    store = ClipStore.load(file, data / "clips.csv", run, torch.device("cpu"))
    whole = train(run, store, tmp_path / "whole")
    rates = [row["learning_rate"] for row in whole.history]
    assert rates == pytest.approx([0.05, 0.005])

    with pytest.raises(OutOfTimeError):  # after the first epoch
        train(run, store, tmp_path / "again", TimeLimit(1))
    again = train(run, store, tmp_path / "again")
    assert again.history[0]["loss"] == whole.history[0]["loss"]
    assert_same(weights_of(again), weights_of(whole))

    write_checkpoint(tmp_path / "checkpoint.pt", run, store, whole.model)
    scores = score(run, store, tmp_path / "checkpoint.pt")
    assert scores.logits.shape == (8, 4)
    assert np.isfinite(scores.logits).all()
    recordings = [clip.keypoints for clip in nano_clips() if clip.sides["xsub"] == "test"]
    ensemble = TrainedEnsemble([Member(run, whole.model, 2, 1.0)], "probability").with_crops(5)
    found = recognise(ensemble, recordings, device=torch.device("cpu"))
    np.testing.assert_allclose(found, scores.probabilities, atol=1e-5)
