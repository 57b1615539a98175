"""A command -> the same command with GPUs of its own: ``python -m protogcn.jobs.claim COMMAND``.

Snakemake counts the GPUs of a workstation but gives no job a number. So each job claims the first
free ones of those visible, and sets ``CUDA_VISIBLE_DEVICES`` before torch is there. A claim is a
socket with a name that only one process of a machine can have. The command inherits it, and the
kernel takes it back when the command ends, however it ends: no file is left, no claim is stale.
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from itertools import takewhile

from protogcn.errors import ConfigError, run_stage

_BATCH_SYSTEMS = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "KUBERNETES_SERVICE_HOST")
_POLL_SECONDS = 10


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
    """Tell whether there are GPUs that nobody else shares out: a batch system does it itself."""
    return (
        bool(gpus)
        and sys.platform.startswith("linux")
        and not any(name in environment for name in _BATCH_SYSTEMS)
    )


def claim(gpus: Sequence[str], number: int) -> dict[str, socket.socket] | None:
    """Claim the first free GPUs.

    Args:
        gpus: their names.
        number: how many are wanted.

    Returns:
        The claims by the GPU's name, each good until its socket is closed in every process that
        has it; None, and no claim, if fewer are free.

    Raises:
        ConfigError: fewer are there.
    """
    if number > len(gpus):
        raise ConfigError(f"{number} GPUs are wanted for one job, but {len(gpus)} are visible.")
    claims: dict[str, socket.socket] = {}
    for name in gpus:
        if len(claims) < number and (mine := _hold(name)) is not None:
            claims[name] = mine
    if len(claims) == number:
        return claims
    for mine in claims.values():  # so that no two jobs wait for one another
        mine.close()
    return None


def _hold(gpu: str) -> socket.socket | None:
    mine = socket.socket(socket.AF_UNIX)
    try:
        mine.bind(f"\0protogcn-gpu-{gpu}")  # Linux: a name of the kernel, no file
    except OSError:
        mine.close()
        return None
    return mine


def main() -> None:
    """Run a command with as many GPUs of its own as it asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gpus", type=int, default=1, help="how many")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    if not args.command:
        parser.error("the command is missing")

    gpus = visible_gpus(os.environ)
    if args.gpus and needs_claim(os.environ, gpus):
        while (claims := claim(gpus, args.gpus)) is None:
            print(f"Waits for {args.gpus} of GPU {', '.join(gpus)} to be free.", file=sys.stderr)
            time.sleep(_POLL_SECONDS)
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(claims)
        print(f"GPU {', '.join(claims)} of {', '.join(gpus)}.", file=sys.stderr)
        for mine in claims.values():
            mine.set_inheritable(True)
            mine.detach()
    os.execvp(args.command[0], args.command)


if __name__ == "__main__":
    run_stage(main)
