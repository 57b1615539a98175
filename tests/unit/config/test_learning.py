import pytest

from protogcn.config.learning import scores_to_choose_on
from protogcn.config.plan import expand
from tests.made.config import changed, repository_config

RUNS = "results/runs/demo/xsub/protogcn"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_val_scores(folder, *streams):
    for stream in streams:
        (folder / RUNS / stream).mkdir(parents=True)
        (folder / RUNS / stream / "val_scores.npz").touch()


def test_members_are_chosen_on_val_scores_that_exist_of_each(folder):
    plan = expand(repository_config())
    write_val_scores(folder, "j")
    assert scores_to_choose_on(plan, "demo_xsub", "2ens") == []
    write_val_scores(folder, "b")
    expected = [f"{RUNS}/{stream}/val_scores.npz" for stream in "jb"]
    assert scores_to_choose_on(plan, "demo_xsub", "2ens") == expected


def test_members_are_chosen_on_scores_that_weights_are_learned_on():
    learned = {"streams": ["j", "b"], "weights": "learned", "tasks": ["demo_xsub"]}
    plan = expand(changed("ensembles.mine", learned))
    assert len(scores_to_choose_on(plan, "demo_xsub", "2ens")) == 2
    assert scores_to_choose_on(plan, "demo_xsub", "4ens") == []  # nothing is trained for it alone
