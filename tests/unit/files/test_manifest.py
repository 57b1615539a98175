import json
from pathlib import Path

import pytest

from protogcn.errors import ContractError
from protogcn.files.manifest import KnownFile, Manifest, ScoredRun, manifest_beside


def manifest(folder):
    runs = [
        ScoredRun(folder / f"runs/{name}/scores.npz", f"t_x/m/{name}", "test", 3, "ab", settings)
        for name, settings in (("j", {"batch": "8", "seed": "0"}), ("b", {"batch": "8"}))
    ]
    return Manifest(
        command="fuse",
        options={"weights": [1.0, 2.0], "tuned_on_test": False},
        inputs={"scores": [KnownFile(run.path, "cd") for run in runs]},
        outputs={"csv": [KnownFile(folder / "results/t.csv", "ef")]},
        made_by={"commit": "unknown"},
        runs=runs,
    )


def test_it_is_read_as_it_was_written(tmp_path):
    kept = manifest(tmp_path)
    kept.save(tmp_path / "results/t.manifest.json")
    assert Manifest.load(tmp_path / "results/t.manifest.json") == kept


def test_settings_that_all_runs_share_stand_once(tmp_path):
    manifest(tmp_path).save(tmp_path / "t.manifest.json")
    content = json.loads((tmp_path / "t.manifest.json").read_text())
    assert content["shared settings"] == {"batch": "8"}
    assert [run["settings"] for run in content["runs"]] == [{"seed": "0"}, {}]


def test_results_can_be_moved_as_a_whole(tmp_path):
    manifest(tmp_path / "here").save(tmp_path / "here/results/t.manifest.json")
    (tmp_path / "here").rename(tmp_path / "there")
    found = Manifest.load(tmp_path / "there/results/t.manifest.json")
    assert found.files == manifest(tmp_path / "there").files


@pytest.mark.parametrize("name", ["t.csv", "t.md", "t.manifest.json"])
def test_one_manifest_is_beside_all_forms_of_a_table(name):
    assert manifest_beside(Path("results") / name) == Path("results/t.manifest.json")
    assert manifest_beside(Path("t.partial.csv")) == Path("t.partial.manifest.json")


def test_another_format_is_refused(tmp_path):
    (tmp_path / "t.manifest.json").write_text('{"format": 9}')
    with pytest.raises(ContractError, match="found format 9, expected 1"):
        Manifest.load(tmp_path / "t.manifest.json")


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("runs", 0, "clips"), "3", "run 't_x/m/j' has a count or settings of"),
        (("runs", 1, "settings"), {"seed": 0}, "run 't_x/m/b' has a count or settings of"),
        (("made by", "commit"), 7, "its commit is no text or its versions are no map"),
        (("made by", "versions"), ["1"], "its commit is no text or its versions are no map"),
        (("outputs", "csv", 0, "path"), "x" * 256, "names the file 'x{40}', which no disk can hold"),
        (("outputs", "csv", 0, "path"), "a\0b", r"names the file 'a\\x00b', which no disk can hold"),
    ],
)  # fmt: skip
def test_what_no_manifest_says_is_refused_when_it_is_read(tmp_path, place, value, said):
    path = tmp_path / "t.manifest.json"
    manifest(tmp_path).save(path)
    content = json.loads(path.read_text())
    owner = content
    for key in place[:-1]:
        owner = owner[key]
    owner[place[-1]] = value
    path.write_text(json.dumps(content))
    with pytest.raises(ContractError, match=rf"t\.manifest\.json: {said}"):
        Manifest.load(path)
