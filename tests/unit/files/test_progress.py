import json
import os
from dataclasses import asdict, replace

import pytest

from protogcn.errors import ContractError
from protogcn.files.progress import RunProgress, handed_over, load_progress, save_progress

GOOD = RunProgress("running", 36, 150, accuracy=81.25, host="node7", process=12, job="41")


def test_what_is_saved_is_read_again(tmp_path):
    save_progress(tmp_path, GOOD)
    assert load_progress(tmp_path) == GOOD


def test_run_that_never_started_has_none(tmp_path):
    assert load_progress(tmp_path) is None


def test_entries_of_a_later_version_are_left_alone(tmp_path):
    (tmp_path / "progress.json").write_text(json.dumps(asdict(GOOD) | {"weather": "fine"}))
    assert load_progress(tmp_path) == GOOD


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("state", "asleep"),
        ("state", 3),
        ("epoch", 1.5),
        ("epoch", -1),
        ("epoch", True),
        ("epochs", "150"),
        ("accuracy", float("nan")),
        ("seconds_left", float("inf")),
        ("updated", 1e300),
        ("process", None),
        ("host", ["a"]),
        ("message", None),
    ],
)
def test_value_of_the_wrong_kind_is_one_sentence(tmp_path, name, value):
    (tmp_path / "progress.json").write_text(json.dumps(asdict(GOOD) | {name: value}))
    with pytest.raises(ContractError, match=rf"progress\.json: {name} is .*remove it\.$"):
        load_progress(tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"null", b"\xff\xfe", b"[" * 60_000, b" " * 70_000, b'{"state'],
)  # fmt: skip
def test_damaged_file_is_one_sentence(tmp_path, content):
    (tmp_path / "progress.json").write_bytes(content)
    with pytest.raises(ContractError, match=r"progress\.json"):
        load_progress(tmp_path)


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_no_file_is_not_opened(tmp_path, make):
    make(tmp_path / "progress.json")
    with pytest.raises(
        ContractError, match=r"progress\.json: .* expected the progress of a training"
    ):
        load_progress(tmp_path)


def test_progress_cannot_be_written_over_half(tmp_path):
    save_progress(tmp_path, GOOD)
    save_progress(tmp_path, replace(GOOD, epoch=37))
    assert [path.name for path in tmp_path.iterdir()] == ["progress.json"]


@pytest.mark.parametrize("state", ["out of time", "failed", "running", "finished", None])
def test_only_a_training_that_ran_out_of_time_is_handed_over(tmp_path, state):
    if state is not None:
        save_progress(tmp_path, RunProgress(state=state, epoch=1, epochs=3))
    assert handed_over(tmp_path) is (state == "out of time")


def test_damaged_progress_hands_nothing_over(tmp_path):
    (tmp_path / "progress.json").write_text("{")
    assert not handed_over(tmp_path)
