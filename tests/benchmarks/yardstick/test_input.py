"""The input yardstick gives the released crops bit for bit, and the package's values."""

import random

import numpy as np
import pytest

from benchmarks.yardstick.input import prenormalise, scoring_batch, training_batch
from protogcn.batches.augment import Augmentation
from protogcn.batches.sampling import scoring_frames
from protogcn.config.resolved import MODALITIES
from protogcn.data.bones import compute_modality
from protogcn.data.preparation import prepare
from tests.unit.batches.test_augment import DROPPED, SWAPPED

# Stream and the seeds of numpy's and Python's generators, by the prefix of the golden array.
SEEDS = {"seed11": (11, 11), "np11_py1": (11, 1)}
TRAINED = [
    ("seed11", "ntu60_xsub_j"),
    ("seed11", "ntu60_xsub_b"),
    ("seed11", "ntu60_xsub_km"),
    ("seed11", "ntu120_xsub_k"),
    ("seed11", "ntu60_xview_km"),
    ("seed11", "ntu60_xview_bm"),
    ("np11_py1", "ntu120_xsub_k"),
    ("np11_py1", "ntu60_xview_km"),
]


@pytest.mark.parametrize("case", ["A", "B", "D"])
def test_prenormalise_gives_the_released_array(golden, ntu25, case):
    found = prenormalise(golden[f"in_{case}"], ntu25)
    np.testing.assert_array_equal(found, golden[f"prenorm_{case}"], strict=True)


@pytest.mark.parametrize("modality", MODALITIES)
@pytest.mark.parametrize("case", ["A", "B", "D"])
def test_first_scoring_crop_is_the_released_validation_crop(golden, ntu25, case, modality):
    found = scoring_batch([golden[f"in_{case}"]], modality, ntu25)
    assert found.shape == (1, 10, 2, 100, 25, 3)
    np.testing.assert_array_equal(found[0, :1], golden[f"val_{modality}_{case}"], strict=True)


@pytest.mark.parametrize(("prefix", "stream"), TRAINED)
def test_training_crop_is_the_released_one(golden, ntu25, prefix, stream):
    seeds = SEEDS[prefix]
    found = training_batch(
        [golden["in_A"]],
        stream.split("_")[-1],
        ntu25,
        Augmentation(0.2, 0.5 * (stream in SWAPPED), 0.2 * (stream in DROPPED)),
        generator=np.random.RandomState(seeds[0]),
        chances=random.Random(seeds[1]),
    )
    expected = golden[f"train_{prefix}_{stream}_A"]
    np.testing.assert_array_equal(found, expected, strict=True)


def test_samples_of_a_batch_draw_one_after_the_other(golden, ntu25):
    samples = [golden[f"in_{case}"] for case in "ADB"]
    strength = Augmentation(0.2, 0.5, 0.2)

    def make_batches(parts):
        generator, chances = np.random.RandomState(3), random.Random(3)
        return [
            training_batch(part, "km", ntu25, strength, generator=generator, chances=chances)
            for part in parts
        ]

    together = make_batches([samples])[0]
    assert together.shape == (3, 2, 100, 25, 3)
    assert not together[1, 1].any()  # the second person of a sample with one
    apart = make_batches([[sample] for sample in samples])
    np.testing.assert_array_equal(together, np.concatenate(apart))


@pytest.mark.parametrize("modality", MODALITIES)
def test_scoring_crops_are_the_packages(golden, ntu25, modality):
    samples = [golden[f"in_{case}"] for case in "ABD"]
    for sample, found in zip(samples, scoring_batch(samples, modality, ntu25), strict=True):
        joints = prepare(sample, "centred", ntu25).transpose(1, 0, 2, 3)  # (T, M, V, C)
        values = compute_modality(joints, modality, ntu25, [len(joints) - 1])
        crops = values[scoring_frames(len(joints), 100, 10)].swapaxes(1, 2)  # (10, M, L, V, C)
        np.testing.assert_array_equal(found[:, : len(sample)], crops.astype(np.float32))
        assert not found[:, len(sample) :].any()
