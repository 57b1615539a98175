"""GPUs claimed by name; none exists in these tests, so a name is all of it."""

import os
import secrets
import signal
import subprocess
import sys

import pytest

from protogcn.errors import ConfigError
from protogcn.jobs.claim import claim, needs_claim, visible_gpus

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="claims are names of Linux")

SHOW = """
import os, sys
from protogcn.jobs.claim import claimed_gpus
with claimed_gpus(int(sys.argv[1]), share=int(sys.argv[2])):
    print(os.environ['CUDA_VISIBLE_DEVICES'], flush=True)
    sys.stdin.read()
"""
# What the batch systems set; a test may itself run in a job of one.
BATCH = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "KUBERNETES_SERVICE_HOST")
PLAIN = {name: value for name, value in os.environ.items() if name not in BATCH}


@pytest.fixture
def gpus():
    """Two names that no other test has."""
    name = secrets.token_hex(4)
    return [f"{name}-0", f"{name}-1"]


@pytest.fixture
def start():
    """Start a process that prints its GPUs and ends with its input; end all of them afterwards."""
    started = []

    def run(gpus, number=1, share=1, **more):
        process = subprocess.Popen(
            [sys.executable, "-c", SHOW, str(number), str(share)],
            env=PLAIN | {"CUDA_VISIBLE_DEVICES": ",".join(gpus)} | more,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def test_each_job_sees_another_gpu(gpus, start):
    jobs = [start(gpus), start(gpus)]
    assert sorted(job.stdout.readline().strip() for job in jobs) == gpus


@pytest.mark.parametrize("how", [None, signal.SIGTERM, signal.SIGKILL])
def test_gpu_is_free_again_however_its_job_ends(gpus, start, how):
    first = start(gpus)
    assert first.stdout.readline().strip() == gpus[0]
    if how is not None:
        first.send_signal(how)
    first.communicate(timeout=20)
    assert start(gpus).stdout.readline().strip() == gpus[0]


def test_third_job_waits_and_says_so(gpus, start):
    jobs = [start(gpus), start(gpus)]
    for job in jobs:
        job.stdout.readline()
    third = start(gpus)
    assert third.stderr.readline().strip() == f"Waits for 1 of GPU {', '.join(gpus)} to be free."
    assert third.poll() is None


def test_job_of_two_gpus_has_both(gpus, start):
    assert start(gpus, 2).stdout.readline().strip() == ",".join(gpus)


def test_half_of_what_a_job_wants_is_left_to_others(gpus):
    first = claim(gpus, 1, share=1)
    assert claim(gpus, 2, share=1) is None
    second = claim(gpus, 1, share=1)
    assert [*first, *second] == gpus
    for held in (*first.values(), *second.values()):
        held.close()


def test_more_than_there_are_is_one_sentence(gpus):
    with pytest.raises(ConfigError, match="3 GPUs are wanted for one job, but 2 are visible"):
        claim(gpus, 3, share=4)


@pytest.mark.parametrize("variable", BATCH)
def test_batch_system_has_chosen_already(gpus, start, variable):
    job = start(gpus, **{variable: "7"})
    assert job.stdout.readline().strip() == ",".join(gpus)


def test_without_a_gpu_nothing_is_claimed():
    assert not needs_claim(PLAIN, [])


def test_job_that_sees_one_gpu_leaves_another_to_those_that_see_more(gpus, start):
    assert start(gpus[:1]).stdout.readline().strip() == gpus[0]
    assert start(gpus).stdout.readline().strip() == gpus[1]
    again = start(gpus[:1])
    assert again.stderr.readline().strip() == f"Waits for 1 of GPU {gpus[0]} to be free."


@pytest.fixture
def claims(gpus):
    """Claim GPUs that two trainings share; give them back afterwards."""
    held = []

    def take(number):
        claimed = claim(gpus, number, share=2)
        held.extend((claimed or {}).values())
        return claimed

    yield take
    for mine in held:
        mine.close()


def test_trainings_that_share_gpus_are_spread_over_them(gpus, claims):
    found = [claims(1) for _ in range(4)]
    assert [list(claimed) for claimed in found] == [[name] for name in (*gpus, *gpus)]
    assert claims(1) is None
    found[1][gpus[1]].close()
    assert list(claims(1)) == [gpus[1]]


def test_the_gpu_with_the_fewest_trainings_is_next_whatever_ended_before(gpus, claims):
    found = [claims(1) for _ in range(4)]
    for number in (0, 1, 3):  # the third training, the second of the first GPU, goes on
        for mine in found[number].values():
            mine.close()
    assert list(claims(1)) == [gpus[1]]


def test_run_on_several_gpus_shares_different_ones(gpus, claims):
    assert list(claims(2)) == list(claims(2)) == gpus
    assert claims(2) is None


def test_job_without_gpu_claims_none(gpus, start):
    assert start(gpus, 0).stdout.readline().strip() == ",".join(gpus)


def test_visible_gpus_are_those_of_the_variable_or_of_the_driver(tmp_path):
    command = tmp_path / "nvidia-smi"
    command.write_text("#!/bin/sh\nprintf '0\\n1\\n2\\n'\n")
    command.chmod(0o755)
    path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    assert visible_gpus(path) == ["0", "1", "2"]
    assert visible_gpus(path | {"CUDA_VISIBLE_DEVICES": "2, 3"}) == ["2", "3"]
    assert visible_gpus(path | {"CUDA_VISIBLE_DEVICES": ""}) == []
    assert visible_gpus(path | {"CUDA_VISIBLE_DEVICES": "7,-1,2"}) == ["7"]  # as CUDA reads it
    assert visible_gpus(path | {"CUDA_VISIBLE_DEVICES": "-1"}) == []
    assert visible_gpus({"PATH": str(tmp_path / "nothing")}) == []


def test_claiming_loads_no_torch():
    code = "import sys, protogcn.jobs.claim; assert not {'torch', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
