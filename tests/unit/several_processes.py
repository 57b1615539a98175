"""A program of the tests: trains the nano network in float64, under torchrun or by itself."""

import dataclasses
import json
import os
import sys
from pathlib import Path

import torch

from protogcn import train as stage
from protogcn.checkpoint import save_checkpoint
from protogcn.errors import ConfigError, run_stage
from protogcn.owner import Owner
from protogcn.parallel import Joined
from tests.unit.nano import nano_run, store_of


def stop(training, folder, rank, stops):
    """What happens to a process at the start of an epoch, if anything is to happen to it."""
    match stops.get(f"{rank} {training.epoch}"):
        case "mistake":
            raise ConfigError("a mistake of the test.")
        case "fault":
            raise AssertionError("a fault of the test")
        case "another owner":
            Owner(folder)
        case "death":
            os.kill(os.getpid(), 9)


def main():
    """Train; each process writes its weights and history to a file of its own."""
    data, folder, results = map(Path, sys.argv[1:4])
    settings, stops = map(json.loads, sys.argv[4:6])
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    rank = os.environ.get("RANK", "0")
    train_epoch = stage.train_epoch

    def stop_or_train(training):
        stop(training, folder, rank, stops)
        return train_epoch(training)

    stage.train_epoch = stop_or_train
    with Joined(torch.device("cpu")):
        store = store_of(data)
        store = dataclasses.replace(store, frames=store.frames.double())
        training = stage.train(nano_run(**settings), store, folder)
        content = {"model": training.model.state_dict(), "history": training.history}
        save_checkpoint(results / f"{rank}.pt", content)


if __name__ == "__main__":
    run_stage(main)
