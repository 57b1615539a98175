"""Names of datasets, classes, clips and paths that mean something to a shell, a spreadsheet or a page."""

import json
import pickle
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from protogcn.config import inputs
from protogcn.config.arguments import as_argument
from protogcn.config.plan import load_plan
from protogcn.config.resolved import load_dataset
from protogcn.data import joints
from protogcn.errors import ConfigError
from protogcn.files.clip_table import ClipTable
from protogcn.files.paths import of_clip
from protogcn.files.scores import Scores
from tests.made.command import run_command
from tests.made.config import SCHEMA, changed
from tests.made.nano import DATASET
from tests.made.naughty_names import AS_PATH, REFUSED, TAKEN
from tests.made.score_files import random_scores
from tests.workflow.conftest import NANO, Workplace

ENTRY = {"skeleton": "ntu25", "splits": ["xsub"], "raw": "raw", "classes": ["a", "b"]}
CLASSES = sorted({*TAKEN})


def plan_with(**entry):
    return load_plan(changed("datasets.mine", {**ENTRY, **entry}), SCHEMA, ())


def refusal(function, *arguments, **options):
    """Return the sentence that a call is refused with; none if it is not."""
    try:
        function(*arguments, **options)
    except ConfigError as error:
        return str(error)
    return None


def test_what_is_part_of_a_path_is_refused_before_any_job(campaign):
    config = changed("ensembles.2ens.tasks", ["demo_xsub"])
    datasets = config["datasets"]
    for name in (*TAKEN, *REFUSED)[:: campaign.tries(push=20, nightly=1, release=1)]:
        sentence = refusal(load_plan, {**config, "datasets": {**datasets, name: ENTRY}}, SCHEMA, ())
        if AS_PATH.fullmatch(name):
            assert sentence is None, name
            campaign.count("taken, as it is allowed")
        else:
            assert "file name" in sentence, name
            campaign.count("refused")


def test_class_names_come_back_to_the_letter_or_are_refused(campaign, tmp_path, monkeypatch):
    """Also through the shell that passes them to a command."""
    monkeypatch.chdir(tmp_path)
    dataset = plan_with(classes=CLASSES).datasets["mine"]
    python = shlex.quote(sys.executable)
    settings = shlex.quote(as_argument(dataset))
    command = f"{python} -m protogcn resolve --settings {settings} --output dataset.yaml"
    subprocess.run(["bash", "-c", command], check=True)
    assert load_dataset(Path("dataset.yaml")).classes == tuple(CLASSES)
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".sha256"] == [
        "dataset.yaml"
    ]
    campaign.count("same to the letter", len(CLASSES))
    for name in REFUSED[:: campaign.tries(push=6, nightly=1, release=1)]:
        assert "datasets.mine.classes" in refusal(plan_with, classes=["a", name]), name
        campaign.count("refused")


def test_a_raw_path_is_taken_to_the_letter_or_is_a_sentence(campaign, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    base = plan_with().datasets["mine"]
    for name in TAKEN:
        raw = "raw/" + name.replace("/", "_").replace("..", "_")[:60]
        Path(raw).mkdir(parents=True, exist_ok=True)
        (Path(raw) / "annotations.csv").touch()
        if sentence := refusal(inputs.raw_files, replace(base, raw=raw)):
            assert "{" in name, name
            assert "takes for a wildcard" in sentence
            campaign.count("refused")
        else:
            found = inputs.raw_files(replace(base, raw=raw))
            assert found == [raw, f"{raw}/annotations.csv"]
            campaign.count("same to the letter")
    for name in REFUSED[1 :: campaign.tries(push=5, nightly=1, release=1)]:
        if len(name) < 200:
            assert "control or bidi" in refusal(plan_with, raw=name), name
            campaign.count("refused")


def write_clips(path, names, *, num_classes=4, side=lambda number: "train" if number else "test"):
    """Write an annotation pickle with a clip of each name."""
    generator = np.random.default_rng(0)
    annotations = [
        {"frame_dir": name, "label": number % num_classes, "total_frames": 8,
         "keypoint": generator.normal(size=(1, 8, 25 if num_classes > 4 else 5, 3)).astype(np.float32)}
        for number, name in enumerate(names)
    ]  # fmt: skip
    split = {"xsub_train": [], "xsub_val": []}
    for number, name in enumerate(names):
        split["xsub_train" if side(number) == "train" else "xsub_val"].append(name)
    path.write_bytes(pickle.dumps({"split": split, "annotations": annotations}))


def read_clips(folder, names, monkeypatch):
    """Read a pickle as the rule does; return the exit code and the ids, none if it is refused."""
    raw = folder / "nano.pkl"
    write_clips(raw, names)
    settings = folder / "dataset.yaml"
    settings.write_text(yaml.safe_dump(replace(DATASET, raw=str(raw)).to_mapping()))
    out = [folder / name for name in ("joints.npy", "clips.csv", "dropped.csv")]
    code = run_command(joints, monkeypatch, "--dataset", settings, "--preparation", "centred",
                       "--workers", 1, "--joints", out[0], "--clips", out[1], "--dropped", out[2])  # fmt: skip
    return code, [] if code else list(ClipTable.load(out[1]).ids)


def test_ids_of_clips_are_the_same_from_reader_to_scores(campaign, tmp_path, monkeypatch):
    code, ids = read_clips(tmp_path, TAKEN, monkeypatch)
    assert (code, ids) == (0, list(TAKEN))
    scores = random_scores(1, clips=len(ids))
    replace(scores, clips=np.array(ids)).save(tmp_path / "scores.npz")
    assert Scores.load(tmp_path / "scores.npz").clips.tolist() == ids
    table = ClipTable.load(tmp_path / "clips.csv")
    alike = {of_clip(name) for name in ids if sum(of_clip(name) == of_clip(n) for n in ids) > 1}
    for row, name in enumerate(ids):
        place = Path("results/clips", of_clip(name) + "_all.manifest.json")
        assert ".." not in place.parts, name
        assert place.is_relative_to("results/clips"), name
        assert max(len(part.encode()) for part in place.parts) < 160, name
        assert table.row_of(name) == row
        assert of_clip(name) in alike or table.row_of(of_clip(name)) == row
        campaign.count("same to the letter")


def test_ids_that_hide_letters_are_refused_by_the_reader(campaign, tmp_path, monkeypatch, capsys):
    for name in (*REFUSED, "e\u0301")[:: campaign.tries(push=4, nightly=1, release=1)]:
        code, _ = read_clips(tmp_path, ["a", name], monkeypatch)
        said = capsys.readouterr().err
        assert code == 3, name
        assert "annotation 2, frame_dir" in said, name
        assert said.replace("\n", "").isprintable(), name
        assert not (tmp_path / "clips.csv").exists()
        campaign.count("refused")


@pytest.mark.parametrize("folder", ["a{b} $(touch X) 'q\";&", "--x {wildcards}"])
def test_from_a_raw_file_to_the_page_with_such_names_everywhere(campaign, tmp_path, folder):
    """Nothing that a name says is done, and every table has the same names."""
    if campaign.tries(push=0, nightly=1, release=1) == 0:
        pytest.skip("trains: in nightly")
    names = [*TAKEN, *(f"{name[:190]} 2" for name in TAKEN)]
    place = Workplace(tmp_path / folder)
    (place.folder / "raw files").mkdir(parents=True)
    write_clips(place.folder / "raw files/$(touch X) a'b.pkl", names, num_classes=len(CLASSES),
                side=lambda number: "train" if number < len(TAKEN) else "test")  # fmt: skip
    more = place.config(json.dumps({
        "datasets": {"odd": {"raw": "raw files/$(touch X) a'b.pkl", "skeleton": "ntu25", "splits": ["xsub"],
                             "classes": CLASSES, "source": "{input} $(touch X) '"}},
        "ensembles": {**{name: {"on_page": False} for name in ("2ens", "4ens", "6ens")}, "odd": {"streams": {"j": 1}, "tasks": ["odd_xsub"], "source": "\"{input}\" '; touch X; $(touch X)"}},
        "overrides": {"zodd": {"where": {"dataset": "odd"}, "set": {"epochs": 1}}},
        "tables": {"odd_table": {"rows": "methods", "methods": {name: "protogcn" for name in TAKEN[:10]},
                                 "streams": {"=1+1 {input}": "j"}, "tasks": ["odd_xsub"], "title": "$(touch X) {x} \\input"}},
        "report": {"tasks": ["odd_xsub"], "figures": ["odd_xsub_odd_confusion"], "tables": ["odd_table"]},
    }, ensure_ascii=False))  # fmt: skip
    clips = [of_clip(f"{name[:190]} 2") for name in ("$(touch X)", "-x", "../x", "{input}", "'; touch X; '", "x" * 200)]  # fmt: skip
    run = "results/runs/odd/xsub/protogcn/j"
    targets = ["results/report.html", *(f"{run}/topology/{clip}.png" for clip in clips)]
    targets += [f"results/data/odd/centred/clips/{clips[0]}_j.gif"]
    answer = place.snakemake("--cores", "1", *targets, configs=(NANO, more), timeout=600)  # fmt: skip
    assert answer.returncode == 0, answer.stdout[-3000:]
    assert [path for path in tmp_path.rglob("*") if path.name == "X"] == []
    assert not Path("X").exists()
    assert all((place.folder / target).is_file() for target in targets)
    scores = Scores.load(place.folder / run / "scores.npz")
    assert {*scores.clips.tolist()} == {*names[len(TAKEN) :]}
    assert scores.classes.tolist() == CLASSES
    page = (place.folder / "results/report.html").read_text()
    found = json.loads(page.partition('id="data">')[2].partition("</script>")[0])
    assert found["tasks"]["odd_xsub"]["classes"] == CLASSES
    campaign.count("whole run, nothing done", 1)
