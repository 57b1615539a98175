"""The file that a run starts from -> its weights in the run's network, and a record of it.

What depends on the classes (the classifier, the memory of the contrastive loss) or on the persons
(CTR-GCN's input norm) is new where they differ; all else has to fit.
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import chain, groupby
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from protogcn.config.resolved import Run
from protogcn.config.skeleton import Skeleton
from protogcn.config.start_from import (
    ALL_BUT_CLASSIFIER,
    frozen_blocks,
    other_layout,
    refuse_other_layout,
)
from protogcn.files.contracts import digest_of, reading
from protogcn.models import build_model
from protogcn.models.weights_file import WeightsFile, open_weights

_CLASSIFIER, _INPUT, _BLOCKS = "classify", "input_norm", "blocks"
_OF_CLASSES = (f"{_CLASSIFIER}.weight", f"{_CLASSIFIER}.bias", "contrast.bank", "prior")
_NORMS = (f"{_INPUT}.weight", f"{_INPUT}.norm.weight")  # of clips, or of joints that are mapped


@dataclass(frozen=True)
class Start:
    """What a training begins with.

    Attributes:
        record: for checkpoint, scores and tables: the file, its SHA-256 and epoch, how many tensors
            were loaded, which are new and why, which parts are frozen, and how it was trained
            otherwise.
        digest: of the loaded weights, wherever their file is.
        frozen: the parts that stay as they are: no gradients, and norms as in evaluation.
        groups: all other parameters as an optimizer takes them, the loaded ones maybe with a
            learning rate of their own.
    """

    record: Mapping[str, Any]
    digest: str
    frozen: tuple[nn.Module, ...]
    groups: list[dict[str, Any]]

    def __str__(self) -> str:
        """Say all of it in one line."""
        said, reasons = self.record, {}
        for name, reason in said["new"].items():
            reasons.setdefault(reason, []).append(name)
        new = [f"{', '.join(names)} ({reason})" for reason, names in reasons.items()]
        parts = [
            f"{said['file']} (SHA-256 {said['sha256'][:12]}, epoch {said['epoch']})",
            f"{said['loaded']} tensors loaded",
            f"new: {', '.join(new) or 'nothing'}",
            f"frozen: {', '.join(said['frozen']) or 'nothing'}",
            *said["remarks"],
        ]
        return "; ".join(parts)


class _Origin(NamedTuple):
    """What a checkpoint of ours says about its run."""

    skeleton: Skeleton
    classes: tuple[str, ...]
    modality: str
    preparation: str


def load_start(run: Run, model: nn.Module) -> Start:
    """Load the weights that a run starts from into its network, and freeze what it says.

    Args:
        run: it has a ``start_from``.
        model: its network as it was drawn, which is kept where nothing is loaded.

    Raises:
        ConfigError: there is no such file, or it is of another joint layout.
        ContractError: it is no checkpoint, or of a network that differs in anything else.
    """
    file = open_weights(Path(run.settings["start_from"]))
    origin = _origin_of(file)
    if origin is not None:
        where = f"run {run.name}"
        refuse_other_layout(where, str(file.path), origin.skeleton, run.dataset.skeleton)
    state = _state_in_its_own_sizes(file, model, run)
    drawn = model.state_dict()
    new = _new(file, origin, state, model, run)
    loaded = {key: value for key, value in state.items() if key not in new}
    model.load_state_dict(drawn | loaded)
    frozen = _frozen(run, model, new)
    parts = tuple(chain.from_iterable(frozen.values()))
    for part in parts:
        part.requires_grad_(False)
    record = {
        "file": str(file.path),
        "sha256": digest_of(file.path),
        "epoch": file.epoch,
        "loaded": len(loaded),
        "new": new,
        "frozen": list(frozen),
        "remarks": [
            *_remarks(origin, run),
            *(f"it {remark}" for remark in file.remarks_for(model)),
        ],
    }
    return Start(record, _digest(loaded), parts, _groups(run, model, new))


def _origin_of(file: WeightsFile) -> _Origin | None:
    entry = file.content.get("run")
    if not file.is_ours or type(entry) is not dict:
        return None
    with reading(file.path, "a checkpoint with the settings of its run"):
        layout = dict(entry["dataset"]["skeleton"])
        return _Origin(
            Skeleton.from_mapping(layout.pop("name"), layout),
            tuple(entry["dataset"]["classes"]),
            entry["modality"],
            entry["settings"]["preparation"],
        )


def _state_in_its_own_sizes(file: WeightsFile, model: nn.Module, run: Run) -> dict[str, Tensor]:
    """Return the file's weights in the layout of a network with its own classes and persons."""
    names, skeleton = file.names_of(model), run.dataset.skeleton
    graph = next(key for key in names if key.endswith((".topology", ".graph")))  # of block 1
    num_joints = _size(file, names[graph], -1)
    if num_joints not in (None, skeleton.num_joints):
        raise other_layout(
            f"run {run.name}",
            str(file.path),
            f"of the file ({num_joints} joints)",
            f"{skeleton.name} ({skeleton.num_joints} joints)",
        )
    num_classes = _size(file, names[f"{_CLASSIFIER}.weight"], 0) or len(run.dataset.classes)
    of_input = _size(file, next(names[key] for key in _NORMS if key in names), 0) or 0
    with torch.random.fork_rng(devices=[]):  # its own weights are nothing: none is drawn for them
        like_file = build_model(
            run.network,
            skeleton,
            num_classes=num_classes,
            num_persons=of_input // _numbers_of_person(model) or run.dataset.persons,
        )
    return file.state_of(like_file, run.name)


def _size(file: WeightsFile, names: tuple[str, ...], axis: int) -> int | None:
    """Return the length of an axis of a tensor, None if the file lacks it: ``state_of`` says so."""
    tensor = file.tensors.get(names[0])
    return tensor.shape[axis] if tensor is not None and tensor.shape else None


def _numbers_of_person(model: nn.Module) -> int:
    """Return how many numbers of a frame the input norm has for one person slot."""
    norm = getattr(model.input_norm, "norm", model.input_norm)
    return norm.num_features // getattr(norm, "num_persons", 1)


def _new(
    file: WeightsFile,
    origin: _Origin | None,
    state: Mapping[str, Tensor],
    model: nn.Module,
    run: Run,
) -> dict[str, str]:
    """Return the tensors of the network that are not loaded, each with the reason."""
    in_file = file.names_of(model)
    num_theirs, ours = len(state[f"{_CLASSIFIER}.weight"]), run.dataset.classes
    of_classes = f"{num_theirs} -> {len(ours)} classes"
    if num_theirs == len(ours):
        of_classes = f"{num_theirs} other classes" if origin and origin.classes != ours else ""
    new = {}
    for key, value in model.state_dict().items():
        if key not in in_file:
            new[key] = "not in the file"
        elif key in _OF_CLASSES:
            new |= {key: of_classes} if of_classes else {}
        elif state[key].shape != value.shape:
            per_person = _numbers_of_person(model)
            persons = [len(each) // per_person for each in (state[key], value)]
            new[key] = f"{persons[0]} -> {persons[1]} persons"
    return new


def _frozen(run: Run, model: nn.Module, new: Collection[str]) -> dict[str, list[nn.Module]]:
    """Return the frozen parts by name; what has anything new in it is none.

    What comes before block 1 goes with it: no gradient has to pass through frozen blocks.
    """
    freeze = run.settings.get("freeze", [])
    numbers = sorted(frozen_blocks(f"run {run.name}", freeze, len(model.blocks)))
    names = [_INPUT] if 1 in numbers else []
    if ALL_BUT_CLASSIFIER in freeze:
        children = (name for name, _ in model.named_children())
        names += [name for name in children if name not in (_INPUT, _BLOCKS, _CLASSIFIER)]
    parts = {
        name: [model.get_submodule(name)]
        for name in names
        if not any(key.startswith(f"{name}.") for key in new)
    }
    for _, group in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]):  # no gap inside
        blocks = [number for _, number in group]
        name = f"block {blocks[0]}" if len(blocks) == 1 else f"blocks {blocks[0]}-{blocks[-1]}"
        parts[name] = [model.blocks[number - 1] for number in blocks]
    return parts


def _groups(run: Run, model: nn.Module, new: Collection[str]) -> list[dict[str, Any]]:
    learning = [(key, each) for key, each in model.named_parameters() if each.requires_grad]
    if (rate := run.settings.get("loaded_learning_rate")) is None:
        return [{"params": [each for _, each in learning]}]
    groups = [
        {"params": [each for key, each in learning if key in new]},
        {"params": [each for key, each in learning if key not in new], "lr": rate},
    ]
    return [group for group in groups if group["params"]]


def _remarks(origin: _Origin | None, run: Run) -> list[str]:
    """Return what a reader should know besides: nothing is refused for it."""
    if origin is None:
        return ["the file does not tell its joint layout, its classes and its modality"]
    pairs = {
        "modality": (origin.modality, run.modality),
        "preparation": (origin.preparation, run.settings["preparation"]),
    }
    return [
        f"it was trained on {name} {theirs}, this run is on {ours}"
        for name, (theirs, ours) in pairs.items()
        if theirs != ours
    ]


def _digest(state: Mapping[str, Tensor]) -> str:
    found = hashlib.sha256()
    for key in sorted(state):
        found.update(f"{key} {tuple(state[key].shape)}".encode())
        found.update(state[key].numpy().tobytes())
    return found.hexdigest()
