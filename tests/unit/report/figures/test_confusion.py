import numpy as np
import pandas as pd
import pytest

from protogcn.report.figures import confusion as stage
from protogcn.report.figures.confusion import confusions, draw_confusion
from protogcn.report.figures.style import in_style
from tests.made.command import run_figure
from tests.made.score_files import scores_that_say

NAMES = np.array(["up", "down", "left", "right"])


def test_confusions_come_first_and_the_most_frequent_of_them():
    counts = np.array([[5, 1, 0, 0], [3, 7, 0, 0], [0, 0, 4, 3], [0, 0, 0, 0]])
    table = confusions(counts, NAMES)
    # 3 of 7 before 3 of 10: equally frequent, the larger share first.
    assert table["class"].tolist() == ["left", "down", "up", "down", "up", "left"]
    assert table["predicted"].tolist()[:3] == ["right", "up", "down"]
    assert table["clips"].tolist() == [3, 3, 1, 7, 5, 4]
    assert table["of"].tolist()[:3] == [7, 10, 6]
    assert table["share"].tolist()[:3] == [42.86, 30.0, 16.67]


def test_command_fuses_and_counts(tmp_path, monkeypatch):
    labels = [0, 1, 2, 3]
    scores_that_say([0, 1, 2, 2], labels).save(tmp_path / "j.npz")
    scores_that_say([1, 1, 2, 3], labels, stream="b").save(tmp_path / "b.npz")
    arguments = {
        "scores": [tmp_path / "j.npz", tmp_path / "b.npz"],
        "streams": ["j", "b"],
        "task": "nano_xsub",
        "model": "protogcn",
        "weights": [1, 2],
        "name": "2ens on nano_xsub",
        "table": tmp_path / "f.csv",
        "figures": [tmp_path / "f.png", tmp_path / "f.pdf"],
        "caption": tmp_path / "f.txt",
    }
    assert run_figure(stage, arguments, monkeypatch) == 0
    table = pd.read_csv(tmp_path / "f.csv")
    wrong = table[table["label"] != table["predicted_label"]]
    assert wrong[["label", "predicted_label", "clips"]].to_numpy().tolist() == [[0, 1, 1]]
    assert "75.00 % of 4 clips are right" in (tmp_path / "f.txt").read_text()


@pytest.mark.parametrize("num_classes", [12, 60, 120])
def test_matrix_shows_the_share_of_each_true_class(num_classes):
    counts = np.eye(num_classes, dtype=int) * 3
    counts[2, 5] = 1
    with in_style():
        figure = draw_confusion(
            counts, np.array([f"name {n}" for n in range(num_classes)]), "title"
        )
    shares = figure.axes[0].images[0].get_array()
    assert shares[2, 5] == 25
    assert shares[0, 0] == 100
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    named = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    if num_classes == 12:
        assert "name 11" in named
        assert "25" in texts
    else:
        assert "3 name 2  →  6 name 5" in texts


def test_class_without_a_clip_is_an_empty_row():
    counts = np.array([[2, 0], [0, 0]])
    with in_style():
        figure = draw_confusion(counts, np.array(["a", "b"]), "title")
    assert figure.axes[0].images[0].get_array()[1].tolist() == [0, 0]
