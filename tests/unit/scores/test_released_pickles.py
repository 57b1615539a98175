import json
import os
import pickle
import zipfile

import numpy as np
import pytest
import torch

from protogcn.errors import ContractError
from protogcn.scores.released_files import read_scores
from tests.made.hostile_pickles import CALLS
from tests.made.mutations import zipped
from tests.made.released_scores import LABELS, VALUES


@pytest.fixture
def read(tmp_path):
    def write_and_read(content, name="scores.pkl", protocol=4):
        (tmp_path / name).write_bytes(pickle.dumps(content, protocol))
        return read_scores(tmp_path / name)

    return write_and_read


@pytest.mark.parametrize("protocol", [2, 4])
def test_list_of_vectors_is_pyskls(read, protocol):
    found = read(list(VALUES), protocol=protocol)
    assert (found.form, found.clips, found.labels) == ("PYSKL", None, None)
    np.testing.assert_array_equal(found.values, VALUES[:, None])


def test_crops_are_an_axis_of_their_own(read):
    crops = np.stack([VALUES, VALUES + 1], axis=1)
    assert read(list(crops)).values.shape == (5, 2, 4)
    np.testing.assert_array_equal(read(crops).values, crops)


def test_dict_of_vectors_is_ctr_gcns_and_names_its_samples(read):
    found = read({f"test_{row}": vector for row, vector in enumerate(VALUES)})
    assert found.form == "CTR-GCN"
    assert found.clips == ("test_0", "test_1", "test_2", "test_3", "test_4")
    np.testing.assert_array_equal(found.values[:, 0], VALUES)


def test_names_of_skeleton_files_are_names_of_clips(read):
    found = read({"S001C001P003R001A001.skeleton": VALUES[0]})
    assert found.clips == ("S001C001P003R001A001",)


def now(vector, label):
    return {"pred_score": vector, "gt_label": label, "img_shape": (480, 640), "num_clips": 10}


def before(vector, label):
    return {"pred_scores": {"item": vector}, "gt_labels": {"item": label}}


@pytest.mark.parametrize("sample", [now, before])
@pytest.mark.parametrize("kind", [torch.from_numpy, np.asarray])
def test_list_of_samples_is_mmaction2s_and_has_labels(read, sample, kind):
    samples = [sample(kind(v), kind(LABELS[row : row + 1])) for row, v in enumerate(VALUES)]
    found = read(samples)
    assert found.form == "mmaction2"
    assert found.labels.tolist() == LABELS.tolist()
    np.testing.assert_array_equal(found.values[:, 0], VALUES)


@pytest.mark.parametrize(
    "key", [np.int64, np.int32, np.float64, int, float, str, np.str_, lambda n: str(n).encode()]
)
def test_numbered_samples_of_every_type_have_the_same_names(read, key):
    """CTR-GCN's code numbers those of NW-UCLA with numpy's integers."""
    found = read({key(row): vector for row, vector in enumerate(VALUES)})
    assert found.clips == tuple("01234")
    np.testing.assert_array_equal(found.values[:, 0], VALUES)


@pytest.mark.parametrize(
    "content",
    [
        {name: torch.from_numpy(v) for name, v in zip("abcde", VALUES, strict=True)},
        {name: v[None] for name, v in zip("abcde", VALUES, strict=True)},
        {name: v.tolist() for name, v in zip("abcde", VALUES, strict=True)},
        {name: {"score": v, "label": 1} for name, v in zip("abcde", VALUES, strict=True)},
        list(zip("abcde", VALUES, strict=True)),
        (list("abcde"), VALUES),
        {"names": list("abcde"), "scores": VALUES},
        {"clips": np.array(list("abcde")), "logits": torch.from_numpy(VALUES)},
        [{"frame_dir": n, "pred_score": v} for n, v in zip("abcde", VALUES, strict=True)],
    ],
)
def test_named_scores_are_read_in_every_form(read, content):
    found = read(content)
    assert found.clips == tuple("abcde")
    np.testing.assert_array_equal(found.values[:, 0], VALUES)


@pytest.mark.parametrize("name", ["a.pt", "a.PTH", "a.pkl"])
@pytest.mark.parametrize("content", [torch.from_numpy(VALUES), list(torch.from_numpy(VALUES))])
def test_tensors_that_torch_saved_are_read(tmp_path, name, content):
    torch.save(content, tmp_path / name)
    np.testing.assert_array_equal(read_scores(tmp_path / name).values[:, 0], VALUES)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ([], "expected a list of score vectors"),
        ("text", "expected a list of score vectors"),
        ([VALUES[0], VALUES[1][:3]], r"no score vectors of one size \(\(3,\), \(4,\)\)"),
        (["a", "b"], "no score vectors of one size"),
        ({"a": {"b": 1}}, "sample 0 has 'b', expected pred_score"),
        ([1.0, 2.0], r"scores of shape \(2,\), expected"),
        (np.zeros((0, 4)), r"an array of shape \(0, 4\) with nothing known in it, expected"),
        (np.zeros((4, 0)), r"scores of shape \(4, 1, 0\), expected"),
        ([np.array([0.0, np.nan])], "the scores of 1 of 1 entries are not finite"),
        ([{"label": 1}], "sample 0 has 'label', expected pred_score"),
    ],
)
def test_what_is_no_score_is_one_sentence(read, content, sentence):
    with pytest.raises(ContractError, match=rf"scores\.pkl: .*{sentence}"):
        read(content)


def test_nothing_in_a_score_file_is_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for trick, pickled in CALLS.items():
        (tmp_path / "best_pred.pkl").write_bytes(b"\x80\x04" + pickled + b".")
        with pytest.raises(ContractError, match=r"best_pred\.pkl: byte"):
            read_scores(tmp_path / "best_pred.pkl")
        assert os.listdir(tmp_path) == ["best_pred.pkl"], trick


@pytest.mark.parametrize("key", ["frame_dir", "clip", "video"])
def test_samples_are_named_by_any_key_of_the_field(tmp_path, key):
    samples = [{key: f"c{n}", "scores": list(map(float, row))} for n, row in enumerate(VALUES)]
    (tmp_path / "a.json").write_text(json.dumps(samples))
    assert read_scores(tmp_path / "a.json").clips == tuple(f"c{n}" for n in range(len(VALUES)))


def test_a_tensor_without_its_elements_is_named_with_the_file(tmp_path):
    path = tmp_path / "a.pt"
    torch.save({"a": torch.ones(3), "b": torch.ones(3)}, path)
    with zipfile.ZipFile(path) as archive:
        parts = [(e.filename, archive.read(e)) for e in archive.infolist()]
    path.write_bytes(zipped([part for part in parts if not part[0].endswith("data/1")]))
    with pytest.raises(ContractError, match=r"a\.pt: found no bytes of the tensor data/1"):
        read_scores(path)
