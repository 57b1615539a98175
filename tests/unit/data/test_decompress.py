import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import yaml

from protogcn.data.decompress import decompress_dataset
from protogcn.data.demo import write_demo
from protogcn.data.joints import read_dataset
from protogcn.data.readers import DroppedClip
from protogcn.data.readers.kinetics import decompress
from protogcn.data.readers.pyskl import read_pyskl
from protogcn.errors import ConfigError, ContractError
from tests.made.poses import DATASET, compressed, records, write_table

KPFILES = {f"{n}.pkl": {f"clip {n}": records(3, n)} for n in range(6)}
ROWS = [compressed(f"clip {n}", n % 2, kpfile=f"{n}.pkl") for n in range(6)]


@pytest.fixture
def dataset(tmp_path):
    return write_table(tmp_path, *ROWS, kpfiles=KPFILES)


def convert(folder, dataset, *, workers=1, clips_of_shard=2):
    decompress_dataset(
        dataset,
        index_path=folder / "poses.csv",
        shards=folder / "shards",
        workers=workers,
        clips_of_shard=clips_of_shard,
    )
    return sorted((folder / "shards").glob("*.npy"))


def read(folder, dataset):
    return list(read_dataset(dataset, workers=1, poses=folder / "poses.csv"))


def test_clips_come_back_in_the_order_of_the_table(tmp_path, dataset):
    assert len(convert(tmp_path, dataset)) == 3
    clips = read(tmp_path, dataset)
    assert [clip.name for clip in clips] == [f"clip {n}" for n in range(6)]
    for number, clip in enumerate(clips):
        expected = decompress(np.array([1, 1, 4]), records(3, number), persons=2)
        np.testing.assert_array_equal(clip.keypoints, expected)
        assert clip.label == number % 2
        assert clip.image_size == (240, 320)
        assert clip.sides == {"val": "train" if number == 0 else "test"}


def test_a_kpfile_of_clips_that_are_far_apart_is_read_for_one_shard(tmp_path):
    rows = [compressed(f"clip {n}", kpfile=f"{n % 2}.pkl") for n in range(6)]
    kpfiles = {f"{k}.pkl": {f"clip {n}": records(3, n) for n in range(k, 6, 2)} for k in (0, 1)}
    dataset = write_table(tmp_path, *rows, kpfiles=kpfiles)
    assert len(convert(tmp_path, dataset)) == 2
    clips = read(tmp_path, dataset)
    assert [clip.name for clip in clips] == [f"clip {n}" for n in range(6)]
    expected = decompress(np.array([1, 1, 4]), records(3, 5), persons=2)
    np.testing.assert_array_equal(clips[5].keypoints, expected)


def test_clips_without_poses_are_told(tmp_path):
    rows = [*ROWS, compressed("nobody", frames=())]
    dataset = write_table(tmp_path, *rows, kpfiles=KPFILES)
    convert(tmp_path, dataset)
    assert read(tmp_path, dataset)[6] == DroppedClip("nobody", "no_body")


def test_number_of_workers_changes_no_byte(tmp_path, dataset):
    alone = [(path.name, path.read_bytes()) for path in convert(tmp_path, dataset)]
    index = (tmp_path / "poses.csv").read_bytes()
    for path in (tmp_path / "shards").iterdir():
        path.unlink()
    together = [(path.name, path.read_bytes()) for path in convert(tmp_path, dataset, workers=2)]
    assert together == alone
    assert (tmp_path / "poses.csv").read_bytes() == index


def dates(folder):
    return {path.name: path.stat().st_mtime_ns for path in (folder / "shards").iterdir()}


def test_second_conversion_keeps_every_shard(tmp_path, dataset):
    convert(tmp_path, dataset)
    before = dates(tmp_path)
    convert(tmp_path, dataset)
    assert dates(tmp_path) == before


def test_changed_kpfile_redoes_its_shard_alone(tmp_path, dataset):
    convert(tmp_path, dataset)
    before = dates(tmp_path)
    changed = records(3, 99)
    write_table(tmp_path, *ROWS, kpfiles={"3.pkl": {"clip 3": changed}})
    convert(tmp_path, dataset)
    after = dates(tmp_path)
    assert len(after) == 6
    assert len(after.items() & before.items()) == 4
    expected = decompress(np.array([1, 1, 4]), changed, persons=2)
    np.testing.assert_array_equal(read(tmp_path, dataset)[3].keypoints, expected)


def test_bad_kpfiles_are_told_together_and_the_others_converted(tmp_path, dataset):
    (tmp_path / "kpfiles/0.pkl").write_bytes(b"\x80\x04K")
    (tmp_path / "kpfiles/1.pkl").unlink()
    with pytest.raises(ContractError) as caught:
        convert(tmp_path, dataset)
    head, *lines = str(caught.value).splitlines()
    assert head.endswith("kpfiles: 2 malformed files and clips:")
    assert lines[0].startswith("  0.pkl, for sample 'clip 0': found no end of a pickle")
    assert lines[1].startswith("  1.pkl, for sample 'clip 1': found No such file")
    assert not (tmp_path / "poses.csv").exists()
    assert len(dates(tmp_path)) == 4
    before = dates(tmp_path)
    write_table(tmp_path, *ROWS, kpfiles={name: KPFILES[name] for name in ("0.pkl", "1.pkl")})
    convert(tmp_path, dataset)
    assert before.items() <= dates(tmp_path).items()
    assert len(read(tmp_path, dataset)) == 6


@pytest.mark.parametrize(
    "text", ["", "clip\0", "clip,first_frame,num_frames,crc32\nclip 2,x,1,1\n"]
)
def test_shard_with_a_damaged_table_is_converted_again(tmp_path, dataset, text):
    shard = convert(tmp_path, dataset)[1]
    whole = shard.with_suffix(".csv").read_text()
    shard.with_suffix(".csv").write_text(text)
    convert(tmp_path, dataset)
    assert shard.with_suffix(".csv").read_text() == whole
    assert len(read(tmp_path, dataset)) == 6


def test_kpfile_of_several_clips_that_cannot_be_read_is_told_once(tmp_path):
    rows = [compressed(f"clip {n}", kpfile="0.pkl") for n in range(3)]
    dataset = write_table(tmp_path, *rows, kpfiles={"0.pkl": {}})
    (tmp_path / "kpfiles/0.pkl").unlink()
    with pytest.raises(ContractError) as caught:
        convert(tmp_path, dataset)
    assert str(caught.value).splitlines()[1:] == [
        "  0.pkl, for sample 'clip 0' and 2 more: found No such file or directory,"
        " expected a pickle file"
    ]


@pytest.mark.parametrize("damage", ["flip", "cut", "remove", "other"])
def test_damaged_shard_is_refused(tmp_path, dataset, damage):
    shard = convert(tmp_path, dataset)[1]
    data = bytearray(shard.read_bytes())
    match damage:
        case "flip":
            data[len(data) // 2] ^= 1
            shard.write_bytes(data)
        case "cut":
            shard.write_bytes(data[:-500])
        case "remove":
            shard.unlink()
        case "other":
            np.save(shard, np.zeros((4, 2, 17, 3)))
    with pytest.raises(ContractError, match=str(shard.name)):
        read(tmp_path, dataset)


def test_folder_that_is_not_there_is_told(tmp_path, dataset):
    for path in (tmp_path / "kpfiles").iterdir():
        path.unlink()
    (tmp_path / "kpfiles").rmdir()
    with pytest.raises(ConfigError, match="kpfiles: is no folder, expected the kpfiles of poses"):
        convert(tmp_path, dataset)


def test_killed_conversion_goes_on_with_what_is_missing(tmp_path):
    """A shard that was finished before SIGKILL is never written again."""
    num = 1200
    kpfiles = {f"{n}.pkl": {f"clip {n}": records(3, n)} for n in range(num)}
    rows = [compressed(f"clip {n}", kpfile=f"{n}.pkl") for n in range(num)]
    dataset = write_table(tmp_path, *rows, kpfiles=kpfiles)
    (tmp_path / "dataset.yaml").write_text(yaml.safe_dump(dataset.to_mapping()))
    command = [
        sys.executable, "-m", "protogcn", "decompress", "--dataset", tmp_path / "dataset.yaml",
        "--index", tmp_path / "poses.csv", "--shards", tmp_path / "shards",
    ]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    begin = time.monotonic()
    while not list(tmp_path.glob("shards/*.csv")) and time.monotonic() - begin < 120:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = {name: date for name, date in dates(tmp_path).items() if name.endswith(".csv")}
    assert 1 <= len(before) < 3
    assert not (tmp_path / "poses.csv").exists()
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert f"poses: {num} clips in 3 shards." in answer.stderr
    after = dates(tmp_path)
    assert before.items() <= after.items()
    assert len(after) == 6  # and no temporary file
    assert len(pd.read_csv(tmp_path / "poses.csv")) == num


def test_simulated_kpfiles_are_the_simulated_poses(tmp_path):
    """Both formats of the simulator hold the same clips; only frames without anybody are gone."""
    small = {"seed": 1, "subjects": 3, "replications": 1, "classes": 2}
    write_demo(tmp_path / "a", form="poses", **small)
    write_demo(tmp_path, form="kpfiles", **small)
    plain = read_pyskl(
        tmp_path / "a/poses.pkl", num_joints=17, classes=("a", "b"), splits=("val",), in_image=True
    )
    files = {"raw": str(tmp_path / "poses.pkl"), "kpfiles": str(tmp_path / "kpfiles")}
    dataset = replace(DATASET, **files)
    convert(tmp_path, dataset, clips_of_shard=10)
    for first, second in zip(plain, read(tmp_path, dataset), strict=True):
        assert (first.name, first.label, first.sides) == (second.name, second.label, second.sides)
        assert first.image_size == second.image_size
        seen = first.keypoints.any(axis=(0, 2, 3))
        if len(first.keypoints) == 1:
            np.testing.assert_array_equal(second.keypoints[0], first.keypoints[0][seen])
