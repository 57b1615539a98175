import pandas as pd
import pytest

from protogcn.report.figures import streams as stage
from protogcn.report.figures.streams import accuracy_of_subsets, draw_streams
from protogcn.scores.fusion import fuse, top_k_accuracy
from tests.made.command import run_figure
from tests.made.score_files import random_scores

WEIGHTS = {"j": 2.0, "b": 1.5, "jm": 1.0}


def members():
    return {name: random_scores(seed, stream=name) for seed, name in enumerate(WEIGHTS)}


@pytest.mark.parametrize("space", ["probability", "logit"])
def test_every_subset_has_the_accuracy_of_its_fusion(space):
    streams = members()
    subsets = accuracy_of_subsets(streams, WEIGHTS, space)
    assert subsets["streams"].tolist() == ["j", "b", "jm", "j+b", "j+jm", "b+jm", "j+b+jm"]
    for names, top1 in zip(subsets["streams"], subsets["top1"], strict=True):
        chosen = names.split("+")
        fused = fuse(
            {name: streams[name] for name in chosen},
            {name: WEIGHTS[name] for name in chosen},
            space,
        )
        assert top1 == round(100 * top_k_accuracy(fused, streams["j"].labels, 1), 2)


def test_the_ensembles_own_order_is_marked():
    subsets = accuracy_of_subsets(members(), WEIGHTS, "probability")
    assert subsets[subsets["in_order"]]["streams"].tolist() == ["j", "j+b", "j+b+jm"]


def test_of_eleven_members_each_alone_and_the_ensembles_order_are_drawn():
    many = {f"net{number}/j": random_scores(number) for number in range(11)}
    subsets = accuracy_of_subsets(many, dict.fromkeys(many, 1.0), "probability")
    assert subsets["count"].tolist() == [1] * 11 + list(range(2, 12))
    assert subsets["in_order"].sum() == 11
    three = fuse(
        {name: many[name] for name in list(many)[:3]}, dict.fromkeys(list(many)[:3], 1.0),
        "probability",
    )  # fmt: skip
    of_three = subsets[subsets["count"] == 3]
    assert of_three["streams"].item() == "net0/j+net1/j+net2/j"
    labels = many["net0/j"].labels
    assert of_three["top1"].item() == round(100 * top_k_accuracy(three, labels, 1), 2)
    legend = draw_streams(subsets, "eleven").legends[0]
    assert legend.get_texts()[0].get_text() == "each stream alone"


def test_command_writes_table_figures_and_caption(tmp_path, monkeypatch):
    for name, scores in members().items():
        scores.save(tmp_path / f"{name}.npz")
    arguments = {
        "scores": [tmp_path / f"{name}.npz" for name in WEIGHTS],
        "streams": list(WEIGHTS),
        "weights": list(WEIGHTS.values()),
        "task": "nano_xsub",
        "model": "protogcn",
        "name": "mine on nano_xsub",
        "table": tmp_path / "f.csv",
        "figures": [tmp_path / "f.png", tmp_path / "f.pdf"],
        "caption": tmp_path / "f.txt",
    }
    assert run_figure(stage, arguments, monkeypatch) == 0
    assert len(pd.read_csv(tmp_path / "f.csv")) == 7
    assert (
        "each of the 7 choices of streams, with the weights j 2, b 1.5, jm 1"
        in (tmp_path / "f.txt").read_text()
    )
    assert (tmp_path / "f.pdf").stat().st_size > 1000
