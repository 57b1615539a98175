"""A third-party checkpoint -> one of a run, which is scored as if the pipeline had trained it."""

import argparse
from pathlib import Path
from typing import Any

from protogcn.config.resolved import Run, load_run
from protogcn.files.contracts import digest_of
from protogcn.files.provenance import commit, versions
from protogcn.files.sources import note_sources
from protogcn.models.checkpoint import save_checkpoint
from protogcn.models.trained import build_network, network_fingerprint
from protogcn.models.weights_file import open_weights


def import_checkpoint(run: Run, path: Path) -> dict[str, Any]:
    """Return the content of a checkpoint of ours with the weights of a third-party file.

    Only tensors are taken from the file, and the number of the epoch; nothing in it is run.

    Args:
        run: the run that it is to be scored as.
        path: a checkpoint of the released ProtoGCN, of PYSKL, of another method's authors, or of
            ours.

    Raises:
        ConfigError: no such file.
        ContractError: it is no checkpoint, or not of a network of these settings.
    """
    model = build_network(run)
    file = open_weights(path)
    model.load_state_dict(file.state_of(model, run.name))
    remarks = file.remarks_for(model)
    return {
        "model": model.state_dict(),
        "epoch": file.epoch,
        "run": run.to_mapping(),
        "facts": network_fingerprint(run, model),
        "commit": commit(),
        "versions": versions(),
        "imported": {
            "file": path.name,
            "sha256": digest_of(path),
            **({"remarks": remarks} if remarks else {}),
        },
    }


def main() -> None:
    """Turn a third-party checkpoint into one of a run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="config.yaml of the run")
    parser.add_argument("--source", type=Path, required=True, help="the third-party checkpoint")
    parser.add_argument("--checkpoint", type=Path, required=True, help="to write")
    args = parser.parse_args()

    note_sources(args.checkpoint, [args.source])
    checkpoint = import_checkpoint(load_run(args.config), args.source)
    save_checkpoint(args.checkpoint, checkpoint)
    for remark in checkpoint["imported"].get("remarks", ()):
        print(f"Warning: {args.source} {remark}.")
