"""NTU's four protocols: raw files and the pickle of the same clips give the same prepared clips."""

import dataclasses
import pickle

import pytest

from protogcn.config.facts import ntu_facts
from protogcn.config.skeleton import built_in_skeletons
from protogcn.data.demo import write_demo
from protogcn.data.joints import write_joints
from protogcn.data.read_dataset import read_dataset
from protogcn.data.readers.ntu_bodies import arrange_bodies
from protogcn.data.readers.skeleton_file import read_skeleton_file
from tests.made.nano import DATASET

# Names with the side that the dataset papers put each on, by hand: 60 xsub, 60 xview, 120 xsub,
# 120 xset; - is not part of NTU-60. Subjects 1, 38, 103 train; 3, 40, 106 test; cameras 2 and 3
# train; even setups train.
NAMES = {
    "S001C001P001R001A001": ("train", "test", "train", "test"),
    "S002C002P038R001A060": ("train", "train", "train", "train"),
    "S003C003P003R002A002": ("test", "train", "test", "test"),
    "S004C001P040R001A003": ("test", "test", "test", "train"),
    "S017C002P001R002A007": ("train", "train", "train", "test"),
    "S018C003P103R001A061": ("-", "-", "train", "train"),
    "S031C001P106R002A120": ("-", "-", "test", "test"),
    "S032C002P106R001A119": ("-", "-", "test", "train"),
}
MISSING = "S001C002P005R002A008"  # on the authors' list: in no pickle
TASKS = [("ntu60", "xsub"), ("ntu60", "xview"), ("ntu120", "xsub"), ("ntu120", "xset")]


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """A folder of simulated recordings under names of both datasets."""
    folder = tmp_path_factory.mktemp("raw")
    files = write_demo(folder, seed=1, subjects=2, replications=1, classes=2, frames=(20, 24))
    for file, name in zip(files, [*NAMES, MISSING], strict=False):
        file.rename(folder / f"{name}.skeleton")
    for file in files[len(NAMES) + 1 :]:
        file.unlink()
    return folder


def pickle_of(raw, path, protocol):
    """Write the pickle as PYSKL has it: its own split lists, float16 positions."""
    names = [name for name in NAMES if protocol == "ntu120" or NAMES[name][0] != "-"]
    lists, annotations = {}, []
    for number, (task, split) in enumerate(TASKS):
        if task == protocol:
            for side, part in (("train", "train"), ("test", "val")):
                mine = [name for name in names if NAMES[name][number] == side]
                lists[f"{split}_{part}"] = mine
    for name in names:
        keypoint = arrange_bodies(read_skeleton_file(raw / f"{name}.skeleton"))
        label = int(name[-3:]) - 1
        sample = {"frame_dir": name, "label": label, "keypoint": keypoint}
        annotations.append({**sample, "total_frames": keypoint.shape[1]})
    path.write_bytes(pickle.dumps({"split": lists, "annotations": annotations}))


@pytest.mark.parametrize("protocol", ["ntu60", "ntu120"])
def test_raw_files_and_pickle_give_the_same_clips(raw, tmp_path, protocol, capsys):
    pickle_of(raw, tmp_path / "all.pkl", protocol)
    facts = ntu_facts()
    dataset = dataclasses.replace(
        DATASET,
        name=protocol,
        skeleton=built_in_skeletons()["ntu25"],
        protocol=protocol,
        leave_out_missing=True,
        classes=tuple(facts["classes"][: facts[protocol]["classes"]]),
        splits=tuple(split for task, split in TASKS if task == protocol),
    )
    written = {}
    for kind, source in (("folder", raw), ("pickle", tmp_path / "all.pkl")):
        folder = tmp_path / kind
        folder.mkdir()
        mine = dataclasses.replace(dataset, raw=str(source))
        paths = {f"{name}_path": folder / name for name in ("joints", "clips", "dropped")}
        write_joints(read_dataset(mine, workers=1), mine, "centred", **paths)
        written[kind] = {name: (folder / name).read_bytes() for name in ("joints", "clips")}
    assert written["folder"] == written["pickle"]
    assert (tmp_path / "folder/dropped").read_text() == f"clip,rule\n{MISSING},missing_list\n"

    rows = written["folder"]["clips"].decode().splitlines()[1:]
    assert len(rows) == sum(NAMES[name][0] != "-" or protocol == "ntu120" for name in NAMES)
    for row in rows:
        name, *_, first, second = row.split(",")
        assert (first, second) == (NAMES[name][:2] if protocol == "ntu60" else NAMES[name][2:])
    assert "its authors count" in capsys.readouterr().err
