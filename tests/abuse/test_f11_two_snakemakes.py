"""Two Snakemakes in one folder, and Snakemakes that are killed with their jobs or without them."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from protogcn.files.progress import load_progress
from tests.abuse.line import CONFIGS, REPOSITORY, leftovers

TABLE = "results/nano_xsub_two.csv"
RUNS = "results/runs/nano/xsub/protogcn"
SECONDS = 300


@pytest.fixture
def folder(campaign, line, in_memory):
    """A folder whose streams are not trained yet."""
    if campaign.tier == "push":
        pytest.skip("takes minutes: nightly and release alone")
    return line.before(line.stage("train"), in_memory / "folder")


def command(folder, *arguments):
    return [
        sys.executable, "-m", "snakemake", "--snakefile", str(REPOSITORY / "Snakefile"),
        "--directory", str(folder), "--cores", "1", "--rerun-incomplete", *arguments,
        "--configfile", *map(str, CONFIGS),
    ]  # fmt: skip


@contextmanager
def started(folder, *arguments):
    """Give a Snakemake that runs in a group of processes of its own; all of it ends at the end."""
    with (folder.parent / f"told {time.monotonic_ns()}").open("w+b") as told:
        process = subprocess.Popen(
            command(folder, *arguments), stdout=told, stderr=told, start_new_session=True
        )
        process.told = lambda: Path(told.name).read_text(errors="replace")
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def run(folder, *arguments):
    with started(folder, *arguments) as process:
        return process.wait(SECONDS), process.told()


def wait_for(happened):
    give_up = time.monotonic() + 120
    while not happened():
        assert time.monotonic() < give_up
        time.sleep(0.01)


def is_training(folder, stream):
    return lambda: (progress := load_progress(folder / RUNS / stream)) and progress.process


def differs(line, folder):
    """Return what is otherwise than undisturbed, of the streams and their table."""
    stages = [each for each in line.stages if each.name.split()[0] in ("train", "score", "fuse")]
    return [found for each in stages if (found := line.difference(each, folder))]


def test_the_second_of_two_with_one_target_is_refused(campaign, line, folder):
    for number in range(campaign.tries(push=0, nightly=2, release=12)):
        line.before(line.stage("train"), folder)
        with started(folder, TABLE) as first:
            wait_for(lambda: list((folder / RUNS).glob("*/owner.json")))
            code, told = run(folder, TABLE)
            assert code == 1, (number, told)
            assert "cannot be locked" in told, (number, told)
            assert first.wait(SECONDS) == 0, (number, first.told())
        assert not differs(line, folder), number
        campaign.count("second refused, equal bytes")


def test_two_with_other_targets_both_end_well(campaign, line, folder):
    for number in range(campaign.tries(push=0, nightly=2, release=12)):
        line.before(line.stage("train"), folder)
        targets = [f"{RUNS}/{stream}/scores.npz" for stream in ("j", "bm")]
        with started(folder, targets[0]) as first, started(folder, targets[1]) as second:
            for each in (first, second):
                assert each.wait(SECONDS) == 0, (number, each.told())
        code, told = run(folder, TABLE)
        assert code == 0, (number, told)
        assert not differs(line, folder), number
        campaign.count("both ended, equal bytes")


def test_a_snakemake_that_is_killed_with_its_jobs_needs_its_unlock_alone(campaign, line, folder):
    for number in range(campaign.tries(push=0, nightly=4, release=40)):
        line.before(line.stage("train"), folder)
        with started(folder, TABLE) as process:
            time.sleep(random.Random(number).uniform(2, 15))
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        run(folder, "--unlock")
        code, told = run(folder, TABLE)
        assert code == 0, (number, told)
        assert not differs(line, folder), number
        campaign.count("killed, unlocked, equal bytes")


def test_a_job_that_outlives_its_snakemake_gives_way_to_the_next(campaign, line, folder):
    for number in range(campaign.tries(push=0, nightly=2, release=12)):
        line.before(line.stage("train"), folder)
        target = f"{RUNS}/j/scores.npz"
        with started(folder, target) as process:
            wait_for(is_training(folder, "j"))
            orphan = load_progress(folder / RUNS / "j").process
            os.kill(orphan, signal.SIGSTOP)  # a node that does not answer
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            run(folder, "--unlock")
            with started(folder, target) as second:
                wait_for(lambda orphan=orphan: owner(folder) != orphan)
                os.kill(orphan, signal.SIGCONT)
                assert second.wait(SECONDS) == 0, (number, second.told())
            wait_for(lambda orphan=orphan: not is_alive(orphan))
        code, told = run(folder, TABLE)
        assert code == 0, (number, told)
        assert not differs(line, folder), number
        assert not leftovers(folder), number
        campaign.count("one of two trainers gave way, equal bytes")


def owner(folder):
    return json.loads((folder / RUNS / "j/owner.json").read_text())["process"]


def is_alive(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
