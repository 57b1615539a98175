import json
import sys

import numpy as np
import torch

from protogcn import predict as command
from protogcn.fusion import fuse
from protogcn.readers.recording import read_recordings
from protogcn.recognition import recognise
from protogcn.score_file import Scores
from protogcn.skeleton import built_in_skeletons
from protogcn.trained import load_ensemble
from tests.unit.trained_nano import WEIGHTS

JOINTS = built_in_skeletons()["ntu25"].joints
CPU = torch.device("cpu")


def predict(monkeypatch, capsys, *arguments):
    """Run the command; return what it prints."""
    monkeypatch.setattr(sys, "argv", ["predict", *map(str, arguments)])
    command.main()
    return capsys.readouterr().out


def fused_of(trained_nano):
    """Return the pipeline's probabilities (N, K) of the test clips, from its score files."""
    scores = {stream: Scores.load(run / "scores.npz") for stream, run in trained_nano.runs.items()}
    return fuse(scores, WEIGHTS, "probability") / sum(WEIGHTS.values())


def raw_of(trained_nano, clip):
    return trained_nano.raw / f"{clip}.skeleton"


def test_raw_files_of_the_test_clips_get_the_pipelines_fused_probabilities(trained_nano):
    ensemble = load_ensemble(trained_nano.table)
    recordings = [
        read_recordings(raw_of(trained_nano, clip), JOINTS, in_image=False)[0].keypoints
        for clip in trained_nano.test_clips
    ]
    found = recognise(ensemble, recordings, device=CPU)
    np.testing.assert_array_equal(np.stack(found), fused_of(trained_nano))


def test_the_command_prints_one_clip_alone_as_the_pipeline_scored_it(
    trained_nano, monkeypatch, capsys
):
    clip, expected = trained_nano.test_clips[3], fused_of(trained_nano)[3]
    text = predict(
        monkeypatch, capsys, raw_of(trained_nano, clip), "--ensemble", trained_nano.table, "--json"
    )
    found = json.loads(text)
    assert found["recording"] == clip
    order = np.argsort(expected)[::-1]
    assert [entry["label"] for entry in found["classes"]] == order.tolist()
    shares = [entry["probability"] for entry in found["classes"]]
    np.testing.assert_allclose(shares, expected[order], rtol=0, atol=1e-6)
    names = ["up", "down", "left", "right"]
    assert [entry["class"] for entry in found["classes"]] == [names[c] for c in order]
