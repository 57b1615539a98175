"""The rule that makes the weights and inputs behind the golden numbers of the networks."""

import csv
import math
from pathlib import Path

import numpy as np
import torch

GOLDEN = Path(__file__).parents[1] / "golden"


def golden_weights(key_list, sizes, scale=None):
    """Return the reference's state dict.

    ``sizes`` gives the numbers for the symbols in shapes; ``scale(key, noise)`` makes the weights
    of entries that have a rule of their own.
    """
    scale = scale or golden_scale
    state = {}
    with (GOLDEN / key_list).open() as file:
        for row in csv.DictReader(file):
            shapes = [cell for name, cell in row.items() if name.startswith("shape")]
            symbolic = shapes[-1]  # behind that of one task, where the list has both
            if symbolic == "scalar":
                state[row["key"]] = torch.tensor(0)
                continue
            axes = symbolic.split("x")
            shape = [sizes[axis] if axis in sizes else int(axis) for axis in axes]
            noise = hash_noise(int(row["index"]), math.prod(shape)).reshape(shape)
            state[row["key"]] = torch.from_numpy(scale(row["key"], noise).astype(np.float32))
    return state


def golden_clips(num_joints, num_clips=2, num_frames=20, *, num_persons=2, empty=((1, 1),)):
    """Return the input, shape (N, M, T, V, 3); the (clip, person) of ``empty`` are all zero."""
    sizes = (num_clips, num_persons, num_frames, num_joints, 3)
    clip, person, frame, joint, axis = np.ogrid[tuple(slice(size) for size in sizes)]
    angle = 0.1 * frame + 0.3 * joint + 1.1 * axis + 2.3 * person + 0.7 * clip
    clips = 0.5 * np.sin(angle)
    for place in empty:
        clips[place] = 0
    return torch.from_numpy(clips)


def hash_noise(row, count):
    """Return ``count`` numbers in [-1, 1) that depend on the row of the key list only."""
    bits = np.arange(1, count + 1, dtype=np.uint32) * np.uint32(0x9E3779B1)
    bits += np.uint32((row + 1) * 0x85EBCA77 % 2**32)
    bits ^= bits >> np.uint32(15)
    bits *= np.uint32(0x2C1B3C6D)
    bits ^= bits >> np.uint32(12)
    bits *= np.uint32(0x297A2D39)
    bits ^= bits >> np.uint32(15)
    return bits / 2.0**31 - 1


def golden_scale(key, noise):
    match key.rsplit(".", 1)[-1]:
        case "running_var":
            return 1 + np.abs(noise) / 2
        case "running_mean" | "add_coeff" | "bias":
            return 0.1 * noise
        case "alpha" | "beta":
            return 0.5 + 0.1 * noise
        case "A":
            return 0.04 + 0.02 * noise
        case _ if noise.ndim == 1:
            return 1 + 0.1 * noise
        case _:
            fan_in = noise.size / noise.shape[0]
            return noise * math.sqrt(3 / fan_in) * (8 if ".prn." in key else 1)


def scale_with(gain, key, noise):
    """Make the weights of the ``scaled`` entries: maps with a gain."""
    if key.endswith(".PA"):
        return 1 + 0.1 * noise
    if noise.ndim == 1:
        return golden_scale(key, noise)
    return gain * noise * math.sqrt(3 / noise[0].size)
