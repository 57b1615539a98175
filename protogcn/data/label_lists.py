"""The list of test clips of ST-GCN's or CTR-GCN's family, which their score files follow.

ST-GCN and what came from it (2s-AGCN, MS-G3D ...) write a pickle of two lists, names and labels
(``val_label.pkl``); CTR-GCN and what came from it an npz with ``y_test``, one row for each clip and
a 1 at its class (``NTU60_CS.npz``), whose clips are test_0, test_1 and so on.
"""

from pathlib import Path

import numpy as np

from protogcn.errors import ContractError
from protogcn.files.contracts import reading
from protogcn.files.plain_arrays import opening_npz

_LABELS = "y_test"
_SUFFIX = ".skeleton"


def names_and_labels(content: object) -> tuple[list[str], list[object]] | None:
    """Return the names and labels of a pickle of ST-GCN's family; None if it is no such pair."""
    if type(content) not in (tuple, list) or len(content) != 2:
        return None
    names, labels = (list(part) if _is_list(part) else [] for part in content)
    if not names or len(names) != len(labels) or not all(isinstance(name, str) for name in names):
        return None
    return [name.removesuffix(_SUFFIX) for name in names], labels


def load_numbered_labels(path: Path) -> tuple[list[str], list[int]]:
    """Return names and labels of the test clips of an npz of CTR-GCN's family.

    Raises:
        ContractError: it has no such labels.
    """
    with reading(path, f"an npz with {_LABELS}, as CTR-GCN's code writes it"):
        with opening_npz(path) as file:
            if _LABELS not in file:
                found = ", ".join(list(file)[:6]) or "nothing"
                raise ContractError(f"{path}: has {found}, expected {_LABELS}.")
            labels = file[_LABELS]
    if labels.ndim == 2 and ((labels > 0).sum(axis=1) == 1).all():
        labels = labels.argmax(axis=1)
    if labels.ndim != 1:
        raise ContractError(
            f"{path}: {_LABELS} has the shape {labels.shape}, expected a row for each clip with"
            " one 1 in it, or its class number."
        )
    return [f"test_{number}" for number in range(len(labels))], labels.tolist()


def _is_list(value: object) -> bool:
    return type(value) in (list, tuple) or (isinstance(value, np.ndarray) and value.ndim == 1)
