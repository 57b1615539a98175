import pickle
import sys

import numpy as np
import pandas as pd
import pytest
import yaml

from protogcn.data.clip_list import list_clips, load_clip_list
from protogcn.data.list_clips import main
from protogcn.errors import ConfigError, ContractError
from tests.made.nano import DATASET

CLASSES = DATASET.classes
ANNOTATIONS = {
    "split": {"xsub_train": ["b"], "xsub_val": ["d", "a", "c"]},
    "annotations": [
        {"frame_dir": clip, "label": label, "keypoint": np.zeros((1, 2, 5, 3)), "total_frames": 2}
        for clip, label in (("c", 0), ("b", 1), ("a", 3), ("d", np.int64(2)), ("e", 0))
    ],
}


@pytest.fixture
def pickled(tmp_path):
    def write(content):
        path = tmp_path / "annotations.pkl"
        path.write_bytes(pickle.dumps(content))
        return path

    return write


def test_test_clips_are_in_the_order_of_the_annotations(pickled):
    clips = load_clip_list(pickled(ANNOTATIONS), "xsub", CLASSES)
    assert clips.ids == ("c", "a", "d")  # neither that of the split's list, nor of the names
    assert clips.labels.tolist() == [0, 3, 2]


def test_written_list_is_read_as_its_pickle(pickled, tmp_path, monkeypatch):
    dataset = {**DATASET.to_mapping(), "raw": str(pickled(ANNOTATIONS))}
    (tmp_path / "dataset.yaml").write_text(yaml.safe_dump(dataset))
    arguments = ["--dataset", tmp_path / "dataset.yaml", "--clips", tmp_path / "annotated.csv"]
    monkeypatch.setattr(sys, "argv", ["clip_list", *map(str, arguments)])
    main()
    table = pd.read_csv(tmp_path / "annotated.csv")
    assert table["clip"].tolist() == ["c", "b", "a", "d", "e"]
    assert table["xsub"].tolist() == ["test", "train", "test", "test", "-"]
    clips = load_clip_list(tmp_path / "annotated.csv", "xsub", CLASSES)
    assert (clips.ids, clips.labels.tolist()) == (("c", "a", "d"), [0, 3, 2])


def test_list_of_ones_own_needs_no_split(tmp_path):
    (tmp_path / "labels.csv").write_text("clip,label\nNA,1\n007,0\n")
    clips = load_clip_list(tmp_path / "labels.csv", "xsub", CLASSES)
    assert (clips.ids, clips.labels.tolist()) == (("NA", "007"), [1, 0])


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ([1], "found a list, expected a dict with split and annotations"),
        ({**ANNOTATIONS, "annotations": [{"label": 1}]}, "annotation 1, frame_dir: found None"),
        (
            {**ANNOTATIONS, "annotations": [{"frame_dir": "a", "label": "x"}]},
            "label: found 'x', expected",
        ),
        (
            {**ANNOTATIONS, "annotations": ANNOTATIONS["annotations"][:2] * 2},
            "clip c is listed twice",
        ),
        ({**ANNOTATIONS, "annotations": 5}, "annotations is 5, expected a list"),
        ({**ANNOTATIONS, "annotations": []}, "annotations is an empty list, expected a list"),
        (
            {**ANNOTATIONS, "annotations": [{"frame_dir": "a", "label": 4}]},
            "label: found 4, expected 0 to 3",
        ),
    ],
)
def test_pickle_that_is_no_list_is_one_sentence(pickled, content, sentence):
    with pytest.raises(ContractError, match=rf"annotations\.pkl.*{sentence}"):
        load_clip_list(pickled(content), "xsub", CLASSES)


def test_split_that_is_not_there_is_named(pickled):
    with pytest.raises(ConfigError, match="has no split xview, only xsub"):
        list_clips(pickled(ANNOTATIONS), ["xview"], CLASSES)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        (
            "a.csv",
            "clip,label,xsub\nc,0,val\nb,1,train\n",
            "whose sides are val, train, expected tes",
        ),
        ("a.json", '[["c", 0]]', "found a list of clips in JSON, expected an annotation pickle or"),
    ],
)
def test_list_that_does_not_fit_is_one_sentence(tmp_path, name, content, sentence):
    (tmp_path / name).write_text(content)
    with pytest.raises(ContractError, match=sentence):
        load_clip_list(tmp_path / name, "xsub", CLASSES)


def test_folder_in_place_of_a_list_is_one_sentence(tmp_path):
    with pytest.raises(ContractError, match="is a folder, expected a csv with the columns clip"):
        load_clip_list(tmp_path, "xsub", CLASSES)
