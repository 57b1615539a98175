import dataclasses
import math

import numpy as np
import pandas as pd
import pytest

from protogcn.report.figures import worth as stage
from protogcn.report.figures.style import in_style
from protogcn.report.figures.worth import costs_of, worth_caption
from protogcn.report.figures.worth_panels import draw_worth
from protogcn.report.figures.worth_table import COLUMNS, StreamCost, Worth, worth_table
from protogcn.scores.complementarity import fuse_subsets
from tests.made.command import run_figure
from tests.made.score_files import random_scores, scores_that_say

WEIGHTS = {"j": 2.0, "b": 1.0, "jm": 1.0}
KNOWN = StreamCost(hours=0.5, parameters=1000, gflops=0.01)


def members(seeds=0, **changes):
    return {
        name: random_scores(seeds + place, stream=name, **changes)
        for place, name in enumerate(WEIGHTS)
    }


def worth_of(predictions, labels, costs=KNOWN, **options):
    """Return what equal streams bring, each of which says one class of every clip."""
    said = {f"j-{n}": scores_that_say(p, labels, **options) for n, p in enumerate(predictions)}
    fused = fuse_subsets(said, dict.fromkeys(said, 1.0), "probability")
    return Worth.of(fused, dict.fromkeys(said, costs), None)


def of_side(scores, side, split):
    """Return the same scores, as if they were of a side of another split."""
    run = {**scores.provenance["run"], "split": split}
    return dataclasses.replace(scores, provenance={**scores.provenance, "run": run, "side": side})


@pytest.fixture
def arguments(tmp_path):
    for place, (name, scores) in enumerate(members().items()):
        (tmp_path / name).mkdir()
        scores.save(tmp_path / name / "scores.npz")
        (tmp_path / name / "history.csv").write_text(
            "epoch,learning_rate,loss,accuracy,clips_per_second,seconds\n"
            f"1,0.1,2.0,30.0,5.0,900\n2,0.1,1.0,40.0,5.0,{900 * place}\n"
        )
    return {
        "scores": [tmp_path / name / "scores.npz" for name in WEIGHTS],
        "streams": list(WEIGHTS),
        "weights": list(WEIGHTS.values()),
        "histories": [tmp_path / name / "history.csv" for name in WEIGHTS],
        "task": "nano_xsub",
        "model": "protogcn",
        "name": "mine on nano_xsub",
        "table": tmp_path / "f.csv",
        "figures": [tmp_path / "f.pdf"],
        "caption": tmp_path / "f.txt",
    }


def test_command_writes_table_figures_and_caption(arguments, tmp_path, monkeypatch):
    paths = []
    for name, scores in members(seeds=7).items():
        paths.insert(0, tmp_path / name / "val_scores.npz")
        of_side(scores, "val", "xsub_held_out").save(paths[0])
    assert run_figure(stage, {**arguments, "val-scores": paths}, monkeypatch) == 0
    table = pd.read_csv(tmp_path / "f.csv")
    assert table.columns.tolist() == [*COLUMNS, "select"]
    assert table["kind"].value_counts().to_dict() == {"stream": 3, "pair": 3, "all": 1, "class": 4}
    streams = table[table["kind"] == "stream"].set_index("name")
    assert streams["hours"].tolist() == [0.25, 0.5, 0.75]
    assert (streams["parameters"] > 1000).all()
    total = table[table["kind"] == "all"].iloc[0]
    assert total["hours"] == 1.5
    assert streams["shapley"].sum() == pytest.approx(total["top1"] - 25, abs=0.02)
    caption = (tmp_path / "f.txt").read_text()
    assert f"{total['top1']:.2f} % of 60 clips are right when all are fused" in caption
    assert "Chosen one after the other on 60 held-out clips" in caption
    assert (tmp_path / "f.pdf").read_bytes()[:5] == b"%PDF-"


def test_streams_are_chosen_on_held_out_clips_and_then_tested():
    tested, held_out = (fuse_subsets(members(seeds=n), WEIGHTS, "probability") for n in (0, 7))
    worth = Worth.of(tested, dict.fromkeys(WEIGHTS, KNOWN), held_out)
    steps = worth_table(worth).iloc[:3].sort_values("step")
    names, subset = list(WEIGHTS), 0
    for name, on_val, on_test in steps[["name", "val_top1", "step_top1"]].itertuples(index=False):
        others = [place for place in range(3) if not subset >> place & 1]
        best = max(others, key=lambda place: held_out.accuracies[subset | 1 << place])
        subset |= 1 << best
        assert name == names[best]
        assert float(on_val) == round(100 * held_out.accuracies[subset], 2)
        assert float(on_test) == round(100 * tested.accuracies[subset], 2)
    assert "these streams are best there: " in worth_caption(worth, "mine", "")
    without = Worth.of(tested, dict.fromkeys(WEIGHTS, KNOWN), None)
    assert "no clips are held out" in worth_caption(without, "mine", "")


@pytest.mark.parametrize(
    ("side", "streams", "sentence"),
    [
        ("test", ["j", "b", "jm"], "--val-scores: found scores of the side test, expected val"),
        ("val", ["j", "b"], "found those of protogcn/j, protogcn/b, expected protogcn/j, protogcn/b, protogcn/jm"),
    ],
)  # fmt: skip
def test_other_scores_than_of_held_out_clips_of_each_stream_are_refused(
    arguments, tmp_path, monkeypatch, capsys, side, streams, sentence
):
    paths = [tmp_path / name / "val_scores.npz" for name in streams]
    for name, path in zip(streams, paths, strict=True):
        of_side(random_scores(1, stream=name), side, "xsub_held_out").save(path)
    assert run_figure(stage, {**arguments, "val-scores": paths}, monkeypatch) == 3
    assert sentence in capsys.readouterr().err


def test_history_of_another_run_is_refused(arguments, tmp_path, monkeypatch, capsys):
    more = [*arguments["histories"], tmp_path / "k" / "history.csv"]
    assert run_figure(stage, {**arguments, "histories": more}, monkeypatch) == 2
    assert "has none of the score files" in capsys.readouterr().err


def test_nothing_is_known_of_the_cost_of_imported_scores(arguments):
    settings = {**random_scores(0).provenance["run"]["settings"], "scores": "j.pkl"}
    streams = {**members(), "b": random_scores(1, stream="b", settings=settings)}
    costs = costs_of(streams, arguments["scores"], arguments["histories"][:1])
    assert costs["j"].hours == 0.25
    assert all(math.isnan(value) for value in costs["b"])
    assert math.isnan(costs["jm"].hours)
    assert costs["jm"].parameters == costs["j"].parameters


def test_numbers_by_hand():
    #     clip 0    1  2  3        stream 0 is right on 0 and 1, stream 1 on 0 and 2
    table = worth_table(worth_of([[0, 1, 1, 1], [0, 0, 0, 1]], [0, 1, 0, 0])).set_index("name")
    assert table.loc[["j-0", "j-1"], "top1"].tolist() == ["50.00", "50.00"]
    assert table.loc[["j-0", "j-1"], "only_right"].tolist() == ["1", "1"]
    pair = table.loc["j-0 j-1"]
    assert (pair["oracle"], pair["all_right"], pair["disagreement"]) == ("75.00", "25.00", "50.00")
    assert table.loc["fused", "hours"] == "1"


def test_what_is_not_known_is_empty():
    nothing = StreamCost(math.nan, math.nan, math.nan)
    table = worth_table(worth_of([[0, 1], [0, 0]], [0, 1], nothing))
    assert (table[["hours", "parameters", "gflops", "step", "val_top1"]] == "").all(axis=None)


def test_two_streams_without_weight_have_no_accuracy_together():
    fused = fuse_subsets(members(), {"j": 1.0, "b": 0.0, "jm": 0.0}, "probability")
    table = worth_table(Worth.of(fused, dict.fromkeys(WEIGHTS, KNOWN), None)).set_index("name")
    assert table.loc["b jm", ["top1", "low"]].tolist() == ["", ""]
    assert table.loc["j b", "top1"] == table.loc["fused", "top1"] != ""
    assert table.loc[["b", "jm"], ["shapley", "leave_one_out"]].to_numpy().tolist() == (
        [["+0.00", "+0.00"]] * 2
    )


def figure_of(worth):
    with in_style():
        figure = draw_worth(worth, "title")
        figure.draw_without_rendering()
    return figure


@pytest.mark.parametrize("classes", [4, 120])
def test_classes_that_are_drawn_have_their_names_and_at_most_60_are(classes):
    generator = np.random.default_rng(0)
    labels = np.repeat(np.arange(classes), 6)
    said = [np.where(generator.random(len(labels)) < 0.7, labels, 0) for _ in range(3)]
    worth = worth_of(said, labels, classes=classes)
    figure = figure_of(worth)
    labels = [text.get_text() for axes in figure.axes for text in axes.get_yticklabels()]
    assert len({text for text in labels if text.startswith("class")}) == min(
        60, (worth_table(worth)["stream"] != "").sum()
    )


def test_one_stream_and_streams_that_agree_can_be_drawn():
    nothing = StreamCost(math.nan, math.nan, math.nan)
    for said in ([[0, 1, 2]], [[0, 1, 2], [0, 1, 2]]):
        assert figure_of(worth_of(said, [0, 1, 1])).axes
        assert figure_of(worth_of(said, [0, 1, 1], nothing)).axes
