"""Small or sparse files that unpack, or claim, far more than a reader may take."""

import json
import struct
import zlib
from functools import cache

import numpy as np
import pytest

from tests.abuse.our_files import our_readers
from tests.abuse.outside_files import (
    checkpoint_readers,
    clip_readers,
    npy,
    pickle_readers,
    score_readers,
    skeleton_reader,
    table_readers,
)
from tests.made.fuzzing import Reader, read_alone
from tests.made.mutations import zipped

COLUMNS = 1_000_000
YAML = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{f'*a{n - 1},' * 10}]\n" for n in range(1, 30))


@pytest.fixture(scope="module")
def readers(tmp_path_factory):
    """All of them, by name."""
    others = (clip_readers, table_readers, score_readers, pickle_readers, checkpoint_readers)
    ours = our_readers(tmp_path_factory.mktemp("ours"))
    every = [*(reader for of_kind in others for reader in of_kind()), *ours, skeleton_reader()]
    return {reader.name: reader for reader in every}


def sparse(path, start=b""):
    """Write a file of 20 GB that has hardly a byte on the disk."""
    with path.open("wb") as file:
        file.write(start)
        file.truncate(20 << 30)


def zeros(num_bytes):
    """Return an npz whose one array is of so many zeros, and what it deflates to."""
    head = npy_header(f"({num_bytes},)", "'|u1'")
    block = zlib.compressobj(9, zlib.DEFLATED, -15)
    start = block.compress(head) + block.flush(zlib.Z_FULL_FLUSH)
    again = block.compress(bytes(1 << 24)) + block.flush(zlib.Z_FULL_FLUSH)
    content = start + again * (num_bytes >> 24) + block.flush()
    archive = bytearray(zipped([("scores.npy", content)]))
    size = struct.pack("<I", num_bytes + len(head))
    directory = archive.rindex(b"PK\1\2")
    for at, place in ((0, 8), (directory, 10)):  # the same tables, as if deflate had written it
        archive[at + place : at + place + 2] = b"\x08\0"
        archive[at + place + 14 : at + place + 18] = size
    return bytes(archive)


def npy_header(shape, kind="'<f8'"):
    text = f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}}}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


@cache
def bombs(ending):
    """Return what a file with this ending may be, and its content; None for 20 GB of nothing."""
    claim = npy_header("(1000000000000,)")
    names = ("scores", "clips", "y_test", "parts", "class_names")
    entry = {"dtype": "F32", "shape": [1 << 38], "data_offsets": [0, 1 << 40]}
    header = json.dumps({"a": entry}).encode()
    table = b"1," * COLUMNS + b"1\n"
    of_ending = {
        ".npy": {"header claims 8 TB": claim},
        ".npz": {
            "header claims 8 TB": zipped([(f"{name}.npy", claim) for name in names]),
            "4 GB of zeros deflated": zeros(255 << 24),
        },
        ".csv": {
            "a million columns": table + table,
            "a million names": ",".join(f"x{n}" for n in range(COLUMNS)).encode() + b"\n",
        },
        ".json": {
            "100,000 levels": b"[" * 100_000 + b"]" * 100_000,
            "10,000 digits": b'{"format": ' + b"9" * 10_000 + b"}",
        },
        ".pth": {"4 GB of zeros deflated": zeros(255 << 24).replace(b"scores.npy", b"a/data.pkl")},
        ".safetensors": {"header claims 1 TB": len(header).to_bytes(8, "little") + header},
    }
    same = {".txt": ".csv", ".yaml": ".json", ".pt": ".pth"}
    found = {"20 GB of zeros": None, **of_ending.get(same.get(ending, ending), {})}
    return found | ({"aliases of aliases": YAML.encode()} if ending == ".yaml" else {})


def test_no_reader_takes_what_a_bomb_asks_for(readers, campaign, tmp_path):
    step = campaign.tries(push=5, nightly=1, release=1)  # a push tries every fifth
    for number, reader in enumerate([*readers.values()][::step]):
        folder = tmp_path / str(number)
        folder.mkdir()
        path = folder / reader.file
        for kind, content in bombs(path.suffix).items():
            if content is None:
                sparse(path)
            else:
                path.write_bytes(content)
            found = read_alone(reader, folder)
            assert not found.faults, (reader.name, kind, found.faults)
            assert found.outcomes["refused"] == 1, (reader.name, kind, found.outcomes)
            campaign.count("refused")
            path.unlink()


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("csv of a clip", b"hip_x,hip_y\n"),
        ("npy of a clip", npy(np.ones((1, 4, 3, 3)))),
        ("json of a clip", b"[[["),
        ("skeleton", b"1\n"),
    ],
)
def test_a_raw_file_of_20_gb_is_refused_by_its_size(readers, campaign, tmp_path, name, start):
    reader: Reader = readers[name]
    sparse(tmp_path / reader.file, start)
    found = read_alone(reader, tmp_path)
    assert not found.faults, found.faults
    assert "21474836480 bytes, expected at most" in found.said
    campaign.count("refused")


def test_persons_and_frames_that_are_nearly_all_empty_are_refused(readers, campaign, tmp_path):
    reader = readers["json of a clip"]
    person = {"keypoints": [[1, 2]] * 17, "keypoint_scores": [0.5] * 17}
    frames = [{"frame_id": 0, "instances": [person] * 90}, {"frame_id": 99_999, "instances": []}]
    (tmp_path / reader.file).write_text(json.dumps({"instance_info": frames}))
    found = read_alone(reader, tmp_path)
    assert not found.faults, found.faults
    assert "expected frames numbered 0, 1, 2" in found.said
    campaign.count("refused")
