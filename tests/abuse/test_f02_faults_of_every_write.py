"""Every system call of every kind of save fails, or the process is killed at it."""

import random
import shutil
import signal
from itertools import product

import pytest

from tests.abuse.line import leftovers
from tests.abuse.saves import SAVES, version_of
from tests.abuse.traced import can_trace, disturb
from tests.made.forked_command import start

# What a file system says at which call.
FAULTS = {
    "openat": ("EMFILE", "EACCES", "ENOSPC", "EROFS", "EIO"),
    "write": ("ENOSPC", "EDQUOT", "EIO"),
    "fsync": ("ENOSPC", "EDQUOT", "EIO"),
    "rename": ("ENOSPC", "EDQUOT", "EIO", "EROFS", "EACCES"),
    "mkdir": ("ENOSPC", "EDQUOT", "EROFS", "EACCES"),
    "unlink": ("EROFS", "EACCES", "EIO"),
}
MOST = 60  # calls of one kind in one save


def save(name, folder, version, **how):
    words = ["tests.abuse.saves:save", name, str(folder), str(version)]
    return start(words, cwd=folder.parent, output=folder.parent / "told", **how)


@pytest.mark.skipif(not can_trace(), reason="needs strace, and the right to trace")
def test_a_file_is_the_old_or_the_new_one_and_a_rerun_ends_well(campaign, in_memory):
    """All points in nightly, a few of them in push."""
    for name in SAVES:
        (in_memory / name).mkdir()
        for version in (1, 2):
            assert save(name, in_memory / name, version).wait() == 0, name
    places = list(product(SAVES, FAULTS))
    random.Random(2).shuffle(places)
    deepest = campaign.tries(push=1, nightly=MOST, release=MOST)
    for name, call in places[: campaign.tries(push=10, nightly=999, release=999)]:
        for when in range(1, deepest + 1):
            errors = FAULTS[call]
            every = campaign.tries(push=1, nightly=1, release=len(errors))
            chosen = [errors[(when + number) % len(errors)] for number in range(every)]
            faults = [*(f"error={error}" for error in chosen), "signal=KILL"]
            outcomes = [disturbed(name, in_memory, call, fault, when) for fault in faults]
            if None in outcomes:  # it makes no more of these calls
                break
            for outcome in outcomes:
                campaign.count(outcome)


def disturbed(name, in_memory, call, what, when):
    """Disturb a save at one call and repeat it; return what happened, None if nothing could."""
    where = f"{name}, {what} at {call} {when}"
    whole = in_memory / "whole"
    shutil.rmtree(whole, ignore_errors=True)
    shutil.copytree(in_memory / name, whole)
    process = save(name, whole, 3, stopped=True)
    code, happened = disturb(process, call, what, when)
    if not happened:
        return None
    found, told = version_of(name, whole), process.told()
    assert found in (2, 3) if code else found == 3, (where, found, told)
    outcome = "written all the same"
    if code == -signal.SIGKILL:
        outcome = "killed: the old or the new file"
    else:
        assert not leftovers(whole), (where, told)
    if code > 0:
        outcome = "refused"
        assert code == 3, (where, told)
        assert "Traceback" not in told, (where, told)
        assert told.startswith(("ContractError: ", "UnreadableError: ")), (where, told)
        assert str(whole) in told or "could not go on" in told, (where, told)
    assert save(name, whole, 3).wait() == 0, (where, told)
    assert version_of(name, whole) == 3, where
    assert not leftovers(whole), where
    return outcome
