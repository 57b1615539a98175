"""The smallest and the largest: one clip, one frame, one joint, 10,000 classes, 1,000 streams."""

import pickle
import resource
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import yaml

from protogcn.config.skeleton import Skeleton
from protogcn.files.scores import Scores
from protogcn.report.page.report import build_page
from tests.made.all_stages import AllStages, run_here
from tests.made.nano import DATASET
from tests.made.score_files import random_scores
from tests.workflow.conftest import BASE, NANO, REPOSITORY

WORKS, REFUSED = "works", "refused"
LARGEST_PAGE = 10e6  # bytes
LONGEST_PLAN = 30  # seconds of a processor, beside other work; 20 alone


def clip(name, label, *, frames=12, persons=1, joints=5, fill=None):
    generator = np.random.default_rng(len(name) + frames)
    shape = (persons, frames, joints, 3)
    keypoint = generator.normal(size=shape) if fill is None else np.full(shape, fill)
    return {"frame_dir": name, "label": label, "keypoint": keypoint.astype(np.float32), "total_frames": frames}  # fmt: skip


def clips(count=10, *, classes=4, tests=4, **changes):
    """Return a content of a pickle: clips of all classes in turn, the last ones of the test side."""
    annotations = [clip(f"c{number:05}", number % classes, **changes) for number in range(count)]
    names = [each["frame_dir"] for each in annotations]
    split = {"xsub_train": names[: count - tests], "xsub_val": names[count - tests :]}
    return {"split": split, "annotations": annotations}


def chain(num_joints):
    """Return a skeleton without sides, each joint on the one before."""
    parents = [max(0, joint - 1) for joint in range(num_joints)]
    entry = {"joints": [f"j{n}" for n in range(num_joints)], "parents": parents, "centre": 0}
    return Skeleton.from_mapping("chain", entry)


def names(count):
    return tuple(f"class {number}" for number in range(count))


PLAIN = {"rotation": 0.0, "swap": 0.0, "limb_drop": 0.0, "preparation": "raw"}  # of any skeleton
CASES = {
    "one clip on each side": (lambda: clips(2, tests=1), {}, {}, WORKS),
    "clips of one frame": (lambda: clips(frames=1), {}, {}, WORKS),
    "no person": (lambda: clips(persons=0), {}, {}, REFUSED),
    "no test clip": (lambda: clips(tests=0), {}, {}, REFUSED),
    "no training clip": (lambda: clips(4, tests=4), {}, {}, REFUSED),
    "batches larger than the data": (clips, {}, {"batch": 100_000}, WORKS),
    "only whole batches, of which there is none": (clips, {}, {"batch": 1000, "drop_last": True}, REFUSED),
    "every clip is zero": (lambda: clips(fill=0.0), {}, {}, REFUSED),
    "six persons": (lambda: clips(persons=6), {}, {}, WORKS),
    "one joint": (lambda: clips(joints=1), {"skeleton": chain(1)}, PLAIN, REFUSED),
    "500 joints": (lambda: clips(4, tests=2, joints=500), {"skeleton": chain(500)}, {**PLAIN, "batch": 1, "frames": 4}, REFUSED),
    "clips of 20,000 frames": (lambda: clips(4, tests=2, frames=20_000), {}, {}, WORKS),
    "more frames than clips have": (clips, {}, {"frames": 5000, "crops": 1, "batch": 2}, WORKS),
    "1,000 crops": (lambda: clips(4, tests=2), {}, {"crops": 1000}, WORKS),
    "1,000 classes": (lambda: clips(1020, classes=1000, tests=20, frames=2), {"classes": names(1000)}, {"batch": 500}, WORKS),
    "one class of two has clips": (lambda: clips(classes=1), {"classes": names(2)}, {}, WORKS),
}  # fmt: skip
HUNGRY = ("500 joints",)  # which works where there is the memory
QUICK = ("clips of one frame", "no person", "no test clip", "one joint")


@pytest.mark.parametrize("case", CASES)
def test_every_size_works_to_the_end_or_is_one_sentence(
    campaign, tmp_path, monkeypatch, capsys, case
):
    if campaign.tries(push=0, nightly=1, release=1) == 0 and case not in QUICK:
        pytest.skip("in nightly")
    content, changed, settings, expected = CASES[case]
    (tmp_path / "nano.pkl").write_bytes(pickle.dumps(content()))
    stages = AllStages(tmp_path, replace(DATASET, **changed), {"epochs": 1, "crops": 1, **settings})
    stages.write_settings()
    for path in (tmp_path / "runs").glob("*/config.yaml"):
        assert yaml.safe_load(path.read_text())["settings"]["epochs"] == 1
    if settings.get("preparation") == "raw":
        monkeypatch.setattr(AllStages, "commands", _raw(AllStages.commands))
    monkeypatch.chdir(tmp_path)
    outcome = WORKS
    for words in stages.commands().values():
        capsys.readouterr()
        if code := run_here(words):
            said = capsys.readouterr().err.splitlines()[-1]
            assert code in (2, 3, 8), (words[0], said)
            assert said.startswith(("ConfigError: ", "ContractError: ", "TooLittleMemoryError: "))
            outcome = REFUSED
            break
    assert outcome == expected or case in HUNGRY, (words[0], said if outcome == REFUSED else "")
    assert (tmp_path / "table.csv").exists() == (outcome == WORKS)
    campaign.count(outcome)


def _raw(commands):
    def changed(self):
        return {
            stage: ["raw" if word == "centred" else word for word in words]
            for stage, words in commands(self).items()
        }

    return changed


def test_a_page_of_10000_classes_is_small(campaign, tmp_path):
    classes, count = campaign.tries(push=1000, nightly=10_000, release=10_000), 1000
    paths = []
    for seed, stream in enumerate(("j", "b", "jm")):
        scores = random_scores(seed, clips=count, classes=classes, stream=stream)
        path = tmp_path / f"results/runs/nano/xsub/protogcn/{stream}/scores.npz"
        path.parent.mkdir(parents=True)
        scores.save(path)
        assert len(Scores.load(path).classes) == classes
        paths.append(path)
    page = build_page([], [], paths, table_runs={})
    assert len(page.encode()) < LARGEST_PAGE
    campaign.count(WORKS)


def test_1000_streams_are_planned_in_seconds(campaign, tmp_path):
    if campaign.tries(push=0, nightly=1, release=1) == 0:
        pytest.skip("takes half a minute: in nightly")
    streams = [f"{name}{repeat}" for name in ("j", "b", "k", "jm")
               for repeat in ("", *(f"-{number}" for number in range(2, 85)))]  # fmt: skip
    table = {"rows": "methods", "methods": {"a": "protogcn", "b": "stgcnpp", "c": "stgcn"},
             "streams": {"all": streams}, "tasks": ["nano_xsub"]}  # fmt: skip
    (tmp_path / "more.yaml").write_text(yaml.safe_dump({"tables": {"large": table}}))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    answer = subprocess.run(
        [sys.executable, "-m", "snakemake", "results/large.csv", "--dry-run", "--quiet", "rules",
         "--snakefile", REPOSITORY / "Snakefile", "--directory", tmp_path,
         "--configfile", BASE, NANO, tmp_path / "more.yaml"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert answer.returncode == 0, answer.stderr[-2000:]
    assert after.ru_utime - before.ru_utime < LONGEST_PLAN
    campaign.count("1,008 streams planned")
