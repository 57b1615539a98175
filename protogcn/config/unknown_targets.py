"""A target that nothing makes -> a sentence with the nearest ones that something makes.

Tables and figures are compared by their names, files of runs and datasets by their whole paths.
"""

import difflib
import os
import re
from collections.abc import Iterable, Mapping
from itertools import product

from protogcn.config.plan import Plan
from protogcn.config.resolved import MODALITIES
from protogcn.config.settings import PREPARATIONS
from protogcn.errors import ConfigError
from protogcn.files import paths

_FIGURE = (".png", ".pdf", ".csv", ".txt")
_ENDINGS = {  # of what is no figure with a table
    "table": (".csv", ".md", ".tex", ".json"),
    "comparison": (".csv", ".md", ".tex", ".partial.csv", ".partial.md", ".partial.tex"),
    "pairs": (".csv",),
    "folds": (".csv", ".md", ".tex"),
    "schemes": (".csv",),
    "weights": (".json",),
    "learning curves": (".png", ".pdf", ".txt"),
    "page": (".html",),
}
_OF_RUN = ("scores.npz", "checkpoint.pt", "history.csv", "config.yaml", "confusion.png")
_OF_DATASET = ("raw.csv", "poses.csv", "annotated.csv", "dataset.yaml")
_OF_PREPARED = ("report.png", "report.csv", "clips.csv", "dropped.csv", "joints.npy")
_CLIP = re.compile(r"((?:[^/]+/)+(clips|topology)/)(.*?)(?:_([a-z]*))?(\.[a-z]*)?")
_OF_CLIP = tuple(
    re.compile(rf"(results/{folder}/)(.+)({shown}\.(?:png|pdf|csv|txt|gif|manifest\.json))")
    for folder, shown in (
        ("data(?:/[^/]+){2}/clips", f"_(?:{'|'.join([*MODALITIES, 'all'])})"),
        ("runs(?:/[^/]+){4}/topology", ""),
    )
)
_DASHES = ("\N{EN DASH}", "\N{EM DASH}", "\N{MINUS SIGN}")
_NEAR = 0.6  # share of letters in common
_SHOWN = 3


def unknown_target(target: str, plan: Plan, kinds: Mapping[str, str]) -> str:
    """Return what a user needs who asked for something that nothing makes.

    Args:
        target: as asked for.
        plan: what the config describes.
        kinds: what each of its tables and figures is, by name.
    """
    if target.startswith(_DASHES):
        return f"{target!r} starts with {target[0]!r}, expected - or --; an editor made it of them."
    if target.endswith((".yaml", ".yml")):
        return (
            f"{target!r} is a config, not a target; write --configfile {target} after the target."
        )
    if found := nearest_targets(target, plan, kinds):
        return f"nothing makes {target!r}; did you mean {' or '.join(map(repr, found))}?"
    task, name = max(plan.ensembles, key=lambda names: plan.ensembles[names].on_page)
    table = paths.result(paths.ENSEMBLE.format(task=task, ensemble=name), ".csv")
    return (
        f"nothing makes {target!r}; expected a table such as {table}, a figure"
        " (docs/figures.md), or a file of a run or a dataset under results/."
    )


def check_length(target: str) -> None:
    """Refuse the file of a clip whose id makes no name of a file, with the one to ask for.

    Raises:
        ConfigError: it is too long.
    """
    for clip in filter(None, (pattern.fullmatch(target) for pattern in _OF_CLIP)):
        folder, asked, ending = clip.groups()
        if max(len(part.encode()) for part in asked.split("/")) > paths.LONGEST_PART:
            raise ConfigError(
                f"an id of more than {paths.LONGEST_PART} bytes is cut in the names of files; ask"
                f" for {folder + paths.of_clip(asked) + ending!r}."
            )


def nearest_targets(target: str, plan: Plan, kinds: Mapping[str, str]) -> list[str]:
    """Return the targets that one may have been meant to be; arguments as ``unknown_target``."""
    path = os.path.relpath(target or ".")  # also of an absolute one; without ./ and //
    first, _, rest = path.partition("/")
    is_inside = bool(difflib.get_close_matches(first.lower(), ["results"], cutoff=0.8))
    name = rest if is_inside and rest else path
    return _near_file(name, plan) if "/" in name else _near_table(name, kinds)


def _near_table(name: str, kinds: Mapping[str, str]) -> list[str]:
    """Return the nearest tables and figures, with the ending that was nearly asked for."""
    kinds = {**kinds, "report": "page"}
    stem, dot, ending = name.partition(".")
    found = []
    for near in _nearest(stem, kinds):
        endings = _ENDINGS.get(kinds[near], _FIGURE)
        meant = difflib.get_close_matches(dot + ending.lower(), endings, n=1) or endings
        found.append(paths.result(near, meant[0]))
    return found


def _near_file(name: str, plan: Plan) -> list[str]:
    """Return the nearest files of runs and datasets."""
    if clip := _CLIP.fullmatch(name):
        folder, kind, asked, shown, ending = clip.groups()
        places = [place.removeprefix("results/") for place in _folders(plan, kind)]
        if not (near := _nearest(folder, [f"{place}/{kind}/" for place in places])):
            return []
        if kind == "topology":
            whole = f"{asked}_{shown}" if shown is not None else asked
            return [f"results/{place}{whole or 'CLIP'}.png" for place in near[:1]]
        shown = shown if shown in (*MODALITIES, "all") else "all"
        ending = ending if ending in (".gif", ".png", ".pdf", ".txt") else ".gif"
        return [f"results/{place}{asked or 'CLIP'}_{shown}{ending}" for place in near[:1]]
    prepared = (*_OF_PREPARED, *(f"{modality}.npy" for modality in MODALITIES))
    folder, _, file = name.rpartition("/")
    kinds = (
        (_OF_DATASET, map(paths.of_dataset, plan.datasets)),
        (prepared, _folders(plan, "clips")),
        (_OF_RUN, _folders(plan, "topology")),
    )
    meant = {
        place: near[0]
        for files, places in kinds
        if (near := _nearest(file, files))
        for place in places
    }
    return [f"{place}/{meant[place]}" for place in _nearest(f"results/{folder}", meant)]


def _folders(plan: Plan, kind: str) -> list[str]:
    """Return the folders that have topologies (runs) or clips (prepared datasets)."""
    datasets = plan.datasets.values()
    if kind == "clips":
        return [paths.prepared(*names) for names in product(plan.datasets, PREPARATIONS)]
    streams = dict.fromkeys(MODALITIES)
    streams |= dict.fromkeys(s for scheme in plan.ensembles.values() for _, s in scheme.members)
    tasks = [(dataset.name, split) for dataset in datasets for split in dataset.task_splits]
    return [paths.of_run(*task, *of) for task, *of in product(tasks, plan.models, streams)]


def _nearest(name: str, known: Iterable[str]) -> list[str]:
    """Return the known names nearest to one, several if they are equally near."""
    lowered = {other.lower(): other for other in known}
    close = difflib.get_close_matches(name.lower(), lowered, n=_SHOWN, cutoff=_NEAR)
    shares = [difflib.SequenceMatcher(None, other, name.lower()).ratio() for other in close]
    return [
        lowered[other] for other, share in zip(close, shares, strict=True) if share == shares[0]
    ]
