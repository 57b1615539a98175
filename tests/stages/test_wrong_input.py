"""Wrong raw input at the door of the first stage: one sentence, exit code, no half-written file."""

import contextlib
import dataclasses
import io
import os
import pickle
import resource
import subprocess
import sys

import numpy as np
import pytest
import yaml

from protogcn.config.resolved import Dataset
from protogcn.config.skeleton import built_in_skeletons
from protogcn.data import joints
from protogcn.data.demo import write_demo
from tests.made.command import run_command
from tests.made.nano import SKELETON, nano_clips, write_dataset

BASE = Dataset(
    name="mine",
    raw="",
    simulate=None,
    source="",
    skeleton=built_in_skeletons()["ntu25"],
    persons=2,
    protocol="ntu120",
    leave_out_missing=False,
    classes=("a", "b"),
    splits=("xsub",),
)


def read_joints(folder, dataset, **options):
    """Run the joints stage as its rule does: here, or with options in a process of its own."""
    (folder / "dataset.yaml").write_text(yaml.safe_dump(dataset.to_mapping()))
    out = folder / "out"
    words = [
        "--dataset", folder / "dataset.yaml", "--preparation", "centred", "--workers", "1",
        "--joints", out / "joints.npy", "--clips", out / "clips.csv", "--dropped", out / "dropped.csv",
    ]  # fmt: skip
    if options:
        command = [sys.executable, "-m", "protogcn", "joints", *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, **options)
    told = io.StringIO()
    limits = resource.getrlimit(resource.RLIMIT_AS)  # the stage limits its process for good
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stderr(told):
        code = run_command(joints, patch, *words)
    resource.setrlimit(resource.RLIMIT_AS, limits)
    return subprocess.CompletedProcess(words, code, stderr=told.getvalue())


def assert_refused(answer, folder, code, *sentences):
    assert answer.returncode == code, answer.stderr
    assert "Traceback" not in answer.stderr
    for sentence in sentences:
        assert sentence in answer.stderr
    left = [path.name for path in (folder / "out").glob("*")]
    assert left in ([], [".joints.npy.sources.json"])  # a note on what was to be read


@pytest.fixture
def raw(tmp_path):
    """Twelve good raw files of subjects 1 to 3."""
    write_demo(tmp_path / "raw", seed=0, subjects=3, replications=1, classes=2)
    return tmp_path / "raw"


def from_folder(raw):
    return dataclasses.replace(BASE, raw=str(raw))


def test_good_files_are_read(raw, tmp_path):
    answer = read_joints(tmp_path, from_folder(raw))
    assert answer.returncode == 0, answer.stderr
    assert "24 clips kept, 0 left out" in answer.stderr


def test_empty_folder(tmp_path):
    (tmp_path / "raw").mkdir()
    answer = read_joints(tmp_path, from_folder(tmp_path / "raw"))
    assert_refused(answer, tmp_path, 2, "raw: ", ".skeleton")


def test_missing_folder(tmp_path):
    answer = read_joints(tmp_path, from_folder(tmp_path / "raw"))
    assert_refused(answer, tmp_path, 2, "raw: ")


def test_every_malformed_file_is_told_with_its_line(raw, tmp_path):
    files = sorted(raw.iterdir())
    cut, letters, fewer = (path.read_bytes().split(b"\r\n") for path in files[:3])
    files[0].write_bytes(b"\r\n".join(cut[:100]))
    letters[4] = letters[4].replace(b" ", b" x", 1)
    files[1].write_bytes(b"\r\n".join(letters))
    fewer[3] = b"24"
    files[2].write_bytes(b"\r\n".join(fewer))
    answer = read_joints(tmp_path, from_folder(raw))
    told = [f"{files[0].name}, line", f"{files[1].name}, line 5", f"{files[2].name}, line 4"]
    assert_refused(answer, tmp_path, 3, *told, "24")


def annotation(number, **changes):
    keypoint = np.random.default_rng(number).normal(size=(1, 9, 5, 3)).astype(np.float32)
    entry = {
        "frame_dir": f"s{number}",
        "label": number % 2,
        "total_frames": 9,
        "keypoint": keypoint,
    }
    entry |= changes
    return {key: value for key, value in entry.items() if value is not None}


def pickle_of(folder, *annotations, split=None):
    content = {
        "split": split or {"xsub_train": ["s0", "s1"], "xsub_val": ["s2", "s3"]},
        "annotations": [*annotations, *(annotation(n) for n in range(len(annotations), 4))],
    }
    (folder / "mine.pkl").write_bytes(pickle.dumps(content))
    return dataclasses.replace(BASE, raw=str(folder / "mine.pkl"), protocol=None, skeleton=SKELETON)


def test_good_pickle_is_read(tmp_path):
    answer = read_joints(tmp_path, pickle_of(tmp_path))
    assert answer.returncode == 0, answer.stderr


NAN = np.full((1, 9, 5, 3), np.nan, np.float32)


@pytest.mark.parametrize(
    ("changes", "sentences"),
    [
        ({"label": None}, ("annotation 1", "no label")),
        ({"keypoint": None}, ("annotation 1", "no keypoint")),
        ({"label": 2}, ("s0", "label", "0 to 1")),
        ({"label": -1}, ("s0", "label", "0 to 1")),
        ({"keypoint": NAN}, ("s0", "keypoint", "NaN")),
        ({"keypoint": NAN[:, :, :4]}, ("s0", "keypoint", "(1, 9, 4, 3)")),
        ({"keypoint": NAN[0, 0]}, ("s0", "keypoint", "(5, 3)")),
        ({"total_frames": 8}, ("s0", "total_frames", "9")),
        ({"frame_dir": "s1"}, ("s1", "again")),
    ],
)
def test_wrong_sample_is_named_with_its_field(tmp_path, changes, sentences):
    answer = read_joints(tmp_path, pickle_of(tmp_path, annotation(0, **changes)))
    assert_refused(answer, tmp_path, 3, "mine.pkl", *sentences)


def test_unknown_split_name(tmp_path):
    dataset = pickle_of(tmp_path, split={"xsub_train": ["s0"], "xsub_dev": ["s1"]})
    assert_refused(read_joints(tmp_path, dataset), tmp_path, 3, "mine.pkl", "xsub_dev")


def test_split_that_is_not_in_the_pickle(tmp_path):
    dataset = dataclasses.replace(pickle_of(tmp_path), splits=("xview",))
    assert_refused(read_joints(tmp_path, dataset), tmp_path, 2, "mine.pkl", "xview", "xsub")


class _Attack:
    def __init__(self, canary):
        self.canary = str(canary)

    def __reduce__(self):
        return os.mkdir, (self.canary,)


def test_pickle_that_would_run_code(tmp_path):
    dataset = pickle_of(tmp_path, annotation(0, keypoint=_Attack(tmp_path / "canary")))
    answer = read_joints(tmp_path, dataset, env=os.environ)
    assert_refused(answer, tmp_path, 3, "mine.pkl", "posix.mkdir")
    assert not (tmp_path / "canary").exists()


def test_disk_full_while_writing(raw, tmp_path):
    """A limit on the size of files stands for the full disk."""

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    answer = read_joints(tmp_path, from_folder(raw), preexec_fn=limited)
    assert_refused(answer, tmp_path, 3, "joints.npy: could not be written", "ulimit -f")


def test_disk_full_while_modalities_are_written(tmp_path):
    write_dataset(tmp_path, nano_clips())
    (tmp_path / "dataset.yaml").write_text(
        yaml.safe_dump(dataclasses.replace(BASE, skeleton=SKELETON, raw="x.pkl").to_mapping())
    )
    before = {path.name for path in tmp_path.iterdir()}
    answer = subprocess.run(
        [
            sys.executable, "-m", "protogcn", "modality", "--dataset", tmp_path / "dataset.yaml",
            "--joints", tmp_path / "joints.npy", "--clips", tmp_path / "clips.csv",
            "--k", tmp_path / "k.npy", "--km", tmp_path / "km.npy",
        ],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000)),
    )  # fmt: skip
    assert answer.returncode == 3
    assert "could not be written (File too large)" in answer.stderr
    assert {path.name for path in tmp_path.iterdir()} == before
