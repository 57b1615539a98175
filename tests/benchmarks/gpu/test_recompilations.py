"""An epoch whose batches differ in size is compiled once."""

import pytest

from benchmarks.gpu.recompilations import count, narrow
from protogcn.models import engine


@pytest.mark.long
def test_an_epoch_of_varying_bodies_is_compiled_once():
    for captures in count(narrow("protogcn")).values():
        assert captures.numbers_of_rows == 6
        assert (captures.graphs, captures.breaks) == (1, 0)


@pytest.mark.long
def test_sizes_that_are_not_marked_are_compiled_again_and_counted(monkeypatch):
    monkeypatch.setattr(engine, "mark_dynamic", lambda *_: None)
    settings = {**narrow("stgcn"), "blocks": 1, "downsample": []}
    for captures in count(settings, batches=((8, 2), (9, 2))).values():
        assert captures.graphs > 1
