"""A run's settings -> the learning rate of each step."""

import math

from protogcn.config.resolved import Run

_DROP = 0.1  # what each of ``steps`` multiplies the rate by


def rate_of_step(run: Run, epoch: int, step: int, steps_per_epoch: int) -> float:
    """Return the rate of a step; epochs and steps count from 0.

    A warm-up has a rate for each of its epochs, from ``learning_rate`` divided by their number up
    to it. A cosine falls over the steps after it.
    """
    base, warmup = run.settings["learning_rate"], run.option("warmup")
    if epoch < warmup:
        return base * (epoch + 1) / warmup
    if run.option("schedule") == "steps":
        return base * _DROP ** sum(epoch >= each for each in run.option("steps"))
    return learning_rate(
        base,
        (epoch - warmup) * steps_per_epoch + step,
        (run.settings["epochs"] - warmup) * steps_per_epoch,
        last=run.option("last_rate"),
    )


def learning_rate(base: float, step: int, num_steps: int, *, last: float = 0.0) -> float:
    """Return the cosine schedule's rate at a step: ``base`` at 0, ``last`` at ``num_steps``."""
    return last + 0.5 * (base - last) * (1 + math.cos(math.pi * step / num_steps))
