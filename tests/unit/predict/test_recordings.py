import io
import json
import re
import sys

import numpy as np
import pytest

from protogcn.config.skeleton import built_in_skeletons
from protogcn.data.readers.notes import Notes
from protogcn.errors import ConfigError, ContractError
from protogcn.predict import predict as command
from protogcn.predict.recordings import live_frames, read_recordings
from tests.made import recorders
from tests.made.predicting import JOINTS, assert_same_classes, predict, raw_of


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


def test_more_persons_than_the_networks_see_are_noted(trained_nano, monkeypatch, capsys, tmp_path):
    path = raw_of(trained_nano, trained_nano.test_clips[0])
    person = read_recordings(path, JOINTS, in_image=False)[0].keypoints[:1]
    np.save(tmp_path / "a.npy", np.concatenate([person] * 4))
    _, said = noted(
        monkeypatch, capsys, tmp_path / "a.npy", "--runs", trained_nano.runs["j"], "--crops", 1
    )
    assert any("a: has 4 persons, of whom the networks see 2, those that come" in s for s in said)
