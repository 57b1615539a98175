"""One Slurm for all tests of this folder, and a laboratory's folder from which jobs are sent."""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from protogcn.models.checkpoint import load_checkpoint
from tests.made.nano import assert_same
from tests.slurm.cluster import Cluster, missing
from tests.workflow.conftest import NANO, REPOSITORY

RUNS = Path("results/runs/nano/xsub/protogcn")
TABLE = "results/nano_xsub_2ens.csv"


def pytest_addoption(parser):
    parser.addoption("--all-faults", action="store_true", help="also the faults that take minutes")


def pytest_collection_modifyitems(config, items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slurm)
            if item.get_closest_marker("minutes") and not config.getoption("--all-faults", False):
                item.add_marker(pytest.mark.skip(reason="takes minutes: make test-slurm"))


@dataclass
class Laboratory:
    """A folder with a workflow, and the Slurm that its jobs go to."""

    folder: Path
    cluster: Cluster
    own: tuple[Path, ...] = (NANO,)  # configs on top of the repository's
    running: list[subprocess.Popen] = field(default_factory=list)
    done: list[dict[str, str]] = field(default_factory=list)  # kept: Slurm forgets its jobs

    def command(self, *arguments, configs=()):
        """Return a snakemake command with the repository's profile, made quicker."""
        return [
            sys.executable, "-m", "tests.slurm.quick", *map(str, arguments),
            "--snakefile", str(REPOSITORY / "Snakefile"), "--directory", str(self.folder),
            "--workflow-profile", str(REPOSITORY / "workflow/profiles/slurm"),
            "--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "10",
            "--configfile", str(REPOSITORY / "config/config.yaml"), *map(str, (*self.own, *configs)),
        ]  # fmt: skip

    def start(self, *arguments, configs=()):
        """Start snakemake; its output goes to a file."""
        with (self.folder / "output.txt").open("w") as output:
            process = subprocess.Popen(
                self.command(*arguments, configs=configs),
                env=self.cluster.environment,
                cwd=REPOSITORY,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.running.append(process)
        return process

    def finish(self, process, seconds=180):
        """Wait for snakemake; return its exit code and what it printed."""
        code = process.wait(timeout=seconds)
        return code, (self.folder / "output.txt").read_text()

    def snakemake(self, *arguments, configs=(), seconds=180):
        """Run snakemake to its end."""
        return self.finish(self.start(*arguments, configs=configs), seconds)

    def planned(self, *arguments, configs=()):
        """Return the jobs of a dry run: rule -> count."""
        code, output = self.snakemake(*arguments, "--dry-run", "--quiet", "rules", configs=configs)
        assert code == 0, output
        rows = [line.split() for line in output.splitlines()]
        counts = {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdigit()}
        counts.pop("total", None)
        return counts

    def long_training(self, epochs=40):
        """Return a config in which training the joints takes seconds, so that it can be hit."""
        path = self.folder / "long.yaml"
        where = "{dataset: nano, stream: j}"
        path.write_text(f"overrides: {{long: {{where: {where}, set: {{epochs: {epochs}}}}}}}\n")
        return (path,)

    def wait_for_epochs(self, number, seconds=90):
        """Wait until the training of the joints has saved so many more epochs."""
        resume, seen = self.folder / RUNS / "j/resume.pt", set()
        before = _changed(resume)

        def enough():
            seen.add(_changed(resume))
            return len(seen - {before}) >= number

        self.cluster.wait_until(enough, seconds, f"{number} epochs")

    def owner(self):
        """Return the token of the process that trains the joints."""
        return json.loads((self.folder / RUNS / "j/owner.json").read_text())

    def freeze(self):
        """Stop the process that trains the joints, as if its node hung; return its number."""
        process = self.owner()["process"]
        os.kill(process, signal.SIGSTOP)
        return process

    def log(self):
        """Return the log of the training of the joints."""
        return (self.folder / "results/logs/train_stream/nano.xsub.protogcn.j.log").read_text()

    def training(self, place):
        """Return the command that trains the joints in a folder with the same data and settings."""
        data, run = self.folder / "results/data/nano/centred", place / RUNS / "j"
        return [
            sys.executable, "-m", "protogcn", "train", "--config", self.folder / RUNS / "j/config.yaml",
            "--values", data / "j.npy", "--clips", data / "clips.csv",
            "--checkpoint", run / "checkpoint.pt", "--history", run / "history.csv",
        ]  # fmt: skip

    def assert_same_weights_as_undisturbed(self, place):
        """Train once more, without Slurm and from the beginning, and compare bit for bit."""
        (place / RUNS / "j").mkdir(parents=True)
        command = self.training(place)
        subprocess.run(command, check=True, capture_output=True, timeout=300, cwd=REPOSITORY)
        found, expected = (
            load_checkpoint(folder / RUNS / "j/checkpoint.pt", {"model": dict})
            for folder in (self.folder, place)
        )
        assert_same(expected["model"], found["model"])

    def clean_up(self):
        """End what a failed test left: snakemake, then its jobs."""
        for process in self.running:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.wait(timeout=20)
        for job in self.cluster.jobs():
            self.cluster.ask("scancel", job)
        self.cluster.wait_until(lambda: not self.cluster.jobs(), 30, "an empty queue")


def _changed(path):
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:  # between two generations
        return 0


@pytest.fixture(scope="session")
def cluster():
    """A running Slurm."""
    if (reason := missing()) is not None:
        pytest.skip(reason)
    if importlib.util.find_spec("snakemake_executor_plugin_slurm") is None:
        pytest.skip("needs the executor plugin: pip install snakemake-executor-plugin-slurm")
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    slurm = Cluster(folder)
    try:
        slurm.start()
        yield slurm
    finally:
        slurm.stop()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def finished(cluster, tmp_path_factory):
    """A table made by jobs of Slurm, what snakemake said, and the jobs as Slurm saw them."""
    laboratory = Laboratory(tmp_path_factory.mktemp("lab") / "work plätze", cluster)
    laboratory.folder.mkdir()
    try:
        code, output = laboratory.snakemake(TABLE)
        assert code == 0, output
        laboratory.done = cluster.seen()
    finally:
        laboratory.clean_up()
    return laboratory


@pytest.fixture
def laboratory(finished, tmp_path):
    """A folder with the prepared data and nothing trained."""
    folder = tmp_path / "lab"
    shutil.copytree(finished.folder, folder, copy_function=shutil.copy2)
    shutil.rmtree(folder / "results/runs")
    (folder / TABLE).unlink()
    copy = Laboratory(folder, finished.cluster)
    yield copy
    copy.clean_up()
