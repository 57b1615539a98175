"""Papers and authors -> what they state: protocols, classes, joint layouts, results."""

import csv
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

import yaml


@cache
def ntu_facts() -> Mapping[str, Any]:
    """Return the NTU protocols (setups, classes, splits), clip counts and class names."""
    return yaml.safe_load(_read("ntu.yaml"))


@cache
def ntu_missing_samples() -> frozenset[str]:
    """Return the names of the 535 NTU samples whose skeletons are missing or incomplete."""
    return frozenset(_read("ntu_missing_skeletons.txt").split())


def skeleton_facts() -> Mapping[str, Any]:
    """Return the built-in joint layouts."""
    return yaml.safe_load(_read("skeletons.yaml"))


@cache
def published_numbers(table: str) -> tuple[Mapping[str, str], ...]:
    """Return the cells of the paper's ``table4`` or ``table5``, in its order.

    Keys: method, publication, task, stream, metric, value (a percentage as printed, empty if there
    is none), status (``ok``, or codes of notes, see protogcn/report/tables/notes.py).
    """
    return tuple(csv.DictReader(_read(f"{table}.csv").splitlines()))


@cache
def fusion_facts() -> Mapping[str, Mapping[str, Any]]:
    """Return how the authors of Table 4's methods fuse: methods, space, weights, ``tuned_on``."""
    return yaml.safe_load(_read("fusions.yaml"))


@cache
def figure1_facts() -> Mapping[str, Any]:
    """Return what the paper's Figure 1 compares, and its counts of classes."""
    return yaml.safe_load(_read("figure1.yaml"))


def _read(name: str) -> str:
    return resources.files("protogcn.config.facts").joinpath(name).read_text("utf-8")
