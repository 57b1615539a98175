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
from protogcn.data.readers.notes import Notes
from protogcn.errors import ConfigError, ContractError
from protogcn.files.scores import Scores
from protogcn.predict import predict as command
from protogcn.predict.ensemble import ensemble_of_runs, load_ensemble, load_member
from protogcn.predict.recognise import as_probabilities, recognise
from protogcn.predict.recordings import live_frames, read_recordings
from protogcn.scores.fusion import fuse
from tests.made import recorders
from tests.made.nano import nano_run
from tests.made.trained_nano import WEIGHTS

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


def assert_same_classes(first, second):
    """Two predictions are equal but for rounding, which the size of a batch may change."""
    shares = [
        {entry["label"]: entry["probability"] for entry in found["classes"]}
        for found in (first, second)
    ]
    assert shares[0] == pytest.approx(shares[1], abs=1e-5)


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


def noted(monkeypatch, capsys, *arguments):
    """Run the command; return the objects that it prints, and what it says on stderr."""
    monkeypatch.setattr(sys, "argv", ["predict", *map(str, arguments), "--json"])
    command.main()
    out, err = capsys.readouterr()
    return [json.loads(line) for line in out.splitlines()], err.splitlines()


def test_millimetres_get_the_classes_of_metres_and_a_note(
    trained_nano, monkeypatch, capsys, tmp_path
):
    path = raw_of(trained_nano, trained_nano.test_clips[0])
    metres = read_recordings(path, JOINTS, in_image=False)[0].keypoints
    for name, positions in (("m", metres), ("mm", 1000 * metres), ("cm", 100 * metres)):
        np.save(tmp_path / f"{name}.npy", positions)
    files = [tmp_path / f"{name}.npy" for name in ("m", "mm", "cm")]
    found, said = noted(monkeypatch, capsys, *files, "--ensemble", trained_nano.table)
    assert_same_classes(found[0], found[1])
    assert_same_classes(found[0], found[2])
    assert found[0]["notes"] == []
    assert "taken as millimetres and divided by 1000." in found[1]["notes"][0]
    assert said == [f"Note: {entry['notes'][0]}" for entry in found[1:]]

    options = ["--ensemble", trained_nano.table, "--scale", 1000]
    again, said = noted(monkeypatch, capsys, files[0], *options)
    assert said == []
    assert again[0]["classes"] != found[0]["classes"]


def test_frames_that_arrive_in_millimetres_are_converted_from_the_first_person_on(
    trained_nano, monkeypatch, capsys
):
    path = raw_of(trained_nano, trained_nano.test_clips[0])
    metres = read_recordings(path, JOINTS, in_image=False)[0].keypoints[:1, :6]
    results = []
    for frames in (metres, 1000 * metres):
        rows = np.concatenate([0 * frames, frames], axis=1).swapaxes(0, 1)  # nobody at first
        lines = [" ".join(map(str, frame.ravel())) for frame in rows]
        monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(lines)))
        options = ["--runs", trained_nano.runs["j"], "--window", 6, "--stride", 3]
        results.append(noted(monkeypatch, capsys, "-", *options))
    (expected, nothing), (found, said) = results
    for first, second in zip(expected, found, strict=True):
        assert_same_classes(first, second)
    assert (len(found), len(nothing), len(said)) == (3, 0, 1)
    assert said[0].startswith("Note: live: a person is ")


def test_what_is_odd_about_a_recording_is_noted(trained_nano, monkeypatch, capsys, tmp_path):
    path = raw_of(trained_nano, trained_nano.test_clips[0])
    metres = read_recordings(path, JOINTS, in_image=False)[0].keypoints[:1]
    marked, stamps = metres.copy(), np.zeros((1, 34 * 10, 25, 3))
    marked[:, ::2, 5] = 9999
    stamps[:, ::34] = metres[:, :10]
    for name, positions in (
        ("marked", marked),
        ("stamps", stamps),
        ("long", np.tile(metres, (1, 20, 1, 1))),
    ):
        np.save(tmp_path / f"{name}.npy", positions)
    files = [tmp_path / f"{name}.npy" for name in ("marked", "stamps", "long")]
    _, said = noted(monkeypatch, capsys, *files, "--runs", trained_nano.runs["j"])
    assert "repeated in marked (marked: x of joint 5 (left_elbow), person 1" in said[0]
    assert "as far apart as time stamps in stamps (stamps: 10 of 340 frames" in said[1]
    assert "frames are recognised as one action, and the networks know clips of up to" in said[-1]
    assert "; use --window, such as --window 2" in said[-1]
    assert len(said) == 4  # the time stamps make a recording long, too
    _, said = noted(
        monkeypatch, capsys, files[2], "--runs", trained_nano.runs["j"], "--window", 200
    )
    assert said == []


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


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (np.zeros((4, 20, 3)), "found the shape (4, 20, 3), expected (persons, frames, 25, 3)"),
        (
            np.full((4, 25, 3), np.nan),
            "found NaN at person 1, frame 1, joint 0 (100 joints in all)",
        ),
        (
            np.arange(300.0).reshape(4, 25, 3) * 1e30,
            "a: z of joint 24 (right_thumb), person 1, frame 4 is 2.99e+32, for which the networks",
        ),
    ],
)
def test_a_recording_that_does_not_fit_the_networks_is_refused(
    trained_nano, monkeypatch, capsys, tmp_path, content, sentence
):
    np.save(tmp_path / "a.npy", content)
    with pytest.raises(ContractError, match=re.escape(sentence)):
        predict(monkeypatch, capsys, tmp_path / "a.npy", "--ensemble", trained_nano.table)


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["1 2 3"], "line 1: found 3 values, expected 75 for each person"),
        (["", "base_x,base_y"], "line 2: found 'base_x,base_y', expected 75 numbers .* no header"),
        ([" ".join(["1"] * 75), "1;2"], "line 2: found '1;2', expected 75 numbers"),
        ([",".join(["nan"] * 75)], "line 1: found no finite numbers"),
        (["", " "], "standard input: found no line, expected a line for each frame"),
    ],
)
def test_lines_that_are_no_frames_are_refused(lines, sentence):
    with pytest.raises(ContractError, match=sentence):
        list(live_frames(lines, 25))


def test_empty_lines_among_frames_are_skipped():
    lines = ["", " ".join(["1"] * 75), " ", ",".join(["2"] * 75), ""]
    assert [frame.max() for frame in live_frames(lines, 25)] == [1, 2]


def test_a_missing_skeleton_file_is_told_before_its_number_of_joints(tmp_path):
    with pytest.raises(ConfigError, match=r"absent\.skeleton: does not exist, expected a file"):
        read_recordings(tmp_path / "absent.skeleton", JOINTS[:20], in_image=False)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.mp4", b"\0\0\0 ftypisom", "found an mp4 video; a pose estimator such as OpenPose or Medi"),
        ("a.txt", b"1 2 3\n", "found text that starts with '1 2 3', expected a file that ends in .npy"),
        ("a.csv", b"1;2;3\n", "a.csv, line 1: found 3 values, expected 3 for each of 25 joints: x, y,"),
        ("folder/a.npy", b"", "folder: found a folder without OpenPose's json, expected a file that"),
        ("f.json", b'{"version": 1.3, "people": []}', "a single frame of OpenPose, expected all fr"),
    ],
)  # fmt: skip
def test_another_kind_of_file_is_named(tmp_path, name, content, sentence):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    path = path.parent if path.parent != tmp_path else path
    with pytest.raises((ConfigError, ContractError), match=re.escape(sentence)):
        read_recordings(path, JOINTS, in_image=False)


def test_a_folder_of_frames_has_a_recording_for_each_name(tmp_path):
    walk, wave = recorders.positions(1, 4, 18), recorders.positions(2, 3, 18)
    for name, clip in (("walk", walk), ("wave", wave)):
        frames = [recorders.openpose_frame(clip[:, frame]) for frame in range(clip.shape[1])]
        recorders.write_openpose(tmp_path, name, frames)
    joints, notes = built_in_skeletons()["openpose18"].joints, Notes()
    found = read_recordings(tmp_path, joints, in_image=True, notes=notes)
    assert [recording.name for recording in found] == ["walk", "wave"]
    np.testing.assert_array_equal(found[0].keypoints, walk)
    np.testing.assert_array_equal(found[1].keypoints, wave)
    (line,) = notes.lines()
    assert line.endswith("each is followed to the nearest one in the next frame (1 clip: wave).")


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


def test_more_persons_than_the_networks_see_are_noted(trained_nano, monkeypatch, capsys, tmp_path):
    path = raw_of(trained_nano, trained_nano.test_clips[0])
    person = read_recordings(path, JOINTS, in_image=False)[0].keypoints[:1]
    np.save(tmp_path / "a.npy", np.concatenate([person] * 4))
    _, said = noted(
        monkeypatch, capsys, tmp_path / "a.npy", "--runs", trained_nano.runs["j"], "--crops", 1
    )
    assert any("a: has 4 persons, of whom the networks see 2, those that come" in s for s in said)


def test_a_folder_above_the_runs_names_those_below(trained_nano):
    run = trained_nano.runs["j"]
    with pytest.raises(ContractError, match=rf"has no config.yaml, .*; below it are .*{run}"):
        load_member(run.parent)


def test_what_is_no_table_is_told(tmp_path):
    with pytest.raises(ConfigError, match=r"j\.onnx: expected a table of the pipeline, such as"):
        load_ensemble(tmp_path / "j.onnx")
