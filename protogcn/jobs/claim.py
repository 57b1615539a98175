"""The GPUs of a workstation -> those of this process, before it first touches CUDA.

Snakemake counts the GPUs of a workstation but gives no job a number. So each job claims the first
free ones of those visible, and sets ``CUDA_VISIBLE_DEVICES``. A claim is a socket with a name that
only one process of a machine can have. The kernel takes it back when that process, and those that
it gave the socket to, have ended, however they end: no file is left, no claim is stale. A GPU that
several trainings share has several names.
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import chain, takewhile

from protogcn.errors import ConfigError

_BATCH_SYSTEMS = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "KUBERNETES_SERVICE_HOST")
_POLL_SECONDS = 10


def add_gpus(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say which GPUs to claim."""
    parser.add_argument(
        "--gpus",
        type=int,
        default=0,
        help="claim so many of this workstation's GPUs (default: use what is visible)",
    )
    parser.add_argument(
        "--share", type=int, default=1, help="how many claims each of them has (default: 1)"
    )


@contextmanager
def claimed_gpus(number: int, *, share: int) -> Iterator[list[socket.socket]]:
    """Wait for free GPUs and make them the only visible ones, for as long as the context lasts.

    Args:
        number: how many are wanted; 0 for none.
        share: how many trainings share each GPU.

    Yields:
        The claims, for the processes that compute on these GPUs too.

    Raises:
        ConfigError: fewer GPUs are visible.
    """
    gpus = visible_gpus(os.environ)
    if not number or not needs_claim(os.environ, gpus):
        yield []
        return
    while (claims := claim(gpus, number, share=share)) is None:
        print(f"Waits for {number} of GPU {', '.join(gpus)} to be free.", file=sys.stderr)
        time.sleep(_POLL_SECONDS)
    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(claims)
    print(f"GPU {', '.join(claims)} of {', '.join(gpus)}.", file=sys.stderr)
    with ExitStack() as stack:
        yield [stack.enter_context(mine) for mine in claims.values()]


def visible_gpus(environment: Mapping[str, str]) -> list[str]:
    """Return the names of the GPUs that a process with this environment may use."""
    if (named := environment.get("CUDA_VISIBLE_DEVICES")) is not None:
        names = (name.strip() for name in named.split(","))
        return list(takewhile(lambda name: name and not name.startswith("-"), names))  # as CUDA
    if (command := shutil.which("nvidia-smi", path=environment.get("PATH"))) is None:
        return []
    listed = subprocess.run(
        [command, "--query-gpu=index", "--format=csv,noheader"],
        capture_output=True,
        text=True,
        check=False,
    )
    return listed.stdout.split() if listed.returncode == 0 else []


def needs_claim(environment: Mapping[str, str], gpus: Sequence[str]) -> bool:
    """Whether there are GPUs that nobody else assigns: a batch system does it itself."""
    return (
        bool(gpus)
        and sys.platform.startswith("linux")
        and not any(name in environment for name in _BATCH_SYSTEMS)
    )


def claim(gpus: Sequence[str], number: int, *, share: int) -> dict[str, socket.socket] | None:
    """Claim free GPUs, those with the fewest claims first.

    Args:
        gpus: their names.
        number: how many different ones are wanted.
        share: how many trainings share each.

    Returns:
        The claims by the GPU's name, each good until its socket is closed in every process that
        has it; None, and no claim, if fewer are free.

    Raises:
        ConfigError: fewer exist.
    """
    if number > len(gpus):
        raise ConfigError(f"{number} GPUs are wanted for one job, but {len(gpus)} are visible.")
    with ExitStack() as not_taken:  # also if too few are free: no two jobs wait for one another
        free = {name: [_hold(f"{name}-{slot}") for slot in range(share)] for name in gpus}
        free = {name: [mine for mine in held if mine is not None] for name, held in free.items()}
        chosen = sorted((name for name in gpus if free[name]), key=lambda name: -len(free[name]))
        chosen = sorted(chosen[:number], key=gpus.index) if len(chosen) >= number else []
        claims = {name: free[name].pop(0) for name in chosen}
        for mine in chain(*free.values()):
            not_taken.enter_context(mine)
    return claims or None


def _hold(name: str) -> socket.socket | None:
    mine = socket.socket(socket.AF_UNIX)
    try:
        mine.bind(f"\0protogcn-gpu-{name}")  # Linux: a name of the kernel, no file
    except OSError:
        mine.close()
        return None
    return mine
