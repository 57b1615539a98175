"""Stage 3: one modality of a dataset -> one trained network.

Source: paper Table 2 (SGD, cosine schedule, batch 64, rate 0.1, 150 epochs) and the released
settings.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import chain
from pathlib import Path
from socket import socket
from typing import Any

import pandas as pd
import torch
from tqdm import tqdm

from protogcn.batches.clip_store import ClipStore
from protogcn.batches.device import pick_device
from protogcn.batches.parallel import (
    Peer,
    ProcessGroup,
    is_first,
    num_processes,
    on_first_process,
    run_together,
)
from protogcn.config.inputs import texts_of
from protogcn.config.resolved import Run, add_run_files, load_run
from protogcn.data.scale import scale_entry
from protogcn.errors import (
    ConfigError,
    ContractError,
    FinishedElsewhereError,
    SupersededError,
    enough_memory,
    exit_code_of,
)
from protogcn.files.contracts import reading
from protogcn.files.csv_table import save_table
from protogcn.files.history import sides_measured
from protogcn.files.provenance import made_here
from protogcn.files.sources import note_sources
from protogcn.jobs.claim import add_gpus, claimed_gpus
from protogcn.jobs.deadline import TimeLimit, limit_of_this_job
from protogcn.models.checkpoint import save_checkpoint
from protogcn.models.engine import Engine
from protogcn.models.trained import build_network, load_trained, load_weights, training_fingerprint
from protogcn.training.epoch import SeedOf, Training, seeds, train_epoch
from protogcn.training.further_losses import further_losses
from protogcn.training.reporter import Reporter, SilentReporter
from protogcn.training.resume import ResumeFile, check_epochs
from protogcn.training.run_owner import Owner
from protogcn.training.start_from import load_start
from protogcn.training.validation import check_sides, is_measured, measure_sides


def train(run: Run, store: ClipStore, folder: Path, limit: TimeLimit | None = None) -> Training:
    """Train one run, from its last whole epoch if there is one.

    Of several processes only the first one touches the run directory.

    Args:
        run: settings, network, split.
        store: the clips of its modality.
        folder: the run directory, for ``resume.pt``, the owner token and ``progress.json``.
        limit: the end of this job, before which the last epoch has to be saved; None is no end.

    Raises:
        OutOfTimeError: the next epoch would not end before the job does.
        ConfigError: no epoch can end in a job of this length.
        ContractError: the split has no training clip, or a file cannot be read or written.
        NotFiniteError: a loss or a weight became infinite or not a number.
        SupersededError: another process took this run over.
        TooLittleMemoryError: a batch does not fit.
    """
    owner = on_first_process(lambda: Owner(folder))
    resume = ResumeFile(folder)
    training = _resume_or_start(run, store, resume)
    reporter = SilentReporter()  # of the other processes
    if is_first():
        reporter = Reporter(
            owner,
            folder,
            name=run.name,
            epochs=run.settings["epochs"],
            num_clips=len(training.rows),
            measured_share=_measured_share(run),
            history=training.history,
            limit=limit or TimeLimit(),
        )
    training.on_step = reporter.on_step
    with reporter.record_outcome(), _enough_memory(run):
        while training.epoch < run.settings["epochs"]:
            reporter.begin_epoch(validates=is_measured(run.settings, training.epoch + 1))
            row = train_epoch(training)
            row |= measure_sides(training)
            training.epoch += 1
            training.history.append(row)
            reporter.end_epoch(row, lambda: resume.save(_state(training)))
    return training


def _resume_or_start(run: Run, store: ClipStore, resume: ResumeFile) -> Training:
    """Return a training after its last whole epoch, or before its first one."""
    training = _start(run, store)
    state = on_first_process(lambda: resume.load(training.fingerprint))
    if state is not None:
        with reading(resume.path, "the state of this training"):
            check_epochs(state, run.settings["epochs"])
            load_weights(training.model, state["model"])
            training.add_ons.load_state_dict(state.get("add_ons", {}))
            training.optimizer.load_state_dict(state["optimizer"])
            training.epoch = state["epoch"]
            training.history = list(state["history"])
            training.best = state["best"]
        _print(f"{run.name}: resumes from epoch {training.epoch}.")
    elif training.start is not None:
        _print(f"{run.name}: starts from {training.start}.")
    return training


def _state(training: Training) -> dict[str, Any]:
    """Return what ``_resume_or_start`` restores."""
    return {
        "facts": training.fingerprint,
        "epoch": training.epoch,
        "model": training.model.state_dict(),
        "add_ons": training.add_ons.state_dict(),
        "optimizer": training.optimizer.state_dict(),
        "history": training.history,
        "best": training.best,
    }


def _start(run: Run, store: ClipStore) -> Training:
    settings = run.settings
    engine = Engine.of(run.engine, store.device, precision=settings["precision"])
    if (num := num_processes()) > 1:
        _print(f"{run.name}: {num} processes share each batch; the network is not compiled.")
    check_sides(run, store.table)  # refused now rather than after an epoch
    rows = store.rows(run.split, "train")
    if run.option("drop_last") and len(rows) < settings["batch"]:
        raise ConfigError(
            f"run {run.name}: drop_last is true, but its {len(rows)} training clips are fewer than"
            f" one batch of {settings['batch']}, which is the last one; set drop_last to false."
        )
    torch.manual_seed(seeds(SeedOf.WEIGHTS, settings["seed"])[0])
    model = build_network(run, engine.spatial).to(engine.device)
    model.label_smoothing = run.option("label_smoothing")
    start = load_start(run, model) if "start_from" in settings else None
    add_ons = further_losses(run, store, model)
    groups = start.groups if start else [{"params": list(model.parameters())}]
    if learned := [each for each in add_ons.parameters() if each.requires_grad]:
        groups = [*groups, {"params": learned}]
    optimizer = engine.optimizer(
        groups,
        learning_rate=settings["learning_rate"],
        momentum=settings["momentum"],
        weight_decay=settings["weight_decay"],
    )
    return Training(
        run=run,
        store=store,
        engine=engine,
        model=model,
        step=engine.training_step(model, optimizer, add_ons),
        evaluation=engine.evaluation(model),
        optimizer=optimizer,
        rows=rows,
        fingerprint=training_fingerprint(run, store, model, start.digest if start else None),
        start=start,
        add_ons=add_ons,
    )


def _enough_memory(run: Run) -> AbstractContextManager[None]:
    settings = run.settings
    return enough_memory(
        f"{run.name}, {settings['batch']} clips of {settings['frames']} frames in a batch",
        "lower batch or frames, share the batch among several GPUs (engine: gpus), or give the job"
        " more memory (mem_mb); resume.pt has the epochs that are done",
    )


def _measured_share(run: Run) -> float:
    """Return the share of its epochs after which a training is measured."""
    epochs = run.settings["epochs"]
    return sum(is_measured(run.settings, epoch) for epoch in range(1, epochs + 1)) / epochs


def _print(text: str) -> None:
    if is_first():
        tqdm.write(text, file=sys.stderr)


def _checkpoint(training: Training) -> Mapping[str, Any]:
    chosen = training.best if training.run.settings["select"] == "best" else None
    return {
        "model": chosen["model"] if chosen else training.model.state_dict(),
        "epoch": chosen["epoch"] if chosen else training.epoch,
        "run": training.run.to_mapping(),
        "measured": sorted({*chain.from_iterable(map(sides_measured, training.history))}),
        "facts": training.fingerprint,
        **made_here(),
        **({"start": dict(training.start.record)} if training.start else {}),
        **scale_entry(training.store.scale),
    }


def _train_or_find(
    run: Run, store: ClipStore, limit: TimeLimit, checkpoint: Path, history: Path
) -> None:
    """Train a run and write its files, unless another process took over and did it.

    A node that was given up for lost may wake when its successor has finished. If its job failed
    then, Snakemake would remove the files of a failed job, which are the successor's.
    """
    given = [run.settings["start_from"]] if "start_from" in run.settings else []
    if is_first() and (sources := [Path(file) for file in (*given, *texts_of(run))]):
        note_sources(checkpoint, sources)
    try:
        training = train(run, store, checkpoint.parent, limit)
    except SupersededError as error:
        if not history.exists() or not _is_of(run, store, checkpoint):
            raise
        raise FinishedElsewhereError(
            f"{run.name}: another process took over this run and has finished it."
        ) from error
    if is_first():
        save_table(history, pd.DataFrame(training.history), sealed=True)
        save_checkpoint(checkpoint, dict(_checkpoint(training)))


def _is_of(run: Run, store: ClipStore, checkpoint: Path) -> bool:
    """Whether the checkpoint exists and is of this very training."""
    try:
        load_trained(checkpoint, run, store)
    except ContractError:
        return False
    return True


def main() -> None:
    """Train one run, write its checkpoint and its history."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_run_files(parser)
    parser.add_argument("--history", type=Path, required=True)
    add_gpus(parser)
    parser.add_argument(
        "--stop-at",
        help="when this job ends: seconds since 1970 or a local time as 2030-01-31T18:00"
        " (default: $PROTOGCN_STOP_AT, and what Slurm reports)",
    )
    args = parser.parse_args()

    limit = limit_of_this_job(args.stop_at)
    run = load_run(args.config)
    size = run.engine["gpus"]
    with claimed_gpus(args.gpus, share=args.share) as claims:
        if size == 1:
            try:
                _train_as(Peer(), args, limit, claims)
            except FinishedElsewhereError as error:
                print(error, file=sys.stderr)
            return
        # Snakemake exports the threads of the job, which are those of all processes together.
        os.environ["OMP_NUM_THREADS"] = str(run.settings["cpu_threads"])
        code = run_together(size, _train_as, args, limit, claims)
    if code not in (0, exit_code_of(FinishedElsewhereError())):
        sys.exit(code)


def _train_as(
    peer: Peer, args: argparse.Namespace, limit: TimeLimit, claims: Sequence[socket]
) -> None:
    """Do this process's part of a training; it has its GPU as long as it has the claims."""
    run = load_run(args.config)
    with ProcessGroup(pick_device(run.engine["device"]), peer) as device, _enough_memory(run):
        engine = Engine.of(run.engine, device, precision=run.settings["precision"])
        engine.start(run.settings["cpu_threads"])
        store = ClipStore.load(args.values, args.clips, run, device)
        _train_or_find(run, store, limit, args.checkpoint, args.history)
