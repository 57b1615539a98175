"""A program of the tests: trains the nano network in float64, under torchrun or by itself."""

import dataclasses
import json
import os
import sys
from pathlib import Path

import torch

from protogcn.batches.parallel import ProcessGroup
from protogcn.errors import ConfigError, run_stage
from protogcn.models.checkpoint import save_checkpoint
from protogcn.training import train as stage
from protogcn.training.run_owner import Owner
from tests.made.nano import nano_run, store_of


def main():
    """Train; each process writes what it ended with to a file of its own."""
    data, folder, results = map(Path, sys.argv[1:4])
    settings, stops = map(json.loads, sys.argv[4:6])
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    rank = os.environ.get("RANK", "0")
    written = watch_writes(folder)
    train_epoch = stage.train_epoch

    def stop_or_train(training):
        stop(stops.get(f"{rank} {training.epoch}"), folder)
        return train_epoch(training)

    stage.train_epoch = stop_or_train
    with ProcessGroup(torch.device("cpu")):
        store = store_of(data)
        store = dataclasses.replace(store, frames=store.frames.double())
        training = stage.train(nano_run(**settings), store, folder)
        content = {"model": training.model.state_dict(), "history": training.history}
        save_checkpoint(results / f"{rank}.pt", content | {"written": len(written)})


def watch_writes(folder):
    """Return a list that files of a folder come into when they are opened for writing."""
    written = []

    def watch(event, arguments):
        if event == "open" and str(arguments[0]).startswith(str(folder)):
            if arguments[2] & (os.O_WRONLY | os.O_RDWR):
                written.append(arguments[0])

    sys.addaudithook(watch)
    return written


def stop(how, folder):
    """Let something happen to this process, if it is its turn."""
    match how:
        case "mistake":
            raise ConfigError("a mistake of the test.")
        case "another owner":
            Owner(folder)
        case "death":
            os.kill(os.getpid(), 9)


if __name__ == "__main__":
    run_stage(main)
