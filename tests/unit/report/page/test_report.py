"""The page's parts and the stage that joins them; what a browser makes of it: tests/browser."""

import json
import sys

import numpy as np
import pytest

from protogcn.errors import ConfigError, ContractError
from protogcn.report.page import report as stage
from protogcn.report.page.pictures import read_shown_figure
from protogcn.report.page.runs import add_run, listed_confusions
from protogcn.report.page.tables import read_shown_table
from tests.made.page_results import scores_of

RIGHT = [[0, 0, 0], [1, 1], [2], [3, 3]]
WRONG = [[0, 1, 1], [1, 3], [2], [3, 0]]


def test_confusions_by_hand():
    counts = listed_confusions(scores_of("protogcn", "j", WRONG))
    assert counts == [[0, 1, 1, 2], [1, 1, 3, 1], [2, 1], [0, 1, 3, 1]]


def test_of_equal_scores_the_last_class_wins_as_in_the_tables():
    scores = scores_of("protogcn", "j", RIGHT)
    scores.probabilities[:] = 0.25
    assert listed_confusions(scores) == [[3, 3], [3, 2], [3, 1], [3, 2]]


def test_runs_of_one_task_are_joined_by_clip_and_label(tmp_path):
    tasks = {}
    assert (
        add_run(tasks, tmp_path / "a", scores_of("protogcn", "j", RIGHT)) == "nano_xsub/protogcn/j"
    )
    assert (
        add_run(tasks, tmp_path / "b", scores_of("stgcnpp", "j-2", WRONG))
        == "nano_xsub/stgcnpp/j-2"
    )
    assert list(tasks["nano_xsub"].runs) == ["protogcn/j", "stgcnpp/j-2"]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"confusions": RIGHT[::-1]}, "clips or labels"),
        ({"confusions": RIGHT, "classes": ("a", "b", "c", "d")}, "classes"),
    ],
)
def test_run_on_other_clips_is_refused(tmp_path, change, what):
    tasks = {}
    add_run(tasks, tmp_path / "a", scores_of("protogcn", "j", RIGHT))
    with pytest.raises(
        ContractError, match=f"b: scored on other {what} than .*a; score both again"
    ):
        add_run(tasks, tmp_path / "b", scores_of("protogcn", "b", **change))


def test_run_that_is_given_twice_is_refused(tmp_path):
    tasks = {}
    add_run(tasks, tmp_path / "a", scores_of("protogcn", "j", RIGHT))
    with pytest.raises(ConfigError, match="run nano_xsub/protogcn/j is given twice"):
        add_run(tasks, tmp_path / "a", scores_of("protogcn", "j", RIGHT))


def test_columns_of_a_table_know_what_they_hold(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('stream,top1,gain,note\nj,91.2 ± 0.3,\u22120.4,"a, b"\nj-2,,+1.25 *,2ens\n')
    table = read_shown_table(path)
    assert table.columns == ("stream", "top1", "gain", "note")
    assert table.numeric == (False, True, True, False)
    assert [cell.order for cell in table.rows[0]] == [None, 91.2, -0.4, None]
    assert [cell.order for cell in table.rows[1]] == [None, None, 1.25, None]
    assert [cell.text for cell in table.rows[0]] == ["j", "91.2 ± 0.3", "\u22120.4", "a, b"]


def test_intervals_of_an_ensemble_are_shown_of_top1_alone(tmp_path):
    (tmp_path / "t.csv").write_text(
        "top1,low,top5,top5_low,mean_class,mean_class_low\n1,1,1,1,1,1\n"
    )
    assert read_shown_table(tmp_path / "t.csv").columns == ("top1", "low", "top5", "mean_class")


def test_columns_without_any_value_are_not_shown_but_stay_in_the_file(tmp_path):
    (tmp_path / "t.csv").write_text("stream,note,top1\nj,,91.0\nb,,90.0\n")
    table = read_shown_table(tmp_path / "t.csv")
    assert table.columns == ("stream", "top1")
    assert table.numeric == (False, True)
    assert [cell.text for cell in table.rows[1]] == ["b", "90.0"]
    assert "note" in table.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "t.csv: is empty, expected a csv table"),
        ("a,b\n1,2\n1\n", "t.csv, row 3: found 1 cells, expected 2"),
        (None, "t.csv: does not exist, expected a csv table"),
    ],
)
def test_what_is_no_table_is_named(tmp_path, text, message):
    if text is not None:
        (tmp_path / "t.csv").write_text(text)
    with pytest.raises(ContractError, match=message):
        read_shown_table(tmp_path / "t.csv")


def test_picture_that_no_browser_shows_is_refused(tmp_path):
    with pytest.raises(
        ConfigError, match=r"a\.pdf: found the ending '\.pdf', expected one of \.png"
    ):
        read_shown_figure(tmp_path / "a.pdf", "a")


def run_stage(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["report", *map(str, arguments)])
    stage.main()


def test_page_has_every_part_and_reads_none_of_it_as_html(tmp_path, monkeypatch, capsys):
    paths = []
    for stream, select in (("j", "watched"), ("b", "best")):
        scores = scores_of("protogcn", stream, WRONG, select=select)
        scores.provenance["select"] = select
        paths.append(tmp_path / f"{stream}.npz")
        scores.save(paths[-1])
    (tmp_path / "runs").mkdir()
    (tmp_path / "nano_xsub_2ens.csv").write_text("stream,top1\n<b>j</b>,50.00\nfused,62.50\n")
    (tmp_path / "runs/bars.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (tmp_path / "runs/bars.txt").write_text('gains "and" <i>losses</i>\n')
    page = tmp_path / "report.html"
    run_stage(
        monkeypatch, "--tables", tmp_path / "nano_xsub_2ens.csv", "--figures", tmp_path / "runs/bars.svg",
        "--captions", tmp_path / "runs/bars.txt", "--scores", *paths, "--page", page,
        "--table-runs", json.dumps({"nano_xsub_2ens": ["nano_xsub/protogcn/j", "nano_xsub/protogcn/b"]}),
    )  # fmt: skip
    text = page.read_text()
    assert "1 tables, 1 figures, 2 runs" in capsys.readouterr().out
    assert '<figure id="figure-runs/bars">' in text
    assert "&lt;b&gt;j&lt;/b&gt;" in text
    assert 'alt="gains &#34;and&#34; &lt;i&gt;losses&lt;/i&gt;"' in text
    assert '<a href="#run-nano_xsub/protogcn/b">' in text
    assert "(<code>select: best</code>): nano_xsub/protogcn/b." in text
    assert "(<code>validate_on: test</code>): nano_xsub/protogcn/j." in text
    for raw in ("<b>j", "<i>losses", "<script>window", "<img src=x"):
        assert raw not in text


@pytest.mark.parametrize(
    ("table_runs", "message"),
    [
        ({"other": []}, "--table-runs: other is none of the tables t"),
        (
            {"t": ["nano_xsub/protogcn/b"]},
            "t is made of nano_xsub/protogcn/b, of which no score file",
        ),
    ],
)
def test_table_and_runs_that_are_not_given_are_named(tmp_path, monkeypatch, table_runs, message):
    scores_of("protogcn", "j", RIGHT).save(tmp_path / "j.npz")
    (tmp_path / "t.csv").write_text("stream\nj\n")
    with pytest.raises(ConfigError, match=message):
        run_stage(
            monkeypatch, "--tables", tmp_path / "t.csv", "--scores", tmp_path / "j.npz",
            "--table-runs", json.dumps(table_runs), "--page", tmp_path / "report.html",
        )  # fmt: skip
    assert not (tmp_path / "report.html").exists()


def test_same_files_give_the_same_page(tmp_path, monkeypatch):
    scores_of("protogcn", "j", RIGHT).save(tmp_path / "j.npz")
    pages = []
    for name in ("a.html", "b.html"):
        run_stage(monkeypatch, "--scores", tmp_path / "j.npz", "--page", tmp_path / name)
        pages.append((tmp_path / name).read_bytes())
    assert pages[0] == pages[1]


def test_counts_of_120_classes_are_small():
    rng = np.random.default_rng(0)
    confusions = [
        np.where(rng.random(424) < 0.5, own, rng.integers(0, 120, 424)) for own in range(120)
    ]
    scores = scores_of("protogcn", "j", confusions, classes=tuple(f"class {n}" for n in range(120)))
    assert len(json.dumps(listed_confusions(scores), separators=(",", ":"))) < 100_000
