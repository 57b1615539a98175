"""SIGTERM, SIGINT and SIGHUP at random moments of every stage, and the stage started again."""

import random
import signal
import time

from tests.abuse.line import leftovers

# Ctrl-C is told; the others end a process as they end others.
ENDS = {signal.SIGTERM: -signal.SIGTERM, signal.SIGINT: 130, signal.SIGHUP: -signal.SIGHUP}


def test_a_stage_that_is_told_to_end_does_and_its_rerun_has_equal_bytes(campaign, line, in_memory):
    folder = in_memory / "ended"
    for number in range(campaign.tries(push=4, nightly=60, release=300)):
        how = list(ENDS)[number % len(ENDS)]
        stage = line.stages[number % len(line.stages)]
        line.before(stage, folder)
        process = line.run(stage, folder)
        time.sleep(random.Random(number).uniform(0.02, stage.seconds))
        process.signal(how)
        code, told = process.wait(), line.log(stage, folder)
        where = (number, stage.name, how.name, code, told)
        assert code in (0, ENDS[how]), where
        if code > 0:
            assert told.strip().endswith("Stopped by Ctrl-C."), where
        assert not line.half_made(stage, folder), where
        if how == signal.SIGINT:
            assert not leftovers(folder), where
        assert line.run(stage, folder).wait() == 0, (where, line.log(stage, folder))
        assert not line.difference(stage, folder), where
        campaign.count(f"{how.name}: equal bytes" if code else "ended before the signal")
