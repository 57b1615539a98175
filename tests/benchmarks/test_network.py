import pytest

from benchmarks import __main__ as everything
from benchmarks import network as model
from benchmarks import scaling
from benchmarks.yardstick.pairs import make_pair


@pytest.fixture
def small(monkeypatch):
    """A network that a test has time for."""

    def networks():
        pair = make_pair(blocks=2, downsample=())
        return pair.plain.float(), pair.fast.float()

    monkeypatch.setattr(model, "make_networks", networks)
    monkeypatch.setattr(model, "NUM_FRAMES", 12)
    monkeypatch.setattr(model, "NUM_CLASSES", 7)


@pytest.mark.usefixtures("small")
def test_each_ratio_has_its_control_and_each_pass_its_rate():
    rows = model.rows(num_clips=5, num_crops=5, rounds=1)
    names = [row.name for row in rows]
    for mixture in model.MIXTURES:
        for what in ("training step", "evaluation"):
            assert f"{what}, {mixture}: times the yardstick" in names
            assert f"{what}, {mixture}: times the yardstick, control" in names
            assert f"{what}, {mixture}" in names
    assert all(row.median > 0 for row in rows)


def test_batch_has_as_many_pairs_as_it_says():
    clips, bodies, _ = model.make_batch(10, 5)
    assert clips.abs().sum((2, 3, 4)).count_nonzero() == 12
    assert len(bodies.values) == 13


@pytest.mark.long
@pytest.mark.slow
def test_peak_memory_of_the_fast_step_is_less_than_the_yardsticks():
    fast, plain = (model.peak_in_child(name, num_clips=1, one_in=1) for name in ("fast", "plain"))
    assert 0 < fast < 0.95 * plain


def test_growth_is_measured_one_thing_at_a_time():
    for cases in scaling.CASES.values():
        changed = {
            field
            for case in cases
            for field, value, usual in zip(case._fields, case, scaling.USUAL, strict=True)
            if value != usual
        }
        assert len(changed) == 1


def test_one_table_has_network_input_and_preprocessing(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["benchmarks", "--quick"])
    monkeypatch.setattr(everything.Engine, "start", lambda self, threads: None)
    for module, function in (
        (everything.model, "rows"),
        (everything.model, "memory_rows"),
        (everything.input_speed, "rows"),
        (everything.statistics, "rows"),
        (everything.preprocessing, "rows"),
    ):
        row = model.Row(f"{module.__name__}.{function}", 1.0, 1.0, 1.0, "x")
        monkeypatch.setattr(module, function, lambda *args, row=row, **sizes: [row])
    commands = []  # tests/benchmarks/gpu/test_traffic.py runs it
    monkeypatch.setattr(
        everything.subprocess, "run", lambda command, **how: commands.append(command[1:])
    )
    everything.main()
    assert commands == [["-m", "benchmarks.gpu.traffic", "--blocks", "1"]]
    told = capsys.readouterr().out
    for name in (
        "benchmarks.network.memory_rows",
        "benchmarks.statistics.rows",
        "benchmarks.input.rows",
        "benchmarks.preprocessing.rows",
    ):
        assert name in told
