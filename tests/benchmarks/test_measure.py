import pytest
import torch

from benchmarks import input as input_benchmark
from benchmarks import preprocessing
from benchmarks.measure import Timing, comparison, interleaved, measure, print_rows, rate


class Clock:
    """A clock that calls move on by as many seconds as they take."""

    def __init__(self):
        self.now = 0.0
        self.calls = []

    def __call__(self):
        return self.now

    def taking(self, name, *seconds):
        durations = iter(seconds)

        def call():
            self.calls.append(name)
            self.now += next(durations)

        return call


def test_timing_leaves_the_first_call_out():
    clock = Clock()
    found = measure(clock.taking("a", 99, 1, 2, 3, 4, 5), rounds=5, clock=clock)
    assert found == Timing(median=3, lower=2, upper=4)


def test_one_round_has_no_spread():
    clock = Clock()
    assert measure(clock.taking("a", 99, 7), rounds=1, clock=clock) == Timing(7, 7, 7)


def test_ratio_is_of_calls_in_turn():
    clock = Clock()
    slow = clock.taking("slow", 99, 4, 6, 10, 10)
    fast = clock.taking("fast", 99, 1, 1, 2, 2)
    found = interleaved(slow, fast, rounds=2, clock=clock)
    assert clock.calls[2:] == ["slow", "fast", "fast", "slow"] * 2
    assert found.median == pytest.approx(5)


def test_steady_slowing_down_of_the_machine_leaves_the_ratio():
    clock = Clock()
    first = clock.taking("a", 9, 1, 4, 5, 8)
    second = clock.taking("b", 9, 2, 3, 6, 7)
    assert interleaved(first, second, rounds=2, clock=clock) == Timing(1, 1, 1)


def test_control_of_a_comparison_is_one():
    clock = Clock()
    rows = comparison(
        "a", clock.taking("s", *[3] * 9), clock.taking("f", *[1] * 20), rounds=2, clock=clock
    )
    assert [row.median for row in rows] == [3, 1]


def test_rate_turns_its_quartiles_round(capsys):
    row = rate("crops", Timing(median=2, lower=1, upper=4), 1000, "clips/s")
    assert row[1:] == (500, 250, 1000, "clips/s")
    print_rows([row])
    assert capsys.readouterr().out.split() == ["crops", "500", "clips/s", "(250", "to", "1,000)"]


def test_input_is_measured_on_little_data():
    rows = input_benchmark.rows(num_clips=64, rounds=1, device=torch.device("cpu"))
    assert {row.unit for row in rows} == {"clips/s", "x"}
    assert all(row.median > 0 for row in rows)


def test_preprocessing_is_measured_on_little_data(tmp_path, monkeypatch):
    monkeypatch.setattr(preprocessing, "FUSED", {"few": (20, 7)})
    rows = preprocessing.rows(tmp_path, num_files=2, num_clips=64, workers=2, rounds=1)
    assert {"files/s", "samples/s", "clips/s", "GB/s", "MB/s", "GB/s written", "s", "x"} == {
        row.unit for row in rows
    }
    assert all(row.median > 0 for row in rows)
