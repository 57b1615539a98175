import json

import pandas as pd

from protogcn.report.tables import tabulate as stage
from tests.made.command import run_command
from tests.made.table_scores import cell, digest_of, predictions, table, write_scores

OUTPUTS = ("csv", "markdown", "latex", "pairs")


def write_table(folder, *cells, streams):
    entry = table(*cells).to_mapping() | {
        "recipe": {},
        "digests": {f"nano_xsub/protogcn/{stream}": digest_of(stream) for stream in streams},
    }
    (folder / "t.yaml").write_text(json.dumps(entry, ensure_ascii=False), encoding="utf-8")
    outputs = (part for name in OUTPUTS for part in (f"--{name}", folder / f"t.{name}"))
    return ["--table", folder / "t.yaml", *outputs]


def test_command_writes_the_table_in_three_forms(tmp_path, monkeypatch):
    arguments = write_table(
        tmp_path, cell("J", "j"), cell("2ens", {"j": 1, "b": 2}), streams=["j", "b"]
    )
    scores = [
        write_scores(tmp_path, "j", predictions(0, 1), [0, 0]),
        write_scores(tmp_path, "b", predictions(0, 0), [0, 0]),
    ]
    assert run_command(stage, monkeypatch, *arguments, "--scores", *scores) == 0
    rows = pd.read_csv(tmp_path / "t.csv", dtype=str, keep_default_na=False)
    assert rows[["stream", "ours", "clips"]].to_numpy().tolist() == [
        ["J", "50.00", "2"],
        ["2ens", "100.00", "2"],
    ]
    assert "| 2ens | ours | **100.00** |" in (tmp_path / "t.markdown").read_text()
    assert r"2ens & ours & \textbf{100.00} \\" in (tmp_path / "t.latex").read_text()
    (pair,) = pd.read_csv(tmp_path / "t.pairs").to_dict("records")
    assert (pair["first"], pair["second"], pair["difference"]) == ("J", "2ens", -50)
    assert (pair["first_better"], pair["second_better"], pair["p"]) == (0, 1, 0.5)


def test_command_refuses_a_missing_file_and_writes_nothing(tmp_path, monkeypatch, capsys):
    arguments = write_table(tmp_path, cell("J", "j"), streams=["j"])
    assert run_command(stage, monkeypatch, *arguments) == 3
    assert "nano_xsub/protogcn/j: no score file was given" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["t.yaml"]


def test_partial_table_of_nothing_is_a_table(tmp_path, monkeypatch):
    arguments = write_table(tmp_path, cell("J", "j"), streams=["j"])
    assert run_command(stage, monkeypatch, *arguments, "--partial") == 0
    assert "| J | – |" in (tmp_path / "t.markdown").read_text()


def test_a_damaged_request_is_one_sentence(tmp_path, monkeypatch, capsys):
    arguments = write_table(tmp_path, cell("J", "j"), streams=["j"])
    (tmp_path / "t.yaml").write_text("{name: mine}")
    assert run_command(stage, monkeypatch, *arguments) == 3
    assert "t.yaml: config: lacks title, rows" in capsys.readouterr().err
