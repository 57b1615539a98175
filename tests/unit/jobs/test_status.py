import json
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import yaml

from protogcn.config.load import plan_of
from protogcn.jobs import status as stage
from protogcn.jobs.run_state import STATES, RunState
from protogcn.jobs.states_table import table_of
from tests.made.command import run_command
from tests.made.config import REPOSITORY
from tests.made.squeue import hide_squeue, put_squeue

WAITING = RunState(
    run="ntu120_xsub/protogcn/j",
    dataset="ntu120",
    split="xsub",
    model="protogcn",
    stream="j",
    state="waiting",
    epoch=None,
    epochs=150,
    accuracy=None,
    loss=None,
    learning_rate=None,
    measured_on="",
    measured=None,
    clips_per_second=None,
    seconds_left=None,
    job="",
    host="",
    log="results/logs/train_stream/ntu120.xsub.protogcn.j.log",
    message="",
)
RUNNING = replace(
    WAITING, stream="jm-2", state="running", epoch=137, accuracy=81.254, loss=0.98765, learning_rate=0.0123, clips_per_second=803.4,
    seconds_left=93_784.0, job="1234567_8", host="node07",
)  # fmt: skip


def test_row_of_a_running_run():
    row = table_of([RUNNING], width=110).splitlines()[2].split()
    assert row == [
        "jm-2", "running", "137/150", "0.9877", "81.25", "0.012", "803", "1d", "2:03:04", "1234567_8", "node07",
    ]  # fmt: skip


def test_run_that_never_started_has_dashes():
    assert table_of([WAITING], width=110).splitlines()[2].split()[1:] == [
        "waiting", "-/150", "-", "-", "-", "-", "-", "-", "-",
    ]  # fmt: skip


@pytest.mark.parametrize("state", STATES)
def test_no_line_is_wider_than_a_terminal_and_columns_stay_in_line(state):
    long = replace(RUNNING, state=state, message="no such file " * 30, host="n" * 90)
    lines = table_of([WAITING, long], width=100).splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[2].index("-/150") + 5 == lines[3].index("137/150") + 7


def test_failed_run_names_its_log_and_what_it_says():
    failed = replace(WAITING, state="failed", message="NotFiniteError: the loss is nan")
    text = table_of([failed], width=200)
    assert f"{WAITING.log}: NotFiniteError: the loss is nan" in text
    assert "The same snakemake command again" in text


def test_words_of_a_file_do_not_steer_the_terminal():
    hostile = replace(RUNNING, message="\x1b[2J\x07 \u202eoops", job="\x1b]0;x", host="a\nb")
    assert all(line.isprintable() for line in table_of([hostile], width=100).splitlines())


def test_a_validation_has_a_column_where_there_is_one():
    watched = replace(RUNNING, measured_on="test", measured=71.5)
    lines = table_of([watched, replace(WAITING, stream="b")], width=130).splitlines()
    assert "  measured  " in lines[1]
    assert "  test 71.50  " in lines[2]
    assert "measured" not in table_of([RUNNING], width=130)


@pytest.mark.parametrize(("width", "kept"), [(130, 4), (109, 3), (100, 2), (91, 1), (80, 0)])
def test_a_narrow_terminal_keeps_state_epoch_and_time_left(width, kept):
    watched = replace(RUNNING, measured_on="val", measured=71.5)
    head, row = table_of([watched], width=width).splitlines()[1:3]
    assert sum(name in head for name in ("rate", "loss", "clips/s", "measured")) == kept
    assert all(text in row for text in ("running", "137/150", "81.25", "1d 2:03:04"))


def test_a_low_window_shows_what_runs_and_what_needs_a_look():
    waiting = [replace(WAITING, stream=f"j-{n}") for n in range(2, 90)]
    failed = replace(WAITING, stream="b", state="failed", message="no")
    lines = table_of([*waiting, RUNNING, failed], width=100, height=20).splitlines()
    assert len(lines) <= 20
    assert [line.split()[0] for line in lines[2:4]] == ["jm-2", "b"]
    assert "... 88 runs more that wait or have ended." in lines
    assert "90 runs: 88 waiting, 1 running, 1 failed." in lines
    lines = table_of([replace(RUNNING, stream=f"j-{n}") for n in range(2, 90)], width=100, height=9)
    assert len(lines.splitlines()) == 9
    assert "more lines: the window is too low." in lines


def test_summary_counts_the_states_and_the_longest_time_left():
    text = table_of([WAITING, RUNNING, replace(RUNNING, seconds_left=60.0)], width=100)
    assert "3 runs: 1 waiting, 2 running.\nThe running ones need about 1d 2:03:04 more." in text


def test_each_task_has_a_block():
    text = table_of([WAITING, replace(WAITING, dataset="ntu60")], width=100)
    assert text.index("ntu120_xsub  protogcn") < text.index("ntu60_xsub  protogcn")
    assert "logs: results/logs/train_stream/ntu60.xsub.protogcn.STREAM.log" in text


def status(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "protogcn", "status", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
    )


def test_it_is_quick_for_many_runs_and_needs_no_torch(tmp_path):
    """Twenty repeats of every stream of the demo, as a list for programs."""
    streams = {f"{m}-{n}": 1 for m in ("j", "b", "k", "jm", "bm", "km") for n in range(2, 40)}
    config = {"ensembles": {"many": {"streams": streams, "tasks": ["demo_xsub"]}}}
    (tmp_path / "many.yaml").write_text(yaml.safe_dump(config))
    for stream in streams:
        folder = tmp_path / f"results/runs/demo/xsub/protogcn/{stream}"
        folder.mkdir(parents=True)
        (folder / "progress.json").write_text('{"state": "failed", "epoch": 3, "epochs": 12}')
    code = "import sys, protogcn.jobs.status as s; s.main(); assert 'torch' not in sys.modules"
    began = time.monotonic()
    answer = subprocess.run(
        [sys.executable, "-c", code, "--json", "--directory", tmp_path, "--configfile",
         REPOSITORY / "config/config.yaml", tmp_path / "many.yaml"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert time.monotonic() - began < 10  # 0.8 s on an idle machine
    found = json.loads(answer.stdout)
    assert len(found) == 228
    assert {(entry["state"], entry["epoch"]) for entry in found} == {("failed", 3)}


def test_command_says_when_nothing_was_started(tmp_path, monkeypatch):
    hide_squeue(tmp_path / "empty", monkeypatch)
    answer = status("--directory", tmp_path, "--configfile", "config/config.yaml")
    assert answer.returncode == 0
    assert answer.stdout == f"No run of the config has been started in {tmp_path}.\n"


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_queue_that_gives_no_answer_is_told(tmp_path, monkeypatch, form):
    put_squeue(tmp_path / "bin", monkeypatch, "echo 'Socket timed out' >&2; exit 1")
    run = "results/runs/demo/xsub/protogcn/j"
    answer = status(
        "--directory", tmp_path, "--configfile", "config/config.yaml", "--target", run, *form
    )
    assert answer.returncode == 0
    told = answer.stderr if form else answer.stdout
    assert told.splitlines()[-1] == (
        "Slurm's queue is unknown, and what waits in it not shown: squeue reported 'Socket timed out'."
    )
    if form:
        assert json.loads(answer.stdout)[0]["state"] == "waiting"


def test_command_refuses_in_one_sentence(tmp_path):
    answer = status("--target", "results/demo_xsub_5ens.csv")
    assert answer.returncode == 2
    assert answer.stderr.startswith("ConfigError: --target: 'results/demo_xsub_5ens.csv'")
    assert "did you mean 'results/demo_xsub_" in answer.stderr


def test_folder_that_a_config_names_is_looked_at(tmp_path):
    (tmp_path / "smoke/results/runs/finegym/val/protogcn/jm").mkdir(parents=True)
    (tmp_path / "more.yaml").write_text(f"directory: '{tmp_path / 'smoke'}'")
    answer = status("--configfile", "config/smoke.yaml", tmp_path / "more.yaml")
    assert "finegym_val  protogcn" in answer.stdout
    assert "1 runs: 1 waiting." in answer.stdout


def test_following_ends_with_the_runs_in_blocks_with_their_times(tmp_path, monkeypatch, capsys):
    hide_squeue(tmp_path / "empty", monkeypatch)
    run = tmp_path / "results/runs/demo/xsub/protogcn/j"
    run.mkdir(parents=True)
    (run / "progress.json").write_text('{"state": "failed", "epoch": 3, "epochs": 12}')
    files = ("--directory", tmp_path, "--configfile", REPOSITORY / "config/config.yaml")
    assert run_command(stage, monkeypatch, "--follow", *files) == 0
    first, second = capsys.readouterr().out.splitlines()[:2]
    assert time.strptime(first, "%Y-%m-%d %H:%M:%S")
    assert second == "demo_xsub  protogcn"


@pytest.mark.parametrize("wrong", ["0", "-3", "nan", "inf", "often"])
def test_an_interval_is_refused_that_is_none(wrong, capsys, monkeypatch):
    assert run_command(stage, monkeypatch, "--follow", "--interval", wrong) == 2
    assert f"argument --interval: found {wrong}, expected seconds" in capsys.readouterr().err


def test_programs_get_one_look(capsys, monkeypatch):
    assert run_command(stage, monkeypatch, "--follow", "--json") == 2
    assert "--json: not allowed with argument --follow" in capsys.readouterr().err


def test_a_run_that_was_scored_is_not_read_again(tmp_path, monkeypatch):
    config, plan = plan_of(REPOSITORY, [])
    states, read = {"j": "scored", "b": "running"}, []

    def state(run, *_, **__):
        read.append(run.stream)
        return replace(WAITING, run=run.name, stream=run.stream, state=states[run.stream])

    monkeypatch.setattr(stage, "state_of", state)
    for stream in states:
        (tmp_path / f"results/runs/demo/xsub/protogcn/{stream}").mkdir(parents=True)
    watch = stage._Watch(config, plan, tmp_path, [])
    assert [state.state for state in watch.look()] == ["scored", "running"]
    states["b"] = "failed"
    assert [state.state for state in watch.look()] == ["scored", "failed"]
    assert read == ["j", "b", "b"]
