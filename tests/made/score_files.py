"""Score files whose predictions are what a test says."""

import dataclasses

import numpy as np

from protogcn.files.scores import Scores
from tests.made.nano import nano_run


def scores_that_say(predicted, labels, *, classes=4, stream="j", model="protogcn", **changes):
    """Return scores of the nano task that give each clip one class, with 0.9 of the probability."""
    predicted, labels = np.asarray(predicted), np.asarray(labels)
    names = classes if isinstance(classes, list) else [f"class {n}" for n in range(classes)]
    probabilities = np.full((len(labels), len(names)), 0.1 / (len(names) - 1), np.float32)
    probabilities[np.arange(len(labels)), predicted] = 0.9
    modality, _, repeat = stream.partition("-")
    run = dataclasses.replace(
        nano_run(), modality=modality, model=model, repeat=int(repeat or 1), **changes
    )
    return Scores(
        clips=np.array([f"c{row}" for row in range(len(labels))]),
        labels=labels,
        classes=np.array(names),
        logits=np.log(probabilities),
        probabilities=probabilities,
        provenance={"select": run.settings["select"], "run": run.to_mapping()},
    )


def random_scores(seed, *, clips=60, classes=4, **run):
    """Return scores that are right about half the time; the labels are always the same."""
    labels = np.random.default_rng(0).integers(
        0, classes if isinstance(classes, int) else len(classes), clips
    )
    generator = np.random.default_rng(seed)
    guesses = generator.integers(0, labels.max() + 1, clips)
    predicted = np.where(generator.random(clips) < 0.5, labels, guesses)
    return scores_that_say(predicted, labels, classes=classes, **run)
