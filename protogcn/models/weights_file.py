"""A checkpoint of any origin -> its tensors by name, and from them a state of one of our networks.

Reads what the released code of ProtoGCN and of PYSKL writes (mmcv's format: ProtoGCN, ST-GCN,
ST-GCN++ and CTR-GCN), and our own ``checkpoint.pt``. Nothing in a file is run.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from protogcn.data.readers.pickles.torch_file import array_of, load_torch_file
from protogcn.data.readers.pickles.torch_tensors import PickledTensor
from protogcn.errors import ContractError
from protogcn.models.protogcn import ProtoGCN
from protogcn.models.released.mismatch import refuse_mismatch
from protogcn.models.released.protogcn import from_released, released_names
from protogcn.models.released.pyskl import from_pyskl, pyskl_names

_WEIGHTS = ("state_dict", "model")  # mmcv's name and ours
_COUNTERS = "num_batches_tracked"  # the end of the names of whole numbers
_WRAPPER = "module."  # in front of every name when several GPUs trained it
_OURS = "blocks.0.spatial."  # the start of names that no other code gives


class WeightsFile(NamedTuple):
    """A checkpoint whose tensors are not read yet.

    Attributes:
        path: the file.
        content: all of it.
        tensors: those of the network, by the names that the file has for them.
    """

    path: Path
    content: Mapping[str, Any]
    tensors: Mapping[str, PickledTensor]

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
        return released_names(model) if isinstance(model, ProtoGCN) else pyskl_names(model)

    def state_of(self, model: nn.Module, run: str) -> dict[str, Tensor]:
        """Compare names and shapes with those of a network, read, return a state in its layout.

        Args:
            model: the network, which is left as it is.
            run: what messages call the run that it is for.

        Raises:
            ContractError: it is of another network, damaged, quantised or not finite.
        """
        shapes = {name: tensor.shape for name, tensor in self.tensors.items()}
        convert = from_released if isinstance(model, ProtoGCN) else from_pyskl
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
    content = load_torch_file(path)
    found = content = content if type(content) is dict else {}
    found = next((content[name] for name in _WEIGHTS if type(content.get(name)) is dict), found)
    tensors = {
        name.removeprefix(_WRAPPER): value
        for name, value in found.items()
        if type(name) is str and type(value) is PickledTensor
    }
    if not tensors:
        raise ContractError(f"{path}: holds no tensors with names, expected a state_dict.")
    return WeightsFile(path, content, tensors)


def _refuse_others(shapes: Mapping[str, tuple[int, ...]], model: nn.Module) -> None:
    expected = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    misshapen = [
        f"{name} {shapes[name]} instead of {shape}"
        for name, shape in expected.items()
        if shapes.get(name, shape) != shape
    ]
    refuse_mismatch(shapes, expected, misshapen)
