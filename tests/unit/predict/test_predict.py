import io
import json
import pickle
import re
import shutil
import sys

import numpy as np
import pytest
import torch
import yaml

from protogcn.batches.bodies import all_bodies
from protogcn.batches.sampling import scoring_frames
from protogcn.config.skeleton import built_in_skeletons
from protogcn.data.preparation import prepare_clip
from protogcn.errors import ConfigError, ContractError
from protogcn.files.scores import Scores
from protogcn.predict.ensemble import ensemble_of_runs, load_ensemble, load_member
from protogcn.predict.recognise import as_probabilities, recognise
from protogcn.predict.recordings import read_recordings
from protogcn.scores.fusion import fuse
from tests.made.nano import nano_run
from tests.made.predicting import JOINTS, assert_same_classes, predict, raw_of
from tests.made.trained_nano import WEIGHTS

CPU = torch.device("cpu")


def fused_of(trained_nano):
    """Return the pipeline's probabilities (N, K) of the test clips, from its score files."""
    scores = {stream: Scores.load(run / "scores.npz") for stream, run in trained_nano.runs.items()}
    return fuse(scores, WEIGHTS, "probability") / sum(WEIGHTS.values())


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


def test_a_pickle_and_an_array_of_the_same_motion_get_the_same_classes(
    trained_nano, monkeypatch, capsys, tmp_path
):
    clip = trained_nano.test_clips[0]
    keypoints = read_recordings(raw_of(trained_nano, clip), JOINTS, in_image=False)[0].keypoints
    np.save(tmp_path / "array.npy", keypoints)
    sample = {"frame_dir": "sample", "keypoint": keypoints}
    (tmp_path / "samples.pkl").write_bytes(pickle.dumps([sample]))
    files = [raw_of(trained_nano, clip), tmp_path / "array.npy", tmp_path / "samples.pkl"]
    text = predict(monkeypatch, capsys, *files, "--ensemble", trained_nano.table, "--json")
    found = [json.loads(line) for line in text.splitlines()]
    assert [entry["recording"] for entry in found] == [clip, "array", "sample"]
    assert found[0]["classes"] == found[1]["classes"] == found[2]["classes"]


def test_windows_are_recognised_each_by_itself(trained_nano, monkeypatch, capsys, tmp_path):
    clip = trained_nano.test_clips[0]
    keypoints = read_recordings(raw_of(trained_nano, clip), JOINTS, in_image=False)[0].keypoints
    long = np.concatenate([keypoints] * 3, axis=1)[:, :50]
    np.save(tmp_path / "long.npy", long)
    options = ["--runs", trained_nano.runs["j"], "--json", "--window", 20, "--stride", 15]
    text = predict(monkeypatch, capsys, tmp_path / "long.npy", *options)
    found = [json.loads(line) for line in text.splitlines()]
    assert [(entry["first_frame"], entry["num_frames"]) for entry in found] == [
        (0, 20), (15, 20), (30, 20),
    ]  # fmt: skip
    np.save(tmp_path / "part.npy", long[:, 15:35])
    text = predict(monkeypatch, capsys, tmp_path / "part.npy", *options[:3])
    assert_same_classes(json.loads(text), found[1])

    lines = [" ".join(map(str, frame.ravel())) for frame in long.astype(np.float32).swapaxes(0, 1)]
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(lines)))
    text = predict(monkeypatch, capsys, "-", *options)
    live = [json.loads(line) for line in text.splitlines()]
    assert len(live) == 3
    for alone, together in zip(live, found, strict=True):
        assert_same_classes(alone, together)


def test_one_crop_is_the_first_of_the_pipelines(trained_nano):
    ensemble = ensemble_of_runs([trained_nano.runs["j"]], [1], "probability").with_crops(1)
    path = raw_of(trained_nano, trained_nano.test_clips[0])
    keypoints = read_recordings(path, JOINTS, in_image=False)[0].keypoints
    (found,) = recognise(ensemble, [keypoints], device=CPU)
    joints, _ = prepare_clip(keypoints, "centred", built_in_skeletons()["ntu25"], 2)
    crop = joints[scoring_frames(len(joints), 16, 3)[0]].swapaxes(0, 1)  # (M, T, V, C)
    with torch.no_grad():
        bodies = all_bodies(torch.from_numpy(crop)[None])
        expected = ensemble.members[0].model(bodies).softmax(1)[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_what_is_printed_for_people(trained_nano, monkeypatch, capsys, tmp_path):
    np.save(tmp_path / "nobody.npy", np.zeros((7, 25, 3)))
    files = [raw_of(trained_nano, trained_nano.test_clips[0]), tmp_path / "nobody.npy"]
    options = ["--runs", *trained_nano.runs.values(), "--weights", 2, 1, 1, "--top", 2]
    lines = predict(monkeypatch, capsys, *files, *options).splitlines()
    order = np.argsort(fused_of(trained_nano)[0])[::-1]
    share = 100 * fused_of(trained_nano)[0][order[0]]
    assert lines[1] == f"{share:6.1f} %  {('up', 'down', 'left', 'right')[order[0]]}"
    assert lines[3:] == ["nobody, 7 frames:", "  nobody is there"]
    sample = {"frame_dir": "empty", "keypoint": np.zeros((1, 0, 25, 3))}
    (tmp_path / "empty.pkl").write_bytes(pickle.dumps(sample))
    text = predict(monkeypatch, capsys, tmp_path / "empty.pkl", *options, "--window", 5)
    assert text.splitlines() == ["empty, 0 frames:", "  nobody is there"]


@pytest.mark.parametrize("space", ["probability", "logit", "log_probability", "normalised_logit"])
def test_probabilities_sum_to_one_in_the_order_of_the_fused_scores(trained_nano, space):
    scores = {stream: Scores.load(run / "scores.npz") for stream, run in trained_nano.runs.items()}
    fused = fuse(scores, WEIGHTS, space)
    found = as_probabilities(fused, WEIGHTS, space)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    np.testing.assert_array_equal(found.argsort(axis=1), fused.argsort(axis=1))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["a.txt"], "a.txt: does not exist, expected a file that ends in .npy, .csv, "),
        (["a.npy"], "a.npy: does not exist, expected a file that ends in .npy, .csv, "),
        (["a.npy", "--stride", "3"], "--stride goes with --window"),
        (["a.npy", "--window", "3", "--stride", "4"], "expected a stride of 1 up to the window"),
        (["a.npy", "--window", "3", "--stride", "0"], "expected a stride of 1 up to the window"),
        (["a.npy", "--window", "0"], "--window: found 0, expected frames, 1 or more"),
        (["a.npy", "--crops", "0"], "--crops: found 0, expected 1 or more"),
        (["a.npy", "--scale", "0"], "--scale: found 0.0, expected a number above 0"),
        (["a.npy", "--top", "0"], "--top: found 0, expected 1 or more"),
        (["a.npy", "--threads", "-2"], "--threads: found -2, expected 1 or more"),
        (["a.npy", "--threads", "0"], "--threads: found 0, expected 1 or more"),
        (["-"], "frames from standard input need --window"),
        (["a.npy", "--weights", "1", "2"], "--weights and --space go with --runs"),
    ],
)
def test_wrong_arguments_are_one_sentence(trained_nano, monkeypatch, capsys, arguments, sentence):
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        predict(monkeypatch, capsys, *arguments, "--ensemble", trained_nano.table)


def test_a_checkpoint_of_another_run_is_refused(trained_nano, tmp_path):
    shutil.copytree(trained_nano.runs["j"], tmp_path / "j")
    shutil.copy(trained_nano.runs["b"] / "checkpoint.pt", tmp_path / "j/checkpoint.pt")
    with pytest.raises(
        ContractError, match=r"checkpoint\.pt: is of a training with other modality"
    ):
        load_member(tmp_path / "j")


def test_a_run_whose_scores_are_imported_has_no_network(tmp_path):
    run = nano_run(scores="best_pred.pkl")
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(run.to_mapping()), encoding="utf-8")
    with pytest.raises(ContractError, match=r"scores are imported from best_pred\.pkl, so there"):
        load_member(tmp_path)


def test_an_ensemble_without_a_record_is_named(tmp_path):
    with pytest.raises(ContractError, match=r"absent\.json: does not exist, expected the record"):
        load_ensemble(tmp_path / "absent.csv")


def test_weights_that_do_not_match_the_runs_are_refused(trained_nano):
    with pytest.raises(ConfigError, match="1 runs and 2 weights"):
        ensemble_of_runs([trained_nano.runs["j"]], [1, 2], "probability")


@pytest.mark.parametrize("weights", [[0], [-1], [np.nan], [np.inf], [1, -1], [1e308, 1e308]])
def test_weights_that_give_no_probabilities_are_refused(trained_nano, weights):
    folders = [trained_nano.runs["j"]] * len(weights)
    with pytest.raises(ConfigError, match=r"^weights .*: expected finite numbers above 0"):
        ensemble_of_runs(folders, weights, "probability")


def test_a_folder_above_the_runs_names_those_below(trained_nano):
    run = trained_nano.runs["j"]
    with pytest.raises(ContractError, match=rf"has no config.yaml, .*; below it are .*{run}"):
        load_member(run.parent)


def test_what_is_no_table_is_told(tmp_path):
    with pytest.raises(ConfigError, match=r"j\.onnx: expected a table of the pipeline, such as"):
        load_ensemble(tmp_path / "j.onnx")
