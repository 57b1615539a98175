import subprocess
import sys

import pytest

from protogcn.config.make import check_command_line
from protogcn.errors import ConfigError

TABLE = "results/mine_xsub_2ens.csv"


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text("train: {epochs: 3}")
    (tmp_path / "latin.yaml").write_bytes("train: {source: hände}".encode("latin-1"))
    (tmp_path / "tab.yaml").write_text("train:\n\tepochs: 3")


@pytest.mark.parametrize(
    "line",
    [
        f"{TABLE} --cores all --configfile mine.yaml",
        f"-n {TABLE} --resources gpu=1 --configfile mine.yaml",
        f"--cores 1 {TABLE} --set-resources train_stream:gpu=1",
        f"--configfile mine.yaml -- {TABLE}",
        f"--configfile=mine.yaml {TABLE}",
        f"-R {TABLE}",
        "--configfile mine.yaml --dry-run",
        "demo_paper -c1 --config train=3",
    ],
)
def test_a_command_line_that_snakemake_takes_is_taken(line):
    check_command_line(line.split())


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        *(
            (
                f"-n {option} {TABLE}",
                f"{TABLE}: stands after {option.split()[0]}, which takes every",
            )
            for option in (
                "--configfile mine.yaml",
                "--config a=b",
                "--resources gpu=1",
                "--default-resources mem_mb=1",
                "--set-resources train_stream:gpu=1",
                "--set-threads train_stream=1",
                "--quiet",
                "--rerun-triggers mtime",
            )
        ),
        (f"{TABLE} --resources gpu", "--resources: found 'gpu', expected NAME=VALUE."),
        ("--set-resources train_stream:gpu=1 all", "--set-resources: found 'all', expected NAME="),
        (f"{TABLE} --config a", "--config: found 'a', expected NAME=VALUE."),
        (f"{TABLE} --config 1a=3", "Config entry must start with a valid identifier"),
        (f"{TABLE} --configfile", "argument --configfile/--configfiles: expected at least one"),
        (f"{TABLE} --cores", "argument --cores/-c: expected one argument"),
        (f"{TABLE} --corse 3", "unrecognized arguments: --corse 3"),
        (f"{TABLE} --executor slrm", "argument --executor/-e: invalid choice: 'slrm'"),
        (f"{TABLE} --configfile latin.yaml", "latin.yaml, line 1: found the byte 0xe4"),
        (f"{TABLE} --configfile tab.yaml", "tab.yaml, line 2: is no YAML (found a tab"),
        (f"{TABLE} --configfile min.yaml", "did you mean 'mine.yaml'?"),
        (
            "--configfile a.yaml b.yaml -n --configfiles=c.yaml",
            "found 2 times, of which snakemake reads the last one alone; expected all files after"
            " one, --configfile a.yaml b.yaml c.yaml.",
        ),
        (f"{TABLE} --configfile .", ". is a folder, expected a config file"),
        (f"{TABLE} --configfile mine.yaml demo", "demo is no config; a target stands before"),
    ],
)
def test_what_snakemake_would_stop_at_is_one_sentence(line, sentence):
    with pytest.raises(ConfigError) as error:
        check_command_line(line.split())
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_elsewhere_it_takes_the_snakefile_of_the_repository(tmp_path):
    answer = subprocess.run(
        [sys.executable, "-m", "protogcn", "make", "results/demo_xsub_2en.csv", "-n", "--configfile", "mine.yaml"],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert answer.returncode == 1
    assert "goes before" in answer.stderr
    assert "ConfigError: nothing makes 'results/demo_xsub_2en.csv'; did you mean" in answer.stderr
