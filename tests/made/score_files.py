"""Score files whose predictions are what a test says."""

import dataclasses

import numpy as np

from protogcn.files.scores import Scores
from protogcn.scores.intervals import Credits, ScoredClips
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


def make_scores(probabilities, clips=None, labels=None, classes=None, select="last"):
    """Return scores of no run, with these probabilities."""
    probabilities = np.asarray(probabilities, np.float32)
    count, width = probabilities.shape
    return Scores(
        clips=np.array(clips or [f"c{row}" for row in range(count)]),
        labels=np.zeros(count, np.int64) if labels is None else np.array(labels),
        classes=np.array(classes or [f"class {number}" for number in range(width)]),
        logits=np.log(np.maximum(probabilities, 1e-9)),
        probabilities=probabilities,
        provenance={"select": select},
    )


def scores_by_chance(seed, count=20, width=6):
    """Return scores of no run that do not know the labels, which are always the same."""
    generator = np.random.default_rng(seed)
    values = generator.dirichlet(np.ones(width), count)
    return make_scores(values, labels=np.random.default_rng(0).integers(0, width, count))


def scores_of_run(stream, repeat=1, split="xsub"):
    """Return such scores of a run of the nano dataset."""
    run = dataclasses.replace(nano_run(), modality=stream, repeat=repeat, split=split)
    provenance = {"select": "last", "run": run.to_mapping()}
    return dataclasses.replace(scores_by_chance(1), provenance=provenance)


def credits_that_are(right, subjects=None):
    """Return credits of clips that are right (1) or not (0), and whose subjects are these."""
    right = np.asarray(right, float)
    clips = ScoredClips(
        digest="", ids=np.arange(len(right)), order=np.arange(len(right)),
        labels=np.zeros(len(right), int), subjects=subjects,
    )  # fmt: skip
    return Credits(right, np.zeros(len(right), int), clips)
