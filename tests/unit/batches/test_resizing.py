import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from protogcn.batches.clip_store import ClipStore
from protogcn.batches.resizing import draw_stretches, scoring_places, training_places
from protogcn.files.clip_table import ClipTable
from tests.conftest import GOLDEN
from tests.made.golden_network import golden_clips


def store_of_clip(clip, **attributes):
    """Return the clips of one recording (M, T, V, C)."""
    frames = clip.transpose(0, 1).contiguous()  # (T, M, V, C)
    table = ClipTable(
        ids=np.array(["a"], dtype=object),
        labels=np.zeros(1, np.int64),
        first_frames=np.zeros(1, np.int64),
        num_frames=np.array([len(frames)]),
        persons=np.array([len(clip)]),
        sides={},
        digest="",
    )
    return ClipStore(frames, table, "", torch.device("cpu"), **attributes)


def test_test_crop_equals_the_released_one():
    expected = json.loads((GOLDEN / "infogcn.json").read_text())["pipeline"]["resize"]
    valid = expected["valid_frames"]
    clip = golden_clips(25, 1, 50, empty=())[0].float()
    store = store_of_clip(clip[:, :valid])
    crop = store.crops(np.array([0]), torch.from_numpy(scoring_places(valid, 64))).values
    assert crop.sum().item() == pytest.approx(expected["sum"], rel=1e-6)
    assert crop.norm().item() == pytest.approx(expected["l2"], rel=1e-6)
    found = crop[0, [0, 1, 63], 3, 0]
    np.testing.assert_allclose(found, expected["x_of_joint3_person0_frames_0_1_63"], atol=1e-6)


@pytest.mark.parametrize("total", [1, 5, 64, 65, 300])
def test_stretches_are_resized_as_torch_does_it(total):
    """Linear, ends not aligned; the whole of a clip of at most 64 frames."""
    draws = draw_stretches(50, generator=torch.Generator().manual_seed(0))
    places = training_places(torch.full((50,), total), draws, 48)
    clip = torch.randn(1, total, 2, 3, generator=torch.Generator().manual_seed(1))
    found = store_of_clip(clip).crops(np.zeros(50, np.int64), places).values  # (50, 48, V, C)
    share = 0.5 + 0.5 * draws[:, 0].double()
    kept = (share * total).long().clamp(min=64).clamp(max=total)
    starts = (draws[:, 1].double() * (total - kept + 1)).long()
    for crop, start, length in zip(found, starts, kept, strict=True):
        stretch = clip[0, start : start + length].flatten(1).t()[None]  # (1, V * C, T)
        expected = F.interpolate(stretch.double(), size=48, mode="linear", align_corners=False)
        torch.testing.assert_close(crop.flatten(1), expected[0].t().float(), rtol=0, atol=1e-6)


def test_training_stretches_are_half_the_clip_or_more_and_begin_anywhere():
    draws = draw_stretches(4000, generator=torch.Generator().manual_seed(0))
    places = training_places(torch.full((4000,), 200), draws, 400)  # longer: the ends are taken
    first, last = places[:, 0], places[:, -1]
    kept = last - first + 1
    assert (kept.min(), kept.max()) == (100, 199)
    assert kept.mean() == pytest.approx(149.5, abs=2)
    assert first.min() == 0
    assert last.max() == 199
    assert ((first + last) / 2).mean() == pytest.approx(99.5, abs=1.5)


@pytest.mark.parametrize(("total", "ends"), [(1, (0, 0)), (40, (1, 38)), (300, (7, 292))])
def test_test_crop_is_the_middle(total, ends):
    places = scoring_places(total, 1000)[0]
    assert (places[0], places[-1]) == ends
    assert (np.diff(places) >= 0).all()


def test_the_only_person_is_in_both_slots_where_it_is_copied():
    clip = torch.randn(1, 7, 5, 3)
    frames = torch.cat([clip, torch.zeros_like(clip)])
    store = store_of_clip(frames, copy_person=True)
    store.table.persons[:] = 1
    bodies = store.crops(np.array([0]), torch.arange(7)[None])
    assert torch.equal(bodies.values, clip.repeat(2, 1, 1, 1))
    assert bodies.persons.tolist() == [0, 1]
    assert bodies.multiplicity is None
