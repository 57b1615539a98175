"""Half to all of the memory that a stage needs (RLIMIT_AS), with one thread of torch and with two."""

import random
import re
import signal
import time
from pathlib import Path

from tests.abuse.line import leftovers

# A library may end the process where it finds no memory, without a word to Python.
BY_LIBRARY = (-signal.SIGABRT, -signal.SIGSEGV, -signal.SIGBUS, 127, 134)


def test_too_little_memory_is_one_sentence_and_a_rerun_has_equal_bytes(campaign, line, in_memory):
    folder = in_memory / "starved"
    peaks = {}
    for number in range(campaign.tries(push=4, nightly=80, release=300)):
        stage = line.stages[number % len(line.stages)]
        threads = 1 + number // len(line.stages) % 2
        if (stage.name, threads) not in peaks:
            line.before(stage, folder)
            peaks[stage.name, threads] = more_memory_of(line.run(stage, folder, threads=threads))
        share = random.Random(number).uniform(0, 1)
        line.before(stage, folder)
        process = line.run(
            stage, folder, more_memory=int(share * peaks[stage.name, threads]), threads=threads
        )
        code, told = process.wait(), line.log(stage, folder)
        where = (number, stage.name, share, code, told)
        assert not line.half_made(stage, folder), where
        if code not in BY_LIBRARY:
            assert code in (0, 3, 8), where
            assert not leftovers(folder), where
        if code in (3, 8):
            assert "too little memory" in told, where
        assert line.run(stage, folder).wait() == 0, (where, line.log(stage, folder))
        assert not line.difference(stage, folder), where
        outcome = {0: "it was enough", 8: "refused", 3: "refused"}.get(code, "ended by a library")
        campaign.count(outcome)


def more_memory_of(process):
    """Return the bytes of addresses that a process takes beyond those it starts with."""
    sizes, status = [], Path(f"/proc/{process.process}/status")
    while True:
        try:
            text = status.read_text()
        except (FileNotFoundError, ProcessLookupError):
            break
        found = re.search(r"VmPeak:\s*(\d+) kB", text)
        if found is None:  # it has ended
            break
        sizes.append(1024 * int(found[1]))
        time.sleep(0.002)
    assert process.wait() == 0, process.told()
    return sizes[-1] - sizes[0]
