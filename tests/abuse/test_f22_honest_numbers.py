"""Labels that networks must not see, equals that must look equal, table cells that were edited."""

from dataclasses import replace

import numpy as np
from scipy import stats

from protogcn.report.provenance import verify
from protogcn.scores.intervals import clip_interval
from protogcn.scores.paired import compare_pair
from protogcn.scores.score import score
from protogcn.training.train import train
from tests.made.command import run_command
from tests.made.nano import nano_clips, nano_run, store_of, write_checkpoint, write_dataset
from tests.made.provenance import fused_table
from tests.made.score_files import credits_that_are
from tests.stages.test_test_labels_unseen import trained_and_learned


def test_labels_of_test_clips_change_no_byte(campaign, tmp_path, monkeypatch):
    expected = trained_and_learned(tmp_path / "plain", monkeypatch, shuffled=None)
    for seed in range(campaign.tries(push=1, nightly=20, release=50)):
        found = trained_and_learned(tmp_path / f"{seed}", monkeypatch, shuffled=seed)
        assert found == expected, seed
        campaign.count("same bytes")


def test_shuffled_training_labels_teach_nothing(campaign, tmp_path):
    """Hits of all networks together stay in what chance gives in 999 of 1,000 campaigns."""
    hits, clips = 0, 0
    tries = campaign.tries(push=2, nightly=40, release=100)
    for seed in range(tries):
        folder = tmp_path / f"{seed}"
        folder.mkdir()
        drawn = iter(np.random.default_rng(seed).integers(0, 4, 24).tolist())
        shuffled = (
            replace(clip, label=next(drawn)) if clip.sides["xsub"] == "train" else clip
            for clip in nano_clips(seed)
        )
        write_dataset(folder, shuffled)
        run, store = nano_run(seed=seed), store_of(folder)
        write_checkpoint(folder / "c.pt", run, store, train(run, store, folder / "run").model)
        found = score(run, store, folder / "c.pt")
        hits += int((found.probabilities.argmax(1) == found.labels).sum())
        clips += len(found.labels)
    low, high = stats.binom.interval(0.999, clips, 0.25)
    assert low <= hits <= high, f"{hits} of {clips} clips, {tries} seeds"
    campaign.count("no better than chance", tries)


def test_equals_are_seldom_called_different(campaign):
    tries = campaign.tries(push=500, nightly=2000, release=20_000)
    alarms = 0
    for seed in range(tries):
        generator = np.random.default_rng(seed)
        hard = generator.random(430)
        pair = (credits_that_are(generator.random(430) < hard) for _ in range(2))
        alarms += compare_pair(*pair).p < 0.05
    assert 0.03 <= alarms / tries <= 0.07, alarms
    campaign.count("no alarm", tries - alarms)
    campaign.count("false alarm, as 5 % must be", alarms)


def test_intervals_hold_the_true_accuracy_as_often_as_they_say(campaign):
    tries = campaign.tries(push=500, nightly=1000, release=20_000)
    held = 0
    for seed in range(tries):
        right = np.random.default_rng(seed).random(430) < 0.93
        low, high = clip_interval(credits_that_are(right))
        held += low <= 0.93 <= high
    assert 0.93 <= held / tries <= 0.97, held
    campaign.count("interval holds it", held)
    campaign.count("interval misses it, as 5 % must", tries - held)


def test_an_edited_cell_is_told(campaign, tmp_path, monkeypatch):
    """Any digit of the accuracies of a table, in a results folder that was moved."""
    made = fused_table(tmp_path / "results", monkeypatch)
    (tmp_path / "results").rename(tmp_path / "moved")
    table = tmp_path / "moved" / made.name
    assert run_command(verify, monkeypatch, table) == 0
    campaign.count("moved folder verified")
    header, *rows = table.read_text().splitlines()
    column = header.split(",").index("top1")
    for seed in range(campaign.tries(push=10, nightly=100, release=500)):
        generator = np.random.default_rng(seed)
        row = int(generator.integers(len(rows)))
        cells = rows[row].split(",")
        digits = [place for place, letter in enumerate(cells[column]) if letter.isdigit()]
        place = int(generator.choice(digits))
        digit = str((int(cells[column][place]) + int(generator.integers(1, 10))) % 10)
        cells[column] = cells[column][:place] + digit + cells[column][place + 1 :]
        table.write_text("\n".join([header, *rows[:row], ",".join(cells), *rows[row + 1 :], ""]))
        assert run_command(verify, monkeypatch, table) == 3, seed
        campaign.count("detected")
