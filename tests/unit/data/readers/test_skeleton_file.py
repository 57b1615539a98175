import os
import random
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protogcn.data.readers.malformed import MalformedError
from protogcn.data.readers.ntu_bodies import arrange_bodies
from protogcn.data.readers.skeleton_file import MAX_BYTES, parse_skeleton, read_skeleton_file
from tests.made.skeleton_text import INFO, REST, make_lines, make_text


def parse_lines(lines):
    return parse_skeleton("\n".join(lines).encode(), "clip.skeleton")


ONE_FRAME = make_lines([[(7, 0.1)]])  # line 1 frames, 2 bodies, 3 info, 4 joints, 5-29 joints


def replaced(number, text):
    return [*ONE_FRAME[: number - 1], text, *ONE_FRAME[number:]]


def test_takes_x_y_z_of_every_joint():
    (body,) = parse_lines(ONE_FRAME)
    expected = [[0.1 * j, 0.1 * j + 0.5, -0.1 * j] for j in range(25)]
    assert body.joints.dtype == np.float32
    np.testing.assert_allclose(body.joints, [expected], rtol=0, atol=1e-4)


def test_rounds_as_python_does():
    text = "0.1000000014901161119 -3.4028e-5 4.2949673e1"
    (body,) = parse_lines(replaced(5, f"{text} {REST}"))
    assert body.joints[0, 0].tolist() == [float(np.float32(float(x))) for x in text.split()]


def test_frames_without_bodies_do_not_advance_the_clock():
    bodies = parse_skeleton(make_text([[], [(1, 0.1)], [], [(1, 0.2), (2, 0.3)]]), "clip")
    assert [(body.start, len(body.joints)) for body in bodies] == [(0, 2), (1, 1)]


def test_closes_gaps_of_a_body():
    frames = [[(1, 0.1)], [(2, 0.2)], [(1, 0.3)]]
    bodies = parse_skeleton(make_text(frames), "clip")
    assert [(body.start, len(body.joints)) for body in bodies] == [(0, 2), (1, 1)]


def test_tells_64_bit_ids_apart_in_their_last_digit():
    frames = [[(72057594037932358, 0.1), (72057594037932359, 0.2)]]
    assert len(parse_skeleton(make_text(frames), "clip")) == 2


def test_accepts_windows_line_ends_and_trailing_blank_lines():
    frames = [[(1, 0.1)], [(1, 0.2)]]
    unix, windows = make_text(frames), make_text(frames, "\r\n") + b"\r\n \r\n\n"
    expected, found = parse_skeleton(unix, "clip"), parse_skeleton(windows, "clip")
    np.testing.assert_array_equal(found[0].joints, expected[0].joints)


def test_a_last_line_may_lack_its_end():
    assert len(parse_skeleton(make_text([[(1, 0.1)]]).rstrip(), "clip")) == 1


def test_ignores_nan_outside_the_position():
    (body,) = parse_lines(replaced(5, "1 2 3 NaN -1.#IND inf nan 0 0 0 0 2"))
    assert body.joints[0, 0].tolist() == [1, 2, 3]


@pytest.mark.parametrize(("text", "expected"), [("0", 0), ("3\n0\n0\n0\n", 0)])
def test_a_file_without_body_has_none(text, expected):
    assert len(parse_skeleton(text.encode(), "clip")) == expected


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            replaced(1, "x"),
            "line 1: found 'x', expected the number of frames, a whole number up to 100000",
        ),
        (replaced(1, "-1"), "line 1: found '-1'"),
        (replaced(1, "1.0"), "line 1: found '1.0'"),
        (replaced(1, "1 1"), "line 1: found '1 1'"),
        (replaced(1, ""), "line 1: found ''"),
        (replaced(1, "1000000000"), "line 1: found '1000000000', expected the number of frames"),
        (replaced(1, "9" * 50), "line 1: found '9999"),
        (replaced(1, "2"), "line 30: found the end of the file, .* frame 2 of 2"),
        (replaced(1, "0"), "line 2: found '1', expected the end after the last announced frame"),
        (replaced(2, "-3"), "line 2: found '-3', expected the body count of frame 1 of 1"),
        (replaced(2, "100000"), "line 30: found the end of the file, expected a body's info line"),
        (replaced(2, "0"), "line 3: found .*, expected the end"),
        (replaced(3, f"7.5 {INFO}"), "line 3: found '7.5', expected a body id"),
        (replaced(3, f"1_0 {INFO}"), "line 3: found the byte 0x5f"),
        (replaced(3, ""), "line 3: found an empty line, expected a body id"),
        (replaced(4, "24"), "line 4: found 24 joints, expected 25"),
        (replaced(4, "1000000000"), "line 4: found '1000000000', expected the joint count"),
        (replaced(29, "1 2 3"), "line 29: found 3 numbers, expected 12 for a joint"),
        (replaced(29, f"1 2 3 {REST} 7"), "line 29: found more than 12 numbers, expected 12"),
        (replaced(20, ""), "line 20: found 0 numbers"),
        (replaced(20, f"1 2 3 {REST}" + " " * 2000), "line 20: found a line of"),
        (replaced(5, f"1 two 3 {REST}"), "line 5: found '1 two 3', expected x, y and z in metres"),
        (replaced(5, f"1 0x2 3 {REST}"), "line 5: found '1 0x2 3'"),
        (replaced(5, f"1 nan 3 {REST}"), "line 5: found '1 nan 3', expected finite"),
        (replaced(5, f"1 2 -inf {REST}"), "line 5: found '1 2 -inf', expected finite"),
        (replaced(5, f"1e400 2 3 {REST}"), "line 5: found '1e400 2 3', expected finite"),
        (replaced(5, f"65520 2 3 {REST}"), "line 5: found '65520 2 3', .* at most 65504"),
        (replaced(5, f"1_0 2 3 {REST}"), "line 5: found the byte 0x5f"),
        (replaced(5, f"1é 2 3 {REST}"), "line 5: found the byte 0xc3, expected ASCII"),
        (replaced(5, f"1\0 2 3 {REST}"), "line 5: found the byte 0x00"),
        (ONE_FRAME[:20], "line 21: found the end of the file, expected joint 17 of 25"),
        (ONE_FRAME[:3], "line 4: found the end of the file, expected the joint count"),
        ([*ONE_FRAME, "", "7"], "line 30: found '', expected the end"),
        (["1 " * 600], "line 1: found a line of 1000 bytes or more"),
        ([], "line 1: found the end of the file, expected the number of frames"),
    ],
)
def test_a_malformed_file_says_where(lines, message):
    with pytest.raises(MalformedError, match=rf"^clip\.skeleton, {message}"):
        parse_lines(lines)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_refuses_other_encodings(encoding):
    with pytest.raises(MalformedError, match="line 1: found"):
        parse_skeleton("\n".join(ONE_FRAME).encode(encoding), "clip")


def test_refuses_lone_carriage_returns():
    with pytest.raises(MalformedError, match="line 1"):
        parse_skeleton("\r".join(ONE_FRAME).encode(), "clip")


def test_a_fault_carries_its_parts():
    with pytest.raises(MalformedError) as caught:
        parse_lines(replaced(4, "24"))
    fault = caught.value
    assert (fault.file, fault.place) == ("clip.skeleton", "line 4")
    assert (fault.found, fault.expected) == ("24 joints", "25")


def test_refuses_a_sparse_giant_by_its_size(tmp_path):
    path = tmp_path / "giant.skeleton"
    path.touch()
    os.truncate(path, 20 << 30)
    with pytest.raises(MalformedError, match=f"found {20 << 30} bytes, expected at most"):
        read_skeleton_file(path)


@pytest.mark.parametrize("kind", ["folder", "pipe", "nothing", "loop"])
def test_refuses_what_is_no_file(tmp_path, kind):
    path = tmp_path / "a.skeleton"
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "loop":
            path.symlink_to(path)
    with pytest.raises(MalformedError, match=r"^a\.skeleton, the file: found "):
        read_skeleton_file(path)


@pytest.mark.parametrize(
    "data",
    [
        b"1\n1\n1 0\n25\n" + b"1 " * (MAX_BYTES // 4),
        b"1\n1\n1 0\n25\n" + b"1" * (MAX_BYTES // 4) + b" 0" * 11 + b"\n",
        b"0\n" + b"\n" * (MAX_BYTES // 4) + b"x",
        b"100000\n" + b"0\n" * (MAX_BYTES // 4),
        b"25000\n" + (b"1\n1\n25\n" + b"0 0 0 0 0 0 0 0 0 0 0 0\n" * 25) * 25_000 + b"x",
        b"1\n" + b"9" * (MAX_BYTES // 4),
    ],
    ids=["wide", "long number", "blank lines", "frames", "bodies", "long count"],
)
def test_hostile_files_end_within_seconds(data):
    begin = time.process_time()
    with pytest.raises(MalformedError, match=r"^.{10,200}$"):
        parse_skeleton(data, "clip")
    assert time.process_time() - begin < 5  # less than one on a machine at rest


NUMBERS = st.floats(-100, 100, width=64).flatmap(
    lambda x: st.sampled_from([repr(x), f"{x:.7g}", f"{x:.3e}", f"{x:+.12f}", str(int(x))])
)


@st.composite
def well_formed(draw):
    """Return a text, and what it says as (start, positions) by body."""
    frames = draw(st.lists(st.lists(st.integers(-3, 2**64 - 1), max_size=2), max_size=3))
    separator, newline = draw(st.sampled_from(" \t")), draw(st.sampled_from(["\n", "\r\n"]))
    pool = draw(st.lists(NUMBERS, min_size=3, max_size=9))
    lines, expected, clock, turn = [str(len(frames))], {}, 0, 0
    for bodies in frames:
        lines.append(str(len(bodies)))
        for body_id in bodies:
            lines += [f"{body_id}{separator}0", " 25 "]
            _, positions = expected.setdefault(body_id, (clock, []))
            for _ in range(25):
                turn += 1
                xyz = [pool[(turn * step) % len(pool)] for step in (1, 2, 3)]
                positions += [float(x) for x in xyz]
                lines.append(separator.join([*xyz, *REST.split()]))
        clock += bool(bodies)
    return (newline.join(lines) + newline).encode(), expected


@settings(max_examples=150, deadline=None, derandomize=True)
@given(well_formed())
def test_agrees_with_a_plain_reading_of_any_well_formed_text(case):
    text, expected = case
    bodies = parse_skeleton(text, "clip")
    assert [body.start for body in bodies] == [start for start, _ in expected.values()]
    for body, (_, positions) in zip(bodies, expected.values(), strict=True):
        np.testing.assert_array_equal(
            body.joints, np.array(positions, dtype=np.float32).reshape(-1, 25, 3)
        )


PIECES = (
    *(b"nan", b"inf", b"1e400", b"-1", b"1000000000", b"\r", b"\r\n", b"\n", b" ", b"", b"#"),
    *(b"\xff", b"\xef\xbb\xbf", b"\0", b"_", b"7 0", b"0x1", b"1e5", b"25", b"24"),
)


def mutate(text, chance):
    for _ in range(chance.choice([1, 1, 1, 2, 5])):
        start = chance.randrange(len(text) + 1)
        end = min(len(text), start + chance.choice([0, 0, 1, 1, 2, 8, 200]))
        match chance.randrange(4):
            case 0:
                text = text[:start] + chance.choice(PIECES) + text[end:]
            case 1:
                text = text[:start] + text[start:end] * 2 + text[end:]
            case 2:
                text = text[:start] + bytes([chance.randrange(256)]) + text[end:]
            case _:
                lines = text.split(b"\n")
                line = chance.randrange(len(lines))
                lines[line] = chance.choice([*PIECES, lines[chance.randrange(len(lines))]])
                text = b"\n".join(lines)
    return text[: chance.randrange(len(text) + 1)] if chance.random() < 0.1 else text


@pytest.mark.parametrize("seed", range(4))
def test_a_damaged_file_gives_a_clip_a_rule_or_a_fault(seed):
    chance = random.Random(seed)
    texts = [make_text([[(1, 0.1)], [], [(1, 0.2)]]), make_text([[(1, 0.1)], [(1, 0.2), (2, 1)]])]
    outcomes = {"clip": 0, "rule": 0, "fault": 0}
    for _ in range(500):
        try:
            result = arrange_bodies(parse_skeleton(mutate(chance.choice(texts), chance), "clip"))
        except MalformedError:
            outcomes["fault"] += 1
            continue
        outcomes["rule" if isinstance(result, str) else "clip"] += 1
        assert isinstance(result, str) or np.isfinite(result).all()
    assert min(outcomes.values()) > 0


def test_the_golden_files_are_well_formed():
    folder = Path(__file__).parents[3] / "golden" / "raw"
    assert [len(read_skeleton_file(path)) for path in sorted(folder.glob("*.skeleton"))] == [
        1, 5, 3, 2,
    ]  # fmt: skip
