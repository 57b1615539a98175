"""Clocks that differ, jump and change their zone: nothing is trained again, no duration is wrong."""

import os
import shutil
import subprocess
import sys
import time

import pandas as pd
import pytest

from protogcn.data.demo import write_demo
from protogcn.files.progress import load_progress
from protogcn.files.scores import Scores
from tests.made.all_stages import contents, run_here, stages_of_demo
from tests.workflow.conftest import BASE, NANO, REPOSITORY

# What the programs of this test ask for the time: after some calls it jumps, each second call or
# for good. Monotonic clocks go on.
_SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
static long calls;
static long jump(void) {
    const char *after = getenv("CLOCK_AFTER"), *by = getenv("CLOCK_JUMP");
    long call = __sync_add_and_fetch(&calls, 1);
    if (!after || !by || call <= atol(after)) return 0;
    return getenv("CLOCK_SWINGS") && call % 2 ? 0 : atol(by);
}
int clock_gettime(clockid_t id, struct timespec *found) {
    int (*ask)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
    int code = ask(id, found);
    if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE) found->tv_sec += jump();
    return code;
}
time_t time(time_t *found) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (found) *found = now.tv_sec;
    return now.tv_sec;
}
int gettimeofday(struct timeval *found, void *zone) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    found->tv_sec = now.tv_sec;
    found->tv_usec = now.tv_nsec / 1000;
    return 0;
}
"""
YEAR = 365 * 86400
JUMPS = {
    "ten years back in training": {"CLOCK_JUMP": str(-10 * YEAR), "CLOCK_AFTER": "400"},
    "1970": {"CLOCK_JUMP": str(-int(time.time()) + 60), "CLOCK_AFTER": "0"},
    "an hour to and fro": {"CLOCK_JUMP": "3600", "CLOCK_AFTER": "100", "CLOCK_SWINGS": "1"},
    "ten years on in training": {"CLOCK_JUMP": str(10 * YEAR), "CLOCK_AFTER": "400"},
    "another zone": {"TZ": "Pacific/Apia"},
    "an hour back": {"CLOCK_JUMP": "-3600", "CLOCK_AFTER": "200"},
}


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    if (compiler := shutil.which("cc")) is None:
        pytest.skip("there is no C compiler to make a clock that jumps")
    folder = tmp_path_factory.mktemp("clock")
    (folder / "clock.c").write_text(_SHIM)
    command = [compiler, "-shared", "-fPIC", "-o", folder / "clock.so", folder / "clock.c", "-ldl"]
    subprocess.run(command, check=True)
    return folder / "clock.so"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder in which every stage has run, in this process."""
    stages = stages_of_demo(tmp_path_factory.mktemp("finished") / "here")
    stages.folder.mkdir()
    write_demo(stages.folder / "raw", seed=0, subjects=3, replications=1, classes=2)
    stages.write_settings()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(stages.folder)
        for words in stages.commands().values():
            assert run_here(words) == 0, words
    return stages.folder


def test_a_clock_that_jumps_changes_no_byte_and_no_duration(finished, shim, tmp_path, campaign):
    for name, changes in list(JUMPS.items())[: campaign.tries(push=1, nightly=6, release=6)]:
        stages = stages_of_demo(tmp_path / name)
        shutil.copytree(finished / "raw", stages.folder / "raw")
        stages.write_settings()
        begin = time.monotonic()
        answer = subprocess.run(
            [sys.executable, *stages.program()], cwd=stages.folder, capture_output=True, text=True,
            env=os.environ | {"PYTHONPATH": str(REPOSITORY), "LD_PRELOAD": str(shim)} | changes,
            check=False,
        )  # fmt: skip
        lasted = time.monotonic() - begin
        assert answer.returncode == 0, (name, answer.stderr)
        assert contents(stages.folder) == contents(finished), name
        for stream in ("j", "bm"):
            history = pd.read_csv(stages.folder / f"runs/{stream}/history.csv")
            # 16 clips in less time than all stages took, and in more than a millisecond.
            assert history["clips_per_second"].between(16 / lasted, 16_000).all(), name
            progress = load_progress(stages.folder / f"runs/{stream}")
            assert (progress.state, progress.seconds_left) == ("finished", 0.0)
        campaign.count("same bytes")


def snakemake(folder, *arguments, **changes):
    command = [
        sys.executable, "-m", "snakemake", "--snakefile", REPOSITORY / "Snakefile", "--cores", "1",
        *arguments, "--configfile", BASE, NANO,
    ]  # fmt: skip
    answer = subprocess.run(
        command, cwd=folder, env=os.environ | changes, stdout=subprocess.PIPE, text=True,
        stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    return answer.returncode, answer.stdout


TABLE = "results/nano_xsub_2ens.csv"
RUN = "results/runs/nano/xsub/protogcn/j"
DATA = "results/data/nano/centred"
LOG = "results/logs/train_stream/nano.xsub.protogcn.j.log"


@pytest.fixture(scope="module")
def workflow(tmp_path_factory):
    folder = tmp_path_factory.mktemp("workflow")
    assert snakemake(folder, TABLE)[0] == 0
    return folder


@pytest.fixture
def copy(workflow, tmp_path, campaign):
    shutil.copytree(workflow, tmp_path / "here", copy_function=shutil.copy2)
    return tmp_path / "here"


def skip_in_push(campaign):
    if campaign.tier == "push":
        pytest.skip("starts snakemake several times")


def test_data_of_the_future_cost_no_training(request, campaign):
    """Snakemake removes what a job made from them: its state is none of its outputs."""
    skip_in_push(campaign)
    copy = request.getfixturevalue("copy")
    before = (copy / RUN / "scores.npz").read_bytes()
    (copy / RUN / "checkpoint.pt").unlink()
    inputs = [copy / DATA / "j.npy", copy / DATA / "clips.csv"]
    later = time.time() + 3600
    for path in inputs:
        os.utime(path, (later, later))
    code, told = snakemake(copy, f"{RUN}/checkpoint.pt")
    campaign.count("finished although the data are of the future" if code == 0 else "job failed")
    assert code == 0 or "older modification time" in told or "time" in told, told
    for path in inputs:
        os.utime(path)
    begin = time.monotonic()
    code, told = snakemake(copy, TABLE)
    assert code == 0, told
    assert time.monotonic() - begin < 60  # 15 s on an idle machine, most of them Snakemake's
    assert "resumes from epoch 2" in (copy / LOG).read_text()
    assert (copy / RUN / "scores.npz").read_bytes() == before
    campaign.count("finished without training")


def test_older_dates_of_everything_make_nothing_again(request, campaign):
    """A folder of raw files whose dates changed is told: it may hold others."""
    skip_in_push(campaign)
    copy = request.getfixturevalue("copy")
    for when in (time.time() - 3600, time.time() - 10 * YEAR, 0):
        for path in copy.glob("results/**/*"):
            os.utime(path, (when, when))
        code, told = snakemake(copy, "--dry-run", TABLE)
        assert (code, "ConfigError" in told) == (1, True), told
        note = copy / DATA / ".joints.npy.sources.json"
        assert f"if nothing but their dates changed, {DATA}/{note.name}" in told
        content = note.read_bytes()
        note.unlink()
        code, told = snakemake(copy, "--dry-run", TABLE)
        assert (code, "Nothing to be done" in told) == (0, True), told
        note.write_bytes(content)
        campaign.count("one sentence, then nothing to be done")


def test_another_zone_makes_nothing_again(request, campaign):
    skip_in_push(campaign)
    copy = request.getfixturevalue("copy")
    for zone in ("Pacific/Apia", "America/Anchorage", "UTC+12"):
        code, told = snakemake(copy, "--dry-run", TABLE, TZ=zone)
        assert (code, "Nothing to be done" in told) == (0, True), told
        campaign.count("nothing to be done")
    assert Scores.load(copy / RUN / "scores.npz").clips.size
