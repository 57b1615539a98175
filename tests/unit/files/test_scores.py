import dataclasses
import zipfile

import numpy as np
import pytest

from protogcn.errors import ContractError
from protogcn.files.scores import Scores, mark_of, select_of
from tests.made.nano import SETTINGS
from tests.made.score_files import make_scores, scores_that_say

IDS = ["NA", "007", "null", "clip ü", "<script>", "=1+1", "a,b"]


@pytest.fixture
def scores():
    logits = np.random.default_rng(0).normal(size=(7, 4)).astype(np.float32)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return Scores(
        clips=np.array(IDS),
        labels=np.array([0, 1, 2, 3, 0, 1, 2]),
        classes=np.array(["a", "b", "NA", "50% & $x_{"]),
        logits=logits,
        probabilities=probabilities,
        provenance={"select": "last", "epoch": 3},
    )


def test_scores_read_back_as_they_were(scores, tmp_path):
    scores.save(tmp_path / "scores.npz")
    found = Scores.load(tmp_path / "scores.npz")
    assert found.clips.tolist() == IDS
    assert found.classes.tolist() == scores.classes.tolist()
    assert found.provenance == scores.provenance
    for name in ("labels", "logits", "probabilities"):
        np.testing.assert_array_equal(getattr(found, name), getattr(scores, name), strict=True)


def test_subjects_are_kept_where_they_are_known(scores, tmp_path):
    known = dataclasses.replace(scores, subjects=np.array(list("aabbbcc")))
    for written, subjects in ((scores, None), (known, list("aabbbcc"))):
        written.save(tmp_path / "scores.npz")
        found = Scores.load(tmp_path / "scores.npz").subjects
        assert (found if found is None else found.tolist()) == subjects


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"clips": np.array(["a"] * 7)}, "clip a appears twice"),
        ({"labels": np.full(7, 4)}, "labels are not one class of 4"),
        ({"labels": np.zeros(6, int)}, "labels are not one class of 4"),
        ({"logits": np.zeros((7, 3))}, r"logits has shape \(7, 3\), expected \(7, 4\)"),
        ({"logits": np.full((7, 4), np.nan)}, "logits of clip NA are not finite"),
        ({"probabilities": np.full((7, 4), 0.3)}, "sum to 1.2000, expected 1"),
        ({"clips": np.array([])}, "found 0 clips"),
        ({"subjects": np.array(["a"])}, r"subjects has shape \(1,\), expected one for each clip"),
        (
            {"provenance": {"select": "first"}},
            "select is 'first', expected best, unknown, watched, last",
        ),
    ],
)
def test_numbers_that_cannot_be_scores_are_never_written(scores, tmp_path, changes, sentence):
    with pytest.raises(ContractError, match=sentence):
        dataclasses.replace(scores, **changes).save(tmp_path / "scores.npz")
    assert not list(tmp_path.iterdir())


def test_missing_array_is_named(tmp_path):
    np.savez(tmp_path / "scores.npz", clips=np.array(["a"]))
    with pytest.raises(ContractError, match="lacks labels, classes, logits"):
        Scores.load(tmp_path / "scores.npz")


def test_every_flipped_bit_is_found(scores, tmp_path):
    path = tmp_path / "scores.npz"
    scores.save(path)
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo("probabilities.npy")
    for place in range(entry.header_offset + 200, entry.header_offset + 300, 3):
        damaged = bytearray(whole)
        damaged[place] ^= 4
        path.write_bytes(damaged)
        with pytest.raises(ContractError, match=r"scores\.npz"):
            Scores.load(path)


@pytest.mark.parametrize("share", [0, 0.3, 0.99])
def test_truncated_file_is_refused(scores, tmp_path, share):
    path = tmp_path / "scores.npz"
    scores.save(path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(ContractError, match="expected a score file"):
        Scores.load(path)


def test_compressed_file_is_refused_before_it_is_unpacked(tmp_path):
    np.savez_compressed(tmp_path / "scores.npz", clips=np.zeros(10_000_000))
    with pytest.raises(ContractError, match="is compressed, expected stored"):
        Scores.load(tmp_path / "scores.npz")


def test_pickled_object_is_refused(tmp_path):
    arrays = dict.fromkeys(("labels", "classes", "logits", "probabilities", "provenance"), 0)
    np.savez(tmp_path / "scores.npz", clips=np.array([{}], dtype=object), **arrays)
    with pytest.raises(ContractError, match=r"scores\.npz: clips holds Python objects"):
        Scores.load(tmp_path / "scores.npz")


def test_one_chosen_epoch_marks_all():
    last = scores_that_say([0], [0])
    best = scores_that_say([0], [0], settings={**SETTINGS, "select": "best"})
    assert (select_of([last, last]), mark_of([last, last])) == ("last", "")
    assert select_of([last, best]) == "best"
    assert "select best" in mark_of([last, best])


def test_the_same_clips_in_another_order_have_the_same_digest(scores):
    order = np.arange(7)[::-1]
    other = dataclasses.replace(scores, clips=scores.clips[order], labels=scores.labels[order])
    assert other.clips_digest == scores.clips_digest
    labelled = dataclasses.replace(scores, labels=scores.labels[order])
    assert labelled.clips_digest != scores.clips_digest


def test_an_ensemble_is_marked_as_its_worst_member():
    members = [make_scores([[1, 0], [0, 1]], select=s) for s in ("last", "watched", "last")]
    assert select_of(members) == "watched"
    assert "validate_on test" in mark_of(members)
    members.append(make_scores([[1, 0], [0, 1]], select="best"))
    assert select_of(members) == "best"
