"""How many times each fault is tried, and the table of what happened."""

import math
import os
import subprocess
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.abuse.believed_files import write_believed
from tests.abuse.line import build_line
from tests.abuse.published import Row, as_lines, publish
from tests.made.fuzzing import Reader, fuzz

HERE = Path(__file__).parent
TIERS = ("push", "nightly", "release")

# Reports arrive without their config, in the one process that also prints the summary.
_seen: list[Row] = []


def pytest_addoption(parser):
    parser.addoption(
        "--tier", choices=TIERS, default="push", help="how many times faults are tried"
    )
    parser.addoption(
        "--publish", action="store_true", help="write the table of docs/reliability.md"
    )


def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("abuse")


@dataclass
class Campaign:
    """What one test tries, and what came of it."""

    tier: str
    outcomes: Counter = field(default_factory=Counter)

    def tries(self, *, push: int, nightly: int, release: int) -> int:
        """Return how often a fault is tried in the tier that runs."""
        return {"push": push, "nightly": nightly, "release": release}[self.tier]

    def seconds(self, *, push: float, nightly: float) -> float:
        """Return how long a fault may be tried, however few tries fit; a release takes its time."""
        return {"push": push, "nightly": nightly, "release": math.inf}[self.tier]

    def damage(self, reader: Reader, folder: Path, *, tries: int, seconds: float) -> None:
        """Give a reader damaged files; any other outcome than a value or one sentence fails."""
        found = fuzz(reader, folder, tries=tries, seconds=seconds)
        assert not found.faults, "\n".join(found.faults)
        self.outcomes.update(found.outcomes)

    def count(self, outcome: str, times: int = 1) -> None:
        """Add to an outcome: ``refused``, ``harmless``, ``finished equal`` ..."""
        self.outcomes[outcome] += times


@pytest.fixture(scope="module")
def believed(trained_nano, tmp_path_factory):
    """One file of every kind that a later stage believes."""
    return write_believed(trained_nano, tmp_path_factory.mktemp("believed"))


@pytest.fixture(scope="session")
def line(request, tmp_path_factory):
    """Every stage, run once undisturbed; in the push tier few of them, on a toy skeleton."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # of all processes
    return build_line(folder / "line", whole=request.config.getoption("--tier", "push") != "push")


@pytest.fixture
def in_memory(tmp_path):
    """A folder that waits for no disk, where the system has one."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else tmp_path) as folder:
        yield Path(folder)


@pytest.fixture
def campaign(request):
    """The tier that runs; what is counted goes into the table."""
    start = time.monotonic()
    campaign = Campaign(request.config.getoption("--tier", "push"))
    yield campaign
    row = Row(
        family=request.path.stem.split("_")[1].upper(),
        fault=request.module.__doc__.splitlines()[0].rstrip("."),
        outcomes=dict(campaign.outcomes),
        seconds=time.monotonic() - start,
    )
    request.node.user_properties.append(("campaign", asdict(row)))


def pytest_runtest_logreport(report):
    if report.when == "teardown":
        _seen.extend(Row(**row) for name, row in report.user_properties if name == "campaign")


def pytest_terminal_summary(terminalreporter, config):
    if not _seen:
        return
    terminalreporter.section(f"what the faults did, tier {config.getoption('--tier', 'push')}")
    for line in as_lines(_seen, commit=_commit()):
        terminalreporter.write_line(line)
    if config.getoption("--publish", False):
        publish(HERE.parents[1] / "docs/reliability.md", _seen, commit=_commit())


def _commit() -> str:
    command = ["git", "-C", str(HERE), "rev-parse", "--short=7", "HEAD"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "-"
