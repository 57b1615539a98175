import os

import numpy as np
import pytest

from protogcn.data.readers import DroppedClip, RawClip
from protogcn.data.readers import ntu as ntu_reader
from protogcn.data.readers.notes import Notes
from protogcn.data.readers.ntu import read_ntu
from protogcn.errors import ConfigError, ContractError
from tests.made.skeleton_text import make_text

CLIP = make_text([[(1, 0.1)], [(1, 0.2)]])
NO_BODY = make_text([[], []])
ALL_SHORT = make_text([[(1, 0.1), (2, 0.2)]])
MISSING = "S001C002P005R002A008"  # the first one of the authors' list


def write(folder, name, data=CLIP):
    (folder / f"{name}.skeleton").write_bytes(data)


def read(
    folder,
    *,
    protocol="ntu60",
    leave_out_missing=True,
    workers=1,
    progress=False,
    num_classes=None,
    notes=None,
):
    return list(
        read_ntu(
            folder,
            protocol=protocol,
            leave_out_missing=leave_out_missing,
            workers=workers,
            progress=progress,
            num_classes=num_classes,
            notes=notes,
        )
    )


def test_a_clip_has_its_name_label_and_positions(tmp_path):
    write(tmp_path, "S001C001P001R001A060")
    (clip,) = read(tmp_path)
    assert isinstance(clip, RawClip)
    assert (clip.name, clip.label) == ("S001C001P001R001A060", 59)
    assert (clip.keypoints.shape, clip.keypoints.dtype) == ((1, 2, 25, 3), np.float16)
    assert clip.keypoints[0, 1, 1].tolist() == np.float16([0.2, 0.7, -0.2]).tolist()


@pytest.mark.parametrize(
    ("protocol", "name", "sides"),
    [
        ("ntu60", "S001C001P001R001A001", {"xsub": "train", "xview": "test"}),
        ("ntu60", "S001C002P003R001A001", {"xsub": "test", "xview": "train"}),
        ("ntu120", "S001C001P001R001A001", {"xsub": "train", "xset": "test"}),
        ("ntu120", "S032C001P106R001A120", {"xsub": "test", "xset": "train"}),
    ],
)
def test_the_protocol_says_the_sides(tmp_path, protocol, name, sides):
    write(tmp_path, name)
    (clip,) = read(tmp_path, protocol=protocol)
    assert clip.sides == sides


def test_clips_come_in_the_order_of_their_names(tmp_path):
    names = ["S002C001P001R001A001", "S001C001P001R001A002", "S001C001P001R001A001"]
    for name in names:
        write(tmp_path, name)
    assert [clip.name for clip in read(tmp_path)] == sorted(names)


def test_setups_of_ntu120_are_passed_over_for_ntu60(tmp_path):
    write(tmp_path, "S017C001P001R001A060")
    write(tmp_path, "S018C001P001R001A061", b"unread")
    assert [clip.name for clip in read(tmp_path)] == ["S017C001P001R001A060"]


def test_files_that_are_passed_over_are_counted(tmp_path):
    notes = Notes()
    for name in ("S017C001P001R001A060", "S018C001P001R001A061", "S032C001P001R001A001"):
        write(tmp_path, name)
    read(tmp_path, notes=notes)
    assert notes.lines() == [
        "files of other setups than 1 to 17 are passed over (2 clips: S018C001P001R001A061,"
        " S032C001P001R001A001)."
    ]


def test_the_end_of_a_name_may_be_in_capitals(tmp_path):
    (tmp_path / "S001C001P001R001A001.SKELETON").write_bytes(CLIP)
    assert [clip.name for clip in read(tmp_path)] == ["S001C001P001R001A001"]
    write(tmp_path, "S001C001P001R001A001")
    with pytest.raises(ConfigError, match="has the file S001C001P001R001A001 twice"):
        read(tmp_path)


def test_an_action_beyond_the_classes_is_a_fault_of_its_file(tmp_path):
    write(tmp_path, "S001C001P001R001A002")
    write(tmp_path, "S001C001P001R001A003")
    sentence = (
        "A003.skeleton, its name: found action 3, expected 1 to 2, the classes of the dataset"
    )
    with pytest.raises(ContractError, match=sentence):
        read(tmp_path, num_classes=2)


@pytest.mark.parametrize("folder", ["nturgb+d_skeletons", "nturgb+d/nturgb+d_skeletons"])
def test_a_folder_below_that_has_the_files_is_named(tmp_path, folder):
    (tmp_path / folder).mkdir(parents=True)
    write(tmp_path / folder, "S001C001P001R001A001")
    with pytest.raises(ConfigError) as caught:
        read(tmp_path)
    assert f"; its folder {folder} has such files: set raw to it." in str(caught.value)


def test_files_of_other_names_need_a_table(tmp_path):
    write(tmp_path, "wave_1")
    with pytest.raises(
        ContractError, match=r"found another form, .*, or annotations\.csv beside it"
    ):
        read(tmp_path)


def test_missing_samples_are_dropped_unread(tmp_path):
    write(tmp_path, MISSING, b"unread")
    write(tmp_path, "S001C001P001R001A001")
    assert read(tmp_path)[1] == DroppedClip(MISSING, "missing_list")


def test_missing_samples_can_be_read(tmp_path):
    write(tmp_path, MISSING)
    assert isinstance(read(tmp_path, leave_out_missing=False)[0], RawClip)


def test_dropped_clips_carry_the_rule(tmp_path):
    write(tmp_path, "S001C001P001R001A001", NO_BODY)
    write(tmp_path, "S001C001P001R001A002", ALL_SHORT)
    assert [clip.rule for clip in read(tmp_path)] == ["no_body", "all_bodies_under_12_frames"]


def test_workers_change_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(ntu_reader, "_CHUNK", 2)
    for action in range(1, 19):
        data = make_text([[(1, action / 10)]] * action) if action % 5 else NO_BODY
        write(tmp_path, f"S001C001P001R001A{action:03}", data)
    alone, together = read(tmp_path), read(tmp_path, workers=2)
    assert [clip.name for clip in together] == [clip.name for clip in alone]
    for clip, other in zip(alone, together, strict=True):
        assert type(clip) is type(other)
        if isinstance(clip, RawClip):
            np.testing.assert_array_equal(clip.keypoints, other.keypoints)


def test_workers_report_malformed_files(tmp_path):
    write(tmp_path, "S001C001P001R001A001")
    write(tmp_path, "S001C001P001R001A002", b"x")
    with pytest.raises(ContractError, match=r"A002\.skeleton, line 1: found 'x'"):
        read(tmp_path, workers=2)


def test_stopping_early_ends_the_workers(tmp_path):
    for action in range(1, 5):
        write(tmp_path, f"S001C001P001R001A{action:03}")
    clips = read_ntu(tmp_path, protocol="ntu60", leave_out_missing=True, workers=2, progress=False)
    assert next(clips).label == 0
    clips.close()


def test_malformed_files_are_reported_together_at_the_end(tmp_path):
    for action in range(1, 13):
        write(tmp_path, f"S001C001P001R001A{action:03}", CLIP[:2000])
    write(tmp_path, "S001C001P001R001A013")
    clips = read_ntu(tmp_path, protocol="ntu60", leave_out_missing=True, workers=1, progress=False)
    assert next(clips).label == 12
    with pytest.raises(ContractError) as caught:
        next(clips)
    head, line = str(caught.value).splitlines()
    assert head == f"{tmp_path}: 12 malformed files:"
    assert line.startswith("  line 34: found 3 numbers in 12 of 13 files (S001")


@pytest.mark.parametrize("kind", ["folder", "pipe", "dangling link"])
def test_what_only_looks_like_a_file_is_malformed(tmp_path, kind):
    path = tmp_path / "S001C001P001R001A001.skeleton"
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case _:
            path.symlink_to(tmp_path / "gone")
    with pytest.raises(ContractError, match=r"1 malformed files:\n  S001.*the file: found"):
        read(tmp_path)


def test_links_to_files_are_read(tmp_path):
    (tmp_path / "elsewhere").write_bytes(CLIP)
    (tmp_path / "S001C001P001R001A001.skeleton").symlink_to(tmp_path / "elsewhere")
    assert len(read(tmp_path)) == 1


@pytest.mark.parametrize(
    "name",
    ["clip", "s001c001p001r001a001", "S001C001P001R001A001 (1)", "S001C001P001R001A0011",
     "S١٢٣C001P001R001A001", "S001C001P001R001A001\n", "", "$(touch X)"],
)  # fmt: skip
def test_other_names_are_refused(tmp_path, name):
    write(tmp_path, name)
    write(tmp_path, "S001C001P001R001A001")
    with pytest.raises(ContractError, match=r"its name: found another form, expected S###C###"):
        read(tmp_path)


def test_names_that_are_no_unicode_are_refused_in_ascii(tmp_path):
    (tmp_path / os.fsdecode(b"\xff\x1b[31m.skeleton")).write_bytes(CLIP)
    with pytest.raises(ContractError) as caught:
        read(tmp_path)
    assert str(caught.value).isascii()
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("action", ["000", "061"])
def test_actions_outside_the_protocol_are_refused(tmp_path, action):
    write(tmp_path, f"S001C001P001R001A{action}")
    with pytest.raises(ContractError, match=f"found action {int(action)}, expected 1 to 60"):
        read(tmp_path)


def test_other_files_are_passed_over(tmp_path):
    write(tmp_path, "S001C001P001R001A001")
    (tmp_path / "readme.txt").touch()
    (tmp_path / "S001C001P001R001A002.skeleton.bak").touch()
    (tmp_path / "more").mkdir()
    write(tmp_path / "more", "S001C001P001R001A003")
    assert len(read(tmp_path)) == 1


@pytest.mark.parametrize("names", [[], ["S018C001P001R001A061"]])
def test_a_folder_without_files_of_the_protocol_is_refused(tmp_path, names):
    for name in names:
        write(tmp_path, name)
    with pytest.raises(ConfigError, match=r"holds no \.skeleton file of setups 1 to 17"):
        read(tmp_path)


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="No such file or directory, expected a folder"):
        read(tmp_path / "gone")


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "raw").touch()
    with pytest.raises(ConfigError, match="Not a directory, expected a folder"):
        read(tmp_path / "raw")


def test_an_unknown_protocol_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="found ntu61, expected ntu60 or ntu120"):
        read(tmp_path, protocol="ntu61")
