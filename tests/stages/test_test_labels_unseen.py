"""Whatever the labels of the test clips are, networks and learned weights are the same bytes."""

from dataclasses import replace

import numpy as np

from protogcn.files.contracts import digest_of
from protogcn.scores.learned_weights import learn_weights
from protogcn.scores.score import score
from protogcn.training import train
from tests.made.command import run_command
from tests.made.nano import nano_clips, nano_run, store_of, write_dataset, write_run


def clips(*, shuffled):
    """Yield the nano clips, with a seed those of test with other labels; every fourth is of val."""
    drawn = iter(np.random.default_rng(shuffled).integers(0, 4, 24).tolist())
    for number, clip in enumerate(nano_clips()):
        side = "val" if number % 4 == (number // 4) % 4 else clip.sides["xsub"]
        label = next(drawn) if shuffled is not None and side == "test" else clip.label
        yield replace(clip, label=label, sides={"xsub": side})


def trained_and_learned(folder, monkeypatch, *, shuffled):
    """Train two streams and learn their weights; return the bytes of all that is written."""
    write_dataset(folder, clips(shuffled=shuffled))
    members, files = {}, []
    for stream in ("j", "b"):
        run = replace(nano_run(epochs=1), modality=stream)
        config = write_run(folder / stream, run)
        checkpoint, values = folder / f"{stream}/checkpoint.pt", folder / f"{stream}.npy"
        words = ("--config", config, "--values", values, "--clips", folder / "clips.csv",
                 "--checkpoint", checkpoint, "--history", folder / f"{stream}/history.csv")  # fmt: skip
        assert run_command(train, monkeypatch, *words) == 0
        store = store_of(folder, f"{stream}.npy", run)
        members[stream] = score(run, store, checkpoint, "val")
        files += [checkpoint, folder / f"{stream}/val_scores.npz"]
        members[stream].save(files[-1])
    digests = {stream: digest_of(folder / f"{stream}/val_scores.npz") for stream in members}
    files.append(folder / "weights.json")
    learn_weights(members, "logit", task="nano_xsub", side="val", digests=digests).save(files[-1])
    return [file.read_bytes() for file in files]


def test_shuffled_test_labels_change_no_byte_of_networks_and_learned_weights(tmp_path, monkeypatch):
    plain, shuffled = (tmp_path / name for name in ("plain", "shuffled"))
    found = trained_and_learned(plain, monkeypatch, shuffled=None)
    again = trained_and_learned(shuffled, monkeypatch, shuffled=0)
    assert (plain / "clips.csv").read_bytes() != (shuffled / "clips.csv").read_bytes()
    assert found == again
