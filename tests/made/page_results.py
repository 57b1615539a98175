"""Score files, tables and figures with known numbers, as the pipeline would leave them."""

import json
from dataclasses import replace

import numpy as np

from protogcn.files.scores import Scores
from tests.made.nano import nano_run, with_classes

# Names that would be a script, a tag or an attribute if they were read as html.
CLASSES = (
    "drink water",
    "<script>window.hacked=1</script>",
    '<img src=x onerror="hacked=1">',
    "a & b's",
)


def scores_of(model, stream, confusions, classes=CLASSES, split="xsub", **settings):
    """Return scores of one run whose clips of class c were taken for the classes confusions[c]."""
    labels = np.repeat(np.arange(len(classes)), [len(taken) for taken in confusions])
    predicted = np.concatenate([np.asarray(taken, int) for taken in confusions])
    logits = np.zeros((len(labels), len(classes)), np.float32)
    logits[np.arange(len(labels)), predicted] = 3
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    modality, _, repeat = stream.partition("-")
    run = replace(
        nano_run(**settings),
        dataset=with_classes(*classes),
        split=split,
        model=model,
        modality=modality,
        repeat=int(repeat or 1),
    )
    return Scores(
        clips=np.array([f"clip {row:05}" for row in range(len(labels))]),
        labels=labels,
        classes=np.array(classes),
        logits=logits,
        probabilities=probabilities,
        provenance={
            # As it is read back from a file.
            "run": json.loads(json.dumps(run.to_mapping())),
            "select": "last",
            "epoch": run.settings["epochs"],
            "data digest": "0123456789abcdef" * 4,
            "trained by": {"commit": "c" * 40, "versions": {"torch": "2.13.0"}},
            "scored by": {"commit": "c" * 40, "versions": {"torch": "2.13.0"}},
        },
    )
