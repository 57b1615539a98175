"""Members of several networks: fused, measured, drawn and recognised like streams of one."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
import torch

from protogcn.batches.clip_store import ClipStore
from protogcn.config.cells import Cell
from protogcn.config.recipe import settings_digest
from protogcn.config.resolved import load_run
from protogcn.data.modality import write_modalities
from protogcn.files.ensemble import load_ensemble_record
from protogcn.files.scores import Scores
from protogcn.models import build_model
from protogcn.predict import predict as predict_stage
from protogcn.predict.ensemble import load_ensemble
from protogcn.predict.export import folders_of
from protogcn.predict.recognise import recognise
from protogcn.predict.recordings import read_recordings
from protogcn.report.figures import confusion as confusion_stage
from protogcn.report.figures import streams as streams_stage
from protogcn.report.tables import fuse as fuse_stage
from protogcn.report.tables.measure import measure
from protogcn.scores.fusion import accuracies, fuse
from protogcn.scores.score import score
from tests.made.command import run_command, run_figure
from tests.made.nano import write_checkpoint, write_run
from tests.made.network_settings import network_settings

MEMBERS = {"j": 2.0, "infogcn_k1/j": 1.5, "stgcn@pyskl/b": 1.0}
SPACE = "normalised_logit"


@pytest.fixture(scope="module")
def mixed(trained_nano, tmp_path_factory):
    """An ensemble of three networks; the folder of each member's run, and the table."""
    folder = tmp_path_factory.mktemp("mixed") / "results"
    first = load_run(trained_nano.runs["j"] / "config.yaml")
    data = trained_nano.raw.parent / "data"
    values = {stream: folder.parent / f"{stream}.npy" for stream in ("j", "b")}
    write_modalities(data / "joints.npy", data / "clips.csv", first.dataset.skeleton, values)
    nets = {
        "infogcn_k1/j": network_settings("infogcn", width=8, blocks=2, downsample=[2]),
        "stgcn@pyskl/b": network_settings("stgcn", width=8, blocks=2, downsample=[2]),
    }
    runs = {"j": trained_nano.runs["j"]}
    for number, (name, network) in enumerate(nets.items()):
        model_name, _, stream = name.partition("/")
        settings = {**first.settings, "frames": 12 + 4 * number, "crops": number + 1}
        run = dataclasses.replace(
            first, model=model_name, network=network, settings=settings, modality=stream
        )
        runs[name] = folder / f"runs/nano/xsub/{name}"
        write_run(runs[name], run)
        store = ClipStore.load(values[stream], data / "clips.csv", run, torch.device("cpu"))
        with torch.random.fork_rng():
            torch.manual_seed(number)
            model = build_model(network, run.dataset.skeleton, num_classes=4)
            torch.nn.init.normal_(model.classify.weight)
        write_checkpoint(runs[name] / "checkpoint.pt", run, store, model)
        score(run, store, runs[name] / "checkpoint.pt").save(runs[name] / "scores.npz")
    return folder, runs


def words_of(runs):
    files = [str(folder / "scores.npz") for folder in runs.values()]
    return {
        "scores": files,
        "streams": [*runs],
        "weights": [MEMBERS[name] for name in runs],
        "task": "nano_xsub",
        "model": "protogcn",
        "space": SPACE,
    }


@pytest.fixture(scope="module")
def table(mixed):
    folder, runs = mixed
    path = folder / "nano_xsub_mixed.csv"
    words = []
    outputs = {
        "ensemble": "mixed",
        "csv": path,
        "markdown": path.with_suffix(".md"),
        "latex": path.with_suffix(".tex"),
        "pairs": path.with_name("nano_xsub_mixed_pairs.csv"),
        "record": path.with_suffix(".json"),
    }
    for name, value in (words_of(runs) | outputs).items():
        words += [f"--{name}", *(value if isinstance(value, list) else [value])]
    with pytest.MonkeyPatch.context() as patch:
        assert run_command(fuse_stage, patch, *words) == 0
    return path


def fused_of(runs):
    scores = {name: Scores.load(folder / "scores.npz") for name, folder in runs.items()}
    return fuse(scores, MEMBERS, SPACE), next(iter(scores.values())).labels


def test_the_table_has_the_members_as_the_config_names_them(table, mixed):
    rows = pd.read_csv(table)
    assert rows["stream"].tolist() == [*MEMBERS, "fused"]
    fused, labels = fused_of(mixed[1])
    assert rows["top1"].iloc[-1] == round(100 * accuracies(fused, labels)["top1"], 2)
    assert r"| infogcn\_k1/j |" in table.with_suffix(".md").read_text()
    assert r"infogcn\_k1/j" in table.with_suffix(".tex").read_text()


def test_the_record_names_the_run_of_each_member(table, mixed):
    record = load_ensemble_record(table.with_suffix(".json"))
    assert [(run.stream, run.weight) for run in record.runs] == [*MEMBERS.items()]
    for run in record.runs:
        assert run.folder.resolve() == mixed[1][run.stream].resolve()
    assert record.space == SPACE


def test_a_recording_is_recognised_as_the_pipeline_fused_it(table, mixed, trained_nano):
    """The members have other networks, frames, crops and modalities."""
    ensemble = load_ensemble(table)
    joints = ensemble.members[0].run.dataset.skeleton.joints
    clips = [
        read_recordings(trained_nano.raw / f"{clip}.skeleton", joints, in_image=False)[0].keypoints
        for clip in trained_nano.test_clips
    ]
    found = np.stack(recognise(ensemble, clips, device=torch.device("cpu")))
    expected = fused_of(mixed[1])[0] / sum(MEMBERS.values())
    expected = np.exp(expected) / np.exp(expected).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_the_predict_command_takes_its_table(table, trained_nano, monkeypatch, capsys):
    clip = trained_nano.raw / f"{trained_nano.test_clips[0]}.skeleton"
    words = [clip, "--ensemble", table, "--json", "--device", "cpu"]
    assert run_command(predict_stage, monkeypatch, *words) == 0
    shares = [entry["probability"] for entry in json.loads(capsys.readouterr().out)["classes"]]
    assert sum(shares) == pytest.approx(1)


def test_its_networks_are_exported_to_a_folder_of_each_model(table, tmp_path):
    folders = folders_of(load_ensemble(table).members, tmp_path)
    assert [path.name for path in folders] == ["protogcn", "infogcn_k1", "stgcn@pyskl"]


def test_a_score_file_of_another_model_is_refused(mixed, tmp_path, monkeypatch, capsys):
    _, runs = mixed
    wrong = {"j": runs["j"], "stgcn@pyskl/b": runs["infogcn_k1/j"]}
    words = words_of(wrong) | {"name": "x", "table": tmp_path / "x.csv"}
    words |= {"figures": [tmp_path / "x.png"], "caption": tmp_path / "x.txt"}
    assert run_figure(streams_stage, words, monkeypatch) == 3
    message = "scores of nano_xsub/stgcn@pyskl/b: the file holds those of nano_xsub/infogcn_k1/j"
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("stage", [streams_stage, confusion_stage])
def test_its_figures_are_drawn(stage, mixed, tmp_path, monkeypatch):
    words = words_of(mixed[1]) | {"name": "mixed", "table": tmp_path / "x.csv"}
    words |= {"figures": [tmp_path / "x.png"], "caption": tmp_path / "x.txt"}
    assert run_figure(stage, words, monkeypatch) == 0
    if stage is streams_stage:
        rows = pd.read_csv(tmp_path / "x.csv")
        assert rows["streams"].iloc[-1] == "j+infogcn_k1/j+stgcn@pyskl/b"
        assert "infogcn_k1/j 1.5" in (tmp_path / "x.txt").read_text()


def test_a_comparison_table_measures_it(mixed):
    _, runs = mixed
    scheme = tuple(MEMBERS.items())
    cell = Cell("All", "mix", "nano_xsub", "top1", "protogcn", (scheme,), SPACE, ())
    files = {
        run: folder / "scores.npz" for run, folder in zip(cell.runs, runs.values(), strict=True)
    }
    digests = {
        "/".join(run): settings_digest(Scores.load(path).provenance["run"])
        for run, path in files.items()
    }
    measured = measure([cell], files, digests, partial=False)[cell]
    fused, labels = fused_of(runs)
    assert measured.values == (100 * accuracies(fused, labels)["top1"],)
    assert measured.notes == ()
