"""A program of the tests: two processes train the nano network in float64."""

import json
import os
import sys
import time
from pathlib import Path

import torch

from protogcn.batches.parallel import Peer, ProcessGroup, run_together
from protogcn.errors import ConfigError
from protogcn.models.checkpoint import save_checkpoint
from protogcn.training import train as stage
from protogcn.training.run_owner import Owner
from tests.made.methods import method_run
from tests.made.nano import in_double, nano_run, store_of


def work(
    peer: Peer,
    data: Path,
    folder: Path,
    results: Path,
    settings: dict,
    stops: dict,
    methods: dict | None = None,
):
    """Train; each process writes what it ended with to a file of its own.

    ``methods``: instead of the nano network one after the other, each with settings of its own.
    """
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    written = watch_writes(folder)
    train_epoch = stage.train_epoch

    def stop_or_train(training):
        stop(stops.get(f"{peer.rank} {training.epoch}"), folder)
        return train_epoch(training)

    stage.train_epoch = stop_or_train
    with ProcessGroup(torch.device("cpu"), peer):
        runs = {f"{peer.rank}": nano_run(**settings)}
        if methods:
            runs = {
                f"{peer.rank} {method}": method_run(method, own=own, **settings)
                for method, own in methods.items()
            }
        for name, run in runs.items():
            store = in_double(store_of(data, run=run))
            training = stage.train(run, store, folder / run.model if methods else folder)
            content = {
                "model": training.model.state_dict(),
                "add_ons": training.add_ons.state_dict(),
                "history": training.history,
                "written": len(written),
            }
            save_checkpoint(results / f"{name}.pt", content)


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
        case "fault":
            raise ZeroDivisionError("a fault of the test")
        case "sleep":
            (folder / f"{os.getpid()}.asleep").touch()
            time.sleep(600)


if __name__ == "__main__":
    places, others = map(Path, sys.argv[1:4]), map(json.loads, sys.argv[4:7])
    sys.exit(run_together(2, work, *places, *others))
