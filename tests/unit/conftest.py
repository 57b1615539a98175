"""What several test files share: paths, small skeletons, golden numbers."""

from pathlib import Path

import numpy as np
import pytest

from protogcn.skeleton import Skeleton, built_in_skeletons

GOLDEN = Path(__file__).parent.parent / "golden"


@pytest.fixture(scope="session")
def golden():
    """The arrays of the reference implementation's preprocessing."""
    with np.load(GOLDEN / "preprocessing.npz") as file:
        return dict(file)


@pytest.fixture(scope="session")
def ntu25():
    return built_in_skeletons()["ntu25"]


@pytest.fixture(scope="session")
def toy5():
    """A trunk (0 root, 1), a left hand (2), a right hand (3), and a foot (4) under the trunk."""
    return Skeleton.from_mapping(
        "toy5",
        {
            "joints": ["root", "chest", "left", "right", "foot"],
            "parents": [0, 0, 1, 1, 0],
            "centre": 0,
            "pairs": [[2, 3]],
            "limbs": {"left": [2], "right": [3]},
        },
    )
