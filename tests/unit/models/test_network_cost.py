import dataclasses

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from protogcn.batches.bodies import all_bodies
from protogcn.config.skeleton import built_in_skeletons
from protogcn.models.network_cost import network_cost
from protogcn.models.trained import build_network
from tests.made.config import repository_config
from tests.made.nano import nano_run


class Products(TorchDispatchMode):
    """Counts what each number of a product or a convolution is the sum of."""

    count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        match function.overloadpacket.__name__:
            case "mm" | "bmm":
                self.count += result.numel() * args[0].shape[-1]
            case "addmm" | "baddbmm":
                self.count += result.numel() * args[1].shape[-1]
            case "convolution":
                self.count += result.numel() * args[1][0].numel()
        return result


def test_products_are_those_of_a_pass_over_one_crop():
    run = nano_run()
    bodies = all_bodies(torch.zeros(1, run.dataset.persons, run.settings["frames"], 5, 3))
    with Products() as seen, torch.no_grad():
        build_network(run).eval()(bodies)
    assert network_cost(run).multiply_adds == seen.count > 1e6


@pytest.mark.parametrize(
    ("model", "millions"),
    [("protogcn", 4.1436 * 2**20 / 1e6), ("ctrgcn_authors", 1.45), ("infogcn", 1.56)],
)
def test_parameters_are_as_many_as_the_authors_count(model, millions):
    dataset = dataclasses.replace(
        nano_run().dataset,
        skeleton=built_in_skeletons()["ntu25"],
        classes=tuple(map(str, range(60))),
    )
    network = repository_config()["models"][model]
    run = dataclasses.replace(nano_run(), dataset=dataset, network=network)
    assert network_cost(run).parameters / 1e6 == pytest.approx(millions, rel=0.005)
