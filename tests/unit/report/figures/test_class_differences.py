from itertools import pairwise

import pandas as pd
import pytest

from protogcn.config.facts import ntu_facts
from protogcn.report.figures import class_differences as stage
from protogcn.report.figures.class_differences import draw_class_differences, papers_counts
from protogcn.report.figures.style import in_style
from protogcn.scores.class_differences import compare_classes
from tests.made.command import run_figure
from tests.made.nano import NETWORK, SETTINGS
from tests.made.score_files import random_scores, scores_that_say


@pytest.fixture
def arguments(tmp_path):
    random_scores(1, stream="b").save(tmp_path / "model.npz")
    random_scores(2, stream="b", model="other").save(tmp_path / "baseline.npz")
    return {
        "scores": tmp_path / "model.npz",
        "baseline-scores": tmp_path / "baseline.npz",
        "task": "nano_xsub",
        "stream": "b",
        "model": "protogcn",
        "baseline": "other",
        "table": tmp_path / "f.csv",
        "figures": [tmp_path / "f.png", tmp_path / "f.pdf"],
        "caption": tmp_path / "f.txt",
    }


def test_command_writes_table_figures_and_caption(arguments, tmp_path, monkeypatch):
    assert run_figure(stage, arguments, monkeypatch) == 0
    table = pd.read_csv(tmp_path / "f.csv")
    assert table.columns.tolist() == [
        "label", "class", "clips", "accuracy", "baseline", "difference", "low", "high", "p",
        "holm", "confused_with", "confused", "baseline_confused", "select",
    ]  # fmt: skip
    better, equal, worse = compare_classes(random_scores(1), random_scores(2)).counts
    caption = (tmp_path / "f.txt").read_text()
    assert f"{better} classes are better, {equal} equal, {worse} worse" in caption
    assert "\nprotogcn: network protogcn" in caption
    assert "\nboth: preparation centred" in caption
    assert (tmp_path / "f.pdf").read_bytes()[:5] == b"%PDF-"


def test_scores_of_another_run_are_refused(arguments, tmp_path, monkeypatch, capsys):
    assert run_figure(stage, {**arguments, "baseline": "third"}, monkeypatch) == 3
    assert "scores of nano_xsub/third/b: the file holds those of nano_xsub/other/b" in (
        capsys.readouterr().err
    )
    assert not (tmp_path / "f.png").exists()


def test_an_epoch_chosen_by_its_accuracy_is_marked_everywhere(arguments, tmp_path, monkeypatch):
    best = random_scores(2, stream="b", model="other", settings={**SETTINGS, "select": "best"})
    best.save(tmp_path / "baseline.npz")
    assert run_figure(stage, arguments, monkeypatch) == 0
    assert set(pd.read_csv(tmp_path / "f.csv")["select"]) == {"best"}
    assert "epoch chosen by its accuracy" in (tmp_path / "f.txt").read_text()


def boxes_overlap(axes, figure):
    """Whether two class names in one column overlap on paper."""
    figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in axes.get_yticklabels()]
    return any(a.overlaps(b) for a, b in pairwise(boxes))


@pytest.mark.parametrize(("classes", "columns"), [(12, 1), (120, 3)])
def test_every_class_has_its_name_and_no_two_overlap(classes, columns):
    names = ntu_facts()["classes"][:classes]
    compared = compare_classes(
        *(random_scores(s, clips=20 * classes, classes=names) for s in (1, 2))
    )
    with in_style():
        figure = draw_class_differences(compared, "title", ["a note " * 40])
        assert len(figure.axes) == columns
        labels = [label for axes in figure.axes for label in axes.get_yticklabels()]
        assert len({label.get_text() for label in labels}) == classes
        assert min(label.get_fontsize() for label in labels) >= 6
        assert not any(boxes_overlap(axes, figure) for axes in figure.axes)


def test_bars_go_from_the_largest_gain_to_the_largest_loss():
    compared = compare_classes(
        random_scores(1, classes=12, clips=200), random_scores(2, classes=12, clips=200)
    )
    with in_style():
        figure = draw_class_differences(compared, "title", [])
    widths = [bar.get_width() for bar in figure.axes[0].patches]
    assert widths == sorted(compared.classes["difference"], reverse=True)


def test_names_of_classes_that_differ_by_more_than_chance_are_bold():
    labels = [0] * 40 + [1] * 40
    baseline = scores_that_say([1] * 20 + [0] * 20 + [1] * 39 + [0], labels, classes=2)
    with in_style():
        figure = draw_class_differences(
            compare_classes(scores_that_say(labels, labels, classes=2), baseline), "title", []
        )
    labels = figure.axes[0].get_yticklabels()
    weights = {label.get_text(): label.get_fontweight() for label in labels}
    assert weights == {"class 0": "bold", "class 1": "normal"}


def test_the_papers_counts_stand_beside_the_comparison_it_makes():
    def scores(network, split):
        found = scores_that_say([0], [0], stream="b", split=split)
        run = found.provenance["run"]
        run["dataset"]["name"], run["network"] = "ntu120", {**NETWORK, "network": network}
        return found

    ours, baseline = scores("protogcn", "xsub"), scores("stgcnpp", "xsub")
    assert "84 better, 2 equal, 34 worse" in papers_counts(ours, baseline)
    assert papers_counts(baseline, ours) == ""
    assert papers_counts(scores("protogcn", "xset"), scores("stgcnpp", "xset")) == ""
