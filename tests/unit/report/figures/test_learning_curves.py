import pandas as pd
import pytest

from protogcn.report.figures import learning_curves as stage
from protogcn.report.figures.learning_curves import draw_learning_curves
from protogcn.report.figures.style import in_style
from tests.made.command import run_figure


def history(epochs, offset=0.0):
    rows = range(1, epochs + 1)
    return pd.DataFrame(
        {
            "epoch": rows,
            "learning_rate": [0.1] * epochs,
            "loss": [3.0 / row for row in rows],
            "accuracy": [offset + 10.0 * row for row in rows],
        }
    )


def test_a_motion_has_the_colour_of_what_moves_and_a_repeat_is_paler():
    histories = {name: history(3) for name in ("j", "jm", "j-2")}
    with in_style():
        figure = draw_learning_curves(histories, "title")
    joints, motion, repeat = figure.axes[1].lines
    assert joints.get_color() == motion.get_color() == repeat.get_color()
    assert (joints.get_linestyle(), motion.get_linestyle()) == ("-", "--")
    assert repeat.get_alpha() < joints.get_alpha()
    assert joints.get_ydata().tolist() == [10, 20, 30]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["j", "jm", "j-2"]


@pytest.fixture
def arguments(tmp_path):
    history(1, 5.25).to_csv(tmp_path / "j.csv", index=False)
    history(4).to_csv(tmp_path / "b.csv", index=False)
    return {
        "histories": [tmp_path / "j.csv", tmp_path / "b.csv"],
        "streams": ["j", "b"],
        "name": "protogcn on nano_xsub",
        "figures": [tmp_path / "f.png", tmp_path / "f.pdf"],
        "caption": tmp_path / "f.txt",
    }


def test_command_writes_figures_and_caption(arguments, tmp_path, monkeypatch):
    assert run_figure(stage, arguments, monkeypatch) == 0
    assert "last epoch: j 15.25 %, b 40.00 %" in (tmp_path / "f.txt").read_text()
    assert (tmp_path / "f.png").stat().st_size > 1000


def test_a_history_without_a_name_is_refused(arguments, monkeypatch, capsys):
    assert run_figure(stage, {**arguments, "streams": ["j"]}, monkeypatch) == 2
    assert "2 histories and 1 streams" in capsys.readouterr().err


def test_a_damaged_history_is_one_sentence(arguments, tmp_path, monkeypatch, capsys):
    (tmp_path / "b.csv").write_text("epoch,loss\n1,2\n")
    assert run_figure(stage, arguments, monkeypatch) == 3
    assert "b.csv: has no column learning_rate, accuracy" in capsys.readouterr().err


def test_each_side_that_was_measured_has_a_panel():
    plain, watched = history(4), history(4).assign(test_accuracy=[None, 30.0, None, 40.0])
    with in_style():
        figure = draw_learning_curves({"j": watched, "b": plain}, "title")
    assert [axes.get_ylabel() for axes in figure.axes] == [
        "training loss", "training accuracy (%)", "test accuracy (%)",
    ]  # fmt: skip
    (line,) = figure.axes[2].lines
    assert line.get_xydata().tolist() == [[2, 30], [4, 40]]


@pytest.mark.parametrize(
    ("side", "told"),
    [
        ("val", "Measured on the side val, one crop of each clip: in the end j 40.00 %."),
        (
            "test",
            "clip (the test side was measured while it trained: validate_on test): in the end",
        ),
    ],
)
def test_the_caption_says_what_was_measured(arguments, tmp_path, monkeypatch, side, told):
    watched = history(4).assign(**{f"{side}_accuracy": [None, 30.0, None, 40.0]})
    watched.to_csv(tmp_path / "j.csv", index=False)
    assert run_figure(stage, arguments, monkeypatch) == 0
    assert told in (tmp_path / "f.txt").read_text()
