"""A trained run -> files for other programs: ONNX, torch.export, a json that describes the input.

Shapes: N crops, M persons, T frames, V joints, C channels, K classes.
"""

import argparse
import hashlib
import io
import json
import logging
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from protogcn.batches.bodies import all_bodies
from protogcn.data.scale import scale_entry
from protogcn.errors import ConfigError, ContractError
from protogcn.files.contracts import save_text, writing
from protogcn.files.provenance import commit, versions
from protogcn.predict.ensemble import Member, load_ensemble, load_member

if TYPE_CHECKING:
    from torch.export import ExportedProgram

_EXAMPLES = 3  # crops that the graph is traced with
_CHECKED = (1, 2, 5)  # crops in a batch; each number is tried
_TOLERANCE = 1e-4  # of the largest logit; float32 adds up in another order elsewhere
_POSITIONS = {
    "name": "positions",
    "type, axes and shape": "those of the first input",
    "is": "the joints of the same frames, whatever the modality of the first input",
    "first input": "joints relative to the root, or bones; the row of the root is its position",
}
_SECONDS = 2.0  # that the speed is measured for


class CropLogits(nn.Module):
    """The network as other programs see it: crops in, logits out.

    One that reads positions besides its modality has these as a second input.
    """

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, crops: Tensor, positions: Tensor | None = None) -> Tensor:
        """(N, M, T, V, C), and positions of the same shape -> (N, K)."""
        bodies = all_bodies(crops)
        if positions is not None:
            bodies = bodies._replace(positions=positions.flatten(0, 1))
        return self.model(bodies)


def export_member(member: Member, folder: Path, *, batch: int) -> dict[str, Any]:
    """Write an ``.onnx``, a ``.pt2`` and a ``.json`` of one run, named after its stream.

    Nothing is written before both networks are found to be equal; the json comes last.

    Args:
        member: the trained network.
        folder: is created.
        batch: crops in a batch when the speed is measured.

    Returns:
        The content of the json.

    Raises:
        ConfigError: onnx, onnxscript or onnxruntime is not installed.
        ContractError: the exported network computes something else than torch.
    """
    _check_installed()
    network = CropLogits(member.model.eval())
    stem = folder / member.run.stream
    interface = interface_of(member)
    program = trace(network, example_inputs(member, _EXAMPLES))
    onnx, torch_file = _onnx_of(program, interface), _torch_file_of(program, interface)
    computed = {
        "onnx": (stem.with_suffix(".onnx"), onnx, onnx_session(onnx)),
        "torch": (stem.with_suffix(".pt2"), torch_file, _reloaded(torch_file)),
    }
    files = {}
    for kind, (path, content, logits_of) in computed.items():
        files[kind] = {
            "file": path.name,
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "largest difference": check_equal(network, logits_of, member, str(path)),
            "clips per second": round(
                _crops_per_second(logits_of, member, batch) / member.run.settings["crops"], 2
            ),
        }
    report = {**interface, "batch of the speed": batch, "files": files}
    report_path = stem.with_suffix(".json")
    for path, content, _ in computed.values():
        with writing(path, needed=len(content)) as file:
            file.write(content)
            report_path.unlink(missing_ok=True)  # an older one does not describe this file
    save_text(report_path, json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    return report


def folders_of(members: Sequence[Member], folder: Path) -> list[Path]:
    """Return where the files of each member go: of several models, each in a folder of its own.

    Raises:
        ConfigError: two members would have the same files.
    """
    one_model = len({member.run.model for member in members}) == 1
    folders = [folder if one_model else folder / member.run.model for member in members]
    streams = [member.run.stream for member in members]
    if len({*zip(folders, streams, strict=True)}) < len(members):
        raise ConfigError(
            f"--runs: two runs are of one stream ({', '.join(streams)}), and the files are named"
            " after streams; export each of them into another folder."
        )
    return folders


def interface_of(member: Member) -> dict[str, Any]:
    """Return what a program has to know to feed the network; each file contains it."""
    run = member.run
    skeleton, settings = run.dataset.skeleton, run.settings
    return {
        "run": run.name,
        "epoch": member.epoch,
        "input": {
            "name": "crops",
            "type": "float32",
            "axes": ["crops", "persons", "frames", "joints", "channels"],
            "shape": ["any", run.dataset.persons, settings["frames"], skeleton.num_joints, 3],
            "modality": run.modality_of_input,
            "preparation": settings["preparation"],
            "channels": ["x", "y", "score" if skeleton.in_image else "z"],
            "unit": "pixels" if skeleton.in_image else "metres",
            "empty person": "all zero, and the last one",
            "difference": settings["difference"],
            "short clips": settings["short_clips"],
            "sampling": run.option("sampling"),
            "only person in both slots": run.option("copy_person"),
            **scale_entry(member.scale),
        },
        **({"second input": _POSITIONS} if run.reads_positions else {}),
        "output": {"name": "logits", "type": "float32", "axes": ["crops", "classes"]},
        "a clip's probabilities": f"the mean over {settings['crops']} crops of the softmax",
        "classes": list(run.dataset.classes),
        "skeleton": {"name": skeleton.name, **skeleton.to_mapping()},
        "exported by": {"commit": commit(), "versions": versions()},
    }


def example_inputs(member: Member, num_crops: int) -> tuple[Tensor, ...]:
    """Return crops (N, M, T, V, C) of the right shape, and positions if the network reads them.

    The last person of the first crop is absent.
    """
    run = member.run
    shape = (run.dataset.persons, run.settings["frames"], run.dataset.skeleton.num_joints, 3)
    generator = torch.Generator().manual_seed(0)
    inputs = [torch.randn(num_crops, *shape, generator=generator)]
    if run.reads_positions:
        inputs.append(torch.randn(num_crops, *shape, generator=generator))
    if run.dataset.persons > 1:
        for each in inputs:
            each[0, -1] = 0
    return tuple(inputs)


def trace(network: nn.Module, inputs: tuple[Tensor, ...]) -> "ExportedProgram":
    """Return the graph of a network for any number of crops."""
    any_number = {0: torch.export.Dim("crops", min=1)}
    with torch.no_grad():
        return torch.export.export(
            network, inputs, dynamic_shapes={name: any_number for name in _names(inputs)}
        )


def _names(inputs: Sequence[object]) -> list[str]:
    return ["crops", "positions"][: len(inputs)]


def check_equal(
    network: nn.Module, logits_of: Callable[..., np.ndarray], member: Member, where: str
) -> float:
    """Return the largest difference between two networks, as a share of the largest logit.

    Raises:
        ContractError: it is more than rounding explains.
    """
    largest = 0.0
    for num_crops in _CHECKED:
        inputs = example_inputs(member, num_crops)
        with torch.no_grad():
            expected = network(*inputs).numpy()
        found = logits_of(*(each.numpy() for each in inputs))
        if found.shape != expected.shape:
            raise ContractError(f"{where}: gives {found.shape} for {expected.shape}.")
        largest = max(largest, float(np.abs(found - expected).max() / np.abs(expected).max()))
    if not largest <= _TOLERANCE:
        raise ContractError(
            f"{where}: differs from torch by {largest:.1e} of the largest logit, expected at most"
            f" {_TOLERANCE:.0e}; do not use it."
        )
    return largest


def onnx_session(onnx: bytes) -> Callable[..., np.ndarray]:
    """Return crops, maybe positions -> logits, by onnxruntime on one thread of the CPU.

    Args:
        onnx: the content of a file.
    """
    import onnxruntime  # an optional package: see _check_installed

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])

    def logits_of(*inputs: np.ndarray) -> np.ndarray:
        return session.run(["logits"], dict(zip(_names(inputs), inputs, strict=True)))[0]

    return logits_of


def _check_installed() -> None:
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            f"{error.name} is not installed, export needs it: pip install onnx onnxruntime"
            " onnxscript."
        ) from error


def _onnx_of(program: "ExportedProgram", interface: dict[str, Any]) -> bytes:
    """Convert a graph and put what to know about it into it."""
    # Its messages are about other packages of torch, not about this network.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        converted = torch.onnx.export(program, dynamo=True, output_names=["logits"], verbose=False)
    converted.model.doc_string = __doc__
    for name, value in interface.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        converted.model.metadata_props[name] = text
    return converted.model_proto.SerializeToString()


def _torch_file_of(program: "ExportedProgram", interface: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    torch.export.save(program, buffer, extra_files={"interface.json": json.dumps(interface)})
    return buffer.getvalue()


def _reloaded(torch_file: bytes) -> Callable[..., np.ndarray]:
    network = torch.export.load(io.BytesIO(torch_file)).module()

    def logits_of(*inputs: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return network(*map(torch.from_numpy, inputs)).numpy()

    return logits_of


def _crops_per_second(logits_of: Callable[..., np.ndarray], member: Member, batch: int) -> float:
    inputs = [each.numpy() for each in example_inputs(member, batch)]
    logits_of(*inputs)
    begin, done = time.perf_counter(), 0
    while done == 0 or time.perf_counter() - begin < _SECONDS:
        logits_of(*inputs)
        done += batch
    return done / (time.perf_counter() - begin)


def main() -> None:
    """Export the networks of an ensemble or of some runs, print their size and speed."""
    parser = argparse.ArgumentParser(description=__doc__)
    networks = parser.add_mutually_exclusive_group(required=True)
    networks.add_argument("--ensemble", type=Path, help="such as results/ntu120_xsub_6ens.csv")
    networks.add_argument("--runs", type=Path, nargs="+", help="directories of trained runs")
    parser.add_argument("--folder", type=Path, required=True, help="where the files go")
    parser.add_argument("--batch", type=int, default=10, help="crops at once, for the speed")
    args = parser.parse_args()

    if args.batch < 1:
        raise ConfigError(f"--batch: found {args.batch}, expected 1 or more.")
    torch.set_num_threads(1)
    if args.ensemble is not None:
        members: Sequence[Member] = load_ensemble(args.ensemble).members
    else:
        members = [load_member(folder) for folder in args.runs]
    for member, folder in zip(members, folders_of(members, args.folder), strict=True):
        for entry in export_member(member, folder, batch=args.batch)["files"].values():
            print(
                f"{folder / entry['file']}: {entry['bytes'] / 1e6:.1f} MB,"
                f" {entry['clips per second']:.1f} clips/s of {member.run.settings['crops']} crops"
                " on one thread, differs from torch by at most"
                f" {entry['largest difference']:.0e}."
            )
