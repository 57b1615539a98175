"""NaN, infinity and a learning rate without bounds: nothing that is no number is learned from."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import yaml

from protogcn.data import joints
from protogcn.training import train
from tests.made.command import run_command
from tests.made.nano import DATASET, nano_clips, nano_run, write_run


def test_a_number_that_is_none_is_refused_where_it_is_read(campaign, tmp_path, monkeypatch, capsys):
    clips = list(nano_clips())
    names = {side: [c.name for c in clips if c.sides["xsub"] == side] for side in ("train", "test")}
    dataset = tmp_path / "dataset.yaml"
    raw = tmp_path / "nano.pkl"
    dataset.write_text(yaml.safe_dump(replace(DATASET, raw=str(raw)).to_mapping()))
    out = [tmp_path / name for name in ("joints.npy", "clips.csv", "dropped.csv")]
    for seed in range(campaign.tries(push=15, nightly=200, release=1000)):
        generator = np.random.default_rng(seed)
        wrong = int(generator.integers(len(clips)))
        bad = (np.nan, np.inf, -np.inf)[seed % 3]
        annotations = []
        for number, clip in enumerate(clips):
            keypoint = clip.keypoints.astype(np.float32)
            if number == wrong:
                keypoint.reshape(-1)[generator.integers(keypoint.size)] = bad
            annotations.append({"frame_dir": clip.name, "label": clip.label, "keypoint": keypoint,
                                "total_frames": keypoint.shape[1]})  # fmt: skip
        split = {"xsub_train": names["train"], "xsub_val": names["test"]}
        raw.write_bytes(pickle.dumps({"split": split, "annotations": annotations}))
        code = run_command(joints, monkeypatch, "--dataset", dataset, "--preparation", "centred",
                           "--workers", 1, "--joints", out[0], "--clips", out[1],
                           "--dropped", out[2])  # fmt: skip
        assert code == 3, seed
        assert clips[wrong].name in capsys.readouterr().err, seed
        assert not any(path.exists() for path in out), seed
        campaign.count("refused")


@pytest.mark.parametrize("more", [{"weight_decay": 1.0}, {"momentum": 0.99}])
def test_a_training_that_leaves_the_numbers_ends_with_its_epoch_and_no_network(
    campaign, data, tmp_path, monkeypatch, capsys, more
):
    run = nano_run(learning_rate=100.0, epochs=20, **more)
    code = run_command(
        train, monkeypatch, "--config", write_run(tmp_path, run), "--values", data / "j.npy",
        "--clips", data / "clips.csv", "--checkpoint", tmp_path / "checkpoint.pt",
        "--history", tmp_path / "history.csv",
    )  # fmt: skip
    assert code == 4
    told = capsys.readouterr().err.splitlines()[-1]
    assert told.startswith("NotFiniteError: ")
    assert "epoch" in told
    assert not (tmp_path / "checkpoint.pt").exists()
    campaign.count("refused")
