import numpy as np
import pytest

from protogcn.data.readers.malformed import MalformedError
from protogcn.data.readers.notes import Notes
from protogcn.data.readers.values import Labels, Origin, image_size, name_of, whole_number

HERE = Origin("a.pkl", "sample 'a'")
CLASSES = ("wave", "nod", "drink water")


@pytest.mark.parametrize(
    "label",
    [
        1, np.int8(1), 1.0, np.float32(1), "1", " 1 ", "1.0", "01", b"1", np.str_("1"),
        "nod", " nod", b"nod", np.bytes_(b"nod"), np.array(1), np.array([1]), np.array([[1.0]]),
        np.array("nod"), [1], ("nod",), [[1]],
    ],
)  # fmt: skip
def test_a_label_is_a_number_or_a_name_in_any_writing(label):
    assert Labels(CLASSES).number_of(label, HERE) == 1


@pytest.mark.parametrize(
    ("label", "sentence"),
    [
        (3, "label: found 3, expected 0 to 2"),
        (-1, "label: found -1, expected 0 to 2"),
        ("3", "found '3', expected a class name of the config, or its number, 0 to 2"),
        (1.5, "found 1.5, expected a class name of the config"),
        (float("nan"), "found nan, expected"),
        (float("inf"), "found inf, expected"),
        (True, "found True, expected"),
        (np.bool_(True), "found True, expected"),
        (None, "found None, expected"),
        ("1_0", "found '1_0', expected"),
        ("Nod", "found 'Nod', expected .*, 0 to 2; did you mean 'nod'?"),
        (b"\xff", r"found b?'\\xff', expected"),
        ([0, 1, 0], "found a list, expected"),
        (np.array([0, 1, 0]), r"found an array of shape \(3,\), expected"),
        ([], "found a list, expected"),
    ],
)
def test_another_label_is_refused_with_its_value(label, sentence):
    with pytest.raises(MalformedError, match=f"a.pkl, sample 'a', .*{sentence}"):
        Labels(CLASSES).number_of(label, HERE)


def test_a_text_that_is_a_name_and_another_number_is_refused():
    labels = Labels(("1", "0", "two"))
    assert labels.number_of(1, HERE) == 1
    assert labels.number_of("2", HERE) == 2
    with pytest.raises(MalformedError, match="found '1', which is by name or number each of the"):
        labels.number_of("1", HERE)


@pytest.mark.parametrize("given", [[1, 2, 3], ["1", "3"], [1.0, np.int64(3)], [np.array([1]), 3]])
def test_labels_from_1_to_the_number_of_classes_seem_to_start_at_1(given):
    with pytest.raises(MalformedError, match="run from 1 to 3, so they seem to start at 1: subtr"):
        Labels(CLASSES, given).number_of(3, HERE)


@pytest.mark.parametrize("given", [[0, 3], [1, 2], [1, 4], ["wave", 3]])
def test_other_labels_do_not(given):
    with pytest.raises(MalformedError, match=r"expected 0 to 2$"):
        Labels(CLASSES, given).number_of(5, HERE)


@pytest.mark.parametrize("number", [7, 7.0, "7", np.int16(7), np.array([7])])
def test_a_whole_number_in_any_writing(number):
    assert whole_number(number, HERE, "total_frames") == 7


@pytest.mark.parametrize("size", [(480, 640), [480.0, 640.0], np.array([480, 640]), ("480", 640)])
@pytest.mark.parametrize("colours", [(), (1,), (3,), (4.0,)])
def test_an_image_has_two_sides_and_maybe_colours(size, colours):
    assert image_size([*size, *colours], HERE) == (480, 640)
    assert image_size(size, HERE) == (480, 640)


@pytest.mark.parametrize(
    ("size", "sentence"),
    [
        (None, r"img_shape: found None, expected \(height, width\) of the image in pixels"),
        ((480.5, 640), "found 480.5, expected a whole number of pixels, 1 to 100000"),
        ((480, 0), "found 0, expected a whole number of pixels"),
        ((3, 480, 640), r"found \(3, 480, 640\), expected \(height, width\)"),
        ((480,), r"found \(480\), expected \(height, width\)"),
        ("480x640", r"found '480x640', expected \(height, width\)"),
        (np.zeros((2, 2)), "found an array of shape|found a list"),
    ],
)
def test_another_size_is_refused_with_its_value(size, sentence):
    with pytest.raises(MalformedError, match=sentence):
        image_size(size, HERE)


@pytest.mark.parametrize("name", ["ü", np.str_("ü"), "ü".encode(), np.bytes_("ü".encode()), ["ü"]])
def test_a_name_is_text_or_its_bytes(name):
    assert name_of(name, HERE, "frame_dir") == "ü"


def test_names_in_bytes_are_noted_once():
    notes = Notes()
    for name in "abcdefg":
        name_of(name.encode(), Origin("a.pkl", notes=notes), "frame_dir")
    assert notes.lines() == [
        "frame_dir in bytes, as Python 2 wrote text: read as UTF-8 (7 clips: a, b, c, d, e, ...)."
    ]


@pytest.mark.parametrize("name", [7, None, b"\xff", ["a", "b"], 1.5])
def test_what_is_no_text_is_no_name(name):
    with pytest.raises(MalformedError, match=r"frame_dir: found .*, expected text"):
        name_of(name, HERE, "frame_dir")
