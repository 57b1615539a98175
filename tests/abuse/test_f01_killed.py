"""Killed (SIGKILL) at random moments of every stage, between its writes and inside of them."""

import random
import re
import signal
import time

from protogcn.files.progress import load_progress
from protogcn.models.checkpoint import load_checkpoint
from tests.abuse.line import TIMES
from tests.abuse.traced import WRITES, can_trace, count_calls, disturb
from tests.made.fingerprint import fingerprint

KILLS = 3  # of one training before it may end


def test_a_training_ends_with_the_same_bytes_however_often_it_is_killed(campaign, line, in_memory):
    stage, folder = line.stage("train"), in_memory / "killed"
    scoring = next(each for each in line.stages if each.name.startswith("score")
                   and checkpoint_of(each) == checkpoint_of(stage))  # fmt: skip
    for number in range(campaign.tries(push=3, nightly=60, release=300) // KILLS):
        moments, done = random.Random(number), 0
        line.before(stage, folder)
        for kill in range(KILLS + 1):
            process = line.run(stage, folder)
            if kill < KILLS:
                time.sleep(moments.uniform(0, stage.seconds))
                process.signal(signal.SIGKILL)
            code, told = process.wait(), line.log(stage, folder)
            if found := re.search(r"resumes from epoch (\d+)", told):
                assert int(found[1]) >= done, (number, told)  # one epoch is repeated at most
            assert code in ((0, -signal.SIGKILL) if kill < KILLS else (0,)), (number, told)
            assert not line.half_made(stage, folder), (number, told)
            done = epochs_done(stage, folder)
            if kill < KILLS:
                campaign.count("killed" if code else "ended before the kill")
        assert not line.difference(stage, folder), number
        assert state(stage, folder) == state(stage, line.folder), number
        assert line.run(scoring, folder).wait() == 0, number
        assert not line.difference(scoring, folder), number
        campaign.count("ended with equal bytes")


def checkpoint_of(stage):
    return stage.words[stage.words.index("--checkpoint") + 1]


def epochs_done(stage, folder):
    progress = load_progress((folder / checkpoint_of(stage)).parent)
    return 0 if progress is None else progress.epoch


def state(stage, folder):
    """Return the digest of weights, optimiser, what a method remembers, and the history."""
    found = load_checkpoint((folder / checkpoint_of(stage)).with_name("resume.pt"), {})
    rows = [{k: v for k, v in row.items() if k not in TIMES} for row in found["history"]]
    return fingerprint(found | {"history": rows})


def test_every_stage_ends_with_the_same_bytes_after_a_kill(campaign, line, in_memory):
    folder, calls = in_memory / "killed", {}
    stages = [each for each in line.stages if not each.name.startswith("train")]
    for number in range(campaign.tries(push=3, nightly=50, release=300)):
        stage, moments = stages[number % len(stages)], random.Random(number)
        line.before(stage, folder)
        if number // len(stages) % 2 or not can_trace():
            process, how = line.run(stage, folder), "at a moment"
            time.sleep(moments.uniform(0, stage.seconds))
            process.signal(signal.SIGKILL)
            code = process.wait()
        else:
            if stage.name not in calls:
                process = line.run(stage, folder, stopped=True)
                calls[stage.name] = count_calls(process, WRITES)
                line.before(stage, folder)
            when, how = moments.randint(1, calls[stage.name]), "at a write"
            process = line.run(stage, folder, stopped=True)
            code, _ = disturb(process, WRITES, "signal=KILL", when)
        where = (number, stage.name, how, line.log(stage, folder))
        assert code in (0, -signal.SIGKILL), where
        assert not line.half_made(stage, folder), where
        assert line.run(stage, folder).wait() == 0, (where, line.log(stage, folder))
        assert not line.difference(stage, folder), where
        campaign.count(f"killed {how}, equal bytes" if code else "ended before the kill")
