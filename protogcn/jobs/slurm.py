"""What Slurm's ``squeue`` reports of jobs; None if there is no squeue."""

import getpass
import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

SECONDS_FOR_AN_ANSWER = 15.0
_LONGEST_ANSWER = 200  # characters of squeue's own message

# A job in one of these has its processes, or will have them again without being submitted again.
_ALIVE = {"RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "CONFIGURING", "SIGNALING"}


class NoAnswerError(Exception):
    """``squeue`` exists but gives no answer; with its own message if it has one."""


@dataclass(frozen=True)
class Job:
    """One job of the queue.

    Attributes:
        number: its id.
        state: Slurm's word, such as PENDING or RUNNING.
        folder: where it works.
        comment: what its submitter wrote down; Snakemake writes the rule and its wildcards.
    """

    number: str
    state: str
    folder: str
    comment: str

    @property
    def runs(self) -> bool:
        """Whether its processes are there."""
        return self.state in _ALIVE


def comment_of(rule: str, wildcards: Iterable[str]) -> str:
    """Return the comment that Snakemake's Slurm executor gives a job."""
    values = "_".join(wildcards).replace("/", "_")
    return f"rule_{rule}_wildcards_{values}" if values else f"rule_{rule}"


def queue_of_user() -> dict[str, Job] | None:
    """Return this user's jobs that wait or run, by id; None if there is no squeue.

    Raises:
        NoAnswerError: it exists, and it fails or hangs.
    """
    lines = _squeue("--user", getpass.getuser(), "--format", "%A|%T|%k|%Z")
    if lines is None:
        return None
    fields = [line.split("|", 3) for line in lines]  # a folder's name may have a bar
    return {
        number: Job(number, state, folder, comment)
        for number, state, comment, folder in (entry for entry in fields if len(entry) == 4)
    }


def job_runs(number: str) -> bool | None:
    """Return whether a job's processes are there; None also for an id that Slurm has forgotten."""
    lines = _of_job(number, "%A|%T")
    states = [line.partition("|")[2] for line in lines or [] if line.startswith(f"{number}|")]
    return states[0] in _ALIVE if states else None


def end_of_job(number: str) -> float | None:
    """Return when a job's time is over, in seconds since 1970; None also where it has no limit."""
    for line in _of_job(number, "%A|%e") or []:
        found, _, end = line.partition("|")
        if found == number:  # all tasks of an array answer to the id of the array
            try:
                return datetime.fromisoformat(end).timestamp()  # local time, as Slurm prints it
            except (ValueError, OverflowError):
                return None
    return None


def _of_job(number: str, form: str) -> list[str] | None:
    try:
        return _squeue("--jobs", number, "--format", form)
    except NoAnswerError:  # also for an id that is forgotten
        return None


def _squeue(*arguments: str) -> list[str] | None:
    try:
        answer = subprocess.run(
            ["squeue", "--noheader", *arguments],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=True,
            timeout=SECONDS_FOR_AN_ANSWER,
            env={**os.environ, "SLURM_TIME_FORMAT": "standard"},
        )
    except FileNotFoundError:
        return None
    except OSError as error:
        raise NoAnswerError(f"cannot be run ({error.strerror})") from error
    except subprocess.TimeoutExpired as error:
        raise NoAnswerError(f"gave no answer in {SECONDS_FOR_AN_ANSWER:.0f} seconds") from error
    except subprocess.CalledProcessError as error:
        said = (error.stderr.strip().splitlines() or [""])[-1][:_LONGEST_ANSWER]
        raise NoAnswerError(f"reported {said!a}" if said else "failed without a message") from error
    return [line.strip() for line in answer.stdout.splitlines()]
