"""A third-party checkpoint -> one of a run, which is scored as if the pipeline had trained it.

Reads what the released code of ProtoGCN and of PYSKL writes (mmcv's format: ProtoGCN, ST-GCN,
ST-GCN++ and CTR-GCN), and our own ``checkpoint.pt``.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from protogcn.config.resolved import Run, load_run
from protogcn.data.readers.pickles.torch_file import array_of, load_torch_file
from protogcn.data.readers.pickles.torch_tensors import PickledTensor
from protogcn.errors import ContractError
from protogcn.files.contracts import digest_of
from protogcn.files.provenance import commit, versions
from protogcn.models.checkpoint import save_checkpoint
from protogcn.models.protogcn import ProtoGCN
from protogcn.models.released.protogcn import from_released
from protogcn.models.released.pyskl import from_pyskl
from protogcn.models.trained import build_network, network_fingerprint

_WEIGHTS = ("state_dict", "model")  # mmcv's name and ours
_COUNTERS = "num_batches_tracked"  # the end of the names of whole numbers
_WRAPPER = "module."  # in front of every name when several GPUs trained it


def import_checkpoint(run: Run, path: Path) -> dict[str, Any]:
    """Return the content of a checkpoint of ours with the weights of a third-party file.

    Only tensors are taken from the file, and the number of the epoch; nothing in it is run.

    Args:
        run: the run that it is to be scored as.
        path: a checkpoint of the released ProtoGCN, of PYSKL, or of ours.

    Raises:
        ConfigError: no such file.
        ContractError: it is no checkpoint, or not of a network of these settings.
    """
    model = build_network(run)
    content = load_torch_file(path)
    model.load_state_dict(_state(path, _tensors(path, content), model, run))
    return {
        "model": model.state_dict(),
        "epoch": _epoch(content),
        "run": run.to_mapping(),
        "facts": network_fingerprint(run, model),
        "commit": commit(),
        "versions": versions(),
        "imported": {"file": path.name, "sha256": digest_of(path)},
    }


def _tensors(path: Path, content: object) -> dict[str, PickledTensor]:
    """Return the tensors of a checkpoint by name, their elements unread."""
    found = content if type(content) is dict else {}
    found = next((found[name] for name in _WEIGHTS if type(found.get(name)) is dict), found)
    tensors = {
        name.removeprefix(_WRAPPER): value
        for name, value in found.items()
        if type(name) is str and type(value) is PickledTensor
    }
    if not tensors:
        raise ContractError(f"{path}: holds no tensors with names, expected a state_dict.")
    return tensors


def _state(
    path: Path, tensors: Mapping[str, PickledTensor], model: nn.Module, run: Run
) -> dict[str, Tensor]:
    """Compare names and shapes with those of a model, read, return a state in its layout."""
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    if shapes == {name: tuple(value.shape) for name, value in model.state_dict().items()}:
        return _elements(path, tensors)
    convert = from_released if isinstance(model, ProtoGCN) else from_pyskl
    try:  # with tensors that have a shape only, before an element is read
        convert({name: torch.empty(shape, device="meta") for name, shape in shapes.items()}, model)
    except ContractError as error:
        raise ContractError(f"{path} as run {run.name}: {error}") from None
    return convert(_elements(path, tensors), model)


def _elements(path: Path, tensors: Mapping[str, PickledTensor]) -> dict[str, Tensor]:
    state = {}
    for name, tensor in tensors.items():
        values = array_of(path, name, tensor)
        if values.dtype.kind != "f" and not name.endswith(_COUNTERS):
            raise ContractError(
                f"{path}: {name} holds elements of {values.dtype}, expected floating point;"
                " quantised networks are not read."
            )
        if not np.isfinite(values).all():
            raise ContractError(f"{path}: {name} is not finite; its training had failed.")
        state[name] = torch.from_numpy(values)
        if values.dtype.kind == "f":
            state[name] = state[name].float()
    return state


def _epoch(content: Mapping[str, Any]) -> int:
    """Return how many epochs the training had done, 0 if the file does not say."""
    meta = content.get("meta")
    epoch = (meta if type(meta) is dict else content).get("epoch")
    return epoch if type(epoch) is int else 0


def main() -> None:
    """Turn a third-party checkpoint into one of a run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="config.yaml of the run")
    parser.add_argument("--source", type=Path, required=True, help="the third-party checkpoint")
    parser.add_argument("--checkpoint", type=Path, required=True, help="to write")
    args = parser.parse_args()

    save_checkpoint(args.checkpoint, import_checkpoint(load_run(args.config), args.source))
