"""A checkpoint of any origin -> its tensors by name, and from them a state of one of our networks.

Reads what the released code of ProtoGCN and of PYSKL writes (mmcv's format: ProtoGCN, ST-GCN,
ST-GCN++ and CTR-GCN) and the other methods' authors, mmaction2 1.x, our own ``checkpoint.pt``, and
safetensors. Nothing in a file is run.
"""

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from protogcn.data.readers.malformed import show
from protogcn.data.readers.pickles.allowed_names import Foreign
from protogcn.data.readers.pickles.safetensors_file import load_safetensors
from protogcn.data.readers.pickles.torch_file import array_of, load_torch_file
from protogcn.data.readers.pickles.torch_tensors import PickledTensor
from protogcn.errors import ContractError
from protogcn.files.kind import SAFETENSORS, kind_of
from protogcn.models.released.any_network import conversion_to
from protogcn.models.released.mismatch import refuse_mismatch

# Where weights lie in a file, best first: mmcv's name and ours, those of others, averaged ones.
_WEIGHTS = ("state_dict", "model", "model_state_dict", "model_state", "net", "network", "weights")
_AVERAGED = ("ema", "ema_state_dict", "model_ema", "state_dict_ema", "ema_model")
_COUNTERS = "num_batches_tracked"  # the end of the names of whole numbers
# In front of every name: of several GPUs, of torch.compile, and of classes around a network.
_WRAPPERS = re.compile(r"^(?:module\.|_orig_mod\.|model\.|net\.|network\.)+")
_OF_AVERAGING = ("n_averaged", "steps")  # counters among averaged weights
_HEADS = {"cls_head.fc.": "cls_head.fc_cls."}  # of mmaction2 1.x -> of PYSKL
_OURS = "blocks.0.spatial."  # the start of names that no other code gives
_MOST_GROUPS = 8  # of tensors left out, that are listed


class WeightsFile(NamedTuple):
    """A checkpoint whose tensors are not read yet.

    Attributes:
        path: the file.
        content: all of it.
        tensors: those of the network, by the names that the file has for them.
        remark: which of several networks in it was taken, or nothing.
    """

    path: Path
    content: Mapping[str, Any]
    tensors: Mapping[str, PickledTensor]
    remark: str = ""

    @property
    def is_ours(self) -> bool:
        """Whether a training of this pipeline wrote it."""
        return any(name.startswith(_OURS) for name in self.tensors)

    @property
    def epoch(self) -> int:
        """How many epochs the training had done, 0 if the file does not say."""
        meta = self.content.get("meta")
        epoch = (meta if type(meta) is dict else self.content).get("epoch")
        return epoch if type(epoch) is int else 0

    def names_of(self, model: nn.Module) -> dict[str, tuple[str, ...]]:
        """Return, for each key of a network, the names that the file has for what is stacked in it.

        What the released code does not save is left out.
        """
        if self.is_ours:
            return {key: (key,) for key in model.state_dict()}
        return conversion_to(model)[1](model)

    def remarks_for(self, model: nn.Module) -> list[str]:
        """Return what a reader should know: which network was taken, and what of it was not."""
        names = {name for parts in self.names_of(model).values() for name in parts}
        others = [name for name in self.tensors if name not in names]
        groups = Counter(name.partition(".")[0] for name in others)
        listed = ", ".join(f"{group} ({count})" for group, count in groups.items())
        if len(groups) > _MOST_GROUPS:
            listed = f"{len(others)} tensors such as {others[0]}"
        left_out = f"has what evaluation does not need and was left out: {listed}"
        return [*filter(None, [self.remark]), *([left_out] if others else [])]

    def state_of(self, model: nn.Module, run: str) -> dict[str, Tensor]:
        """Compare names and shapes with those of a network, read, return a state in its layout.

        Args:
            model: the network, which is left as it is.
            run: what messages call the run that it is for.

        Raises:
            ContractError: it is of another network, damaged, quantised or not finite.
        """
        shapes = {name: tensor.shape for name, tensor in self.tensors.items()}
        convert, _ = conversion_to(model)
        try:  # with tensors that have a shape only, before an element is read
            if self.is_ours:
                _refuse_others(shapes, model)
            else:
                convert(
                    {name: torch.empty(each, device="meta") for name, each in shapes.items()}, model
                )
        except ContractError as error:
            raise ContractError(f"{self.path} as run {run}: {error}") from None
        return self._elements() if self.is_ours else convert(self._elements(), model)

    def _elements(self) -> dict[str, Tensor]:
        state = {}
        for name, tensor in self.tensors.items():
            values = array_of(self.path, name, tensor)
            if values.dtype.kind != "f" and not name.endswith(_COUNTERS):
                raise ContractError(
                    f"{self.path}: {name} holds elements of {values.dtype}, expected floating"
                    " point; quantised networks are not read."
                )
            if not np.isfinite(values).all():
                raise ContractError(f"{self.path}: {name} is not finite; its training had failed.")
            state[name] = torch.from_numpy(values)
            if values.dtype.kind == "f":
                state[name] = state[name].float()
        return state


def open_weights(path: Path) -> WeightsFile:
    """Open a checkpoint.

    Raises:
        ConfigError: no such file.
        ContractError: it is no checkpoint, or holds no tensors with names.
    """
    is_safe = path.is_file() and kind_of(path) == SAFETENSORS
    content = load_safetensors(path) if is_safe else load_torch_file(path)
    found = _states_in(content) if type(content) is dict else {}
    if not found:
        raise ContractError(f"{path}: {_without_weights(content)}.")
    (entry, tensors), *others = found.items()
    remark = ""
    if others:
        listed = ", ".join(name for name, _ in others)
        remark = (
            f"has the weights of {len(found)} networks; those of its entry {entry} were taken, not"
            f" {listed} (for these, save that entry in a file of its own)"
        )
    return WeightsFile(path, content if type(content) is dict else {}, tensors, remark)


def _states_in(content: Mapping[Any, Any]) -> dict[str, dict[str, PickledTensor]]:
    """Return the tensors of each network in a file by the name of its entry, best first."""
    known = [name for name in (*_WEIGHTS, *_AVERAGED) if type(content.get(name)) is dict]
    found = {}
    for name in known:
        # An entry may hold the weights one level further down, as {"model": {"state_dict": ...}}.
        inner = (content[name].get(key) for key in _WEIGHTS)
        found[name] = _state(content[name]) or _state(next(filter(_is_dict, inner), {}))
    found = {name: tensors for name, tensors in found.items() if tensors}
    alone = _state(content)
    if not found and not alone:  # an entry of another name that is the only one with tensors
        inner = _with_tensors(content)
        return inner if len(inner) == 1 else {}
    return found or {"": alone}


def _with_tensors(content: Mapping[Any, Any]) -> dict[str, dict[str, PickledTensor]]:
    inner = {str(name): _state(value) for name, value in content.items() if type(value) is dict}
    return {name: tensors for name, tensors in inner.items() if tensors}


def _state(entries: Mapping[Any, Any]) -> dict[str, PickledTensor]:
    tensors = {}
    for name, value in entries.items():
        if type(name) is str and type(value) is PickledTensor and name not in _OF_AVERAGING:
            plain = _WRAPPERS.sub("", name)
            head = next((head for head in _HEADS if plain.startswith(head)), None)
            tensors[plain if head is None else plain.replace(head, _HEADS[head], 1)] = value
    return tensors


def _is_dict(value: object) -> bool:
    return type(value) is dict


def _without_weights(content: object) -> str:
    """Return what was found in place of tensors with names."""
    entries = content if type(content) is dict else {"": content}
    is_optimizer = "optimizer" in entries or "param_groups" in entries
    for name, value in entries.items():
        # Beside an optimizer other objects are settings.
        if type(value) is Foreign and (name in _WEIGHTS or not is_optimizer):
            where = f"in {name} " if name else ""
            if value.name.startswith("__torch__"):
                kind = "a network compiled by torch.jit, expected its weights alone; save"
            else:
                kind = f"a whole pickled model {where}({value.name}), expected its weights; save"
            return f"found {kind} model.state_dict() instead of the model"
    if type(content) is dict:
        if inner := _with_tensors(content):
            return f"has the tensors of {', '.join(inner)}, expected one network; save one of these"
        if is_optimizer:
            return (
                "holds the state of an optimizer and no weights of a network, expected a"
                " state_dict; give the file that was saved with the network"
            )
        if any(type(value) is np.ndarray for value in content.values()):
            return (
                "holds arrays of numpy, expected tensors; make them so with torch.from_numpy and"
                " save the dict with torch.save"
            )
    keys = f" with {', '.join(map(show, list(content)[:5]))}" if type(content) is dict else ""
    return f"holds no tensors with names but {show(content)}{keys}, expected a state_dict"


def _refuse_others(shapes: Mapping[str, tuple[int, ...]], model: nn.Module) -> None:
    expected = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    misshapen = [
        f"{name} {shapes[name]} instead of {shape}"
        for name, shape in expected.items()
        if shapes.get(name, shape) != shape
    ]
    refuse_mismatch(shapes, expected, misshapen)
