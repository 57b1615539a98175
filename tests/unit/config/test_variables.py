from pathlib import Path

import pytest

from protogcn.config.load import plan_of
from protogcn.config.variables import fill_in, made_folder
from protogcn.errors import ConfigError
from tests.made.config import REPOSITORY


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("~/x/mine.pkl", "/home/me/x/mine.pkl"),
        ("$SCRATCH/mine.pkl", "/scratch/me/mine.pkl"),
        ("${SCRATCH}/a b/{task}.pth", "/scratch/me/a b/{task}.pth"),
        ("data//mine.pkl", "data//mine.pkl"),
        ("data/x~1.pkl", "data/x~1.pkl"),
    ],
)
def test_home_and_variables_are_filled_in(monkeypatch, path, found):
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("SCRATCH", "/scratch/me")
    assert fill_in("raw", path) == found


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        (
            "$NOT_SET/mine.pkl",
            "raw: found '\\$NOT_SET/mine.pkl', but the variable NOT_SET is not set",
        ),
        ("${NOT_SET}/mine.pkl", "variable NOT_SET is not set"),
        ("$EMPTY/mine.pkl", "variable EMPTY is not set"),
        ("~nobody_of_this_name/mine.pkl", "~nobody_of_this_name is no home directory"),
    ],
)
def test_what_cannot_be_filled_in_is_refused(monkeypatch, path, sentence):
    monkeypatch.delenv("NOT_SET", raising=False)
    monkeypatch.setenv("EMPTY", "")
    with pytest.raises(ConfigError, match=sentence):
        fill_in("raw", path)


def test_a_file_with_such_a_name_is_taken_as_it_stands(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    Path("$cash").mkdir()
    assert fill_in("raw", "$cash") == "$cash"


def test_every_path_of_a_config_is_filled_in(monkeypatch, tmp_path):
    monkeypatch.setenv("PLACE", str(tmp_path))
    (tmp_path / "names.txt").write_text("waving\nnodding\n")
    more = tmp_path / "more.yaml"
    more.write_text("""
directory: $PLACE/out
datasets:
  mine: {raw: $PLACE/m.pkl, kpfiles: $PLACE/k, skeleton: coco20, class_names: $PLACE/names.txt, splits: [xsub]}
overrides:
  mine: {where: {dataset: mine}, set: {preparation: raw, rotation: 0.0}}
  network: {where: {task: mine_xsub, stream: j}, set: {checkpoint: "$PLACE/{stream}.pth"}}
  file: {where: {task: mine_xsub, stream: b}, set: {scores: $PLACE/s.pkl, clips: $PLACE/c.txt}}
""")
    _, plan = plan_of(REPOSITORY, [more])
    mine = plan.datasets["mine"]
    assert (plan.directory, mine.raw) == (f"{tmp_path}/out", f"{tmp_path}/m.pkl")
    assert (mine.kpfiles, mine.classes) == (f"{tmp_path}/k", ("waving", "nodding"))
    network, file = (plan.run("mine_xsub", "protogcn", stream).settings for stream in "jb")
    assert network["checkpoint"] == f"{tmp_path}/j.pth"
    assert (file["scores"], file["clips"]) == (f"{tmp_path}/s.pkl", f"{tmp_path}/c.txt")


def test_the_folder_of_results_is_made_unless_it_is_a_file(monkeypatch, tmp_path):
    monkeypatch.setenv("PLACE", str(tmp_path))
    assert made_folder("$PLACE/a/b") == f"{tmp_path}/a/b"
    assert (tmp_path / "a/b").is_dir()
    (tmp_path / "file").touch()
    for path in ("$PLACE/file", "$PLACE/file/x"):
        with pytest.raises(ConfigError, match=r"directory: .*/file.* cannot be the folder"):
            made_folder(path)
