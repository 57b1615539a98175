import pickle

import numpy as np
import pytest

from protogcn.data.clip_list import load_clip_list
from protogcn.errors import ContractError

CLASSES = ("up", "down", "left", "right")


@pytest.mark.parametrize("kind", [list, tuple, np.array])
@pytest.mark.parametrize("outer", [tuple, list])
def test_names_and_labels_of_st_gcns_code_are_a_list(tmp_path, kind, outer):
    content = outer([kind(["b.skeleton", "a", "c"]), kind([3, 0, 1])])
    (tmp_path / "val_label.pkl").write_bytes(pickle.dumps(content))
    clips = load_clip_list(tmp_path / "val_label.pkl", "xsub", CLASSES)
    assert clips.ids == ("b", "a", "c")
    assert clips.labels.tolist() == [3, 0, 1]


@pytest.mark.parametrize(
    "labels", [np.eye(4)[[3, 0, 1]], np.array([3, 0, 1]), np.eye(4, dtype=int)[[3, 0, 1]]]
)
def test_labels_of_ctr_gcns_code_are_a_list_of_numbered_clips(tmp_path, labels):
    np.savez(tmp_path / "NTU60_CS.npz", x_test=np.zeros((3, 2)), y_test=labels)
    clips = load_clip_list(tmp_path / "NTU60_CS.npz", "xsub", CLASSES)
    assert clips.ids == ("test_0", "test_1", "test_2")
    assert clips.labels.tolist() == [3, 0, 1]


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"x": np.zeros(3)}, "has x, expected y_test"),
        ({"y_test": np.zeros((3, 4))}, r"y_test has the shape \(3, 4\), expected a row for each"),
        ({"y_test": np.array([4])}, "found 4, expected 0 to 3"),
    ],
)
def test_npz_without_such_labels_is_one_sentence(tmp_path, arrays, sentence):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(ContractError, match=sentence):
        load_clip_list(tmp_path / "a.npz", "xsub", CLASSES)


@pytest.mark.parametrize("content", [(["a"], [0, 1]), ([], []), ([1], [0])])
def test_pair_that_is_no_list_is_refused(tmp_path, content):
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(content))
    with pytest.raises(ContractError, match="expected a dict with split and annotations"):
        load_clip_list(tmp_path / "a.pkl", "xsub", CLASSES)
