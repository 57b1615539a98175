import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from protogcn.config.plan import expand
from protogcn.config.settings import NETWORKS
from protogcn.jobs import estimate
from protogcn.jobs.estimate import (
    Need,
    Size,
    resources,
    size_of,
)
from tests.made.config import repository_config
from tests.made.edited import edit
from tests.made.nano import DATASET, nano_run, write_dataset
from tests.made.network_settings import network_settings

PLAN = expand(repository_config())


def run_of(task, stream="j", **settings):
    run = PLAN.run(task, "protogcn", stream)
    engine = {key: settings.pop(key, switch) for key, switch in run.engine.items()}
    return dataclasses.replace(run, settings={**run.settings, **settings}, engine=engine)


def to_train(run, size):
    return resources("train", run.dataset, size, run=run)


def to_score(run, size):
    return resources("score", run.dataset, size, run=run)


def to_read(dataset, size, workers):
    return resources("read", dataset, size, workers=workers)


def to_compute(dataset, size, workers):
    return resources("compute", dataset, size, workers=workers)


def sized(run, tmp_path):
    return size_of(run.dataset, run.split, tmp_path / "clips.csv")


@pytest.fixture
def ntu120(tmp_path):
    run = run_of("ntu120_xsub")
    return run, sized(run, tmp_path)


def test_size_of_a_prepared_dataset_is_counted(tmp_path):
    write_dataset(tmp_path)
    size = size_of(DATASET, "xsub", tmp_path / "clips.csv")
    assert size.clips == {"train": 16, "val": 0, "test": 8}
    frames = (tmp_path / "j.npy").stat().st_size / (2 * 5 * 3 * 4)
    assert size.frames == pytest.approx(frames, rel=0.1)


def test_table_that_changed_is_counted_again(tmp_path):
    path = tmp_path / "clips.csv"
    write_dataset(tmp_path)
    before = size_of(DATASET, "xsub", path)
    edit(path, "\n".join(path.read_text().splitlines()[:-4]) + "\n")
    assert size_of(DATASET, "xsub", path).clips["test"] == before.clips["test"] - 4


def test_damaged_table_is_no_hindrance_to_planning(tmp_path):
    (tmp_path / "clips.csv").write_text("clip\n")
    assert size_of(DATASET, "xsub", tmp_path / "clips.csv").clips["train"] > 0


def test_size_of_ntu_is_known(ntu120):
    _, size = ntu120
    assert size.clips == {"train": 63026, "test": 50919}


def test_size_of_the_demo_is_that_of_its_simulator(tmp_path):
    size = sized(run_of("demo_xsub"), tmp_path)
    assert size.frames == 2 * 2 * 12 * 2 * 12 * 84
    assert size.clips["train"] >= 576


def test_size_of_an_own_pickle_is_guessed_from_its_bytes(tmp_path):
    raw = tmp_path / "mine.pkl"
    raw.write_bytes(bytes(2 * 3 * 5 * 84 * 100))
    dataset = dataclasses.replace(DATASET, raw=str(raw))
    assert size_of(dataset, "xsub", tmp_path / "clips.csv").clips == {"train": 70, "test": 50}


def test_size_of_an_own_folder_is_guessed_from_its_files(tmp_path):
    folder = tmp_path / "mine"
    (folder / "more").mkdir(parents=True)
    for number in range(30):
        place = folder / "more" if number % 2 else folder
        np.save(place / f"c{number}.npy", np.zeros((40, 5, 3), np.float32))
    (folder / "notes.txt").write_text("x" * 100_000)
    (folder / "annotations.csv").write_text("clip\n" + f"{'x' * 3000}\n" * 30)
    size = size_of(dataclasses.replace(DATASET, raw=str(folder)), "xsub", tmp_path / "clips.csv")
    assert size.clips == {"train": 21, "test": 15}
    assert 30 * 40 <= size.frames < 1.5 * 30 * 40


def test_dataset_of_which_nothing_is_known_asks_for_much(tmp_path):
    (tmp_path / "empty").mkdir()
    for name in ("absent", "empty"):
        dataset = dataclasses.replace(DATASET, raw=str(tmp_path / name))
        size = size_of(dataset, "xsub", tmp_path / "clips.csv")
        assert min(size.clips.values()) > 10_000
        assert size.frames > 1_000_000


def test_ntu120_asks_for_hours_and_no_more_memory_than_a_gpu_node_has(ntu120):
    run, size = ntu120
    need = to_train(run, size)
    assert 4 * 60 < need.minutes < 24 * 60
    assert 10_000 <= need.memory <= 64_000
    assert to_score(run, size).minutes < 60
    assert to_read(run.dataset, size, 16).minutes < 240
    assert to_compute(run.dataset, size, 6).minutes < 120


def test_demo_asks_for_minutes(tmp_path):
    run = run_of("demo_xsub")
    assert to_train(run, sized(run, tmp_path)).minutes <= 30


@pytest.mark.parametrize(
    ("setting", "value"), [("epochs", 300), ("frames", 200), ("select", "best")]
)
def test_training_time_grows_with_the_settings(ntu120, setting, value):
    run, size = ntu120
    more = run_of("ntu120_xsub", **{setting: value})
    assert to_train(more, size).minutes > 1.2 * to_train(run, size).minutes


@pytest.mark.parametrize(("key", "value"), [("width", 192), ("blocks", 20)])
def test_training_time_grows_with_the_network(ntu120, key, value):
    run, size = ntu120
    larger = dataclasses.replace(run, network={**run.network, key: value})
    assert to_train(larger, size).minutes > 1.8 * to_train(run, size).minutes


def test_scoring_time_grows_with_the_crops(ntu120):
    run, size = ntu120
    assert to_score(run_of("ntu120_xsub", crops=100), size).minutes > to_score(run, size).minutes


def test_memory_grows_with_the_dataset(ntu120):
    run, size = ntu120
    twice = Size(size.clips, 2 * size.frames)
    assert to_train(run, twice).memory > to_train(run, size).memory
    assert to_compute(run.dataset, twice, 6).memory == to_compute(run.dataset, size, 6).memory


def test_memory_grows_with_the_processes_of_a_run(ntu120):
    run, size = ntu120
    four = run_of("ntu120_xsub", gpus=4)
    assert to_train(four, size).memory - to_train(run, size).memory >= 3 * 6000


def test_reading_a_pickle_asks_for_what_its_reader_may_take(tmp_path):
    raw = tmp_path / "mine.pkl"
    with raw.open("wb") as file:
        file.truncate(10**9)  # a hole, no bytes on the disk
    dataset = dataclasses.replace(DATASET, raw=str(raw))
    size = size_of(dataset, "xsub", tmp_path / "clips.csv")
    assert to_read(dataset, size, 1).memory >= 4000 + 2 * 1074


def test_cpu_run_has_its_activations_in_host_memory(ntu120):
    run, size = ntu120
    on_cpu = run_of("ntu120_xsub", device="cpu")
    assert to_train(on_cpu, size).memory - to_train(run, size).memory > 20_000
    assert to_train(on_cpu, size).minutes > to_train(run, size).minutes


def test_demo_on_the_cpu_asks_for_two_to_five_times_what_it_was_seen_to_take(tmp_path):
    """Peak resident memory of its training and its scoring, batch 8, torch 2.13: 653 and 743 MB."""
    run = run_of("demo_xsub", device="cpu")
    size = Size({"train": 576, "val": 0, "test": 576}, 1152 * 64)
    assert 2 * 653 < to_train(run, size).memory < 5 * 653
    assert 2 * 743 < to_score(run, size).memory < 5 * 743
    compiled = run_of("demo_xsub", device="cpu", compile=True)
    assert to_train(compiled, size).memory > 6000


def test_further_attempts_ask_for_more_but_never_more_than_twice():
    first = Need(memory=9001, minutes=15)
    assert [first.at(attempt) for attempt in (1, 2, 3, 4, 20)] == [
        first, Need(13502, 23), Need(18002, 30), Need(18002, 30), Need(18002, 30),
    ]  # fmt: skip


def test_cost_of_the_full_network_is_one():
    assert estimate.cost_of_clip(run_of("ntu120_xsub")) == 1
    assert estimate.cost_of_clip(nano_run()) < 0.01


@pytest.mark.parametrize("model", ["stgcnpp", "stgcn", "ctrgcn"])
def test_baselines_cost_less_than_the_full_network(model):
    run = expand(repository_config()).run("ntu120_xsub", model, "b")
    assert 0.6 < estimate.cost_of_clip(run) < 0.9


def test_estimating_loads_no_torch():
    code = "import sys, protogcn.jobs.estimate; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_each_network_costs_what_its_layers_keep(ntu120):
    """At one width; that of BlockGCN is twice the others'."""
    run, _ = ntu120
    costs = {
        network: estimate.cost_of_clip(dataclasses.replace(run, network=settings))
        for network in NETWORKS
        for settings in [network_settings(network, width=96, blocks=10, downsample=[5, 8])]
    }
    assert costs["protogcn"] == pytest.approx(1)
    assert costs["hdgcn"] > 2.5 * costs["ctrgcn"]
    assert costs["frhead"] > costs["ctrgcn"] > costs["blockgcn"] > costs["protogcn"]


def test_validation_counts_as_forward_passes_over_its_side():
    size = Size({"train": 30_000, "val": 9_000, "test": 90_000}, 10_000_000)
    plain = to_train(run_of("ntu120_xsub"), size).minutes - 15
    on_val = to_train(run_of("ntu120_xsub", validate_every=1, validate_on="val"), size).minutes - 15
    seldom = to_train(run_of("ntu120_xsub", validate_every=10, validate_on="test"), size).minutes
    assert on_val == pytest.approx(1.1 * plain, rel=0.01)  # a third of 9,000 to 30,000
    assert seldom - 15 == pytest.approx(on_val, rel=0.01)
