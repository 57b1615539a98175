"""Annotation pickles of every form that the PYSKL family and its users write."""

import pickle
import struct
from collections import Counter, defaultdict, deque
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import PurePosixPath

import numpy as np
import pytest

from protogcn.data.readers import RawClip
from protogcn.data.readers.notes import Notes
from protogcn.data.readers.pyskl import read_pyskl
from protogcn.errors import ContractError
from tests.made.poses import content as poses_content
from tests.made.poses import sample as make_poses

CLASSES = ("wave", "nod")
NAMES = ["a", "b", "c", "d"]


def make_sample(name="a", label=0, **changes):
    keypoint = np.random.default_rng(len(name)).normal(size=(1, 6, 5, 3)).astype(np.float32)
    entry = {"frame_dir": name, "label": label, "total_frames": 6, "keypoint": keypoint} | changes
    return {key: value for key, value in entry.items() if value is not ...}


def make_samples():
    return [make_sample(name, number % 2) for number, name in enumerate(NAMES)]


@pytest.fixture
def read(tmp_path):
    def write_and_read(content, *, raw=None, notes=None, in_image=False):
        path = tmp_path / "data.pkl"
        path.write_bytes(raw or pickle.dumps(content))
        clips = read_pyskl(
            path,
            num_joints=17 if in_image else 5,
            classes=CLASSES,
            splits=("val" if in_image else "xsub",),
            in_image=in_image,
            notes=notes,
        )
        return list(clips)

    return write_and_read


def of_lists(train, val):
    return {"split": {"xsub_train": train, "xsub_val": val}, "annotations": make_samples()}


@pytest.mark.parametrize(
    ("train", "val"),
    [
        (tuple(NAMES[:3]), ("d",)),
        (set(NAMES[:3]), frozenset("d")),
        (np.array(NAMES[:3]), np.array(["d"])),
        (np.array([NAMES[:3]], object).T, np.array(["d"], object)),
        (np.array(NAMES[:3], "S"), [b"d"]),
        ([["a"], ["b"], ["c"]], [np.str_("d")]),
        (deque(NAMES[:3]), ["d"]),
        ([0, 1, 2], [3]),
        (np.arange(3), np.array([3], np.uint8)),
        (np.array([True, True, True, False]), np.array([False, False, False, True])),
    ],
)
def test_split_lists_have_many_forms(read, train, val):
    clips = read(of_lists(train, val))
    assert [clip.sides["xsub"] for clip in clips] == ["train"] * 3 + ["test"]


def test_a_name_several_times_in_a_list_is_noted(read):
    notes = Notes()
    assert len(read(of_lists(["a", "b", "c", "a"], ["d"]), notes=notes)) == 4
    assert notes.lines() == [
        "split list 'xsub_train' has names several times; counted once (1 clip: a)."
    ]


def test_split_lists_may_stand_in_a_dict_of_each_split(read):
    lists = {"xsub": {"train": NAMES[:3], "val": ["d"]}}
    clips = read({"split": lists, "annotations": make_samples()})
    assert [clip.sides["xsub"] for clip in clips] == ["train"] * 3 + ["test"]


@pytest.mark.parametrize(
    ("train", "val", "sentence"),
    [
        ([1, 2, 3], [4], "'xsub_val' holds the numbers 4 to 4, .* seem to be counted from 1"),
        ([-1], [3], "'xsub_train' holds the numbers -1 to -1, expected names of samples, or their"),
        ({"a": 1}, ["d"], "'xsub_train' is a dict, expected a list of sample names"),
        (range(3), ["d"], r"'xsub_train' is a builtins\.range, expected a list"),
        (["a", 7], ["d"], "'xsub_train', names: found 7, expected text"),
        (["a.mp4"], ["d"], r"the first is 'a\.mp4', expected one for each; did you mean 'a'\?"),
        (np.array([True]), ["d"], "'xsub_train', names: found True, expected text"),
    ],
)
def test_other_split_lists_are_refused(read, train, val, sentence):
    with pytest.raises(ContractError, match=sentence):
        read(of_lists(train, val))


def test_what_lists_of_places_meant_is_noted(read):
    notes = Notes()
    read(of_lists([0, 1, 2], [3]), notes=notes)
    (line,) = notes.lines()
    assert line.startswith("split lists hold places in annotations, counted from 0 (4 clips: a,")


def test_a_pickle_to_test_on_needs_no_list_for_training(read):
    clips = read({"split": {"xsub_val": NAMES}, "annotations": make_samples()})
    assert {clip.sides["xsub"] for clip in clips} == {"test"}


@pytest.mark.parametrize("content", [make_samples(), {"annotations": tuple(make_samples())}])
def test_annotations_alone_have_a_table_beside_them(read, tmp_path, content):
    with pytest.raises(
        ContractError, match=r"a table data\.csv beside it with the columns clip an"
    ):
        read(content)
    (tmp_path / "data.csv").write_text("clip,xsub,note\na,train,x\nb,test,\nc,val,\nd,-,\n")
    sides = [clip.sides["xsub"] for clip in read(content) if isinstance(clip, RawClip)]
    assert sides == ["train", "test", "val"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("clip,xsub\na,tran\nb,test\n", r"line 2, xsub: found 'tran', expected train, val, test"),
        ("clip,xsub\na,train\nx,test\n", r"'xsub of data\.csv' names 1 sample without annotation"),
        ("clip,xsub\na,train\na,test\n", "sample 'a' is on the sides train and test"),
    ],
)
def test_a_table_beside_a_pickle_is_checked(read, tmp_path, text, sentence):
    (tmp_path / "data.csv").write_text(text)
    with pytest.raises(ContractError, match=sentence):
        read(make_samples())


def test_annotations_may_be_an_array(read):
    samples = np.array(make_samples(), object)
    assert len(read(of_lists(NAMES[:3], ["d"]) | {"annotations": samples})) == 4


def test_keys_in_bytes_are_read(read):
    content = {
        b"split": {b"xsub_train": [b"a", b"b", b"c"], b"xsub_val": [b"d"]},
        b"annotations": [
            {key.encode(): value for key, value in entry.items()}
            for entry in (make_sample(name.encode()) for name in NAMES)
        ],
    }
    assert [clip.name for clip in read(content)] == NAMES


@pytest.mark.parametrize("total_frames", [..., 6.0, "6", np.int16(6), np.array([6])])
def test_total_frames_may_be_missing_or_in_another_writing(read, total_frames):
    notes = Notes()
    samples = [make_sample(name, total_frames=total_frames) for name in NAMES]
    assert len(read(of_lists(NAMES[:3], ["d"]) | {"annotations": samples}, notes=notes)) == 4
    derived = ["total_frames is missing; counted from keypoint (4 clips: a, b, c, d)."]
    assert notes.lines() == (derived if total_frames is ... else [])


@pytest.mark.parametrize("total_frames", [6, ...])
def test_persons_and_frames_that_are_exchanged_are_named(read, total_frames):
    swapped = make_sample()["keypoint"].transpose(1, 0, 2, 3)
    content = of_lists(NAMES[:3], ["d"])
    content["annotations"][0] |= {"keypoint": swapped}
    if total_frames is ...:
        del content["annotations"][0]["total_frames"]
    sentence = r"'a', keypoint: found 6 persons in 1 frame, .* exchanged: transpose\(1, 0, 2, 3\)"
    with pytest.raises(ContractError, match=sentence):
        read(content)


def test_two_persons_in_one_frame_are_read(read):
    content = of_lists(NAMES[:3], ["d"])
    content["annotations"][0] |= {"keypoint": np.ones((2, 1, 5, 3)), "total_frames": 1}
    assert read(content)[0].keypoints.shape == (2, 1, 5, 3)


def test_a_score_inside_the_keypoints_or_none_is_noted(read):
    first = make_poses("a")
    scores = first.pop("keypoint_score")
    second = make_poses("b", keypoint_score=None)
    first["keypoint"] = np.concatenate([first["keypoint"], scores[..., None]], axis=-1)
    notes = Notes()
    clips = read(poses_content(first, second), in_image=True, notes=notes)
    np.testing.assert_array_equal(clips[0].keypoints, first["keypoint"])
    assert (clips[1].keypoints[..., 2] == 1).all()
    assert notes.lines() == [
        "keypoint_score is missing; the third number of keypoint is the score (1 clip: a).",
        "keypoint_score is missing; 1 for every joint that is not at (0, 0) (1 clip: b).",
    ]


def test_what_is_of_no_use_may_be_in_a_pickle(read):
    further = {
        "when": datetime.now(UTC),
        "where": PurePosixPath("a/b"),
        "price": Decimal("1.5"),
        "counts": Counter("ab"),
        "lists": defaultdict(list, a=[1]),
        "tags": {"x", "y"},
        "steps": range(3),
        "complex": 1 + 2j,
    }
    samples = [make_sample(name, **further) for name in NAMES]
    assert len(read(of_lists(NAMES[:3], ["d"]) | {"annotations": samples})) == 4


def test_a_date_in_place_of_a_label_is_named(read):
    content = of_lists(NAMES[:3], ["d"])
    content["annotations"][1]["label"] = datetime.now(UTC)
    with pytest.raises(ContractError, match=r"'b', label: found a datetime\.datetime, expected"):
        read(content)


class Unknown:
    """Pickled under the name of this module."""


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (np.zeros(3, "M8[s]"), "an array of the element type 'M8'"),
        (np.zeros(3, [("x", "f4")]), "an array of the element type 'V4'"),
        (Unknown(), r"the pickle wants to load `tests\.unit\.data"),
        (1 << 80, "a 81-bit integer"),
    ],
)
def test_what_cannot_be_read_is_named_by_sample_and_field(read, value, found):
    content = of_lists(NAMES[:3], ["d"])
    content["annotations"][2]["meta"] = value
    with pytest.raises(ContractError, match=rf"data\.pkl: byte \d+: sample 'c', meta: .*{found}"):
        read(content)


def old_text(text):
    return b"U" + struct.pack("<B", len(text)) + text  # SHORT_BINSTRING


def old_pickle(samples):
    """Return the bytes that Python 2 writes in protocol 2: all text is bytes, arrays' data too."""

    def array(values):
        dtype = b"cnumpy\ndtype\n(" + old_text(b"f4") + b"K\0K\1tR"
        dtype += b"(K\x03" + old_text(b"<") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"
        start = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\0\x85" + old_text(b"b")
        shape = b"(" + b"".join(b"K" + bytes([size]) for size in values.shape) + b"t"
        raw = b"T" + struct.pack("<i", values.nbytes) + values.tobytes()
        return start + b"tR(K\1" + shape + dtype + b"\x89" + raw + b"tb"

    def entry(name, values):
        fields = [old_text(b"frame_dir"), old_text(name.encode()), old_text(b"label"), b"K\1"]
        fields += [old_text(b"keypoint"), array(values), old_text(b"total_frames"), b"K\6"]
        return b"}(" + b"".join(fields) + b"u"

    names = b"](" + b"".join(old_text(name.encode()) for name in samples) + b"e"
    lists = b"}(" + old_text(b"xsub_train") + b"]" + old_text(b"xsub_val") + names + b"u"
    entries = b"](" + b"".join(entry(*item) for item in samples.items()) + b"e"
    return (
        b"\x80\2}(" + old_text(b"split") + lists + old_text(b"annotations") + entries + b"u."
    )  # fmt: skip


def test_a_pickle_of_python_2_is_read(read):
    generator = np.random.default_rng(0)
    samples = {
        "plain": np.ones((1, 6, 5, 3), np.float32),
        "zero": np.eye(90, 1, dtype=np.float32).reshape(1, 6, 5, 3),  # all of its bytes are ASCII
        "ü": generator.normal(size=(1, 6, 5, 3)).astype(np.float32),
    }
    clips = read(None, raw=old_pickle(samples))
    assert [clip.name for clip in clips] == list(samples)
    for clip, values in zip(clips, samples.values(), strict=True):
        np.testing.assert_array_equal(clip.keypoints, values)
        assert clip.label == 1


def test_tensors_of_torch_are_read(read):
    torch = pytest.importorskip("torch")
    content = of_lists(NAMES[:3], ["d"])
    expected = content["annotations"][0]["keypoint"]
    for entry in content["annotations"]:
        entry["keypoint"] = torch.tensor(entry["keypoint"])
        entry["label"] = torch.tensor([entry["label"]])
    content["annotations"][1]["keypoint"] = list(content["annotations"][1]["keypoint"])
    clips = read(content)
    np.testing.assert_array_equal(clips[0].keypoints, expected)
    assert [clip.label for clip in clips] == [0, 1, 0, 1]
