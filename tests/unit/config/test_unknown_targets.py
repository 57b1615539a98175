import os
import re

import pytest

from protogcn.config.plan import expand
from protogcn.config.tables import resolve_tables
from protogcn.config.targets import targets_of
from protogcn.config.unknown_targets import check_length, unknown_target
from protogcn.errors import ConfigError
from protogcn.files.paths import of_clip
from tests.made.config import repository_config

CONFIG = repository_config()
PLAN = expand(CONFIG)
KINDS = {n: t.kind for n, t in targets_of(PLAN, resolve_tables(CONFIG, PLAN)).items()}


@pytest.mark.parametrize(
    ("target", "meant"),
    [
        ("results/demo_xsub_6en.csv", "results/demo_xsub_6ens.csv"),
        ("results/demo_xsub_6ens.cvs", "results/demo_xsub_6ens.csv"),
        ("results/demo_xsub_6ens", "results/demo_xsub_6ens.csv"),
        ("results/demo_xsub_6ens.jsn", "results/demo_xsub_6ens.json"),
        ("demo_xsub_6ens.md", "results/demo_xsub_6ens.md"),
        ("demo_xsub_6ens", "results/demo_xsub_6ens.csv"),
        ("result/demo_xsub_6ens.csv", "results/demo_xsub_6ens.csv"),
        ("RESULTS/DEMO_XSUB_6ENS.CSV", "results/demo_xsub_6ens.csv"),
        ("results/demo_6ens.csv", "results/demo_xsub_6ens.csv"),
        ("results/Demo-xsub-6ens.csv", "results/demo_xsub_6ens.csv"),
        ("results/table6.csv", "results/table5.csv' or 'results/table4.csv"),
        ("results/reports.html", "results/report.html"),
        ("results/demo_xsub_6ens_confusions.png", "results/demo_xsub_6ens_confusion.png"),
        ("results/demo_xsub_6ens_stream.pdf", "results/demo_xsub_6ens_streams.pdf"),
        ("results/demo_xsub_protogcn_learning_curve.png", "results/demo_xsub_protogcn_learning_curves.png"),
        ("results/demo_xsub_b_protogcn_stgcn.png", "results/demo_xsub_b_protogcn_vs_stgcn.png"),
        ("results/runs/demo/xsub/protogn/j/scores.npz", "results/runs/demo/xsub/protogcn/j/scores.npz"),
        ("results/runs/demo/xsub/protogcn/jj/scores.npz", "results/runs/demo/xsub/protogcn/j/scores.npz"),
        ("results/runs/demo/protogcn/km/checkpoint.pt", "results/runs/demo/xsub/protogcn/km/checkpoint.pt"),
        ("results/run/demo/xsub/protogcn/km/chekpoint.pth", "results/runs/demo/xsub/protogcn/km/checkpoint.pt"),
        ("results/data/demo/report.png", "results/data/demo/raw/report.png"),
        ("results/data/demo/centered/clips.csv", "results/data/demo/centred/clips.csv"),
        ("data/demo/centred/jm.npy", "results/data/demo/centred/jm.npy"),
        ("results/data/demo/centered/clips/S001_all.gif", "results/data/demo/centred/clips/S001_all.gif"),
        ("results/data/demo/centred/clips/a/b_x.gif", "results/data/demo/centred/clips/a/b_all.gif"),
        ("results/data/demo/centred/clips/S001.gif", "results/data/demo/centred/clips/S001_all.gif"),
        ("results/runs/demo/xsub/protogcn/jjm/topology/a_b.png", "results/runs/demo/xsub/protogcn/jm/topology/a_b.png"),
    ],
)  # fmt: skip
def test_the_nearest_target_is_named(target, meant):
    assert f"did you mean '{meant}'?" in unknown_target(target, PLAN, KINDS)


def test_an_absolute_path_in_the_folder_is_written_from_there(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for target in (f"{tmp_path}/results/demo_xsub_6ens.csv", "./results//demo_xsub_6ens.csv"):
        assert "mean 'results/demo_xsub_6ens.csv'?" in unknown_target(target, PLAN, KINDS)
    assert os.sep not in unknown_target("zzz", PLAN, KINDS).partition(";")[0]


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("mine.yaml", "is a config, not a target; write --configfile mine.yaml after the target"),
        ("\N{EN DASH}\N{EN DASH}cores", "expected - or --"),
        ("qqq", "expected a table such as results/ntu60_xsub_"),
        ("", "nothing makes ''"),
    ],
)
def test_what_is_near_to_nothing_says_what_a_target_is(target, sentence):
    assert sentence in unknown_target(target, PLAN, KINDS)


@pytest.mark.parametrize(
    ("folder", "clip", "ending"),
    [
        ("results/data/demo/centred/clips/", "x" * 250, "_all.gif"),
        ("results/data/demo/centred/clips/", f"sub/{'x' * 250}", "_j.manifest.json"),
        ("results/runs/demo/xsub/protogcn/j/topology/", "é" * 100, ".png"),
        ("results/runs/demo/xsub/protogcn/j/topology/", f"{'x' * 250}_j", ".png"),
    ],
)
def test_the_name_to_ask_for_is_said_of_a_clip_that_is_too_long(folder, clip, ending):
    written = folder + of_clip(clip) + ending
    with pytest.raises(ConfigError, match=f"; ask for '{re.escape(written)}'"):
        check_length(folder + clip + ending)
    check_length(written)
    check_length(f"{folder}{'x' * 100}{ending}")
