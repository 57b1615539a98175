"""The authors' CTR-GCN with the weights behind the golden numbers of the methods that stand on it."""

import csv
import math
from functools import partial

import numpy as np
import torch

from protogcn.config.skeleton import Skeleton, built_in_skeletons
from protogcn.models import build_model
from protogcn.models.released.ctrgcn import author_names, from_authors
from tests.made.golden_network import GOLDEN, golden_scale, hash_noise, scale_with
from tests.made.network_settings import network_settings

UCLA_PARENTS = [1, 2, 2, 2, 2, 4, 5, 6, 2, 8, 9, 10, 0, 12, 13, 14, 0, 16, 17, 18]


def authors_ctrgcn(method, gain, *, skeleton=None, num_classes=60, num_persons=2):
    """Return the network in float64; ``gain`` None is the rule without one."""
    skeleton = skeleton or built_in_skeletons()["ntu25"]
    size = {"width": 64, "blocks": 10, "downsample": [5, 8]}
    settings = network_settings("ctrgcn", **size, form="authors")
    model = build_model(settings, skeleton, num_classes=num_classes, num_persons=num_persons)
    scale = partial(scale_with, gain) if gain else golden_scale
    names, index, state = author_names(model), key_index(method), {}
    for key, value in model.state_dict().items():
        for name in names[key]:  # parts of one size each
            shape = (len(value) // len(names[key]), *value.shape[1:]) if value.dim() else ()
            noise = hash_noise(index[name], math.prod(shape)).reshape(shape)
            made = torch.from_numpy(scale(name, noise).astype(np.float32)) if shape else value
            is_graph = gain is not None and key.endswith(".graph")  # as built
            state[name] = value.transpose(1, 2) if is_graph else made
    model.double().load_state_dict(from_authors(state, model))
    return model


def gradient_norms(model):
    """Return the norm of the gradient of each parameter of the authors, and of all together.

    Where a parameter of ours stacks several of theirs, each has its share.
    """
    norms, names = {}, author_names(model)
    for key, parameter in model.named_parameters():
        parts = parameter.grad.chunk(len(names[key])) if parameter.grad is not None else []
        norms |= {name: part.norm().item() for name, part in zip(names[key], parts, strict=False)}
    gradients = [each.grad for each in model.parameters() if each.grad is not None]
    return norms | {"all": torch.stack([each.norm() for each in gradients]).norm().item()}


def key_index(method):
    """Return the row number of each key of a method's list."""
    with (GOLDEN / f"checkpoint_keys_{method}.csv").open() as file:
        return {row["key"]: int(row["index"]) for row in csv.DictReader(file)}


def ucla(**entries):
    """Return the layout of NW-UCLA; ``entries`` as of a declaration."""
    joints = [f"joint_{number}" for number in range(20)]
    return Skeleton.from_mapping("ucla", {"joints": joints, "parents": UCLA_PARENTS, **entries})


def train_clips(num_joints, num_frames, num_persons, num_clips, empty=()):
    sizes = (num_clips, num_persons, num_frames, num_joints, 3)
    n, m, t, v, c = np.ogrid[tuple(slice(size) for size in sizes)]
    angle = 0.1 * (1 + n) * t + 0.3 * (1 + 0.5 * n) * v + 1.1 * c + 2.3 * m + 0.7 * n
    clips = 0.5 * np.sin(angle)
    for place in empty:
        clips[place] = 0
    return torch.from_numpy(clips)
