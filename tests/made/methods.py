"""Each method of the config on the nano dataset, as small as it can be."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.made.nano import DATASET, nano_run
from tests.made.network_settings import network_settings

SIZE = {"width": 8, "blocks": 2, "downsample": [2]}
# The nano dataset's joints: head, hand, hip, foot.
PARTS = [[1], [2, 3], [0], [4]]


def method_run(method, *, texts=None, modality="j", own=None, **settings):
    """Return a run of a method; ``own`` are settings of its network, ``texts`` GAP's file."""
    network = network_settings(method, **SIZE) | (own or {})
    if method == "gap":
        network |= {"parts": PARTS, "texts": str(texts)}
    return replace(nano_run(**settings), model=method, modality=modality, network=network)


def write_texts(path: Path) -> Path:
    """Write embeddings of eight numbers of texts about the nano dataset's classes."""
    generator = np.random.default_rng(0)
    np.savez(
        path,
        class_names=np.array(DATASET.classes),
        part_names=np.array(["head", "hand", "hip", "foot"]),
        parts=generator.normal(size=(4, 4, 8)),
        synonyms=generator.normal(size=(6, 8)),
        synonym_class=np.array([0, 1, 2, 3, 3, 0]),
        encoder=np.array("drawn"),
    )
    return path
