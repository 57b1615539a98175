import pickle
import re

import numpy as np
import pytest

from protogcn.data.readers import DroppedClip
from protogcn.data.readers.kinetics import decompress, read_pose_table, read_records
from protogcn.data.readers.malformed import MalformedError
from protogcn.errors import ConfigError, ContractError
from tests.made.poses import compressed, content, records


@pytest.fixture
def read(tmp_path):
    def write_and_read(*rows, splits=("val",)):
        path = tmp_path / "table.pkl"
        path.write_bytes(pickle.dumps(content(*rows)))
        return read_pose_table(path, classes=("a", "b"), splits=splits)

    return write_and_read


def test_decompressed_poses_are_the_released_ones(golden):
    found = decompress(
        golden["decompress_in_frame_inds"], golden["decompress_in_keypoint"], persons=10
    )
    np.testing.assert_array_equal(found[..., :2], golden["decompress_out_kp"])
    np.testing.assert_array_equal(found[..., 2], golden["decompress_out_score"])
    assert found.dtype == np.float16


def test_of_up_to_ten_persons_the_first_two_are_kept_whatever_their_scores():
    values = records(10)
    values[:, :, 2] = np.arange(10)[:, None] / 10
    found = decompress(np.zeros(10, int), values, persons=2)
    np.testing.assert_array_equal(found[:, 0], values[:2])


def test_where_a_frame_has_eleven_every_frame_is_sorted_by_score():
    values = records(13)
    values[:, :, 2] = (np.arange(13) / 16)[:, None]
    found = decompress(np.array([3] * 11 + [7] * 2), values, persons=2)  # (M, T, V, C)
    np.testing.assert_array_equal(found[:, 0], values[[10, 9]])
    np.testing.assert_array_equal(found[:, 1], values[[12, 11]])


def test_equal_scores_stay_in_the_order_of_the_file():
    values = records(12)
    values[:, :, 2] = 0.5
    found = decompress(np.zeros(12, int), values, persons=2)
    np.testing.assert_array_equal(found[:, 0], values[:2])


def test_table_row_has_its_side_size_and_file(read):
    clips = read(compressed("a"), compressed("b", 1, kpfile="x.pkl"))
    second = clips[1]
    assert (second.name, second.label, second.image_size) == ("b", 1, (240, 320))
    assert (second.kpfile, second.sides) == ("x.pkl", {"val": "test"})
    assert second.frames.tolist() == [1, 1, 4]


@pytest.mark.parametrize(
    "raw_file", ["../../etc/x.pkl", "/etc/x.pkl", "C:\\poses\\x.pkl", "x.pkl", "a/b/x.pkl"]
)
def test_only_the_name_of_a_kpfile_counts(read, raw_file):
    assert read(compressed(raw_file=raw_file))[0].kpfile == "x.pkl"


def test_frame_numbers_may_be_a_list(read):
    assert read(compressed(frame_inds=[1, 1, 4]))[0].frames.tolist() == [1, 1, 4]


def test_clip_without_record_is_left_out(read):
    assert read(compressed(frames=()), compressed("b"))[0] == DroppedClip("a", "no_body")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (compressed("b", raw_file=None), "found no raw_file, expected frame_dir, label, raw_file"),
        (compressed("b", frame_inds=None), "found no frame_inds"),
        (compressed("b", img_shape=None), "found no img_shape"),
        (compressed("b", frames=(3, 1)), "frame_inds: found a number below the one before"),
        (
            compressed("b", keypoint=1, raw_file=None),
            "the poses are in the pickle: leave .*kpfiles",
        ),
        (compressed("b", frame_inds=["1"]), "frame_inds: found a list, expected an array of whole"),
        (compressed("b", frame_inds=np.ones(2)), "frame_inds: found an array of shape"),
        (compressed("b", img_shape=(240,)), r"img_shape: found \(240\), expected \(height, width"),
        (
            compressed("b", img_shape=(240, 0)),
            "img_shape: found 0, expected a whole number of pixels",
        ),
        (compressed("b", raw_file="/"), "raw_file: found a folder, expected the path of a pickle"),
        (compressed("b", raw_file=7), "raw_file: found 7, expected text"),
        (compressed("b", label=2), "label: found 2, expected 0 to 1"),
    ],
)
def test_malformed_row_says_where(read, row, message):
    with pytest.raises(ContractError, match=rf"1 malformed samples:\n  table\.pkl, .*{message}"):
        read(compressed("a"), row)


def test_split_that_is_not_there_is_refused(read):
    with pytest.raises(ConfigError, match="has no split xsub, only val"):
        read(compressed("a"), splits=("xsub",))


class Hostile:
    def __reduce__(self):
        return print, ("gotcha",)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": {"keypoint": Hostile()}}, "the pickle wants to load `builtins.print`"),
        (["a"], "for sample 'a': found a list, expected a dict of samples"),
        ({"b": {}}, "sample 'a': found nothing, expected a dict with keypoint"),
        ({"a": {"score": 1}}, "sample 'a': found a dict, expected a dict with keypoint"),
        ({"a": {"keypoint": records(2)}}, r"shape \(2, 17, 3\), expected \(3, 17, 3\), a pose for"),
        ({"a": {"keypoint": records(3) * np.nan}}, "keypoint: found NaN at pose 1, joint 0"),
        ({"a": {"keypoint": records(3).astype(bool)}}, "keypoint: found elements of bool"),
        (
            {"a": {"keypoint": np.full((3, 17, 3), -1e6, np.float32)}},
            r"keypoint: found 1e\+06, expected pixels and scores, at most 65504",
        ),
    ],
)
def test_bad_kpfile_is_a_fault_of_its_clips(read, tmp_path, capfd, value, message):
    (clip, _) = read(compressed("a"), compressed("b"))
    path = tmp_path / "0.pkl"
    path.write_bytes(pickle.dumps(value))
    try:
        (fault,) = read_records(path, [clip], 17)
    except MalformedError as error:  # of the whole file
        fault = error
    assert re.search(message, str(fault)), str(fault)
    assert capfd.readouterr().out == ""


def test_missing_kpfile_is_one_fault_of_all_its_clips(read, tmp_path):
    clips = read(compressed("a"), compressed("b"))
    with pytest.raises(MalformedError) as fault:
        read_records(tmp_path / "0.pkl", clips, 17)
    assert str(fault.value) == (
        "0.pkl, for sample 'a' and 1 more: found No such file or directory, expected a pickle file"
    )
