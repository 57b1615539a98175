import pickle
import random
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from protogcn.data.readers import DroppedClip, RawClip
from protogcn.data.readers.pyskl import read_pyskl
from protogcn.errors import ConfigError, ContractError

CLASSES = ("nod", "wave", "clap", "jump")
ROOT = Path(__file__).parents[4]


def make_sample(name="a", label=0, **changes):
    keypoint = np.full((1, 4, 5, 3), 0.5, np.float16)
    sample = {"frame_dir": name, "label": label, "keypoint": keypoint, "total_frames": 4}
    return sample | changes


def make_content(*samples, **split):
    if not split:
        names = [sample["frame_dir"] for sample in samples]
        split = {"xsub_train": names[:1], "xsub_val": names[1:]}
    return {"split": split, "annotations": list(samples)}


@pytest.fixture
def read(tmp_path):
    def write_and_read(content, *, splits=("xsub",), protocol=4):
        path = tmp_path / "data.pkl"
        path.write_bytes(pickle.dumps(content, protocol))
        return list(read_pyskl(path, num_joints=5, classes=CLASSES, splits=splits))

    return write_and_read


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_clip_has_its_name_label_and_positions(read, protocol):
    keypoint = np.arange(120, dtype=np.float16).reshape(2, 4, 5, 3)
    samples = make_sample("a", 3, keypoint=keypoint), make_sample("b")
    clip = read(make_content(*samples), protocol=protocol)[0]
    assert isinstance(clip, RawClip)
    assert (clip.name, clip.label, clip.sides) == ("a", 3, {"xsub": "train"})
    assert clip.keypoints.dtype == np.float16
    np.testing.assert_array_equal(clip.keypoints, keypoint)


def test_positions_may_be_written_to(read):
    assert read(make_content(make_sample()))[0].keypoints.flags.writeable


def test_numpy_numbers_and_texts_will_do(read):
    sample = make_sample(np.str_("a"), np.int64(2), total_frames=np.int16(4))
    (clip,) = read(make_content(sample))
    assert (type(clip.name), type(clip.label)) == (str, int)


@pytest.mark.parametrize("form", ["<f2", "<f4", "<f8", ">f4"])
def test_the_float_type_stays_in_native_order(read, form):
    sample = make_sample(keypoint=np.ones((1, 4, 5, 3), form))
    assert read(make_content(sample))[0].keypoints.dtype == np.dtype(form[1:])


def test_all_persons_are_kept(read):
    sample = make_sample(keypoint=np.ones((3, 4, 5, 3), np.float32))
    assert read(make_content(sample))[0].keypoints.shape == (3, 4, 5, 3)


def test_clips_come_in_the_order_of_the_annotations(read):
    samples = [make_sample(name) for name in "cab"]
    clips = read(make_content(*samples, xsub_train=["a", "b"], xsub_val=["c"]))
    assert [clip.name for clip in clips] == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("lists", "split", "sides"),
    [
        ({"xsub_train": ["a"], "xsub_val": ["b"]}, "xsub", ["train", "test"]),
        ({"xsub_train": ["a"], "xsub_test": ["b"]}, "xsub", ["train", "test"]),
        ({"my_set_train": ["a"], "my_set_val": ["b"]}, "my_set", ["train", "test"]),
        ({"train": ["a"], "val": ["b"]}, "val", ["train", "test"]),
        ({"train": ["a"], "test": ["b"]}, "val", ["train", "test"]),
        ({"train": ["a"], "val": ["b"], "test": ["c"]}, "val", ["train", "val", "test"]),
        ({"s_train": ["a"], "s_val": ["b"], "s_test": ["c"]}, "s", ["train", "val", "test"]),
    ],
)
def test_list_names_say_the_sides(read, lists, split, sides):
    clips = read(make_content(*map(make_sample, "abc"), **lists), splits=(split,))
    assert [clip.sides[split] for clip in clips if isinstance(clip, RawClip)] == sides


def test_a_clip_of_one_split_has_no_side_in_the_other(read):
    lists = {"xsub_train": ["a", "b"], "xsub_val": ["c"], "xset_train": ["a"], "xset_val": ["b"]}
    clips = read(make_content(*map(make_sample, "abc"), **lists), splits=("xsub", "xset"))
    assert clips[2].sides == {"xsub": "test", "xset": "-"}


def test_a_sample_of_no_configured_split_is_dropped(read):
    clips = read(make_content(*map(make_sample, "abc"), xsub_train=["a"], xsub_val=["b"]))
    assert clips[2] == DroppedClip("c", "no_split")


@pytest.mark.parametrize("persons", [0, 2])
def test_a_sample_without_body_is_dropped(read, persons):
    sample = make_sample(keypoint=np.zeros((persons, 4, 5, 3), np.float32))
    assert read(make_content(sample)) == [DroppedClip("a", "no_body")]


def without(field):
    sample = make_sample()
    del sample[field]
    return sample


def with_keypoint(value=0.5, shape=(1, 4, 5, 3), dtype=np.float32):
    return make_sample(keypoint=np.full(shape, value, dtype))


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        ("text", "annotation 2: found 'text', expected a dict"),
        (without("label"), "annotation 2: found no label, expected frame_dir, label, keypoint"),
        (without("keypoint"), "annotation 2: found no keypoint"),
        (without("frame_dir"), "annotation 2: found no frame_dir"),
        ({}, "annotation 2: found no frame_dir and no label and no keypoint, expected"),
        (make_sample(7), "annotation 2, frame_dir: found 7, expected text"),
        (make_sample(""), "annotation 2, frame_dir: found 0 characters, expected 1 to 200"),
        (make_sample("x" * 201), "annotation 2, frame_dir: found 201 characters"),
        (make_sample("a\nb"), r"frame_dir: found 'a\\nb', expected no control or bidi"),
        (make_sample("a\0"), r"frame_dir: found 'a\\x00', expected no control"),
        (make_sample("a\u202eb"), r"frame_dir: found 'a\\u202eb', expected no control or bidi"),
        (make_sample("a\u2028b"), "expected no control"),
        (make_sample("e\u0301"), r"frame_dir: found 'e\\u0301', expected Unicode in the form NFC"),
        (make_sample("first"), "annotation 2, frame_dir: found 'first' again, expected each name"),
        (
            make_sample("first", keypoint=None),  # its name is seen before it is looked at
            "annotation 2, frame_dir: found 'first' again, expected each name",
        ),
        (make_sample(label=4), "sample 'a', label: found 4, expected 0 to 3"),
        (make_sample(label=-1), "sample 'a', label: found -1, expected 0 to 3"),
        (make_sample(label=1.5), "'a', label: found 1.5, expected a class name of the config"),
        (make_sample(label=True), "sample 'a', label: found True, expected a class name"),
        (make_sample(label="4"), "label: found '4', expected a class name .* number, 0 to 3"),
        (make_sample(label="Wave"), "label: found 'Wave', .*, 0 to 3; did you mean 'wave'?"),
        (make_sample(label=[1, 2]), "label: found a list, expected a class name"),
        (
            make_sample(label=np.eye(4)[1]),
            r"an array of shape \(4,\), .* of a one-hot row its argmax",
        ),
        (make_sample(label=None), "sample 'a', label: found None"),
        ({"name": "a", "keypoints": 1}, "no keypoint, expected .*; it has 'name', 'keypoints'"),
        (without("keypoint") | {"raw_file": "a"}, "keypoint; raw_file names .* dataset's kpfiles"),
        (make_sample(total_frames=5), "total_frames: found 5, expected 4, the frames of its"),
        (make_sample(total_frames=4.5), "total_frames: found 4.5, expected a whole number"),
        (make_sample(keypoint=[[1]]), r"'a', keypoint: found the shape \(1, 1\), expected"),
        (make_sample(keypoint=None), "keypoint: found None, expected an array"),
        (with_keypoint("x", dtype="U1"), "keypoint: found elements of <U1, expected numbers"),
        (with_keypoint(shape=(5, 3)), r"found the shape \(5, 3\), expected \(persons, f"),
        (with_keypoint(shape=(1, 4, 6, 3)), r"shape \(1, 4, 6, 3\), .* frames, 5, 3\)"),
        (with_keypoint(shape=(1, 4, 5, 2)), r"shape \(1, 4, 5, 2\), .* frames, 5, 3\)"),
        (with_keypoint(shape=(1, 0, 5, 3)), "keypoint: found no frame, expected at least one"),
        (
            with_keypoint(np.nan),
            r"NaN at person 1, frame 1, joint 0 \(20 joints in all\), expected finite numbers; a"
            " missing joint is all zero",
        ),
        (with_keypoint(np.inf), "keypoint: found infinity at person 1"),
        (with_keypoint(np.nan, dtype=np.float64), "keypoint: found NaN at"),
        (with_keypoint(1e300, dtype=np.float64), r"keypoint: found 1e\+300 at person 1"),
    ],
)
def test_a_malformed_sample_says_where(read, sample, message):
    with pytest.raises(ContractError, match=rf"1 malformed samples:\n  data\.pkl, .*{message}"):
        read(make_content(make_sample("first"), sample, train=["first"], val=[]), splits=("val",))


def test_an_array_of_two_samples_is_refused(read):
    first = make_sample("a")
    second = first | {"frame_dir": "b"}
    with pytest.raises(
        ContractError, match=r"'b', keypoint: found the very array of sample 'a', .* copy"
    ):
        read(make_content(first, second))


def test_malformed_samples_are_reported_together(read):
    samples = [make_sample(f"s{number}", label=9) for number in range(12)]
    with pytest.raises(ContractError) as caught:
        read(make_content(*samples))
    head, line = str(caught.value).splitlines()
    assert head.endswith("data.pkl: 12 malformed samples:")
    assert line == (
        "  label: found 9 in 12 of 12 samples (s0, s1, s2, s3, s4, ...), expected 0 to 3"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "found a list, expected a dict with split and annotations"),
        ([make_sample()], r"annotations alone, .*\"split\": .*, or a table data\.csv beside it"),
        ({"labels": 1, "names": 2}, "found a dict with 'labels', 'names', expected a dict with"),
        ({"split": {}, "annotations": []}, "annotations is an empty list, expected a list of"),
        ({"split": {}, "annotations": {"a": 1}}, "is a dict, expected .*; keep the values alone"),
        ({"split": {}, "annotations": 3}, "annotations is 3, expected a list of samples"),
        (make_content(make_sample()) | {"split": {}}, "split is a dict, expected lists of"),
        (make_content(make_sample()) | {"split": ["a"]}, "split is a list, expected lists of"),
        (make_content(make_sample(), train1=["a"], test1=[]), "list 'train1' is unknown, expected"),
        (make_content(make_sample(), _train=["a"]), "split list '_train' is unknown"),
        (make_content(make_sample()) | {"split": {7: []}}, "split list 7 is unknown"),
        (make_content(make_sample(), xsub_train=["a"]), "'xsub_train' has no partner"),
        (make_content(make_sample(), xsub_train="a", xsub_val=[]), "'xsub_train' is 'a', expected"),
        (
            make_content(make_sample(), xsub_train=[1], xsub_val=[]),
            r"'xsub_train' holds the numbers 1 to 1, .* 0 to 0; they seem to be counted from 1",
        ),
        (
            make_content(make_sample("0"), make_sample("b"), xsub_train=[0], xsub_val=["b"]),
            "holds numbers, which could be places in annotations or the names of samples",
        ),
        (make_content(make_sample(), xsub_train=[None], xsub_val=[]), "'xsub_train', names: found"),
        (
            make_content(make_sample(), xsub_train=["a.skeleton"], xsub_val=[]),
            r"1 sample without annotation, the first is 'a\.skeleton', .* each; did you mean 'a'\?$",
        ),
        (
            make_content(make_sample("a.mp4"), xsub_train=["a"], xsub_val=[]),
            r"the first is 'a', expected one for each; did you mean 'a\.mp4'\?$",
        ),
        (
            make_content(make_sample(), train=["a"], val=[], val_train=[]),
            "split lists 'train' and 'val_train' both belong to split val",
        ),
        (
            make_content(make_sample(), xsub_train=["a"], xsub_val=["a"]),
            "sample 'a' is on the sides train and test of split xsub \\(in 'xsub_train' and 'xsub_val'\\), expected one",
        ),
        (
            make_content(
                make_sample(), make_sample("b"), xsub_train=["a", "b"], xsub_val=["a", "b"]
            ),
            "2 samples \\('a', 'b'\\) are on the sides train and test of split xsub \\(in 'xsub_train' and 'xsub_val'\\), expected one",
        ),
        (
            make_content(make_sample(), xsub_train=["a"], xsub_val=["b", "c"]),
            "split list 'xsub_val' names 2 samples without annotation, the first is 'b'",
        ),
    ],
)
def test_another_content_is_refused(read, content, message):
    with pytest.raises(ContractError, match=rf"data\.pkl.*{message}"):
        read(content)


def test_a_split_that_is_not_there_is_refused_with_those_that_are(read):
    message = r"only xsub \(read from 'xsub_train', 'xsub_val'\), expected one of these as splits"
    with pytest.raises(ConfigError, match=message):
        read(make_content(make_sample()), splits=("xsub", "xset"))


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="No such file or directory, expected a pickle file"):
        read_pyskl(tmp_path / "no.pkl", num_joints=5, classes=CLASSES, splits=())


def mutate(data, chance):
    for _ in range(chance.choice([1, 1, 2, 4])):
        start = chance.randrange(2, len(data) - 1)
        end = start + chance.choice([0, 1, 1, 2, 4, 16])
        match chance.randrange(5):
            case 0:
                data = data[:start] + bytes([chance.randrange(256)]) + data[start + 1 :]
            case 1:
                data = data[:start] + data[end:-1] + b"."
            case 2:
                other = chance.randrange(2, len(data))
                data = data[:start] + data[other : other + 8] + data[start:]
            case 3:
                data = data[:start] + chance.randbytes(end - start) + data[end:-1] + b"."
            case _:
                data = (
                    data[:start]
                    + bytes([data[start] ^ 1 << chance.randrange(8)])
                    + data[start + 1 :]
                )
    return data  # fmt: skip


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_a_damaged_pickle_gives_clips_or_is_refused(tmp_path, protocol):
    chance = random.Random(protocol)
    samples = [make_sample(name, label) for name, label in zip("abc", range(3), strict=True)]
    whole = pickle.dumps(make_content(*samples), protocol)
    path = tmp_path / "data.pkl"
    outcomes = Counter()
    slowest = 0.0
    for _ in range(3000):
        path.unlink(missing_ok=True)  # some file systems flush a file that is written over
        path.write_bytes(mutate(whole, chance))
        begin = time.process_time()
        try:
            list(read_pyskl(path, num_joints=5, classes=CLASSES, splits=("xsub",)))
            outcomes["clips"] += 1
        except (ContractError, ConfigError) as error:
            outcomes[type(error).__name__] += 1
        slowest = max(slowest, time.process_time() - begin)
    assert outcomes["clips"] > 0
    assert outcomes["ContractError"] > 500
    assert slowest < 1


def test_reads_utd_mhad():
    places = [ROOT / "data" / "utd_mhad.pkl", ROOT.parent / "shared" / "data" / "utd_mhad.pkl"]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        pytest.skip("utd_mhad.pkl is neither in data/ nor in ../shared/data/")
    clips = list(
        read_pyskl(
            path,
            num_joints=20,
            classes=[f"action {label}" for label in range(27)],
            splits=("xsub",),
        )
    )
    assert Counter(clip.sides["xsub"] for clip in clips) == {"train": 431, "test": 430}
    assert {clip.label for clip in clips} == set(range(27))
    assert {(clip.keypoints.dtype.name, clip.keypoints.shape[0]) for clip in clips} == {
        ("float32", 1)
    }
    assert {clip.keypoints.shape[2:] for clip in clips} == {(20, 3)}
