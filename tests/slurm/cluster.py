"""A small Slurm of our own on this machine: a controller and nodes with GPUs that do not exist.

Several ``slurmd`` of one host are told apart by name and port. A GPU is a link to ``/dev/null``:
Slurm wants a character device, and takes the number at the end of its name. Nothing is limited by
control groups, so CPUs and memory are what a node claims to have.
"""

import os
import secrets
import shutil
import socket
import subprocess
import time
from pathlib import Path

PROGRAMS = ("munged", "munge", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel")
NODES = ("n1", "n2")
GPUS = 2  # of each node
_SYSTEM = "/usr/sbin:/sbin"


def missing() -> str | None:
    """Return why no Slurm can be started here, else None."""
    absent = [name for name in PROGRAMS if _program(name) is None]
    if absent:
        return f"needs {', '.join(absent)}: apt-get install munge slurmctld slurmd slurm-client"
    return None if os.geteuid() == 0 else "needs root: Slurm's daemons are started"


class Cluster:
    """The daemons and how they are asked."""

    def __init__(self, folder: Path):
        """Write the configuration.

        Args:
            folder: an empty folder with a short name, since sockets lie in it.
        """
        self.folder = folder
        self._daemons: dict[str, subprocess.Popen] = {}
        self._config = folder / "slurm.conf"
        self._socket = folder / "munge/socket"
        for name in ("bin", "dev", "log", "munge", "pid", "spool", "state"):
            (folder / name).mkdir()
        folder.chmod(0o755)
        self._write_config()
        self.environment = os.environ | {
            "SLURM_CONF": str(self._config),
            "PATH": f"{folder}/bin:{os.environ['PATH']}:{_SYSTEM}",
        }

    def start(self) -> None:
        """Start every daemon and wait until the nodes are there."""
        munge = self.folder / "munge"
        self._spawn(
            "munged", "--foreground", "--force", f"--key-file={munge}/key",
            f"--socket={self._socket}", f"--pid-file={self.folder}/pid/munged",
            f"--log-file={self.folder}/log/munged", f"--seed-file={munge}/seed",
        )  # fmt: skip
        self.wait_until(lambda: self._answers("munge", "-n", "-S", str(self._socket)), 20, "munged")
        self._spawn("slurmctld", "-D", "-f", str(self._config))
        for node in NODES:
            self.start_node(node)
        self.wait_until(lambda: self.states() == dict.fromkeys(NODES, "idle"), 60, "the nodes")

    def start_node(self, node: str) -> None:
        """Start the daemon of a node."""
        self._spawn("slurmd", "-D", "-N", node, "-f", str(self._config), name=node)

    def stop_node(self, node: str) -> None:
        """End the daemon of a node at once, as a power cut does; its jobs' processes stay."""
        self._daemons[node].kill()
        self._daemons.pop(node).wait(timeout=20)

    def stop(self) -> None:
        """End the jobs, then the daemons, each by its own process."""
        try:
            if "slurmctld" in self._daemons and self._answers("scontrol", "ping"):
                for job in self.jobs():
                    self._answers("scancel", "--full", job)
                deadline = time.monotonic() + 20
                while self.jobs() and time.monotonic() < deadline:
                    time.sleep(0.2)
        finally:
            self._stop_daemons()

    def _stop_daemons(self) -> None:
        for name in (*NODES, "slurmctld", "munged"):
            if (process := self._daemons.pop(name, None)) is not None:
                process.terminate()
                try:
                    process.wait(timeout=10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait(timeout=10)

    def ask(self, *command: str) -> str:
        """Run a Slurm command, return what it prints."""
        return subprocess.run(
            command, env=self.environment, check=True, capture_output=True, text=True, timeout=30
        ).stdout

    def states(self) -> dict[str, str]:
        """Return the state of each node, without the marks behind it."""
        lines = self._lines("sinfo", "--noheader", "--Node", "--partition=gpu", "--format=%N %t")
        return {name: state.rstrip("*~#$@+") for name, state in (line.split() for line in lines)}

    def jobs(self) -> dict[str, str]:
        """Return the comment of each job in the queue."""
        lines = self._lines("squeue", "--noheader", "--format=%i|%k")
        return dict(line.split("|") for line in lines)

    def job_of(self, comment: str, state: str = "RUNNING") -> str | None:
        """Return the number of the job with this comment in this state."""
        lines = self._lines("squeue", "--noheader", "--format=%i|%T|%k")
        found = [
            number for number, *rest in (x.split("|") for x in lines) if rest == [state, comment]
        ]
        return found[-1] if found else None

    def seen(self) -> list[dict[str, str]]:
        """Return every job of the last minutes as ``scontrol show job`` tells it."""
        blocks = self.ask("scontrol", "show", "job", "--oneliner").splitlines()
        return [
            dict(word.split("=", 1) for word in block.split() if "=" in word)
            for block in blocks
            if block.startswith("JobId=")
        ]

    def wait_until(self, true, seconds: float, what: str) -> None:
        """Wait until something holds, no longer than so many seconds."""
        deadline = time.monotonic() + seconds
        while not true():
            if time.monotonic() > deadline:
                logs = "\n".join(p.read_text()[-2000:] for p in (self.folder / "log").glob("*"))
                raise TimeoutError(f"{what}: nothing after {seconds} s.\n{logs}")
            time.sleep(0.1)

    def _spawn(self, program: str, *arguments: str, name: str = "") -> None:
        with (self.folder / f"log/{name or program}.out").open("ab") as log:
            self._daemons[name or program] = subprocess.Popen(
                [_program(program), *arguments],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a Ctrl-C of the tests is not the daemons'
            )

    def _answers(self, *command: str) -> bool:
        try:
            self.ask(*command)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return False
        return True

    def _lines(self, *command: str) -> list[str]:
        try:
            return self.ask(*command).splitlines()
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):  # it is just starting
            return []

    def _write_config(self) -> None:
        folder, host = self.folder, socket.gethostname().split(".")[0]
        key = folder / "munge/key"
        key.write_bytes(secrets.token_bytes(1024))
        key.chmod(0o400)
        for gpu in range(GPUS):
            (folder / f"dev/gpu{gpu}").symlink_to("/dev/null")
        controller, *ports = _free_ports(1 + len(NODES))
        nodes = "\n".join(
            f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=16"
            f" RealMemory=64000 Gres=gpu:{GPUS} State=UNKNOWN"
            for node, port in zip(NODES, ports, strict=True)
        )
        self._config.write_text(
            _CONFIG.format(folder=folder, host=host, port=controller, nodes=nodes)
        )
        (folder / "cgroup.conf").touch()
        (folder / "gres.conf").write_text(
            "\n".join(f"NodeName={n} Name=gpu File={folder}/dev/gpu[0-{GPUS - 1}]" for n in NODES)
            + "\n"
        )
        # The step executor takes every SLURM_ variable away before its srun, SLURM_CONF too.
        srun = folder / "bin/srun"
        srun.write_text(f'#!/bin/sh\nSLURM_CONF={self._config} exec {_program("srun")} "$@"\n')
        srun.chmod(0o755)


_CONFIG = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmctldPidFile={folder}/pid/slurmctld
SlurmctldLogFile={folder}/log/slurmctld
SlurmdSpoolDir={folder}/spool/%n
SlurmdPidFile={folder}/pid/%n
SlurmdLogFile={folder}/log/%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SlurmdParameters=config_overrides
MpiDefault=none
SwitchType=switch/none
PropagateResourceLimits=NONE
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
GresTypes=gpu
MinJobAge=300
KillWait=3
SlurmdTimeout=10
ReturnToService=2
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=2,sched_min_interval=0,bf_interval=2
{nodes}
PartitionName=gpu Nodes=ALL MaxTime=1-0 State=UP
PartitionName=cpu Nodes=ALL MaxTime=1-0 State=UP Default=YES
PartitionName=urgent Nodes=ALL MaxTime=1-0 State=UP PriorityTier=9
"""


def _program(name: str) -> str | None:
    """Return the path of one of Slurm's programs, not that of the wrapper."""
    return shutil.which(name, path=f"/usr/bin:/bin:{_SYSTEM}")


def _free_ports(number: int) -> list[int]:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports
