"""An ensemble whose weights and temperatures were learned, on recordings."""

import json
import sys

import numpy as np
import pytest
import torch

from protogcn.config.skeleton import built_in_skeletons
from protogcn.files.ensemble import load_ensemble_record, save_ensemble_record
from protogcn.files.scores import Scores
from protogcn.predict import predict as command
from protogcn.predict.ensemble import load_ensemble
from protogcn.predict.recognise import recognise
from protogcn.predict.recordings import read_recordings
from protogcn.scores.fusion import as_probabilities, fuse
from protogcn.scores.learned_weights import with_temperatures

WEIGHTS = {"j": 0.7, "b": 0.3}
HEATS = {"j": 2.0, "b": 0.5}


@pytest.fixture(params=["probability", "log_probability"])
def learned(request, trained_nano, tmp_path):
    """The record of the trained ensemble, as if km had got no weight; and its space."""
    record = load_ensemble_record(trained_nano.table.with_suffix(".json"))
    runs = [
        run._replace(weight=WEIGHTS.get(run.stream, 0), temperature=HEATS.get(run.stream, 1.0))
        for run in record.runs
    ]
    path = tmp_path / "learned.json"
    found = record._replace(
        space=request.param, runs=runs, temperature=1.5, learned_on="9 val clips of nano_xsub"
    )
    save_ensemble_record(path, found)
    return path, request.param


def test_recordings_get_the_calibrated_probabilities_of_the_score_files(trained_nano, learned):
    path, space = learned
    ensemble = load_ensemble(path)
    assert [member.run.stream for member in ensemble.members] == ["j", "b"]
    joints = built_in_skeletons()["ntu25"].joints
    recordings = [
        read_recordings(trained_nano.raw / f"{clip}.skeleton", joints, in_image=False)[0].keypoints
        for clip in trained_nano.test_clips
    ]
    found = recognise(ensemble, recordings, device=torch.device("cpu"))
    scores = {s: Scores.load(trained_nano.runs[s] / "scores.npz") for s in WEIGHTS}
    fused = fuse(with_temperatures(scores, HEATS), WEIGHTS, space)
    np.testing.assert_allclose(
        np.stack(found), as_probabilities(fused, WEIGHTS, space, 1.5), rtol=1e-6
    )
    np.testing.assert_allclose(np.stack(found).sum(axis=1), 1)


def test_predict_says_that_probabilities_are_calibrated(trained_nano, learned, monkeypatch, capsys):
    path, _ = learned
    recording = trained_nano.raw / f"{trained_nano.test_clips[0]}.skeleton"
    words = [str(recording), "--ensemble", str(path), "--json", "--crops", "1"]
    monkeypatch.setattr(sys, "argv", ["predict", *words])
    command.main()
    found = capsys.readouterr()
    note = "probabilities are calibrated (temperature 1.5, learned on 9 val clips of nano_xsub)"
    assert note in found.err
    shares = [entry["probability"] for entry in json.loads(found.out)["classes"]]
    assert sum(shares) == pytest.approx(1)
