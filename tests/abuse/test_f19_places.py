"""Folders, files and rights that nobody expects: odd and long paths, pipes, loops, no permission."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from protogcn.data.demo import write_demo
from tests.made.all_stages import OF_TABLE, contents, run_here, stages_of_demo
from tests.workflow.conftest import BASE, NANO, REPOSITORY

CLIP = "raw/S001C001P002R001A002.skeleton"
# Root without its right to pass over those of files.
WITHOUT_RIGHTS = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder in which every stage has run, in this process."""
    stages = stages_of_demo(tmp_path_factory.mktemp("finished") / "here", epochs=1)
    stages.folder.mkdir()
    write_demo(stages.folder / "raw", seed=0, subjects=3, replications=1, classes=2)
    run_all(stages)
    return stages.folder


def run_all(stages):
    stages.write_settings()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(stages.folder)
        for words in stages.commands().values():
            assert run_here(words) == 0, words


@pytest.fixture
def copy(finished, tmp_path, monkeypatch):
    """The finished folder to spoil, in which this process is."""
    shutil.copytree(finished, tmp_path / "here", copy_function=shutil.copy2)
    monkeypatch.chdir(tmp_path / "here")
    return stages_of_demo(tmp_path / "here", epochs=1)


@contextmanager
def at_most(seconds):
    """End what waits for ever with an exception."""

    def stop(*_):
        raise AssertionError("hangs")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def pipe(path):
    os.mkfifo(path)


def device(path):
    path.symlink_to("/dev/zero")


def loop(path):
    path.symlink_to(path.name)


def nowhere(path):
    path.symlink_to("nothing")


def folder(path):
    path.mkdir()


def bound_socket(path):
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name if path.parent == Path() else os.path.relpath(path))


KINDS = (pipe, device, loop, nowhere, folder, bound_socket)


def inputs_of(words):
    """Return the files that a command reads, of those that an earlier one has written."""
    read = {
        "joints": ("--dataset",),
        "modality": ("--dataset", "--joints", "--clips"),
        "train": ("--config", "--values", "--clips"),
        "score": ("--config", "--values", "--clips", "--checkpoint"),
        "fuse": ("--scores",),
    }[words[0]]
    return [Path(words[words.index(option) + 1]) for option in read]


def test_what_is_no_file_is_refused_by_whoever_reads_it(copy, campaign, capsys):
    """Each input of each stage in turn is a pipe, a device, a loop, a link to nowhere, a folder."""
    stages = copy.commands()
    kinds = KINDS[: campaign.tries(push=4, nightly=6, release=6)]
    cases = [(words, path) for words in stages.values() for path in inputs_of(words)]
    cases += [(stages["joints"], Path(CLIP)), (stages["joints"], Path("raw"))]
    assert len(cases) > 15
    for words, path in cases:
        path.rename("aside")
        for kind in kinds:
            if (path.name, kind) == ("raw", folder):
                continue
            kind(path)
            with at_most(20):
                code = run_here(words)
            said = capsys.readouterr().err
            assert code in (2, 3), (words, path, kind, said)
            assert path.name in said, (words, path, kind, said)
            assert "Traceback" not in said
            path.rmdir() if kind is folder else path.unlink()
            campaign.count("refused")
        Path("aside").rename(path)
    assert run_here(stages["fuse"]) == 0


def test_a_pipe_or_device_is_not_written_over(copy, campaign, capsys):
    for name, stage in (
        ("clips.csv", "joints"),
        ("runs/j/scores.npz", "score j"),
        ("table.md", "fuse"),
    ):
        path = Path(name)
        for kind in (pipe, device):
            path.unlink()
            kind(path)
            with at_most(20):
                assert run_here(copy.commands()[stage]) == 3, (name, kind)
            assert not path.is_file()
            assert "pipe or device" in capsys.readouterr().err
            campaign.count("refused")
    assert Path("/dev/zero").is_char_device()


def test_a_folder_that_holds_itself_changes_nothing(copy, finished, campaign):
    Path("raw/again").symlink_to(".")
    assert run_here(copy.commands()["joints"]) == 0
    assert contents(Path(), ["clips.csv"]) == contents(finished, ["clips.csv"])
    campaign.count("harmless")


# The file or folder, its mode, the stage, and a word of what is said; None if it is not needed.
RIGHTS = [
    (CLIP, 0, "joints", "Permission denied"),
    (".", 0o555, "joints", "could not be written"),
    ("raw", 0, "joints", "raw"),
    ("raw", 0o444, "joints", "raw"),
    ("dataset.yaml", 0, "joints", "dataset.yaml"),
    ("joints.npy", 0, "modality", "joints.npy"),
    ("clips.csv", 0, "modality", "clips.csv"),
    (".clips.csv.sha256", 0, "modality", "clips.csv"),
    ("runs/j", 0, "train j", "runs/j"),
    ("runs/j", 0o555, "train j", "could not be written"),
    ("runs/j/resume.pt", 0, "train j", "resume.pt"),
    ("runs/j/owner.json", 0, "train j", None),
    ("runs/j/progress.json", 0, "train j", None),
    ("runs/j/checkpoint.pt", 0, "score j", "checkpoint.pt"),
    ("runs/j/scores.npz", 0, "fuse", "scores.npz"),
    ("runs", 0, "fuse", "runs"),
]


def test_what_may_not_be_read_or_written_is_named_and_the_rerun_works(copy, campaign):
    start = WITHOUT_RIGHTS if os.geteuid() == 0 else []
    if start and shutil.which("setpriv") is None:
        pytest.skip("root may read everything, and there is no setpriv")
    for name, mode, stage, word in RIGHTS[: campaign.tries(push=2, nightly=99, release=99)]:
        command = [sys.executable, "-m", "protogcn", *copy.commands()[stage]]
        path, before = Path(name), Path(name).stat().st_mode
        path.chmod(mode)
        spoiled = subprocess.run(
            [*start, *command], capture_output=True, text=True, check=False, timeout=60,
            env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        )  # fmt: skip
        path.chmod(before)
        assert "Traceback" not in spoiled.stderr, (name, spoiled.stderr)
        assert (spoiled.returncode == 0) == (word is None), (name, spoiled.stderr)
        assert word is None or word in spoiled.stderr, (name, spoiled.stderr)
        assert run_here(copy.commands()[stage]) == 0, name
        assert not list(Path().rglob("*.tmp"))
        campaign.count("refused, then finished" if word else "harmless")


def test_a_read_only_file_system_is_named_and_the_rerun_works(copy, campaign):
    if os.geteuid() or subprocess.run(["unshare", "-m", "true"], check=False).returncode:
        pytest.skip("only root may mount")
    mount = 'mount --bind . . && mount -o remount,bind,ro . && cd $PWD && exec "$@"'
    stages = ["joints", "train j", "fuse"][: campaign.tries(push=1, nightly=3, release=3)]
    for stage in stages:
        command = [sys.executable, "-m", "protogcn", *copy.commands()[stage]]
        spoiled = subprocess.run(
            ["unshare", "-m", "sh", "-c", mount, "sh", *command], capture_output=True, text=True,
            check=False, env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        )  # fmt: skip
        assert "Traceback" not in spoiled.stderr, spoiled.stderr
        assert (spoiled.returncode, "Read-only file system" in spoiled.stderr) == (3, True), spoiled
        assert run_here(copy.commands()[stage]) == 0
        campaign.count("refused, then finished")


def odd_name(place):
    return place / "dir mit ü & (x)' $(touch X) {x}"


def long_name(place):
    return place / ("ü" * 127)


def leading_dash(place):
    return place / "-rf"


def lines(place):
    return place / "two\nlines\t"


def elsewhere(place):
    """The runs lie on another file system."""
    (place / "here").mkdir(parents=True)
    shutil.rmtree("/dev/shm/runs of a test", ignore_errors=True)
    Path("/dev/shm/runs of a test").mkdir()
    (place / "here/runs").symlink_to("/dev/shm/runs of a test")
    return place / "here"


PLACES = (odd_name, elsewhere, long_name, leading_dash, lines)


def test_every_stage_runs_in_any_folder(finished, tmp_path, campaign):
    expected = contents(finished)
    for number, place in enumerate(PLACES[: campaign.tries(push=2, nightly=9, release=9)]):
        stages = stages_of_demo(place(tmp_path / str(number)), epochs=1)
        stages.folder.mkdir(parents=True, exist_ok=True)
        shutil.copytree(finished / "raw", stages.folder / "raw")
        before = os.umask(0o077)
        try:
            run_all(stages)
        finally:
            os.umask(before)
        assert contents(stages.folder) == expected, place
        campaign.count("same bytes")
    shutil.rmtree("/dev/shm/runs of a test", ignore_errors=True)


def test_paths_as_long_as_the_system_allows(finished, tmp_path, campaign, monkeypatch):
    """Absolute ones would be longer than that: commands name files from where they are."""
    monkeypatch.chdir(tmp_path)
    for _ in range(campaign.tries(push=20, nightly=40, release=40)):
        Path("a" * 200).mkdir()
        os.chdir("a" * 200)
    stages = stages_of_demo(Path(), epochs=1)
    shutil.copytree(finished / "raw", "raw")
    stages.write_settings()
    for words in list(stages.commands().values())[: campaign.tries(push=2, nightly=9, release=9)]:
        assert run_here(words) == 0, words
    names = contents(Path(), ["clips.csv"] if campaign.tier == "push" else OF_TABLE)
    assert names == contents(finished, names)
    campaign.count("same bytes")


def test_a_whole_workflow_runs_in_an_odd_folder(tmp_path, campaign):
    if campaign.tier == "push":
        pytest.skip("starts snakemake")
    found = []
    for place in (tmp_path / "plain", odd_name(tmp_path)):
        place.mkdir()
        command = [
            sys.executable, "-m", "snakemake", "--snakefile", REPOSITORY / "Snakefile", "--cores",
            "1", "--directory", place, "results/nano_xsub_2ens.csv", "--configfile", BASE, NANO,
        ]  # fmt: skip
        answer = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=False, umask=0o077
        )
        assert answer.returncode == 0, answer.stderr
        assert not list(tmp_path.rglob("X"))
        found.append((place / "results/nano_xsub_2ens.csv").read_bytes())
    assert found[0] == found[1]
    campaign.count("same bytes")
