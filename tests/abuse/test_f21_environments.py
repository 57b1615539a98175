"""Other locales, zones, hash seeds, folders, homes, orders of files and versions around the same raw data."""

import os
import random
import shutil
import subprocess
import sys

import pytest

from protogcn.data.demo import write_demo
from protogcn.files.scores import Scores
from tests.made.all_stages import STREAMS, contents, run_here, stages_of_demo
from tests.workflow.conftest import BASE, NANO, REPOSITORY

# What is changed in the environment (None takes a variable away), options of Python, and what
# starts it.
ENVIRONMENTS = {
    "the C locale without UTF-8": (
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, (), (),
    ),
    "a German locale": ({"LC_ALL": "de_DE.UTF-8"}, (), ()),
    "no home, no terminal, another zone": (
        {"HOME": None, "TERM": None, "COLUMNS": "9", "NO_COLOR": "1", "TZ": "Asia/Kathmandu"}, (), (),
    ),
    "no variable but the path": ("PATH", (), ()),
    "python -O": ({}, ("-O",), ()),
    "isolated from the user's packages": ({"PYTHONDONTWRITEBYTECODE": "1"}, ("-s", "-B"), ()),
    "no network": ({}, (), ("unshare", "-n")),
    "one processor": ({}, (), ("taskset", "1")),
    "everything at once": (
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "HOME": None, "TZ": "ABC-7"},
        ("-s",), ("unshare", "-n"),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def german(tmp_path_factory):
    """Return a folder with the German locale; the C library falls back on C where it has none."""
    folder = tmp_path_factory.mktemp("locale")
    made = folder / "de_DE.UTF-8"
    subprocess.run(
        ["localedef", "-i", "de_DE", "-f", "UTF-8", made], check=False, capture_output=True
    )
    return folder


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "raw"
    write_demo(folder, seed=0, subjects=3, replications=1, classes=2)
    return folder


def stages_in(folder, raw, seed, **settings):
    """Return the stages in a new folder, with raw files written in an order of their own."""
    files = sorted(raw.iterdir())
    random.Random(seed).shuffle(files)
    (folder / "raw").mkdir(parents=True)
    for file in files:
        shutil.copy(file, folder / "raw")
    stages = stages_of_demo(folder, epochs=1, **settings)
    stages.write_settings()
    return stages


@pytest.fixture(scope="module")
def expected(tmp_path_factory, raw):
    """The files as this process makes them."""
    stages = stages_in(tmp_path_factory.mktemp("usual") / "here", raw, 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(stages.folder)
        for words in stages.commands().values():
            assert run_here(words) == 0, words
    return contents(stages.folder)


def environment(changes, seed, german):
    kept = {"PATH": os.environ["PATH"]} if changes == "PATH" else dict(os.environ)
    kept |= {
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONHASHSEED": str(seed),
        "LOCPATH": str(german),
    }
    changes = {} if changes == "PATH" else changes
    return {name: value for name, value in (kept | changes).items() if value is not None}


def test_the_same_bytes_in_every_environment(campaign, tmp_path, raw, expected, german):
    names = list(ENVIRONMENTS)[::-1]
    for seed in range(campaign.tries(push=1, nightly=9, release=90)):
        name = names[seed % len(names)]
        changes, options, start = ENVIRONMENTS[name]
        if (start and shutil.which(start[0]) is None) or (
            start[:1] == ("unshare",) and os.getuid()
        ):
            start = ()
        stages = stages_in(tmp_path / f"a place für {seed}", raw, seed + 1)
        answer = subprocess.run(
            [*start, sys.executable, *options, *stages.program()],
            cwd=stages.folder, env=environment(changes, seed, german), check=False,
            capture_output=True, text=True, errors="replace",
        )  # fmt: skip
        assert answer.returncode == 0, (name, answer.stderr)
        found = contents(stages.folder)
        assert [each for each in expected if found[each] != expected[each]] == [], name
        campaign.count("same bytes")


# The oldest that pyproject.toml allows and that fit together: pandas 2.2.2 is the first for numpy 2.
OLDEST = ("numpy==2.0.0", "pandas==2.2.2", "scipy==1.13.0", "pytz==2024.1")


def test_the_oldest_libraries_make_the_same_arrays_scores_and_tables(
    campaign, tmp_path, raw, expected
):
    if campaign.tier == "push":
        pytest.skip("installs three libraries")
    libraries = tmp_path / "libraries"
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", libraries]
    if subprocess.run([*install, *OLDEST], check=False).returncode:
        pytest.skip("there is no package index")
    stages = stages_in(tmp_path / "old", raw, 1)
    subprocess.run(
        [sys.executable, *stages.program()], cwd=stages.folder, check=True, capture_output=True,
        env=os.environ | {"PYTHONPATH": f"{libraries}:{REPOSITORY}"},
    )  # fmt: skip
    found = contents(stages.folder)
    differing = {name for name in expected if found[name] != expected[name]}
    assert differing == {f"runs/{stream}/scores.npz" for stream in STREAMS}
    for name in differing:  # which say what they were made with
        (tmp_path / "expected.npz").write_bytes(expected[name])
        scores, usual = Scores.load(stages.folder / name), Scores.load(tmp_path / "expected.npz")
        assert scores.provenance["scored by"]["versions"]["numpy"] == "2.0.0"
        for array in ("clips", "labels", "classes", "logits", "probabilities"):
            assert getattr(scores, array).tolist() == getattr(usual, array).tolist(), array
    campaign.count("same numbers, other versions recorded")


def test_a_whole_workflow_makes_the_same_files_from_anywhere(campaign, tmp_path, german):
    if campaign.tier == "push":
        pytest.skip("starts snakemake twice")
    found = []
    for number, (changes, cwd) in enumerate(
        [({}, tmp_path), (ENVIRONMENTS["everything at once"][0], "/")]
    ):
        folder = tmp_path / f"work plätze {number}"
        folder.mkdir()
        command = [
            sys.executable, "-m", "snakemake", "--snakefile", REPOSITORY / "Snakefile",
            "--directory", folder, "--cores", "1", "results/nano_xsub_2ens.csv",
            "--configfile", BASE, NANO,
        ]  # fmt: skip
        answer = subprocess.run(
            command, cwd=cwd, env=environment(changes, number, german), check=False,
            capture_output=True, text=True, errors="replace",
        )  # fmt: skip
        assert answer.returncode == 0, answer.stderr
        results = folder / "results"
        names = [*results.glob("*.*"), *results.rglob("scores.npz"), *results.rglob("*.npy")]
        # Notes of what was read have its date.
        names = [path for path in names if not path.name.endswith(".sources.json")]
        found.append({str(path.relative_to(folder)): path.read_bytes() for path in names})
    assert found[0].keys() == found[1].keys()
    assert [name for name in found[0] if found[0][name] != found[1][name]] == []
    campaign.count("same bytes")
