import pickle
import sys

import numpy as np
import pandas as pd
import pytest
import yaml

from protogcn.data import check_dataset as command
from protogcn.errors import ConfigError, ContractError
from tests.made.config import REPOSITORY
from tests.made.poses import compressed, records, write_table

CONFIG = {
    "skeletons": {
        "stick3": {
            "joints": ["hip", "chest", "left_hand"],
            "parents": [0, 0, 1],
            "centre": 0,
        }
    },
    "datasets": {
        "mine": {
            "skeleton": "stick3",
            "persons": 1,
            "classes": ["waving", "nodding"],
            "splits": ["xsub"],
        }
    },
}


def check(folder, raw, monkeypatch, dataset="mine", faults=None):
    """Run the command with ``raw`` as the dataset's files."""
    CONFIG["datasets"]["mine"]["raw"] = str(raw)
    (folder / "mine.yaml").write_text(yaml.safe_dump(CONFIG))
    arguments = ["--configfile", str(folder / "mine.yaml"), "--directory", str(REPOSITORY)]
    arguments += [] if faults is None else ["--faults", str(faults)]
    monkeypatch.setattr(sys, "argv", ["check_dataset", dataset, *arguments])
    command.main()


def write_clips(folder, clips):
    """Write a folder of clips: name -> (label, side, positions)."""
    folder.mkdir()
    lines = ["clip,label,xsub"]
    for name, (label, side, positions) in clips.items():
        np.save(folder / f"{name}.npy", positions)
        lines.append(f"{name},{label},{side}")
    (folder / "annotations.csv").write_text("\n".join(lines))
    return folder


def positions(seed, frames=5):
    return np.random.default_rng(seed).normal(size=(frames, 3, 3)).astype(np.float32)


def test_a_good_folder_is_summed_up(tmp_path, monkeypatch, capsys):
    clips = {
        "a": ("waving", "train", positions(0)),
        "b": ("nodding", "train", positions(1, 7)),
        "c": ("waving", "test", positions(2, 9)),
    }
    check(tmp_path, write_clips(tmp_path / "raw", clips), monkeypatch)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "mine: 3 clips of 5 to 9 frames (median 7), 2 classes, 3 joints.",
        "Warning: skeletons.stick3.pairs: 1 joint is in no pair (2 left_hand).",
        "Nothing is wrong; 1 warning.",
    ]


def test_what_is_odd_is_a_warning_each(tmp_path, monkeypatch, capsys):
    still, twin = positions(0), 1000 * positions(3)
    still[:, 1] = 0
    twin[:, 1] = 0
    both = np.stack([twin, twin])
    clips = {
        "a": ("waving", "train", still),
        "b": ("waving", "train", twin),
        "c": ("waving", "test", twin),
        "d": ("waving", "test", both[:, :1]),
        "e": ("waving", "-", still),
        "f": ("waving", "test", 0 * still),
    }
    folder = write_clips(tmp_path / "raw", clips)
    np.save(folder / "g.npy", still)
    check(tmp_path, folder, monkeypatch)
    told = capsys.readouterr().out
    for sentence in (
        "1 of 2 classes has no training clip in split xsub (1 nodding);",
        "1 of 3 joints is zero in every clip (1 chest).",
        "left out by rule: 1 no_body, 1 no_split.",
        "1 of 4 clips have more persons than the 1 that datasets.mine.persons keeps, up to 2: d.",
        "1 clips have one frame, their motion is zero: d.",
        "on both sides of split xsub: b (train) = c (test); 1 group of clips with the same positions,",
        "these look like millimetres; divide by 1000.",
        "1 files of clips are not in annotations.csv: g.npy.",
    ):
        assert sentence in told
    assert told.count("same positions") == 1


def test_every_problem_of_a_folder_is_named_at_once(tmp_path, monkeypatch):
    clips = {f"c{number:02}": ("waving", "train", positions(number)[:, :2]) for number in range(12)}
    clips["good"] = ("jumping", "nowhere", positions(0))
    with pytest.raises(ContractError) as caught:
        check(tmp_path, write_clips(tmp_path / "raw", clips), monkeypatch)
    text = str(caught.value)
    assert "14 malformed fields and files" in text
    assert "line 14, label: found 'jumping', expected a class name of the config" in text
    assert "line 14, xsub: found 'nowhere', expected train, val, test or -" in text
    assert "keypoint: found the shape (5, 2, 3) in 12 of 13 files (c00.npy, c01.npy," in text


def test_splits_and_samples_of_a_pickle_are_named_together(tmp_path, monkeypatch):
    samples = [
        {"frame_dir": "a", "label": 5, "total_frames": 5, "keypoint": positions(0)[None]},
        {"frame_dir": "b", "label": 0, "total_frames": 4, "keypoint": positions(1)[None]},
    ]
    content = {"split": {"xview_train": ["a"], "xview_val": ["b"]}, "annotations": samples}
    (tmp_path / "mine.pkl").write_bytes(pickle.dumps(content))
    with pytest.raises(ContractError) as caught:
        check(tmp_path, tmp_path / "mine.pkl", monkeypatch)
    text = str(caught.value)
    assert "has no split xsub, only xview" in text
    assert "sample 'a', label: found 5, expected 0 to 1" in text
    assert "sample 'b', total_frames: found 4, expected 5" in text


def test_a_split_without_test_clips_is_a_problem(tmp_path, monkeypatch):
    clips = {"a": ("waving", "train", positions(0)), "b": ("nodding", "train", positions(1))}
    with pytest.raises(ContractError, match="split xsub has no test clip"):
        check(tmp_path, write_clips(tmp_path / "raw", clips), monkeypatch)


def test_files_that_are_not_there_are_a_problem(tmp_path, monkeypatch):
    with pytest.raises(ContractError, match=r"datasets\.mine\.raw: the folder .* does not exist"):
        check(tmp_path, tmp_path / "absent", monkeypatch)


def test_a_file_of_another_kind_is_a_problem(tmp_path, monkeypatch):
    np.savez(tmp_path / "mine.npz", x_train=positions(0))
    message = (
        r"mine\.npz is a \.npz file of numpy, expected .*; save each clip as a \.npy of its own"
    )
    with pytest.raises(ContractError, match=message):
        check(tmp_path, tmp_path / "mine.npz", monkeypatch)


def test_a_folder_of_pickles_names_them(tmp_path, monkeypatch):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/a.pkl").touch()
    with pytest.raises(ContractError, match=r"it holds a\.pkl: a pickle is named itself as raw"):
        check(tmp_path, tmp_path / "raw", monkeypatch)


def test_a_dataset_of_empty_clips_has_one_fault(tmp_path, monkeypatch):
    clips = {
        name: ("waving", side, 0 * positions(0)) for name, side in [("a", "train"), ("b", "test")]
    }
    with pytest.raises(ContractError) as caught:
        check(tmp_path, write_clips(tmp_path / "raw", clips), monkeypatch)
    assert str(caught.value).endswith("raw: no clip is left, 2 were left out (2 no_body).")


def test_copies_with_several_labels_are_told(tmp_path, monkeypatch, capsys):
    clips = {
        "a": ("waving", "train", positions(0)),
        "b": ("nodding", "train", positions(0)),
        "c": ("nodding", "test", positions(1)),
    }
    check(tmp_path, write_clips(tmp_path / "raw", clips), monkeypatch)
    told = capsys.readouterr().out
    assert "the same positions have several labels: a (label 0) = b (label 1); 1 group" in told


def test_compressed_poses_are_looked_at(tmp_path, monkeypatch):
    rows = [compressed(f"c{n}", n % 2, kpfile=f"{n}.pkl") for n in range(4)]
    kpfiles = {f"{n}.pkl": {f"c{n}": records(3, n)} for n in range(4)}
    dataset = write_table(tmp_path, *rows, kpfiles=kpfiles)
    findings = command.look_at(dataset, workers=1)
    assert not findings.problems
    assert findings.lengths == dict.fromkeys(("c0", "c1", "c2", "c3"), 2)
    (tmp_path / "kpfiles/1.pkl").write_bytes(b"x")
    (problem,) = command.look_at(dataset, workers=1).problems
    assert "kpfiles: 1 malformed files and clips:" in problem
    assert "1.pkl, for sample 'c1': found" in problem


def test_a_simulated_dataset_that_is_not_written_yet_says_how(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"datasets\.demo: is simulated, .*demo/raw\.csv"):
        check(tmp_path, tmp_path, monkeypatch, dataset="demo")


def test_a_misspelt_dataset_gets_a_hint(tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match=r"'miine' is no dataset .* did you mean 'mine'"):
        check(tmp_path, tmp_path, monkeypatch, dataset="miine")


def test_every_fault_is_in_a_csv_on_request(tmp_path, monkeypatch):
    clips = {f"c{number:02}": ("waving", "train", positions(number)[:, :2]) for number in range(30)}
    with pytest.raises(ContractError, match=r"in 30 of 30 files \(c00.npy, .*, \.\.\.\)"):
        check(
            tmp_path,
            write_clips(tmp_path / "raw", clips),
            monkeypatch,
            faults=tmp_path / "all.csv",
        )
    table = pd.read_csv(tmp_path / "all.csv", keep_default_na=False)
    assert list(table) == ["kind", "file", "place", "found", "expected"]
    assert table["file"].tolist() == [f"c{number:02}.npy" for number in range(30)]
    assert set(table["kind"]) == {"fault"}


def test_every_clip_of_a_warning_is_in_the_csv_and_none_is_computed(tmp_path, monkeypatch):
    clips = {f"=c{number:02}": ("waving", "train", positions(number, 1)) for number in range(8)}
    clips |= {"b": ("nodding", "train", positions(9)), "c": ("waving", "test", positions(9))}
    folder = write_clips(tmp_path / "raw", clips)
    check(tmp_path, folder, monkeypatch, faults=tmp_path / "all.csv")
    table = pd.read_csv(tmp_path / "all.csv", keep_default_na=False)
    short = table[table["found"].str.contains("have one frame")]["place"]
    assert short.tolist() == [f"'=c{number:02}" for number in range(8)]
    assert "b (train) = c (test)" in table["place"].tolist()


def test_the_same_clip_on_both_sides_is_named_with_its_sides(tmp_path, monkeypatch, capsys):
    clips = {
        "a": ("waving", "train", positions(0, 20)),
        "b": ("nodding", "train", positions(1, 20)),
        "c": ("waving", "test", positions(0, 20).astype(np.float16) + np.float16(1)),
    }
    check(tmp_path, write_clips(tmp_path / "raw", clips), monkeypatch)
    told = capsys.readouterr().out
    assert "on both sides of split xsub: a (train) = c (test); 1 group of clips" in told
    assert "1 of 1 test clips are known from training" in told
