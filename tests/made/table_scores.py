"""Score files of the nano task with known accuracies, and tables that ask for them."""

from dataclasses import replace

import numpy as np

from protogcn.config.cells import Cell, Table
from protogcn.config.recipe import settings_digest
from protogcn.files.scores import Scores
from tests.made.nano import nano_run

RIGHT = np.array([[0.7, 0.1, 0.1, 0.1]])


def predictions(*classes):
    """Return (N, K) probabilities that are highest at the given classes."""
    return np.array([np.roll(RIGHT[0], number) for number in classes])


def write_scores(root, stream, probabilities, labels, model="protogcn", clips=None, select="last"):
    """Write the score file of a stream; return its path."""
    modality, _, repeat = stream.partition("-")
    run = replace(nano_run(), model=model, modality=modality, repeat=int(repeat or 1))
    path = root / f"results/runs/nano/xsub/{model}/{stream}/scores.npz"
    values = np.asarray(probabilities, np.float32)
    Scores(
        clips=np.array(clips or [f"c{number}" for number in range(len(values))]),
        labels=np.array(labels),
        classes=np.array([f"class {number}" for number in range(values.shape[1])]),
        logits=np.log(values),
        probabilities=values,
        provenance={"select": select, "run": run.to_mapping()},
    ).save(path)
    return path


def digest_of(stream, model="protogcn", **settings):
    """Return the digest of the same run as the config would resolve it."""
    modality, _, repeat = stream.partition("-")
    run = replace(nano_run(**settings), model=model, modality=modality, repeat=int(repeat or 1))
    return settings_digest(run.to_mapping())


def cell(stream, *repeats, **changes):
    """Return a cell of the nano task; each repeat is a stream or weights of streams."""
    schemes = [{text: 1.0} if isinstance(text, str) else text for text in repeats]
    entry = {
        "method": "ProtoGCN", "stream": stream, "task": "nano_xsub", "metric": "top1",
        "model": "protogcn", "space": "probability", "notes": (),
        "repeats": tuple(tuple(scheme.items()) for scheme in schemes),
    }  # fmt: skip
    return Cell(**entry | changes)


def table(*cells, **changes):
    """Return a table of cells."""
    entry = {
        "name": "mine", "title": "Mine", "rows": "streams", "paper": "", "decimals": 2,
        "same_recipe": False, "tasks": ("nano_xsub",),
    }  # fmt: skip
    return Table(**entry | changes, cells=cells)
