import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F

from protogcn.batches.bodies import pack_bodies
from protogcn.batches.clip_store import ClipStore
from protogcn.errors import ConfigError, ContractError, NotFiniteError
from protogcn.files.arrays import open_array, writing_array
from protogcn.files.contracts import digest_of
from protogcn.files.csv_table import save_table
from protogcn.models.checkpoint import save_checkpoint
from protogcn.scores.score import score
from protogcn.training.epoch import SeedOf, seeds, train_epoch
from protogcn.training.resume import check_epochs
from protogcn.training.schedule import learning_rate
from protogcn.training.train import _checkpoint, _start, train
from tests.made.nano import (
    assert_same,
    nano_clips,
    nano_run,
    store_of,
    weights_of,
    write_dataset,
)


def test_same_seed_gives_the_same_weights_bit_for_bit(data, tmp_path):
    first = train(nano_run(epochs=2), store_of(data), tmp_path / "a")
    torch.rand(7)  # what happened in the process before does not matter
    second = train(nano_run(epochs=2), store_of(data), tmp_path / "b")
    other = train(nano_run(epochs=2, seed=1), store_of(data), tmp_path / "c")
    assert_same(weights_of(first), weights_of(second))
    assert not torch.equal(
        weights_of(first)["classify.weight"], weights_of(other)["classify.weight"]
    )


def test_training_learns_what_there_is_to_learn(data, tmp_path):
    run = nano_run(epochs=15, rotation=0.0, swap=0.0, limb_drop=0.0, learning_rate=0.1)
    history = train(run, store_of(data), tmp_path).history
    assert history[-1]["loss"] < 0.5 * history[0]["loss"]
    assert history[-1]["accuracy"] > 60  # chance is 25


def test_history_has_one_row_for_each_epoch(data, tmp_path):
    history = train(nano_run(), store_of(data), tmp_path).history
    assert [row["epoch"] for row in history] == [1, 2, 3, 4]
    names = {"learning_rate", "loss", "cross_entropy", "contrast", "accuracy", "clips_per_second"}
    assert names <= history[0].keys()
    last_step = 4 * 4 - 1
    assert history[-1]["learning_rate"] == pytest.approx(learning_rate(0.05, last_step, 16))


def test_loss_that_is_no_number_names_epoch_step_and_clips(data, tmp_path):
    values, trailer = open_array(data / "j.npy")
    table = store_of(data).table
    poisoned = np.array(values)
    row = list(table.ids).index("clip 03")
    poisoned[table.first_frames[row] : table.first_frames[row] + table.num_frames[row]] = np.nan
    with writing_array(tmp_path / "bad.npy", poisoned.shape[1:]) as writer:
        writer.append(poisoned)
        writer.finish(trailer["inputs"])
    store = ClipStore.load(
        tmp_path / "bad.npy", data / "clips.csv", nano_run(), torch.device("cpu")
    )
    with pytest.raises(NotFiniteError, match=r"epoch 1, step \d of 4: the loss is nan") as error:
        train(nano_run(), store, tmp_path)
    assert "Clip clip 03 has values up to nan, which no learning rate makes up" in str(error.value)
    assert "Lower train.learning_rate" not in str(error.value)
    assert not (tmp_path / "resume.pt").exists()


def test_weights_that_a_clip_made_infinite_name_that_clip(data, tmp_path):
    store = store_of(data)
    row = list(store.table.ids).index("clip 03")
    frames = store.frames.clone()
    frames[store.table.first_frames[row] :][: store.table.num_frames[row]] *= 1e20
    with pytest.raises(
        NotFiniteError, match=r"Clip clip 03 has values up to .*, which no learning"
    ):
        train(nano_run(), replace(store, frames=frames), tmp_path)


def test_rate_far_too_high_stops_instead_of_writing_nonsense(data, tmp_path):
    with pytest.raises(NotFiniteError, match=r"Lower train\.learning_rate"):
        train(nano_run(learning_rate=100.0, epochs=60, momentum=0.99), store_of(data), tmp_path)


def test_test_labels_steer_nothing(data, tmp_path):
    """Weights are the same whatever the labels of the test clips are."""
    clips = [
        type(c)(
            c.name,
            (c.label + 1) % 4 if c.sides["xsub"] == "test" else c.label,
            c.keypoints,
            c.sides,
        )
        for c in nano_clips()
    ]
    (tmp_path / "permuted").mkdir()
    write_dataset(tmp_path / "permuted", clips)
    first = train(nano_run(epochs=2), store_of(data), tmp_path / "a")
    second = train(nano_run(epochs=2), store_of(tmp_path / "permuted"), tmp_path / "b")
    assert_same(weights_of(first), weights_of(second))


def test_best_epoch_is_kept_and_marked(data, tmp_path):
    run = nano_run(select="best", epochs=6)
    store = store_of(data)
    training = train(run, store, tmp_path)
    accuracies = [row["select_accuracy"] for row in training.history]
    assert training.best["accuracy"] == max(accuracies)
    assert training.best["epoch"] == 1 + int(np.argmax(accuracies))
    save_checkpoint(tmp_path / "checkpoint.pt", dict(_checkpoint(training)))
    scores = score(run, store, tmp_path / "checkpoint.pt")
    assert scores.provenance["select"] == "best"
    assert scores.provenance["epoch"] == training.best["epoch"]


@pytest.mark.parametrize("values", ["b.npy", "joints.npy"])
def test_file_of_another_modality_is_refused(data, values):
    with pytest.raises(
        ContractError, match=r"but run nano_xsub/protogcn/j needs .*'modality': 'j'"
    ):
        store_of(data, values)


def test_bones_of_another_skeleton_are_refused(data):
    run = nano_run()
    skeleton = replace(run.dataset.skeleton, parents=(0, 0, 0, 1, 0))
    other = replace(run, dataset=replace(run.dataset, skeleton=skeleton))
    with pytest.raises(ContractError, match=r"j\.npy: holds .*'parents': \[0, 0, 1, 1, 0\]"):
        store_of(data, run=other)


def test_file_of_another_preparation_is_refused(data):
    with pytest.raises(ContractError, match="'preparation': 'raw'"):
        ClipStore.load(
            data / "j.npy", data / "clips.csv", nano_run(preparation="raw"), torch.device("cpu")
        )


def test_clip_with_more_persons_than_slots_is_refused(tmp_path):
    write_dataset(tmp_path)
    table = pd.read_csv(tmp_path / "clips.csv")
    table.loc[3, "persons"] = 3
    save_table(tmp_path / "clips.csv", table)
    values, trailer = open_array(tmp_path / "j.npy")
    values = np.array(values)
    with writing_array(tmp_path / "j.npy", values.shape[1:]) as writer:
        writer.append(values)
        writer.finish(trailer["inputs"] | {"clips": digest_of(tmp_path / "clips.csv")})
    with pytest.raises(ContractError, match="a clip has 3 persons, expected at most 2"):
        store_of(tmp_path)


def test_purposes_never_share_a_seed():
    found = [tuple(seeds(purpose, 0, *([0] * count))) for purpose in SeedOf for count in (0, 2)]
    assert len({first for first, _ in found}) == len(SeedOf)
    assert seeds(SeedOf.STEP, 0, 0, 1) != seeds(SeedOf.STEP, 0, 1, 0)


def test_bfloat16_trains_too(data, tmp_path):
    history = train(nano_run(precision="bfloat16", epochs=2), store_of(data), tmp_path).history
    assert math.isfinite(history[-1]["loss"])


def test_an_incomplete_last_batch_is_left_out_where_it_is_asked_for(data):
    for settings, expected in (({}, 4), ({"drop_last": True}, 3)):  # of 16 clips, 5 at a time
        training, totals = _start(nano_run(**settings), store_of(data)), []
        training.on_step = lambda done, total, totals=totals: totals.append(total)
        row = train_epoch(training)
        assert totals == [expected] * expected
        assert math.isfinite(row["loss"])


def test_a_batch_that_no_epoch_can_fill_is_refused(data, tmp_path):
    with pytest.raises(ConfigError, match="its 16 training clips are fewer than one batch of 17"):
        train(nano_run(drop_last=True, batch=17), store_of(data), tmp_path)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_labels_are_smoothed(data, smoothing):
    training = _start(nano_run(label_smoothing=smoothing), store_of(data))
    bodies, labels = pack_bodies(torch.randn(4, 2, 16, 5, 3), np.full(4, 2)), torch.arange(4)
    loss = training.model.loss(bodies, labels)
    expected = F.cross_entropy(loss.logits, labels, label_smoothing=smoothing)
    torch.testing.assert_close(loss.parts["cross_entropy"], expected)


@pytest.mark.parametrize(
    "state",
    [
        {"epoch": -1, "history": []},
        {"epoch": 10**30, "history": []},
        {"epoch": 1, "history": [[]]},
        {"epoch": 1, "history": [{"epoch": 1, "loss": None}]},
        {"epoch": 1, "history": [dict.fromkeys(("epoch", "loss", "accuracy"), 1)]},
    ],
)
def test_a_state_without_a_row_of_numbers_for_each_epoch_is_refused(state):
    with pytest.raises(ValueError, match="history"):
        check_epochs(state, 3)
