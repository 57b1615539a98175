from dataclasses import replace

import numpy as np
import pytest
import torch

from protogcn.batches.bodies import all_bodies
from protogcn.batches.clip_store import ClipStore
from protogcn.batches.sampling import scoring_frames
from protogcn.errors import ContractError
from protogcn.models.checkpoint import save_checkpoint
from protogcn.scores.score import score
from protogcn.training.train import _checkpoint, train
from tests.made.nano import DATASET, nano_run, write_dataset


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    torch.set_num_threads(1)
    data = tmp_path_factory.mktemp("data")
    write_dataset(data)
    store = ClipStore.load(data / "j.npy", data / "clips.csv", nano_run(), torch.device("cpu"))
    training = train(nano_run(), store, tmp_path_factory.mktemp("run"))
    path = tmp_path_factory.mktemp("checkpoint") / "checkpoint.pt"
    save_checkpoint(path, dict(_checkpoint(training)))
    return data, store, training, path


def test_scores_are_the_means_over_the_crops_of_each_test_clip(trained):
    data, store, training, path = trained
    scores = score(nano_run(), store, path)
    model = training.model.eval()
    assert scores.clips.tolist() == [f"clip {number}" for number in range(16, 24)]
    for row, clip in enumerate(range(16, 24)):
        first, total = store.table.first_frames[clip], store.table.num_frames[clip]
        frames = scoring_frames(int(total), 16, 3)
        crops = torch.from_numpy(np.load(data / "j.npy")[first + frames])  # (crops, T, M, V, C)
        with torch.no_grad():
            logits = model(all_bodies(crops.transpose(1, 2)))
        np.testing.assert_allclose(scores.logits[row], logits.mean(0), atol=1e-5)
        np.testing.assert_allclose(scores.probabilities[row], logits.softmax(1).mean(0), atol=1e-6)
    assert scores.classes.tolist() == ["up", "down", "left", "right"]
    assert scores.provenance["data digest"] == store.digest
    assert scores.provenance["copies"] == {"groups": 0, "test clips": 0}


def test_subjects_that_the_dataset_tells_are_in_the_score_file(trained):
    _, store, _, path = trained
    names = np.array([f"person {row % 5}" for row in range(24)], dtype=object)
    told = replace(store, table=replace(store.table, groups={"subject": names}))
    assert list(score(nano_run(crops=1), told, path).subjects) == list(names[16:])
    assert score(nano_run(crops=1), store, path).subjects is None


def test_other_number_of_crops_scores_the_same_checkpoint(trained):
    _, store, _, path = trained
    assert len(score(nano_run(crops=1), store, path).clips) == 8


def test_two_files_of_other_datasets_are_refused(trained, tmp_path):
    data, *_ = trained
    text = (data / "clips.csv").read_text()
    (tmp_path / "clips.csv").write_text(text.replace("clip 00", "clip xx"))
    with pytest.raises(ContractError, match="was written with another clip table"):
        ClipStore.load(data / "j.npy", tmp_path / "clips.csv", nano_run(), torch.device("cpu"))


def test_a_twin_is_scored_on_the_clips_that_its_training_left_out(trained, tmp_path):
    hold_out = {"by": "clip", "seed": 0, "share": 0.25}
    dataset = replace(DATASET, hold_out=hold_out)
    write_dataset(tmp_path, dataset=dataset)
    run = replace(nano_run(epochs=1), dataset=dataset, split="xsub_held_out")
    store = ClipStore.load(tmp_path / "j.npy", tmp_path / "clips.csv", run, torch.device("cpu"))
    save_checkpoint(tmp_path / "c.pt", dict(_checkpoint(train(run, store, tmp_path))))
    of_val, of_test = (score(run, store, tmp_path / "c.pt", side) for side in ("val", "test"))
    assert of_val.provenance["side"] == "val"
    assert "side" not in of_test.provenance
    assert len(of_val.clips) == 4  # of 16, one of each class
    assert sorted(of_val.labels) == [0, 1, 2, 3]
    trained_on = store.table.ids[store.rows("xsub_held_out", "train")]
    assert not {*trained_on} & {*of_val.clips}
    assert of_test.clips.tolist() == score(nano_run(), *trained[1:2], trained[3]).clips.tolist()
