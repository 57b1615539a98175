import threading
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
import torch

from protogcn.batches.prefetch import one_ahead, prefetched
from protogcn.scores.scoring import ScoringCrops, score_clips
from protogcn.training.train import train
from tests.made.nano import assert_same, nano_run, store_of, weights_of

CPU = torch.device("cpu")


def threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("one-ahead")]


def test_items_come_in_order():
    assert list(one_ahead(lambda item: (item,), range(7))) == [(item,) for item in range(7)]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_items_are_all_made(count):
    assert len(list(one_ahead(lambda item: (item,), range(count)))) == count
    assert not threads()


def test_only_the_next_item_is_made_before_it_is_asked_for():
    begun = []
    made = one_ahead(lambda item: begun.append(item) or (item,), range(9))
    for number, _ in enumerate(made):
        assert max(begun) <= number + 1


def test_they_are_made_in_another_thread_only_if_ahead():
    for ahead in (False, True):
        (name,) = prefetched(lambda item: (threading.current_thread().name,), [0], CPU, ahead=ahead)
        assert name[0].startswith("one-ahead") == ahead


def test_a_fault_in_the_thread_is_raised_when_its_item_is_due_and_ends_the_thread():
    def make(item):
        if item == 2:
            raise ValueError("item 2")
        return (item,)

    made = one_ahead(make, range(9))
    assert [next(made), next(made)] == [(0,), (1,)]
    with pytest.raises(ValueError, match="item 2"):
        next(made)
    assert not threads()


@pytest.mark.parametrize("stop", [KeyboardInterrupt, RuntimeError])
def test_a_loop_that_is_left_early_ends_the_thread(stop):
    with pytest.raises(stop), closing(one_ahead(lambda item: (item,), range(9))) as made:
        for item in made:
            if item == (3,):
                raise stop
    assert not threads()


def test_training_with_batches_made_ahead_ends_with_the_same_weights(data, tmp_path):
    store = store_of(data)
    plain = train(nano_run(epochs=2), store, tmp_path / "plain")
    ahead = train(nano_run(epochs=2), replace(store, ahead=True), tmp_path / "ahead")
    assert_same(weights_of(plain), weights_of(ahead))
    assert not threads()


def test_scores_of_batches_made_ahead_are_the_same(data, tmp_path):
    store = store_of(data)
    training = train(nano_run(epochs=1), store, tmp_path)
    plain, ahead = (
        score_clips(
            training.engine.logits_of(training.model),
            replace(store, ahead=ahead),
            np.arange(24),
            ScoringCrops(length=16, crops=10),
        )
        for ahead in (False, True)
    )
    np.testing.assert_array_equal(plain, ahead)
