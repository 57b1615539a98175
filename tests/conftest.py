"""The order of the tests, and what several of them share: small skeletons, golden numbers."""

from pathlib import Path

import numpy as np
import pytest
import torch

from protogcn.config.skeleton import built_in_skeletons
from tests.made import nano
from tests.made.trained_nano import write_trained_nano

GOLDEN = Path(__file__).parent / "golden"


def pytest_collection_modifyitems(items):
    """Start with the files that take longest: each goes to one process, as a whole."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (item.path not in slow, "workflow" not in item.path.parts))


@pytest.fixture(scope="session")
def golden():
    """The arrays of the reference implementation's preprocessing."""
    with np.load(GOLDEN / "preprocessing.npz") as file:
        return dict(file)


@pytest.fixture(scope="session")
def ntu25():
    return built_in_skeletons()["ntu25"]


@pytest.fixture(scope="session")
def coco20():
    return built_in_skeletons()["coco20"]


@pytest.fixture(scope="session")
def toy5():
    """A trunk (0 root, 1), a left hand (2), a right hand (3), and a foot (4) under the trunk."""
    return nano.SKELETON


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """The nano dataset on disk; tests only read it."""
    folder = tmp_path_factory.mktemp("data")
    nano.write_dataset(folder)
    return folder


@pytest.fixture(autouse=True)
def one_thread():
    """Results on the CPU are the same bit for bit at the same number of threads."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def trained_nano(tmp_path_factory):
    """An ensemble of three streams with its raw files; tests only read it."""
    torch.set_num_threads(1)
    return write_trained_nano(tmp_path_factory.mktemp("trained"))


@pytest.fixture
def real_scores():
    """Joint and bone scores of 60 clips, where the data are."""
    root = Path(__file__).parents[1]
    for folder in (root / "data", root.parent / "shared/data"):
        path = folder / "mmaction2_demo_fuse_60samples.npz"
        if path.exists():
            with np.load(path, allow_pickle=False) as file:
                return dict(file)
    pytest.skip("mmaction2_demo_fuse_60samples.npz is in neither data/ nor ../shared/data")


@pytest.fixture
def captured_graphs(monkeypatch):
    """The graphs that torch.compile captures, each run as it is: the same for every backend."""
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    compile_as = torch.compile
    monkeypatch.setattr(
        torch,
        "compile",
        lambda function, *, fullgraph, options: compile_as(
            function, fullgraph=fullgraph, backend=backend
        ),
    )
    return graphs
