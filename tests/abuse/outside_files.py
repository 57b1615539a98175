"""Every reader of files that other people and programs write, with whole files of each."""

import io
import json
import pickle
import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from protogcn.config.plan import expand
from protogcn.config.schema import check_schema, with_moved_keys
from protogcn.config.strict_yaml import read_config, read_yaml
from protogcn.config.variables import fill_in_paths
from protogcn.data.class_texts import read_class_texts
from protogcn.data.clip_list import load_clip_list
from protogcn.data.readers.folder import read_folder
from protogcn.data.readers.kinetics import read_compressed, read_pose_table
from protogcn.data.readers.pickles.torch_file import array_of
from protogcn.data.readers.pyskl import read_pyskl
from protogcn.data.readers.recorders.recording import layouts
from protogcn.errors import ContractError
from protogcn.files.contracts import reading
from protogcn.files.texts import load_texts
from protogcn.models.weights_file import open_weights
from protogcn.predict.recordings import read_recordings
from protogcn.scores.released_files import read_scores
from tests.made import mutations as by
from tests.made.config import SCHEMA, repository_config
from tests.made.fuzzing import Reader
from tests.made.skeleton_text import make_text

JOINTS = ("hip", "chest", "hand")
CLASSES = ("waving", "nodding")
CLIP = np.arange(1, 4 * 3 * 3 + 1, dtype=np.float32).reshape(4, 3, 3) / 10  # (T, V, 3)
_ROWS = CLIP.reshape(4, -1).tolist()


def clip_readers() -> list[Reader]:
    """Return those of files of one clip, but for NTU's."""
    return [
        Reader("csv of a clip", "fuzzed.csv", _recording(), _clip_tables(), by.some(by.in_bytes, by.in_text, by.in_text)),
        Reader("csv of a clip in an image", "fuzzed.csv", _recording(in_image=True), _flat_tables(), by.some(by.in_bytes, by.in_text, by.in_text)),
        Reader("npy of a clip", "fuzzed.npy", _recording(), [npy(CLIP), npy(CLIP[None].astype(">f8"))], by.some(by.in_npy)),
        Reader("json of a clip", "fuzzed.json", _any_recording, _json_clips(), by.some(by.in_bytes, by.in_json, by.in_json, by.in_json)),
        Reader("json of a frame", "a_1_keypoints.json", _frames, [text({"people": [{"pose_keypoints_2d": [1.5] * 54}]})], by.some(by.in_bytes, by.in_json, by.in_json)),
    ]  # fmt: skip


def skeleton_reader() -> Reader:
    """Return that of NTU's files; a refusal says in which line."""
    texts = [
        make_text([[(72, 1.0)], [(72, 1.1), (9, -0.5)], []]),
        make_text([[(1, 0.1)]] * 3, newline="\r\n"),
    ]
    return Reader("skeleton", "S001C001P001R001A001.skeleton", _skeleton, texts, by.some(by.in_bytes, by.in_text, by.in_text))  # fmt: skip


def table_readers() -> list[Reader]:
    """Return those of tables, lists and settings that people write."""
    text_alone = by.some(by.in_bytes, by.in_text, by.in_text)
    lines = b"clip,label,xsub\na,waving,train\nb,1,test\n"
    return [
        Reader("annotations.csv", "annotations.csv", _folder, [lines, lines.replace(b",", b";"), b"clip,label,xsub,subject\na,0,train,p1\nb,1,test,p2\n"], text_alone),
        Reader("csv of splits", "fuzzed.csv", _splits_beside, [b"clip,xsub\na,train\nb,test\n"], text_alone),
        Reader("csv of test clips", "fuzzed.csv", _clip_list, [lines, b"clip,label\na,0\nb,1\n"], text_alone),
        Reader("npz of test clips", "fuzzed.npz", _clip_list, [npz(y_test=np.eye(2)), npz(y_test=np.array([0, 1]))], by.some(by.in_zip(by.in_npy))),
        Reader("texts on classes", "fuzzed.txt", _texts, [b"waving;h;h;a;h;l;f\nnodding;h;h;a;h;l;f\n"], text_alone),
        Reader("text embeddings", "fuzzed.npz", lambda path: load_texts(path, CLASSES), [_embeddings()], by.some(by.in_zip(by.in_npy))),
        Reader("yaml", "fuzzed.yaml", read_config, _yamls(), text_alone),
        Reader( "config", "fuzzed.yaml", _plan, _configs(), text_alone),
    ]  # fmt: skip


def score_readers() -> list[Reader]:
    """Return those of class scores that other code wrote, but for its pickles."""
    values = np.random.default_rng(0).normal(size=(5, 3)).round(3)
    rows = "\n".join(",".join(map(str, row)) for row in values.tolist())
    named = "clip,label,a,b,c\n" + "\n".join(
        f"c{i},{i % 3},{row}" for i, row in enumerate(rows.split("\n"))
    )
    listed = [
        {"frame_dir": f"c{i}", "pred_score": row, "gt_label": i % 3}
        for i, row in enumerate(values.tolist())
    ]
    text_alone = by.some(by.in_bytes, by.in_text, by.in_text)
    arrays = npz(
        logits=values,
        clips=np.array(list("abcde")),
        labels=np.arange(5) % 3,
        classes=np.array(list("xyz")),
    )
    return [
        Reader("csv of scores", "fuzzed.csv", read_scores, [rows.encode(), named.encode(), named.replace(",", ";").encode()], text_alone),
        Reader("text of scores", "fuzzed.txt", read_scores, [rows.replace(",", " ").encode()], text_alone),
        Reader("json of scores", "fuzzed.json", read_scores, [text(values.tolist()), text(listed), text({f"c{i}": row for i, row in enumerate(values.tolist())}), text({"logits": values.tolist(), "labels": [0, 1, 2, 0, 1]})], by.some(by.in_bytes, by.in_json, by.in_json)),
        Reader("npy of scores", "fuzzed.npy", read_scores, [npy(values), npy(values[:, None].astype("f4"))], by.some(by.in_npy)),
        Reader("npz of scores", "fuzzed.npz", read_scores, [arrays, npz(scores=values)], by.some(by.in_zip(by.in_npy))),
    ]  # fmt: skip


def pickle_readers() -> list[Reader]:
    """Return those of pickles."""
    change = by.some(by.in_pickle)
    dumped = [
        pickle.dumps(content, protocol) for content in _annotations() for protocol in (2, 4, 5)
    ]
    flat = [pickle.dumps(content, 4) for content in _annotations(in_image=True)]
    values = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    scores = [
        list(values),
        {f"c{i}": row for i, row in enumerate(values)},
        (["a", "b", "c", "d"], values),
        [{"pred_score": torch.from_numpy(row), "gt_label": torch.tensor([1])} for row in values],
    ]
    table = {
        "split": {"k_train": ["a"], "k_val": ["b"]},
        "annotations": [
            {
                "frame_dir": name,
                "label": i,
                "raw_file": f"/x/{name}.pkl",
                "frame_inds": np.array([0, 0, 1]),
                "img_shape": (9, 9),
            }
            for i, name in enumerate("ab")
        ],
    }
    kept = {name: {"keypoint": np.ones((3, 17, 3), np.float16)} for name in "ab"}
    return [
        Reader("pickle of annotations", "fuzzed.pkl", _pyskl(in_image=False), dumped, change),
        Reader("pickle of annotations in images", "fuzzed.pkl", _pyskl(in_image=True), flat, change),
        Reader("pickle of Kinetics' table", "fuzzed.pkl", lambda path: read_pose_table(path, classes=CLASSES, splits=["k"]), [pickle.dumps(table, 4)], change),
        Reader("pickle of Kinetics' poses", "a.pkl", _kpfile, [pickle.dumps(kept, protocol) for protocol in (2, 4)], change),
        Reader("pickle of test clips", "fuzzed.pkl", _clip_list, [pickle.dumps((["a.skeleton", "b.skeleton"], [0, 1]), 4), dumped[0]], change),
        Reader("pickle of a recording", "fuzzed.pkl", _recording(), [pickle.dumps({"frame_dir": "a", "keypoint": CLIP[None]}, 4)], change),
        Reader("pickle of scores", "fuzzed.pkl", read_scores, [pickle.dumps(content, protocol) for content in scores for protocol in (2, 4)], change),
    ]  # fmt: skip


def checkpoint_readers() -> list[Reader]:
    """Return those of checkpoints that other code wrote."""
    tensors = OrderedDict(a=torch.ones(2, 3), b=torch.ones(4).half()[::2], n=torch.tensor(3))
    contents = [
        {"state_dict": tensors, "meta": {"epoch": 3}},
        {"model": dict(tensors), "ema": {"a": torch.ones(1)}},
        tensors,
    ]
    zips = [_saved(content) for content in contents]
    old = [_saved(content, _use_new_zipfile_serialization=False) for content in contents]
    in_zip = by.in_zip(by.in_pickle)
    return [
        Reader("checkpoint", "fuzzed.pth", _weights, zips, by.some(in_zip, in_zip, by.in_bytes)),
        Reader("checkpoint of an old torch", "fuzzed.pth", _weights, old, by.some(by.in_pickle)),
        Reader("safetensors", "fuzzed.safetensors", _weights, [_safetensors()], by.some(by.in_bytes, in_safetensors, in_safetensors)),
        Reader("torch file of scores", "fuzzed.pt", read_scores, [_saved(torch.ones(4, 3)), _saved({"a": torch.ones(3), "b": torch.ones(3)})], by.some(in_zip)),
    ]  # fmt: skip


def npy(array: np.ndarray) -> bytes:
    """Return the .npy file of an array."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def npz(**arrays: np.ndarray) -> bytes:
    """Return the .npz file of arrays."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def text(content: Any) -> bytes:
    """Return the json of some content."""
    return json.dumps(content).encode()


def in_safetensors(random: Any, data: bytes, others: Sequence[bytes]) -> bytes:
    """Change the header of a file of safetensors; its length stays true."""
    end = 8 + int.from_bytes(data[:8], "little")
    if end > len(data):
        return by.in_bytes(random, data, others)
    header = by.in_json(random, data[8:end], [other[8:] for other in others])
    return len(header).to_bytes(8, "little") + header + data[end:]


def _recording(*, in_image: bool = False) -> Callable[[Path], Any]:
    return lambda path: read_recordings(path, JOINTS, in_image=in_image)


def _skeleton(path: Path) -> Any:
    try:
        return read_recordings(path, layouts()["ntu25"].joints, in_image=False)
    except ContractError as error:
        if not re.search(r", (line \d+|the file): found .*, expected ", str(error)):
            raise ValueError("no line in the message") from error
        raise


def _any_recording(path: Path) -> Any:
    """Read a clip of whichever joints: those of three recorders, or of the toy skeleton."""
    kinds = {b"joint_positions": "azure32", b'"pose"': "openpose18", b'"pose_': "openpose18", b"image_id": "coco20", b"instance": "coco20"}  # fmt: skip
    with path.open("rb") as file:
        data = file.read(10_000)
    name = next((name for mark, name in kinds.items() if mark in data), None)
    if name is None:
        return read_recordings(path, JOINTS, in_image=False)
    layout = layouts()[name]
    return read_recordings(path, layout.joints[: layout.num_raw_joints], in_image=layout.in_image)


def _frames(path: Path) -> Any:
    layout = layouts()["openpose18"]
    try:
        return read_recordings(path.parent, layout.joints[: layout.num_raw_joints], in_image=True)
    except ContractError as error:
        if path.parent.name in str(error):  # the clip is the folder
            raise ContractError(f"{path}: {error}") from error
        raise


def _folder(path: Path) -> Any:
    for name in ("a.npy", "b.npy"):
        if not (file := path.with_name(name)).exists():
            file.write_bytes(npy(CLIP))
    return list(read_folder(path.parent, joints=JOINTS, classes=CLASSES, splits=("xsub",)))


def _splits_beside(path: Path) -> Any:
    annotations = path.with_suffix(".pkl")
    if not annotations.exists():
        annotations.write_bytes(pickle.dumps({"annotations": _annotations()[0]["annotations"]}, 4))
    return _pyskl(in_image=False)(annotations)


def _clip_list(path: Path) -> Any:
    return load_clip_list(path, "xsub", CLASSES)


def _texts(path: Path) -> Any:
    synonyms = path.with_name("synonyms.txt")
    synonyms.write_text("waving,wave\nnodding,nod\n")
    return read_class_texts(path, synonyms, CLASSES), read_class_texts(path, path, CLASSES)


def _pyskl(*, in_image: bool) -> Callable[[Path], Any]:
    return lambda path: list(
        read_pyskl(path, num_joints=3, classes=CLASSES, splits=["xsub"], in_image=in_image)
    )


def _kpfile(path: Path) -> Any:
    table = path.with_name("table.pkl")
    if not table.exists():
        sample = {"label": 0, "raw_file": "a.pkl", "frame_inds": np.array([0, 0, 1]), "img_shape": (9, 9)}  # fmt: skip
        samples = [{"frame_dir": name, **sample} for name in "ab"]
        splits = {"k_train": ["a"], "k_val": ["b"]}
        table.write_bytes(pickle.dumps({"split": splits, "annotations": samples}, 4))
    clips = read_pose_table(table, classes=CLASSES, splits=["k"])
    return list(read_compressed(clips, path.parent, 17, persons=2))


def _weights(path: Path) -> Any:
    file = open_weights(path)
    return [array_of(path, name, tensor) for name, tensor in file.tensors.items()], file.epoch


def _clip_tables() -> list[bytes]:
    names = [f"{joint}_{axis}" for joint in JOINTS for axis in "xyz"]
    numbered = [f"{axis}{number}" for number in range(3) for axis in "xyz"]
    plain = "\n".join(",".join(map(str, row)) for row in _ROWS)
    persons = [
        f"{frame},{person}," + ",".join(map(str, row))
        for person in "pq"
        for frame, row in enumerate(_ROWS)
    ]
    landmarks = [
        f"{t},{v},{','.join(map(str, joint))}"
        for t, frame in enumerate(CLIP.tolist())
        for v, joint in enumerate(frame)
    ]
    tables = [
        plain,
        ",".join(names) + "\n" + plain,
        ",".join(numbered) + "\n" + plain.replace("0.1", ""),
        "\n".join([",".join(["frame", "person", *names]), *persons]),
        "\n".join(["frame,landmark,x,y,z", *landmarks]),
        plain.replace(",", ";").replace(".", ","),
        plain.replace(",", " "),
    ]
    return [f"{table}\n".encode() for table in tables]


def _flat_tables() -> list[bytes]:
    plain = "\n".join(",".join(map(str, row)) for row in _ROWS)
    names = [f"{joint}_{axis}" for joint in JOINTS for axis in ("x", "y", "score")]
    pairs = [f"{joint}_{axis}" for joint in JOINTS for axis in "xy"]
    short = "\n".join(",".join(map(str, row[:6])) for row in _ROWS)
    return [
        f"{table}\n".encode()
        for table in (plain, ",".join(names) + "\n" + plain, ",".join(pairs) + "\n" + short)
    ]


def _json_clips() -> list[bytes]:
    pose = [0.5] * 36
    people = [{"pose": pose, "score": [0.5] * 18}]
    coco = [0.5, 0.5, 0.9] * 17
    return [text(content) for content in (
        CLIP.tolist(), [CLIP.tolist()],
        {"keypoint": CLIP.tolist(), "total_frames": 4, "frame_dir": "a", "label": 0},
        {"skeletons": CLIP.tolist(), "label": 1},
        {"data": [{"frame_index": 1, "skeleton": people}, {"frame_index": 2, "skeleton": people * 2}], "label": "x"},
        [{"people": [{"person_id": [-1], "pose_keypoints_2d": [0.5] * 54}]}] * 2,
        {"frames": [{"bodies": [{"body_id": 1, "joint_positions": [[1, 2, 3]] * 32}]}] * 2},
        [{"image_id": f"{n}.jpg", "keypoints": coco, "idx": 1} for n in range(2)],
        {"instance_info": [{"frame_id": n, "instances": [{"keypoints": [[1, 2]] * 17, "keypoint_scores": [0.5] * 17}]} for n in range(2)]},
    )]  # fmt: skip


def _annotations(*, in_image: bool = False) -> list[Any]:
    more = (
        {"img_shape": (9, 9), "keypoint_score": np.ones((1, 4, 3), np.float16)} if in_image else {}
    )
    keypoints = CLIP[None, ..., : 2 if in_image else 3].astype(np.float32)
    samples = [
        {"frame_dir": name, "label": i, "keypoint": keypoints + i, "total_frames": 4, **more}
        for i, name in enumerate("ab")
    ]
    listed = [{**sample, "keypoint": keypoints.tolist(), "label": "nodding"} for sample in samples]
    names = {"xsub_train": ["a"], "xsub_val": ["b"]}
    return [
        {"split": names, "annotations": samples},
        {"split": {"xsub": {"train": [0], "test": np.array([1])}}, "annotations": listed},
        {"split": names, "annotations": [{**s, "keypoint": torch.tensor(s["keypoint"])} for s in samples]},
    ]  # fmt: skip


def _configs() -> list[bytes]:
    """Return a config with everything that a config may have, and one of two lines."""
    config = repository_config()
    some = {"datasets": ["demo"], "models": ["protogcn"], "ensembles": ["2ens"], "tables": ["demo_table4"], "overrides": ["demo"], "skeletons": []}  # fmt: skip
    config |= {section: {name: config[section][name] for name in names} for section, names in some.items()}  # fmt: skip
    config["tables"]["demo_table4"]["methods"] = {"ProtoGCN": "protogcn"}
    return [yaml.safe_dump(config, sort_keys=False).encode()]


def _yamls() -> list[bytes]:
    return [
        b"train: &t\n  learning_rate: 1.0e-1\n  epochs: [5, true, ~, x]\nothers:\n- {<<: *t, b: 'c'}\n"
    ]


@cache
def _schema() -> Any:
    return read_yaml(SCHEMA)


def _plan(path: Path) -> Any:
    """Do what ``load_plan`` does, with the schema read once; its messages name keys, not files."""
    with reading(path, "a config"):
        config, _ = with_moved_keys(read_config(path), _schema())
        check_schema(config, _schema())
        return expand(fill_in_paths(config, _schema(), _schema()["$defs"]))


def _embeddings() -> bytes:
    return npz(
        class_names=np.array(CLASSES), part_names=np.array(("head", "hand", "hip", "foot")),
        parts=np.ones((4, 2, 3), np.float32), synonyms=np.ones((3, 3), np.float32),
        synonym_class=np.array([0, 1, 1]), encoder=np.array("none"),
    )  # fmt: skip


def _saved(content: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, **options)
    return buffer.getvalue()


def _safetensors() -> bytes:
    header = {
        "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
        "b": {"dtype": "BF16", "shape": [4], "data_offsets": [24, 32]},
        "__metadata__": {"format": "pt"},
    }
    encoded = text(header)
    return len(encoded).to_bytes(8, "little") + encoded + bytes(32)
