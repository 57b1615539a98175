import pickle

import pytest

from protogcn.data.readers.faults import report_malformed, results_of, sum_up
from protogcn.data.readers.malformed import MalformedError
from protogcn.errors import ConfigError, ContractError


def faults_of(field, values, expected="0 to 1", file="data.pkl"):
    """Return a fault of one field for each value, of the samples s0, s1, ..."""
    return [
        MalformedError(file, f"sample 's{number}', {field}", found, expected)
        for number, found in enumerate(values)
    ]


@pytest.mark.parametrize(
    ("faults", "line"),
    [
        (faults_of("label", ["3"]), "data.pkl, sample 's0', label: found 3, expected 0 to 1"),
        (
            faults_of("label", ["2"] * 7),
            "label: found 2 in 7 of 9 samples (s0, s1, s2, s3, s4, ...), expected 0 to 1",
        ),
        (
            faults_of("label", ["2", "-3", "4", "5", "2"]),
            "label: found 2, -3, 4, ... in 5 of 9 samples (s0, s1, s2, s3, s4), expected 0 to 1",
        ),
        (
            faults_of("label", ["'up'", "'it\\'s'", "'up'"]),
            "label: found text ('up', 'it\\'s') in 3 of 9 samples (s0, s1, s2), expected 0 to 1",
        ),
        (
            faults_of("keypoint", ["the shape (1, 5)", "the shape (2, 5)"], "(M, T, V, C)"),
            "keypoint: found the shape (1, 5); the shape (2, 5) in 2 of 9 samples (s0, s1),"
            " expected (M, T, V, C)",
        ),
        (
            [
                MalformedError("a.csv", f"line {number}, xsub", "'up'", "train or test")
                for number in (3, 8)
            ],
            "xsub: found 'up' in 2 of 9 lines (3, 8), expected train or test",
        ),
        (
            [
                MalformedError("a.pkl", f"annotation {number}", "no label", "frame_dir, label")
                for number in (1, 2)
            ],
            "found no label in 2 of 9 samples (1, 2), expected frame_dir, label",
        ),
        (
            [MalformedError(f"{name}.npy", "the array", "no frame", "frames") for name in "ab"],
            "the array: found no frame in 2 of 9 files (a.npy, b.npy), expected frames",
        ),
        (
            [
                MalformedError("a.skeleton", "line 4", "'x'", "the number of frames"),
                MalformedError("b.skeleton", "line 19", "'y'", "the number of frames"),
            ],
            "found text ('x', 'y') in 2 of 9 files (a.skeleton, line 4; b.skeleton, line 19),"
            " expected the number of frames",
        ),
        (
            [
                MalformedError("a.csv", f"line {number}, clip", "no file of this name", expected)
                for number, expected in ((2, "one of my a.npy, my a.csv"), (3, "one of b.npy"))
            ],
            "clip: found no file of this name in 2 of 9 lines (2, 3), expected one of my a.npy, my"
            " a.csv (of the first)",
        ),
    ],
)
def test_faults_that_are_alike_share_a_line(faults, line):
    assert sum_up(faults, of=9) == [line]


def test_a_line_below_a_folder_names_the_one_file_that_it_is_of():
    faults = faults_of("label", ["2", "3"], file="a.pkl")
    with pytest.raises(ContractError, match=r"poses: 2 malformed samples:\n  a\.pkl, label: found"):
        report_malformed("data/poses", "samples", faults)
    with pytest.raises(
        ContractError, match=r"a\.pkl: 2 malformed samples:\n  label: found 2, 3 in"
    ):
        report_malformed("data/a.pkl", "samples", faults)


def test_hints_that_differ_do_not_tell_faults_apart():
    faults = [
        *faults_of("label", ["'wvae'"], "a class name; did you mean 'wave'?"),
        *faults_of("label", ["'ndo'"], "a class name; did you mean 'nod'?"),
        *faults_of("label", ["'xyz'"], "a class name"),
    ]
    (line,) = sum_up(faults)
    assert line.endswith("expected a class name")


@pytest.mark.parametrize(
    "other",
    [
        faults_of("total_frames", ["2"]),
        faults_of("label", ["None"]),
        faults_of("label", ["2"], "one class"),
    ],
)
def test_another_field_kind_of_value_or_promise_gets_another_line(other):
    assert len(sum_up([*faults_of("label", ["2", "3"]), *other])) == 2


def test_a_report_has_twenty_lines_and_every_fault():
    faults = [
        fault for field in "abcdefghijklmnopqrstuvwxyz" for fault in faults_of(field, ["1"] * 2000)
    ]
    with pytest.raises(ContractError) as caught:
        report_malformed("data.pkl", "samples", faults, of=2000)
    head, *lines = str(caught.value).splitlines()
    assert head == "data.pkl: 52,000 malformed samples:"
    assert lines[0] == (
        "  a: found 1 in 2,000 of 2,000 samples (s0, s1, s2, s3, s4, ...), expected 0 to 1"
    )
    assert len(lines) == 20
    assert lines[-1].startswith("  and 7 more kinds of faults; all of them: protogcn check_data")
    assert len(caught.value.faults) == 52_000
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), len(again.faults)) == (str(caught.value), 52_000)


def test_checks_that_do_not_depend_on_one_another_are_told_together():
    def first():
        raise ConfigError("no split")

    def second():
        raise ContractError("no label", faults_of("label", ["2"]))

    with pytest.raises(ConfigError, match="no split\nno label") as caught:
        results_of(first, second)
    assert len(caught.value.faults) == 1
    assert results_of(lambda: 1, lambda: 2) == [1, 2]
