"""How the cost of a training step grows: with frames, batch, classes, joints, and persons.

The full-size network on one CPU thread, processor time; one thing is changed at a time.
"""

import argparse
import time
from typing import NamedTuple

import numpy as np
import torch

from benchmarks.measure import Timing, measure
from benchmarks.network import SETTINGS, step_of
from protogcn.batches.bodies import pack_bodies
from protogcn.models.engine import Engine
from protogcn.models.protogcn import ProtoGCN


class Case(NamedTuple):
    """The sizes of one step."""

    clips: int = 4
    frames: int = 100
    classes: int = 60
    joints: int = 25
    one_in: int = 5  # of how many clips one has two persons


USUAL = Case()
CASES = {
    "clips of a batch": [USUAL._replace(clips=clips) for clips in (1, 4, 16)],
    "frames of a crop": [USUAL._replace(frames=frames) for frames in (25, 50, 100, 200)],
    "classes": [USUAL._replace(classes=classes) for classes in (60, 120, 400)],
    "joints": [USUAL._replace(joints=joints) for joints in (17, 20, 25)],
    "one clip with two persons in": [USUAL._replace(one_in=one_in) for one_in in (1, 2, 5, 100)],
}


def seconds_of(case: Case, *, rounds: int) -> Timing:
    """Measure one step."""
    torch.manual_seed(0)
    model = ProtoGCN(num_classes=case.classes, num_joints=case.joints)
    persons = np.where(np.arange(case.clips) % case.one_in == 0, 2, 1)
    clips = torch.randn(case.clips, 2, case.frames, case.joints, 3)
    bodies = pack_bodies(clips, persons)
    labels = torch.randint(case.classes, (case.clips,))
    return measure(step_of(model, bodies, labels), rounds=rounds, clock=time.process_time)


def main() -> None:
    """Print milliseconds of a step and of a clip."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()

    Engine.of(SETTINGS, torch.device("cpu"), precision="float32").start(threads=1)
    fields = {
        "clips of a batch": "clips",
        "frames of a crop": "frames",
        "classes": "classes",
        "joints": "joints",
        "one clip with two persons in": "one_in",
    }
    for what, cases in CASES.items():
        for case in cases:
            step = 1e3 * seconds_of(case, rounds=args.rounds).median
            value = getattr(case, fields[what])
            print(f"{what:<30} {value:>4} {step:8.0f} ms {step / case.clips:6.0f} ms/clip")


if __name__ == "__main__":
    main()
