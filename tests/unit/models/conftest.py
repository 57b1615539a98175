"""Fixtures of several files of this room."""

import pytest
import torch

from protogcn.models import build_model
from protogcn.models.released.protogcn import released_names
from tests.made.nano import nano_run


@pytest.fixture
def nano_state():
    """A released state of the nano network, and our own of the same numbers."""
    run = nano_run()
    torch.manual_seed(1)
    model = build_model(run.network, run.dataset.skeleton, num_classes=4)
    ours = model.state_dict()
    theirs = {
        name: part if part.dim() != 2 or "gcn" not in name else part[..., None, None]
        for key, parts in released_names(model).items()
        for name, part in zip(
            parts, ours[key].chunk(len(parts)) if ours[key].dim() else [ours[key]] * len(parts),
            strict=True,
        )
    }  # fmt: skip
    return run, ours, theirs
