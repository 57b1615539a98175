"""Every reader of files that the pipeline itself writes, with whole files of each, without seals.

A seal would refuse nearly all that is damaged; without one, as older versions and people write
files, the readers themselves have to.
"""

import hashlib
import io
import json
import re
import struct
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import torch
import yaml

from protogcn.config.resolved import load_dataset, load_run
from protogcn.config.written import read_written
from protogcn.data.pose_shards import read_shards
from protogcn.files.arrays import open_array
from protogcn.files.clip_table import ClipTable
from protogcn.files.ensemble import (
    EnsembleRecord,
    FusedRun,
    load_ensemble_record,
    save_ensemble_record,
)
from protogcn.files.history import load_history
from protogcn.files.manifest import KnownFile, Manifest, ScoredRun
from protogcn.files.progress import RunProgress, load_progress
from protogcn.files.scores import Scores, load_score_facts
from protogcn.files.weights import LearnedWeights
from protogcn.models.checkpoint import load_checkpoint
from protogcn.report.page.tables import read_shown_table
from protogcn.report.provenance.bundle_file import manifests_of
from protogcn.report.provenance.check import check_manifest
from protogcn.report.provenance.evidence import evidence_of
from protogcn.report.tables.tabulate import _requested
from tests.abuse.outside_files import npz
from tests.made import mutations as by
from tests.made.fuzzing import Reader
from tests.made.nano import DATASET, nano_run, write_dataset
from tests.made.score_files import random_scores
from tests.made.table_scores import cell, table

_TEXT = by.some(by.in_bytes, by.in_text, by.in_text)
_JSON = by.some(by.in_bytes, by.in_json, by.in_json, by.in_json)


def our_readers(folder: Path) -> list[Reader]:
    """Write one file of every kind into a folder, and return the readers."""
    write_dataset(folder)
    return [*_of_data(folder), *_of_runs(), *_of_results(folder)]


def in_array(random: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Change the header, the numbers or the trailer of an array of ours; its digest stays true."""
    length, magic = struct.unpack("<Q8s", data[-16:]) if len(data) > 16 else (0, b"")
    if magic != b"PGCNSHA1" or length > len(data) - 16 or random.random() < 0.2:
        return by.in_bytes(random, data, others)
    array, trailer = data[: -16 - length], data[-16 - length : -16]
    if random.random() < 0.5:
        array = by.in_npy(random, array, [array])
        start = 10 + int.from_bytes(array[8:10], "little")
        digest = hashlib.sha256(array[start:]).hexdigest().encode()
        trailer = re.sub(rb'(?<="sha256": ")[0-9a-f]{64}', digest, trailer)
    else:
        trailer = by.in_json(random, trailer, [trailer])
    return array + trailer + struct.pack("<Q8s", len(trailer), magic)


def _of_data(folder: Path) -> list[Reader]:
    poses = b"clip,label,image_height,image_width,rule,shard,first_frame,num_frames,crc32,xsub\na,0,9,9,no_body,,0,0,0,test\n"
    return [
        Reader("joints.npy", "fuzzed.npy", open_array, [(folder / "joints.npy").read_bytes(), (folder / "j.npy").read_bytes()[:]], by.some(in_array)),
        Reader("clips.csv", "fuzzed.csv", ClipTable.load, [(folder / "clips.csv").read_bytes()], _TEXT),
        Reader("dataset.yaml", "fuzzed.yaml", load_dataset, [_yaml(DATASET.to_mapping())], _TEXT),
        Reader("poses.csv", "fuzzed.csv", lambda path: list(read_shards(path, path.parent, ["xsub"])), [poses], _TEXT),
    ]  # fmt: skip


def _of_runs() -> list[Reader]:
    history = b"epoch,learning_rate,loss,accuracy,val_accuracy,seconds\n1,0.1,2.5,20.0,,3.1\n2,0.05,1.5,40.0,35.0,3.0\n"
    state = {
        "model": {"w": torch.ones(2, 3), "n": torch.tensor(3)},
        "epoch": 3,
        "history": [{"loss": 1.5}],
        "best": None,
    }
    in_zip = by.in_zip(by.in_pickle)
    return [
        Reader("config.yaml of a run", "fuzzed.yaml", load_run, [_yaml(nano_run().to_mapping())], _TEXT),
        Reader("history.csv", "fuzzed.csv", load_history, [history], _TEXT),
        Reader("progress.json", "progress.json", lambda path: load_progress(path.parent), [_progress()], _JSON),
        Reader("checkpoint.pt", "fuzzed.pt", lambda path: load_checkpoint(path, {"model": dict, "epoch": int}), [_saved(state)], by.some(in_zip, in_zip, by.in_bytes)),
    ]  # fmt: skip


def _of_results(folder: Path) -> list[Reader]:
    scores = random_scores(1, clips=9)
    arrays = scores._arrays()
    compact = {
        **replace(scores, subjects=scores.clips)._arrays(),
        "exact": arrays["labels"][:0],
        "original": arrays["clips"][0],
    }
    compact |= {f"exact_{name}": arrays[name][:0] for name in ("logits", "probabilities")}
    shown = b"stream,top1,top1_low,clips\nj,50.00,40.1,9\nb,40.00,30.1,9\n"
    return [
        Reader("scores.npz", "fuzzed.npz", _scores, [npz(**arrays), npz(**compact)], by.some(by.in_zip(_in_array_or_json))),
        Reader("csv of a table", "fuzzed.csv", read_shown_table, [shown], _TEXT),
        Reader("record of an ensemble", "fuzzed.json", load_ensemble_record, [_record(folder)], _JSON),
        Reader("learned weights", "fuzzed.json", LearnedWeights.load, [_learned(folder)], _JSON),
        Reader("settings of a table", "fuzzed.yaml", lambda path: read_written(path, "table", _requested), [_table_settings()], _TEXT),
        Reader("manifest", "fuzzed.manifest.json", _manifest, [_manifest_of(folder)], _JSON),
        Reader("bundle", "fuzzed.zip", _bundle, [by.zipped([("t.manifest.json", _manifest_of(folder, inside=True)), ("t.csv", shown)])], by.some(by.in_zip(by.in_json), by.in_bytes)),
    ]  # fmt: skip


def _in_array_or_json(random: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Change an array, or the json that is its one text."""
    start = 10 + int.from_bytes(data[8:10], "little")
    try:
        content = json.loads(data[start:].decode("utf-32-le"))
    except ValueError:
        return by.in_npy(random, data, others)
    changed = json.dumps(by.changed_value(random, content))
    buffer = io.BytesIO()
    import numpy as np

    np.save(buffer, np.array(changed))
    return buffer.getvalue()


def _scores(path: Path) -> Any:
    facts, scores = load_score_facts(path), Scores.load(path)
    return (
        facts,
        scores.space,
        scores.clips_digest,
        scores.run if "run" in scores.provenance else "",
    )


def _manifest(path: Path) -> Any:
    path.with_name("t.csv").write_text("stream,top1\nj,50.00\n")
    found = Manifest.load(path)
    return found.files, evidence_of(path), check_manifest(path)


def _bundle(path: Path) -> Any:
    with manifests_of(path) as (found, named):
        return [named(str(each)) for each in found]


def _manifest_of(folder: Path, *, inside: bool = False) -> bytes:
    place = folder / "here"
    runs = [
        ScoredRun(
            place / f"{name}.npz", f"t/m/{name}", "test", 3, "ab", {"batch": "8", "seed": name}
        )
        for name in "jb"
    ]
    kept = Manifest(
        command="fuse", options={"weights": [1.0, 2.0], "task": "t"},
        inputs={"scores": [KnownFile(run.path, "cd") for run in runs], "learned": []},
        outputs={"csv": [KnownFile(place / "t.csv", "ef")]},
        made_by={"commit": "unknown", "versions": {"protogcn": "1"}}, runs=runs,
    )  # fmt: skip
    kept.save(place / "t.manifest.json")
    return (place / "t.manifest.json").read_bytes()


def _record(folder: Path) -> bytes:
    runs = [
        FusedRun("j", 2.0, folder / "j", {"start": "x"}),
        FusedRun("b", 1.0, folder / "b", temperature=0.5),
    ]
    save_ensemble_record(folder / "t.json", EnsembleRecord("logit", runs, ["a remark"], 0.7, "val"))
    return (folder / "t.json").read_bytes()


def _learned(folder: Path) -> bytes:
    weights = {"j": 0.75, "b": 0.25}
    LearnedWeights(
        task="t", side="val", space="logit", weights=weights, temperatures=dict.fromkeys(weights, 1.0),
        temperature=0.5, clips=9, log_loss_before=2.0, log_loss=1.5, digests=dict.fromkeys(weights, "ab"),
    ).save(folder / "weights.json")  # fmt: skip
    return (folder / "weights.json").read_bytes()


def _progress() -> bytes:
    progress = RunProgress(
        "running", 2, 9, share=0.5, accuracy=50.0, loss=1.5, host="here", process=9
    )
    return json.dumps(vars(progress)).encode()


def _table_settings() -> bytes:
    return _yaml(
        {
            **table(cell("j", "j"), cell("jb", {"j": 2.0, "b": 1.0})).to_mapping(),
            "recipe": {"epochs": 10},
            "digests": {f"nano_xsub/protogcn/{stream}": "0" * 64 for stream in ("j", "b")},
        }
    )


def _saved(content: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def _yaml(content: Any) -> bytes:
    return yaml.safe_dump(json.loads(json.dumps(content)), sort_keys=False).encode()
