"""The fast parser returns what the one that goes line by line returns, or nothing."""

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protogcn.data.readers.malformed import MalformedError
from protogcn.data.readers.skeleton_file import parse_line_by_line
from protogcn.data.readers.skeleton_text import regular_bodies
from tests.made.skeleton_text import INFO, REST, make_lines, make_text
from tests.unit.data.readers.test_skeleton_file import NUMBERS, mutate

GOLDEN = sorted((Path(__file__).parents[3] / "golden" / "raw").glob("*.skeleton"))


def agrees(text):
    """Check that both parsers agree; return whether the fast one took the text."""
    found = regular_bodies(text)
    if found is None:
        return False
    expected = parse_line_by_line(text, "clip")
    assert [start for start, _ in found] == [body.start for body in expected]
    for (_, joints), body in zip(found, expected, strict=True):
        assert joints.dtype == body.joints.dtype
        assert joints.shape == body.joints.shape
        assert joints.tobytes() == body.joints.tobytes()  # also -0.0 is told from 0.0
    return True


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_files_are_regular(path):
    assert agrees(path.read_bytes())


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_frames_without_bodies_gaps_and_several_bodies_are_regular(newline):
    frames = [[], [(1, 0.1)], [(2, 0.2), (72057594037932358, 0.3)], [], [(1, 0.4), (2, 0.5)]]
    assert agrees(make_text(frames, newline))
    assert agrees(make_text(frames, newline).rstrip())
    assert agrees(make_text(frames, newline) + b" \r\n\n ")


def test_a_text_without_any_body_is_left_to_the_other_parser():
    assert regular_bodies(b"3\n0\n0\n0\n") is None


def one_frame(*numbers):
    """One body in one frame whose first joint has some numbers."""
    lines = make_lines([[(7, 0.1)]])
    lines[4] = " ".join([*numbers, *REST.split()])
    return "\n".join(lines).encode()


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.tuples(NUMBERS, NUMBERS, NUMBERS))
def test_numbers_of_any_form_have_the_bits_that_float_gives_them(numbers):
    assert agrees(one_frame(*numbers))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.tuples(*[st.from_regex(r"-?[0-9]{0,5}\.?[0-9]{0,17}", fullmatch=True)] * 3))
def test_decimals_of_any_length_have_the_bits_that_float_gives_them(numbers):
    text = one_frame(*numbers)
    try:
        parse_line_by_line(text, "clip")
    except MalformedError:
        assert regular_bodies(text) is None
    else:
        assert agrees(text)


@pytest.mark.parametrize("number", ["5.", ".5", "-.5", "-0", "-0.0", "0", "00.10", "+1", "1e-3"])
def test_unusual_numbers_are_read_too(number):
    assert agrees(one_frame(number, "1.5", number))


@pytest.mark.parametrize(
    "number", ["-", ".", "--1", "1-", "1.2.3", "nan", "inf", "1e400", "65505", "x", "1\t", "1_0"]
)
def test_what_is_no_position_is_left_to_the_other_parser(number):
    assert regular_bodies(one_frame("1.5", number, "2.5")) is None


@pytest.mark.parametrize(
    ("number", "line"),
    [
        (1, "2"),
        (1, "0"),
        (2, "2"),
        (2, "1 1"),
        (2, "0000001"),
        (3, ""),
        (3, f" 7 {INFO}"),
        (4, "24"),
        (4, "25 1"),
        (5, f"1 2 3  {REST}"),
        (5, f"1 2 3 {REST} 4"),
        (5, f"1 2 3 {REST} "),
        (5, "1 2 3 0 0 0 0 0 0 0 0 \r"),
        (5, "1 2 3 0 0 0 0 0 0 0 0\r 2"),
        (5, "1 2 3 0 0 0 0 0 0 0 0 é"),
        (5, "1 2 3 0 0 0 0 0 0 0 0 \x7f"),
        (5, "1 2 3 0 0 0 0 0 0 0 0 " + "1" * 900),
        (29, "1 2 3"),
        (29, f"1 2 3 {REST}\n7"),
    ],
)
def test_what_is_not_regular_is_left_to_the_other_parser(number, line):
    lines = make_lines([[(7, 0.1)]])
    lines[number - 1] = line
    assert regular_bodies("\n".join(lines).encode()) is None


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    st.lists(
        st.lists(st.tuples(st.integers(-3, 3), st.floats(-50, 50)), max_size=3),
        min_size=1,
        max_size=4,
    ).filter(any),
    st.sampled_from(["\n", "\r\n"]),
)
def test_bodies_that_come_and_go_are_told_apart(frames, newline):
    assert agrees(make_text(frames, newline))


@pytest.mark.parametrize("seed", range(4))
def test_takes_no_damaged_text_that_the_other_parser_refuses(seed):
    chance = random.Random(seed)
    texts = [make_text([[(1, 0.1)], [], [(1, 0.2)]]), make_text([[(1, 0.1)], [(1, 0.2), (2, 1)]])]
    taken = 0
    for _ in range(500):
        text = mutate(chance.choice(texts), chance)
        try:
            parse_line_by_line(text, "clip")
        except MalformedError:
            assert regular_bodies(text) is None
        else:
            taken += agrees(text)
    assert taken > 20


def test_a_long_text_is_taken_too():
    frames = [[(1, number / 100), (2, number / 50)] for number in range(300)]
    bodies = regular_bodies(make_text(frames))
    assert [joints.shape for _, joints in bodies] == [(300, 25, 3), (300, 25, 3)]
    assert np.isfinite(bodies[0][1]).all()
