import dataclasses
import json
import struct
import sys

import pandas as pd
import pytest
import yaml

from protogcn.config.datasets import expected_clips
from protogcn.data.joints import write_joints
from protogcn.data.readers import DroppedClip
from protogcn.files.clip_table import ClipTable
from protogcn.report.figures import dataset as command
from protogcn.report.figures.dataset import count_clips
from tests.made.nano import DATASET, nano_clips, write_dataset


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Run the command on the nano dataset; return its table and its picture."""
    write_dataset(
        tmp_path, [*nano_clips(), DroppedClip("x", "no_body"), DroppedClip("y", "no_body")]
    )
    mapping = json.loads(json.dumps(DATASET.to_mapping()))
    (tmp_path / "dataset.yaml").write_text(yaml.safe_dump(mapping))
    files = {name: tmp_path / f"{name}.csv" for name in ("clips", "dropped")}
    arguments = [f"--{name}={path}" for name, path in files.items()]
    arguments += [f"--joints={tmp_path / 'joints.npy'}", f"--dataset={tmp_path / 'dataset.yaml'}"]
    arguments += [f"--table={tmp_path / 'report.csv'}", f"--picture={tmp_path / 'report.png'}"]
    monkeypatch.setattr(sys, "argv", ["draw_dataset", *arguments])
    command.main()
    return pd.read_csv(tmp_path / "report.csv"), tmp_path / "report.png"


def test_a_row_for_all_for_each_rule_side_and_class(written):
    table, picture = written
    rows = table.set_index(["group", "name"])["clips"]
    assert rows["all", "nano"] == 24
    assert rows["dropped", "no_body"] == 2
    assert (rows["side", "xsub train"], rows["side", "xsub test"]) == (16, 8)
    assert [rows["class", name] for name in ("0 up", "1 down", "2 left", "3 right")] == [6] * 4
    lengths = [clip.keypoints.shape[1] for clip in nano_clips()]
    everything = table.iloc[0]
    assert (everything["shortest"], everything["longest"]) == (1, max(lengths))
    assert everything["two_persons"] == 12
    header = picture.read_bytes()[:24]
    assert header.startswith(b"\x89PNG")
    width, height = struct.unpack(">2I", header[16:])
    assert width == pytest.approx(2400, abs=50)  # 12 inches of 200 dots, cut to what is drawn
    assert height > 400


def test_only_the_authors_own_files_have_an_expected_number():
    ntu = dataclasses.replace(DATASET, protocol="ntu60", leave_out_missing=True)
    assert expected_clips(ntu, "xsub", "train") == 40091
    assert expected_clips(ntu, "xview", "test") == 18932
    assert expected_clips(dataclasses.replace(ntu, simulate={}), "xsub", "train") is None
    assert expected_clips(dataclasses.replace(ntu, leave_out_missing=False), "xsub", "test") is None
    assert expected_clips(DATASET, "xsub", "train") is None


def test_a_dataset_with_other_counts_than_its_authors_is_a_warning(tmp_path, capsys):
    ntu = dataclasses.replace(DATASET, protocol="ntu60", leave_out_missing=True)
    paths = {f"{name}_path": tmp_path / name for name in ("joints", "clips", "dropped")}
    write_joints(nano_clips(), ntu, "centred", **paths)
    told = capsys.readouterr().err
    assert "Warning: nano_xsub has 16 train clips, its authors count 40091" in told
    assert "Warning: nano_xsub has 8 test clips, its authors count 16487" in told


def test_copies_across_a_split_are_counted_and_named(tmp_path):
    clips = list(nano_clips())
    copy = dataclasses.replace(clips[0], name="copy", sides={"xsub": "test"})
    write_dataset(tmp_path, [*clips, copy])
    table = ClipTable.load(tmp_path / "clips.csv")
    _, trailer = table.open_array(tmp_path / "joints.npy")
    dropped = pd.DataFrame(columns=["clip", "rule"])
    rows = count_clips(DATASET, table, dropped, trailer["inputs"])
    copies = rows[rows["group"] == "copies"].set_index("name")["clips"]
    assert copies.to_dict() == {
        "xsub: test clips that are training clips too": 1,
        "xsub: clip 00 (train) = copy (test)": 2,
    }
