import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest

from protogcn.report.tables import fuse as stage
from protogcn.report.tables.ensemble_rows import ensemble_rivals, ensemble_table
from tests.made.command import run_command
from tests.made.score_files import make_scores, scores_of_run

OUTPUTS = ("csv", "markdown", "latex", "pairs", "record")


ENDS = ("low", "high", "subject_low", "subject_high", "notes")
HEADER = [
    *("stream", "weight", "clips", "top1", "top5", "mean_class", "select", "chosen_on"),
    *(f"{prefix}{end}" for prefix in ("", "top5_", "mean_class_") for end in ENDS),
]


def test_table_of_hand_made_scores():
    members = {
        "j": make_scores([[0.9, 0.1], [0.9, 0.1]], labels=[0, 1]),
        "b": make_scores([[0.6, 0.4], [0.0, 1.0]], labels=[0, 1], select="best"),
    }
    weights = {"j": 1, "b": 2.5}
    rivals = ensemble_rivals(members, weights, "probability")
    table = ensemble_table(rivals, members, weights, weights_chosen_on="test")
    assert table.iloc[:, :8].to_csv(index=False).splitlines() == [
        "stream,weight,clips,top1,top5,mean_class,select,chosen_on",
        "j,1,2,50.00,,50.00,last,none",
        "b,2.5,2,100.00,,100.00,best,test",
        "fused,,2,100.00,,100.00,best,test",
    ]


def test_every_accuracy_has_its_intervals_and_says_what_lies_within_noise():
    """Of 8 clips by two subjects j has 4 right, b has 7, k has 6; with the least of weight."""
    labels = [0, 1] * 4
    right = {"j": [1, 0] * 4, "b": [1] * 7 + [0], "k": [1] * 6 + [0] * 2}
    clips = [f"a{number}_s{1 + number % 2}" for number in range(8)]
    members = {
        stream: make_scores([np.eye(2)[label if hit else 1 - label] for label, hit in zip(labels, hits, strict=True)], clips, labels)
        for stream, hits in right.items()
    }  # fmt: skip
    weights = {"j": 1, "b": 1, "k": 0.5}
    rivals = ensemble_rivals(members, weights, "probability")
    table = ensemble_table(rivals, members, weights).set_index("stream")
    low, high = binomtest(7, 8).proportion_ci(method="wilson")
    assert table.loc["b", ["low", "high"]].tolist() == [f"{100 * low:.2f}", f"{100 * high:.2f}"]
    assert float(table.loc["b", "subject_low"]) < float(table.loc["b", "low"])
    assert table["notes"].tolist() == ["within_clips", "", "within_clips", "within_clips"]
    assert set(table["top5_low"]) == {""}
    assert float(table.loc["b", "mean_class_low"]) < 87.5


def fuse(folder, monkeypatch, *streams, more=()):
    """Fuse some streams of the nano task through the command; return its exit code."""
    scores = (folder / f"{stream}/scores.npz" for stream in streams)
    outputs = (part for name in OUTPUTS for part in (f"--{name}", folder / f"t.{name}"))
    return run_command(
        stage, monkeypatch,
        "--scores", *scores, "--streams", *streams, "--weights", *("1" for _ in streams),
        "--task", "nano_xsub", "--model", "protogcn", "--ensemble", "2_ens", *outputs, *more,
    )  # fmt: skip


def test_command_writes_the_table_in_three_forms_and_names_the_runs(tmp_path, monkeypatch):
    scores_of_run("j").save(tmp_path / "j/scores.npz")
    scores_of_run("j", repeat=2).save(tmp_path / "j-2/scores.npz")
    more = ("--source", "their script", "--tuned-on-test")
    assert fuse(tmp_path, monkeypatch, "j", "j-2", more=more) == 0
    header, *rows = (tmp_path / "t.csv").read_text().splitlines()
    assert header == ",".join(HEADER)
    fused = dict(zip(HEADER, rows[-1].split(","), strict=True))
    text = (tmp_path / "t.markdown").read_text()
    assert text.startswith(r"**nano\_xsub: 2\_ens, accuracy in %**")
    marked = [
        f"{fused[metric]} \\[{fused[prefix + 'low']}, {fused[prefix + 'high']}\\]<sup>b</sup>"
        for metric, prefix in (("top1", ""), ("top5", "top5_"), ("mean_class", "mean_class_"))
    ]
    assert f"| fused |  | {fused['clips']} | {' | '.join(marked)} |" in text
    assert "Weights: their script." in text
    assert r"\label{tab:nano-xsub-2-ens}" in (tmp_path / "t.latex").read_text()
    record = json.loads((tmp_path / "t.record").read_text())
    assert [member["run"] for member in record["members"]] == ["j", "j-2"]


def test_record_says_which_training_started_from_another_network(tmp_path, monkeypatch):
    scores_of_run("j").save(tmp_path / "j/scores.npz")
    drawn, start = scores_of_run("j", repeat=2), {"file": "a.pth", "sha256": "0f"}
    started = replace(drawn, provenance={**drawn.provenance, "start": start})
    started.save(tmp_path / "j-2/scores.npz")
    assert fuse(tmp_path, monkeypatch, "j", "j-2") == 0
    record = json.loads((tmp_path / "t.record").read_text())
    assert [member.get("start") for member in record["members"]] == [None, start]


def test_record_and_table_count_the_copies_across_the_split(tmp_path, monkeypatch):
    for stream, repeat in (("j", 1), ("j-2", 2)):
        scores, copies = scores_of_run("j", repeat=repeat), {"groups": 2, "test clips": 3}
        counted = replace(scores, provenance={**scores.provenance, "copies": copies})
        counted.save(tmp_path / f"{stream}/scores.npz")
    assert fuse(tmp_path, monkeypatch, "j", "j-2") == 0
    record = json.loads((tmp_path / "t.record").read_text())
    assert [member["copies"] for member in record["members"]] == [copies] * 2
    told = "Copies across the split: 3 test clips are training clips too."
    assert told in (tmp_path / "t.markdown").read_text()


def test_record_says_in_which_space_members_were_imported(tmp_path, monkeypatch, capsys):
    scores_of_run("j").save(tmp_path / "j/scores.npz")
    network = scores_of_run("b")
    found = {"space": "probability", "imported": {"file": "b.csv", "remarks": ["were divided"]}}
    replace(network, provenance={**network.provenance, **found}).save(tmp_path / "b/scores.npz")
    assert fuse(tmp_path, monkeypatch, "j", "b") == 0
    mixed = "mixes members in different spaces: logit (j), probability (b)"
    assert f"Warning: nano_xsub 2_ens: {mixed}; they are summed as" in capsys.readouterr().out
    record = json.loads((tmp_path / "t.record").read_text())
    assert record["remarks"] == [mixed]
    assert {key: record["members"][1][key] for key in found} == found


def test_command_refuses_a_missing_score_file_and_writes_nothing(tmp_path, monkeypatch, capsys):
    scores_of_run("j").save(tmp_path / "j/scores.npz")
    assert fuse(tmp_path, monkeypatch, "j", "b") == 3
    assert "b/scores.npz: does not exist, expected a score file" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["j"]


@pytest.mark.parametrize(
    ("other", "found"),
    [
        (scores_of_run("jm"), "nano_xsub/protogcn/jm"),
        (scores_of_run("b", repeat=2), "nano_xsub/protogcn/b-2"),
        (scores_of_run("b", split="xview"), "nano_xview/protogcn/b"),
    ],
)
def test_command_refuses_scores_under_another_runs_name(
    tmp_path, monkeypatch, capsys, other, found
):
    scores_of_run("j").save(tmp_path / "j/scores.npz")
    other.save(tmp_path / "b/scores.npz")
    assert fuse(tmp_path, monkeypatch, "j", "b") == 3
    assert f"scores of nano_xsub/protogcn/b: the file holds those of {found}" in (
        capsys.readouterr().err
    )
    assert not (tmp_path / "t.csv").exists()
