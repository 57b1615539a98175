from math import comb

import numpy as np
import pytest

from protogcn.errors import ContractError
from protogcn.scores.order import doubt_about_order, join

IDS = ("c3", "c1", "c0", "c2")


def doubt(hits, count, classes):
    """Of a network that is right about so many of so many clips; both use all classes evenly."""
    labels = np.arange(count) % classes
    predicted = labels.copy()
    predicted[hits:] = (labels[hits:] + 1) % classes
    return doubt_about_order(predicted, labels)


@pytest.mark.parametrize(
    ("hits", "count", "classes"),
    [(48, 48, 8), (20, 48, 8), (6, 6, 6), (60, 100, 4), (15, 60, 10), (600, 16_487, 60)],
)
def test_hits_of_a_network_leave_no_doubt(hits, count, classes):
    assert doubt(hits, count, classes) == ("", False)


@pytest.mark.parametrize(
    ("hits", "count", "classes"),
    [(0, 10, 4), (6, 48, 8), (7, 30, 4), (205, 400, 2), (280, 16_487, 60), (0, 20, 60)],
)
def test_hits_by_chance_are_known_at_every_size(hits, count, classes):
    sentence, is_certain = doubt(hits, count, classes)
    assert is_certain
    assert sentence.startswith(f"{hits} of {count} clips are right, no more than by chance (")


@pytest.mark.parametrize(
    ("hits", "count", "classes"),
    [(1, 1, 1), (2, 4, 4), (3, 4, 4), (6, 10, 4), (9, 30, 10), (5, 8, 2)],
)
def test_weak_network_on_few_clips_is_not_called_chance(hits, count, classes):
    assert not doubt(hits, count, classes)[1]


def test_doubt_is_of_the_exact_binomial():
    labels = np.arange(12) % 4
    tails = {h: sum(comb(12, n) * 3 ** (12 - n) for n in range(h, 13)) / 4**12 for h in range(13)}
    for hits, tail in tails.items():
        predicted = labels.copy()
        predicted[hits:] = np.roll(labels[hits:], 1)
        assert bool(doubt_about_order(predicted, labels)[0]) == (tail > 1e-3), hits


@pytest.mark.parametrize("one", ["predicted", "labels"])
def test_one_class_is_in_the_same_order_always(one):
    values = {
        "predicted": np.arange(100) % 4,
        "labels": np.arange(100) % 4,
        one: np.zeros(100, int),
    }
    assert doubt_about_order(**values) == ("", False)


@pytest.mark.parametrize("names", ["test_{}", "{}", "sample_{}", "{:05}", "{}.npy", "x{}y"])
@pytest.mark.parametrize("first", [0, 1])
def test_numbered_rows_follow_the_list_that_was_given(names, first):
    numbered = [names.format(n + first) for n in (2, 0, 3, 1)]
    joined = join("a", numbered, 4, IDS, is_given=True)
    assert joined.rows.tolist() == [1, 3, 0, 2]
    assert joined[1:3] == ("number", "the list given as clips")


def test_numbered_rows_without_a_list_are_in_the_order_of_names():
    joined = join("a", [f"test_{n}" for n in (2, 0, 3, 1)], 4, IDS, is_given=False)
    assert joined.rows.tolist() == [2, 3, 1, 0]  # c3 is test_3, c1 test_1, c0 test_0, c2 test_2
    assert joined[1:3] == ("number", "the clips' names")


def test_names_go_before_numbers():
    assert join("a", ("1", "0"), 2, ("0", "1"), is_given=True).rows.tolist() == [1, 0]
    assert join("a", None, 2, ("0", "1"), is_given=True)[1:3] == (
        "position",
        "the list given as clips",
    )
    assert join("a", None, 2, ("0", "1"), is_given=False).order == "the annotation file"


@pytest.mark.parametrize("form", ["/data/ntu/{}.skeleton", "clips\\{}", "{}.npy", "val/a/{}.mp4"])
def test_names_of_files_are_those_of_clips_without_folder_and_suffix(form):
    joined = join("a", [form.format(f"c{n}") for n in (2, 0, 3, 1)], 4, IDS, is_given=False)
    assert joined.rows.tolist() == [2, 3, 1, 0]
    assert joined.remark.endswith("folder and suffix left off")


def test_files_of_one_name_in_two_folders_are_no_clips():
    with pytest.raises(ContractError, match=r"has other clips .* \(such as a/c1\)"):
        join("a", ["a/c1", "b/c1", "c0"], 3, ("c0", "c1", "c2"), is_given=False)


def test_crops_one_after_the_other_are_told():
    with pytest.raises(ContractError, match=r"40 clips without names.* of 10 crops a clip, \(cli"):
        join("a", None, 40, IDS, is_given=False)
