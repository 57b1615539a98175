"""The settings of a dataset and of a run, resolved: what a stage reads.

Nothing here imports torch: a login node reads this to plan the jobs.
"""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from protogcn.config.hold_out import Twin, twins_of
from protogcn.config.options import OPTIONS
from protogcn.config.skeleton import Skeleton
from protogcn.config.written import read_written
from protogcn.files import paths

ANNOTATIONS = "annotations.csv"  # the table of a folder of clips
MODALITIES = ("j", "b", "k", "jm", "bm", "km")


_NOT_KEPT = ("source", "text_embeddings")  # of a dataset


@dataclass(frozen=True)
class Dataset:
    """One dataset of the config, resolved.

    Attributes:
        name: what the config calls it.
        raw: the pickle, the folder of ``.skeleton`` files, or that of clips with their table.
        simulate: arguments of the demo's simulator if it makes the raw files, else None.
        source: where a user gets the raw files.
        skeleton: the joint layout.
        persons: person slots kept of each clip, 1 or 2.
        protocol: ``ntu60`` or ``ntu120`` if it is one of these, else None.
        leave_out_missing: leave out the samples on NTU's list of missing skeletons.
        classes: class names in label order.
        splits: the splits its tasks use.
        kpfiles: the folder with the compressed poses that ``raw`` is the table of, else None.
        text_embeddings: the file of texts about its classes; runs of GAP have it themselves.
        leave_out_copies: leave out test clips with the positions of training clips.
        hold_out: which training clips the twins of its splits leave out, None without twins.
    """

    name: str
    raw: str
    simulate: Mapping[str, Any] | None
    source: str
    skeleton: Skeleton
    persons: int
    protocol: str | None
    leave_out_missing: bool
    classes: tuple[str, ...]
    splits: tuple[str, ...]
    kpfiles: str | None = None
    text_embeddings: str | None = None
    leave_out_copies: bool = False
    hold_out: Mapping[str, Any] | None = None

    @property
    def twins(self) -> dict[str, Twin]:
        """The twins of its splits, by their names."""
        return twins_of(self.splits, self.hold_out)

    @property
    def task_splits(self) -> tuple[str, ...]:
        """Its splits, and their twins: each makes a task."""
        return (*self.splits, *self.twins)

    @property
    def is_pickle(self) -> bool:
        """Whether ``raw`` is one annotation pickle (else a folder)."""
        return Path(self.raw).suffix.lower() in (".pkl", ".pickle")

    @property
    def raw_sources(self) -> list[Path]:
        """What exists of its raw files and folders; a table beside a pickle has its splits."""
        beside = [str(Path(self.raw).with_suffix(".csv"))] if self.is_pickle else []
        given = (self.raw, *beside, *([self.kpfiles] if self.kpfiles else []))
        return [Path(path) for path in given if Path(path).exists()]

    @property
    def is_annotated_folder(self) -> bool:
        """Whether ``raw`` is a folder with a file for each clip and a table of them.

        With a protocol it is if the table is there: then its files may have any names.
        """
        has_other = self.protocol is not None or self.simulate is not None
        return not self.is_pickle and (not has_other or (Path(self.raw) / ANNOTATIONS).is_file())

    def to_mapping(self) -> dict[str, Any]:
        """Return what ``dataset_from_mapping`` builds this dataset from.

        ``source`` is words for a message: changing them redoes nothing. Texts are a run's. A
        dataset that leaves no copies and no subjects out is the one that it was before there were
        these settings.
        """
        entry = {key: value for key, value in vars(self).items() if key not in _NOT_KEPT}
        if not self.leave_out_copies:
            del entry["leave_out_copies"]
        if self.hold_out is None:
            del entry["hold_out"]
        entry["skeleton"] = {"name": self.skeleton.name, **self.skeleton.to_mapping()}
        entry["classes"] = list(self.classes)
        entry["splits"] = list(self.splits)
        return entry


@dataclass(frozen=True)
class Run:
    """One training and its scoring: a task, a model, a stream, and all their settings.

    Attributes:
        dataset: the dataset, resolved.
        split: one of its splits.
        model: the model's name in the config.
        modality: j, b, k, jm, bm or km.
        repeat: 1, or more for a further run of the same setup with another seed.
        settings: every key of the config's ``train`` section, overrides applied; of ``OPTIONS``
            those that are not as by default.
        network: every key of the model's entry, overrides applied.
        engine: every key of the ``engine`` section, overrides applied: where and how fast it is
            computed.
    """

    dataset: Dataset
    split: str
    model: str
    modality: str
    repeat: int
    settings: Mapping[str, Any]
    network: Mapping[str, Any]
    engine: Mapping[str, Any]

    @property
    def task(self) -> str:
        """Dataset and split, as in the names of results."""
        return f"{self.dataset.name}_{self.split}"

    @property
    def stream(self) -> str:
        """The modality, followed by ``-2`` and so on for a repeat."""
        return self.modality if self.repeat == 1 else f"{self.modality}-{self.repeat}"

    def option(self, name: str) -> Any:
        """Return a setting that a run has only where it is not as by default."""
        return self.settings.get(name, OPTIONS[name])

    @property
    def reads_joints(self) -> bool:
        """Whether it reads the joints' file whatever its modality, which is computed in a batch."""
        reads = self.reads_positions or self.network["network"] == "infogcn"
        return reads or self.option("bone_lengths") > 0

    @property
    def modality_of_input(self) -> str:
        """What its network is given: InfoGCN makes the modality of joints itself."""
        if self.network["network"] == "infogcn":
            return "jm" if self.modality.endswith("m") else "j"
        return self.modality

    @property
    def differences_crops(self) -> bool:
        """Whether its motion is the difference of the frames of a crop, not of the clip."""
        return self.modality.endswith("m") and self.settings["difference"] == "sampled"

    @property
    def stored_modality(self) -> str:
        """The modality whose file it reads; a crop of it may be differenced later."""
        if self.reads_joints:
            return "j"
        return self.modality.removesuffix("m") if self.differences_crops else self.modality

    @property
    def reads_positions(self) -> bool:
        """Whether its network reads the positions of all bodies' joints besides its modality."""
        return self.network["network"] == "blockgcn"

    @property
    def num_gpus(self) -> int:
        """The GPUs that its training asks for."""
        return 0 if self.engine["device"] == "cpu" else self.engine["gpus"]

    @property
    def cpu_cores(self) -> int:
        """The CPU cores of its training, which has a process for each GPU."""
        return self.engine["gpus"] * self.settings["cpu_threads"]

    @property
    def folder(self) -> str:
        """The directory of its settings, network and scores."""
        return paths.of_run(self.dataset.name, self.split, self.model, self.stream)

    def log(self, rule: str) -> str:
        """Return the log of its job of this rule."""
        return paths.log(rule, self.dataset.name, self.split, self.model, self.stream)

    @property
    def name(self) -> str:
        """What messages call this run."""
        return f"{self.task}/{self.model}/{self.stream}"

    def to_mapping(self) -> dict[str, Any]:
        """Return what ``run_from_mapping`` builds this run from."""
        return {
            **vars(self),
            "dataset": self.dataset.to_mapping(),
            "settings": dict(self.settings),
            "network": dict(self.network),
            "engine": dict(self.engine),
        }


def dataset_from_mapping(entry: Mapping[str, Any]) -> Dataset:
    """Build a dataset from its resolved form."""
    layout = dict(entry["skeleton"])
    skeleton = Skeleton.from_mapping(layout.pop("name"), layout)
    lists = {key: tuple(entry[key]) for key in ("classes", "splits")}
    return Dataset(**{"source": "", **entry, **lists, "skeleton": skeleton})


def run_from_mapping(entry: Mapping[str, Any]) -> Run:
    """Build a run from its resolved form."""
    return Run(**{**entry, "dataset": dataset_from_mapping(entry["dataset"])})


def load_dataset(path: Path) -> Dataset:
    """Read a resolved ``dataset.yaml``; errors as of ``read_written``."""
    return read_written(path, "dataset", dataset_from_mapping)


def load_run(path: Path) -> Run:
    """Read a resolved ``config.yaml`` of a run directory; errors as of ``read_written``."""
    return read_written(path, "run", run_from_mapping)


def add_run_files(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that name a run's settings, data and network."""
    parser.add_argument("--config", type=Path, required=True, help="config.yaml of the run")
    parser.add_argument("--values", type=Path, required=True, help=".npy of its modality")
    parser.add_argument("--clips", type=Path, required=True, help="clips.csv beside it")
    parser.add_argument("--checkpoint", type=Path, required=True)
