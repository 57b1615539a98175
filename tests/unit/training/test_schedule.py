import pytest

from protogcn.training.schedule import learning_rate, rate_of_step
from tests.made.nano import nano_run


def rates(epochs, *, steps_per_epoch=4, **settings):
    run = nano_run(epochs=epochs, learning_rate=0.1, **settings)
    return [
        [rate_of_step(run, epoch, step, steps_per_epoch) for step in range(steps_per_epoch)]
        for epoch in range(epochs)
    ]


def test_schedule_is_half_a_cosine_from_the_rate_to_zero():
    assert learning_rate(0.1, 0, 10) == 0.1
    assert learning_rate(0.1, 5, 10) == pytest.approx(0.05)
    assert learning_rate(0.1, 10, 10) == pytest.approx(0)
    assert rates(3)[2][1] == learning_rate(0.1, 9, 12)


def test_the_authors_rate_warms_up_epoch_by_epoch_and_falls_in_steps():
    found = rates(65, schedule="steps", steps=[35, 55], warmup=5)
    assert all(len({*epoch}) == 1 for epoch in found)
    assert [epoch[0] for epoch in found[:6]] == pytest.approx([0.02, 0.04, 0.06, 0.08, 0.1, 0.1])
    assert [found[e][0] for e in (34, 35, 54, 55, 64)] == pytest.approx(
        [0.1, 0.01, 0.01, 1e-3, 1e-3]
    )


def test_a_cosine_after_a_warm_up_falls_to_the_last_rate_step_by_step():
    found = rates(90, warmup=5, last_rate=1e-4)
    assert found[4] == [pytest.approx(0.1)] * 4
    assert found[5][0] == 0.1
    half = 1e-4 + 0.5 * (0.1 - 1e-4)
    assert found[47][2] == pytest.approx(half)  # 42.5 of the 85 epochs
    assert found[89][3] > 1e-4
    assert found[89][3] == pytest.approx(1e-4, rel=0.05)
