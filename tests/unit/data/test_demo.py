import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from protogcn.data.demo import main, plan_demo, write_demo
from protogcn.data.readers.ntu_bodies import arrange_bodies
from protogcn.data.readers.skeleton_file import read_skeleton_file
from protogcn.data.simulator.actions import CLASS_NAMES
from protogcn.data.simulator.recordings import ACCIDENTS, draw_accident, write_performance
from protogcn.errors import ConfigError, ContractError
from protogcn.files.contracts import digest_of

TEST_SUBJECTS = {3, 6, 7, 10, 11, 12}
DEFAULT = plan_demo(subjects=12, replications=2, classes=12)


def read(path):
    """Return per frame the bodies, {id: (joints, numbers)}; refuse any odd line."""
    text = path.read_bytes().decode("ascii")
    assert text.endswith("\r\n")
    assert text.count("\n") == text.count("\r\n") == text.count("\r")
    lines = iter(text.split("\r\n")[:-1])
    frames = []
    for _ in range(int(next(lines))):
        bodies = {}
        for _ in range(int(next(lines))):
            info = next(lines).split()
            assert len(info) == 10
            assert next(lines) == "25"
            bodies[int(info[0])] = np.array([next(lines).split() for _ in range(25)], dtype=float)
        frames.append(bodies)
    assert next(lines, None) is None
    return frames


def test_later_actions_are_those_of_the_whole_demo_with_numbers_from_one(tmp_path):
    kind = {"seed": 0, "subjects": 2, "replications": 1, "frames": (20, 30)}
    later = write_demo(tmp_path / "later", **kind, classes=2, first_class=11)
    whole = {path.name: path for path in write_demo(tmp_path / "whole", **kind)}
    assert len(later) == 2 * 2 * 2 * 2
    for path in later:
        same = path.name.replace("A001", "A011").replace("A002", "A012")
        assert path.read_bytes() == whole[same].read_bytes()
    with pytest.raises(ConfigError, match=r"demo\.classes: found 3, expected 1 to 2"):
        write_demo(tmp_path / "more", **kind, classes=3, first_class=11)


def first_with(accident):
    return next(
        (performance, camera)
        for performance in DEFAULT
        for camera in (1, 2)
        if draw_accident(0, performance, camera) == accident
    )


def written(folder, accident):
    performance, camera = first_with(accident)
    write_performance(folder, performance, seed=0, frames=(40, 90))
    return folder / performance.file_name(camera)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    return write_demo(folder, seed=3, subjects=2, replications=1, classes=4, frames=(20, 25))


def test_files_are_named_as_ntu_names_them(small):
    assert len(small) == 4 * 2 * 2 * 2  # classes, subjects, setups, cameras
    assert small == sorted(small)
    assert {path.name for path in small[0].parent.iterdir()} == {path.name for path in small}
    pattern = re.compile(r"S00[12]C00[12]P00[12]R001A00[1-4]\.skeleton")
    assert all(pattern.fullmatch(path.name) for path in small)


def test_the_default_has_more_than_four_hundred_test_clips():
    clips = [(performance, camera) for performance in DEFAULT for camera in (1, 2)]
    assert len(clips) == 1152
    sides = Counter(performance.subject in TEST_SUBJECTS for performance, _ in clips)
    assert sides == {True: 576, False: 576}


def test_every_file_is_whole(small):
    for path in small:
        frames = read(path)
        assert 20 <= len(frames) <= 25
        for numbers in (numbers for bodies in frames for numbers in bodies.values()):
            assert numbers.shape == (25, 12)
            assert np.isfinite(numbers).all()
            assert (numbers[:, 2] > 1).all()  # in front of the camera
            assert set(numbers[:, 11]) <= {1, 2}


def test_two_person_actions_have_two_bodies(small):
    for path in small:
        people = Counter(len(bodies) for bodies in read(path)).most_common(1)[0][0]
        assert people >= (2 if path.stem.endswith("A004") else 1)


def test_the_same_seed_gives_the_same_bytes_for_any_number_of_workers(small, tmp_path):
    again = write_demo(
        tmp_path, seed=3, subjects=2, replications=1, classes=4, frames=(20, 25), workers=2
    )
    assert [path.name for path in again] == [path.name for path in small]
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in small]


def test_a_file_does_not_depend_on_how_many_others_there_are(small, tmp_path):
    fewer = write_demo(tmp_path, seed=3, subjects=2, replications=2, classes=1, frames=(20, 25))
    of_small = {path.name: path.read_bytes() for path in small}
    same = [path.read_bytes() == of_small[path.name] for path in fewer if path.name in of_small]
    assert len(same) == 8
    assert all(same)


def test_another_seed_gives_other_files(small, tmp_path):
    other = write_demo(tmp_path, seed=4, subjects=2, replications=1, classes=4, frames=(20, 25))
    assert all(a.read_bytes() != b.read_bytes() for a, b in zip(small, other, strict=True))


def test_two_cameras_see_one_performance_from_two_sides(small):
    first = read(small[0])
    second = read(small[0].with_name(small[0].name.replace("C001", "C002")))
    assert len(first) == len(second)
    (a,), (b,) = first[0].values(), second[0].values()
    thighs = [np.linalg.norm(numbers[12, :3] - numbers[13, :3]) for numbers in (a, b)]
    assert thighs[0] == pytest.approx(thighs[1], abs=0.12)
    assert np.abs(a[:, :3] - b[:, :3]).max() > 0.05


@pytest.mark.parametrize("accident", ACCIDENTS)
def test_every_accident_happens_to_a_few_files(accident):
    hit = [
        performance
        for performance in DEFAULT
        for camera in (1, 2)
        if draw_accident(0, performance, camera) == accident
    ]
    assert 5 <= len(hit) <= 60
    if accident == "bystander":
        assert not {performance.action for performance in hit} & {4, 12}


def test_a_brief_ghost_is_there_for_fewer_than_twelve_frames(tmp_path):
    path = written(tmp_path, "brief ghost")
    seen = Counter(identifier for bodies in read(path) for identifier in bodies)
    assert min(seen.values()) < 12 <= max(seen.values())


def test_empty_frames_lie_in_the_middle(tmp_path):
    counts = [len(bodies) for bodies in read(written(tmp_path, "empty frames"))]
    assert 2 <= counts.count(0) <= 6
    assert counts[0]
    assert counts[-1]


@pytest.mark.parametrize(
    ("accident", "extra"),
    [("brief ghost", 0), ("flat ghost", 0), ("empty frames", 0), ("bystander", 1)],
)
def test_the_reader_removes_ghosts_and_keeps_bystanders(tmp_path, accident, extra):
    path = written(tmp_path, accident)
    people = 2 if path.stem[-3:] in ("004", "012") else 1
    assert len(arrange_bodies(read_skeleton_file(path))) == people + extra


def test_files_of_another_configuration_are_removed_and_other_files_kept(tmp_path):
    left_over = tmp_path / "S009C001P001R001A001.skeleton"
    note = tmp_path / "notes.skeleton"
    left_over.write_text("old")
    note.write_text("mine")
    files = write_demo(tmp_path, seed=0, subjects=2, replications=1, classes=1, frames=(20, 20))
    assert set(tmp_path.iterdir()) == {note, *files}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"subjects": 1}, "demo.subjects: found 1, expected 2 to 40"),
        ({"classes": 13}, "demo.classes: found 13, expected 1 to 12"),
        ({"classes": 0}, "demo.classes: found 0"),
        ({"replications": 0}, "demo.replications: found 0, expected 1 to 999"),
        ({"seed": -1}, "demo.seed: found -1, expected 0 or more"),
        ({"frames": (60, 50)}, "demo.frames: found 50, expected 60 to 300"),
        ({"frames": (5, 50)}, "demo.frames: found 5, expected 20 to 300"),
        ({"workers": 0}, "demo.workers: found 0, expected 1 or more"),
    ],
)
def test_refuses_numbers_out_of_range(tmp_path, wrong, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        write_demo(tmp_path / "demo", **{"seed": 0, **wrong})
    assert not (tmp_path / "demo").exists()


def test_refuses_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "demo").write_text("")
    with pytest.raises(ContractError, match="demo: cannot be a folder"):
        write_demo(tmp_path / "demo", seed=0)


def test_names_a_file_that_cannot_be_written(tmp_path):
    (tmp_path / DEFAULT[0].file_name(1)).mkdir()
    with pytest.raises(ContractError, match=r"A001\.skeleton: could not be written"):
        write_performance(tmp_path, DEFAULT[0], seed=0, frames=(20, 20))


def command(tmp_path, *more):
    folder, manifest = tmp_path / "raw", tmp_path / "raw.csv"
    return ["demo", "--folder", str(folder), "--manifest", str(manifest), *more]


def test_the_manifest_lists_every_file_with_its_digest(tmp_path, monkeypatch):
    small = ["--subjects", "2", "--replications", "1", "--classes", "2", "--frames", "20", "20"]
    monkeypatch.setattr(sys, "argv", command(tmp_path, *small))
    main()
    manifest = pd.read_csv(tmp_path / "raw.csv")
    assert list(manifest.columns) == ["file", "bytes", "sha256"]
    files = sorted((tmp_path / "raw").iterdir())
    assert list(manifest["file"]) == [path.name for path in files]
    assert list(manifest["bytes"]) == [path.stat().st_size for path in files]
    assert list(manifest["sha256"]) == [digest_of(path) for path in files]


def test_a_killed_run_leaves_no_manifest(tmp_path):
    (tmp_path / "raw.csv").write_text("of an earlier run")
    arguments = [
        sys.executable,
        "-m",
        "protogcn",
        "demo",
        *command(tmp_path, "--subjects", "40")[1:],
    ]
    with subprocess.Popen(arguments) as process:
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob("raw/*.skeleton")):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "raw.csv").exists()


def test_a_wrong_number_on_the_command_line_is_one_sentence(tmp_path):
    arguments = [
        sys.executable,
        "-m",
        "protogcn",
        "demo",
        *command(tmp_path, "--classes", "99")[1:],
    ]
    run = subprocess.run(arguments, capture_output=True, text=True)
    assert run.returncode == 2
    assert run.stderr == "ConfigError: demo.classes: found 99, expected 1 to 12.\n"


def test_the_configuration_names_the_classes_in_this_order():
    config = Path(__file__).parents[3] / "config" / "config.yaml"
    demo = yaml.safe_load(config.read_text(encoding="utf-8"))["datasets"]["demo"]
    assert tuple(demo["classes"]) == CLASS_NAMES
