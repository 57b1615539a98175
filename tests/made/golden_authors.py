"""The authors' CTR-GCN with the weights behind the golden numbers of the methods that stand on it."""

import csv
from functools import partial

import torch

from protogcn.config.skeleton import built_in_skeletons
from protogcn.models import build_model
from protogcn.models.released.ctrgcn import author_names, from_authors
from tests.made.golden_network import GOLDEN, golden_weights, scale_with
from tests.made.network_settings import network_settings


def authors_ctrgcn(method, gain, *, skeleton=None, num_classes=60, num_persons=2):
    """Return the network in float64; ``gain`` None is the rule without one."""
    skeleton = skeleton or built_in_skeletons()["ntu25"]
    size = {"width": 64, "blocks": 10, "downsample": [5, 8]}
    settings = network_settings("ctrgcn", **size, form="authors")
    model = build_model(settings, skeleton, num_classes=num_classes, num_persons=num_persons)
    names = author_names(model)
    state = golden_weights(f"checkpoint_keys_{method}.csv", {}, gain and partial(scale_with, gain))
    ours = {name for parts in names.values() for name in parts}
    state = {name: value for name, value in state.items() if name in ours}
    if gain is not None:  # graphs as built
        graphs = [key for key in names if key.endswith(".graph")]
        state |= {names[key][0]: model.state_dict()[key].transpose(1, 2) for key in graphs}
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
