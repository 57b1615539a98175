import struct
import sys
import types

import pytest

from protogcn.files import events
from protogcn.files.events import EventFile

ROWS = [
    {"epoch": 1, "loss": 3.5, "accuracy": 12.5, "seconds": 2.0},
    {"epoch": 2, "loss": 2.5, "accuracy": 25.0, "seconds": 2.0, "val_accuracy": 20.0},
]


@pytest.fixture
def installed(monkeypatch):
    """TensorBoard, as far as anybody here looks at it."""
    monkeypatch.setitem(sys.modules, "tensorboard", types.ModuleType("tensorboard"))


@pytest.fixture
def absent(monkeypatch):
    monkeypatch.setattr(events, "find_spec", lambda name: None)


def records(path):
    """Split a TFRecord file as its description says; its checksums are another test's."""
    content = path.read_bytes()
    while content:
        (length,) = struct.unpack("<Q", content[:8])
        yield content[12 : 12 + length]
        content = content[16 + length :]


@pytest.mark.usefixtures("installed")
def test_a_row_is_an_event_with_a_value_for_each_column(tmp_path):
    EventFile(tmp_path, [ROWS[0]]).add(ROWS[1])
    (path,) = tmp_path.glob("events.out.tfevents.*")
    version, start, first, second = records(path)
    assert version[9:] == b"\x1a\x0dbrain.Event:2"
    assert start[9:] == b"\x10\x01\x3a\x02\x08\x01"  # from step 1 on earlier files do not count
    assert first[9:11] == b"\x10\x01"
    assert second[9:11] == b"\x10\x02"
    assert b"\x0a\x04loss\x15" + struct.pack("<f", 3.5) in first
    assert b"\x0a\x0cval_accuracy\x15" + struct.pack("<f", 20.0) in second
    assert b"epoch" not in first


def test_checksum_is_that_of_the_published_example():
    """CRC-32C of the nine digits is 0xE3069283."""
    rotated = (0xE3069283 >> 15 | 0xE3069283 << 17) & 0xFFFFFFFF
    masked = (rotated + 0xA282EAD8) & 0xFFFFFFFF
    assert events._masked_checksum(b"123456789") == struct.pack("<I", masked)


@pytest.mark.usefixtures("absent")
def test_without_tensorboard_nothing_is_written_or_said(tmp_path, capsys):
    EventFile(tmp_path, ROWS).add(ROWS[1])
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("installed")
def test_a_folder_that_takes_no_file_is_told_once(tmp_path, capsys):
    file = EventFile(tmp_path / "gone", [])
    file.add(ROWS[0])
    file.add(ROWS[1])
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1
    assert "could not be written (No such file or directory); the training goes on" in told[0]


@pytest.mark.usefixtures("installed")
def test_a_number_too_large_for_four_bytes_is_no_fault(tmp_path):
    EventFile(tmp_path, [{"epoch": 1, "loss": 1e300}])
    assert len(list(tmp_path.iterdir())) == 1


def test_tensorboard_shows_each_epoch_of_a_resumed_training_once(tmp_path):
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    EventFile(tmp_path, []).add(ROWS[0])
    for name in tmp_path.iterdir():  # killed in the middle of a record
        name.write_bytes(name.read_bytes() + b"\x30\x00\x00")
    resumed = EventFile(tmp_path, [ROWS[0]])
    resumed.add(ROWS[1])
    found = reader.EventAccumulator(str(tmp_path)).Reload()
    assert set(found.Tags()["scalars"]) == {"loss", "accuracy", "seconds", "val_accuracy"}
    assert [(e.step, e.value) for e in found.Scalars("loss")] == [(1, 3.5), (2, 2.5)]
    assert [(e.step, e.value) for e in found.Scalars("val_accuracy")] == [(2, 20.0)]
    EventFile(tmp_path, [])  # from the beginning, with other settings
    assert reader.EventAccumulator(str(tmp_path)).Reload().Scalars("loss") == []
