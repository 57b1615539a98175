"""The engine's training step: what it updates, and the switches that it sets."""

import pytest
import torch
from torch import nn

from protogcn.bodies import Bodies
from protogcn.engine import Engine
from protogcn.models import Loss
from tests.unit.nano import SETTINGS


class Square(nn.Module):
    """A loss whose gradient is the weight plus the labels' sum."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([1.0, 2.0]))

    def loss(self, bodies, labels):
        total = 0.5 * self.weight.square().sum() + self.weight.sum() * labels.sum()
        return Loss(total, {}, self.weight.detach())


@pytest.fixture
def switches():
    """Put back what an engine sets for the whole process."""
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    yield
    torch.set_float32_matmul_precision(before[0])
    torch.backends.cudnn.allow_tf32 = before[1]


def step_of(model, **settings):
    engine = Engine.of(SETTINGS | settings, torch.device("cpu"))
    optimizer = engine.optimizer(
        model.parameters(), learning_rate=1.0, momentum=0.0, weight_decay=0.0
    )
    return engine.training_step(model, optimizer)


def test_step_takes_the_rate_of_its_call_and_no_gradient_of_the_last():
    model = Square()
    step = step_of(model)
    bodies, labels = Bodies(torch.zeros(1), torch.zeros(1), None), torch.tensor([1.0])
    first = step(bodies, labels, 0.5)  # 1 - 0.5 * (1 + 1), 2 - 0.5 * (2 + 1)
    assert first.total.item() == 5.5
    assert model.weight.tolist() == [0.0, 0.5]
    step(bodies, labels, 1.0)  # 0 - (0 + 1), 0.5 - (0.5 + 1)
    assert model.weight.tolist() == [-1.0, -1.0]


@pytest.mark.usefixtures("switches")
def test_tf32_is_off_in_products_and_convolutions_unless_wanted():
    torch.backends.cudnn.allow_tf32 = True
    Engine.of(SETTINGS, torch.device("cpu")).start(torch.get_num_threads())
    assert torch.get_float32_matmul_precision() == "highest"
    assert not torch.backends.cudnn.allow_tf32


def test_without_the_fused_optimizer_torch_may_still_update_many_weights_at_once():
    engine = Engine.of(SETTINGS | {"fused_optimizer": False}, torch.device("cuda"))
    parameters = [nn.Parameter(torch.zeros(1))]
    optimizer = engine.optimizer(parameters, learning_rate=1.0, momentum=0.0, weight_decay=0.0)
    assert optimizer.defaults["fused"] is None


def test_compiling_is_announced_once_and_covers_the_whole_step(monkeypatch, capsys):
    monkeypatch.setattr(torch, "compile", lambda function, *, fullgraph, mode: function)
    step = step_of(Square(), compile=True)
    bodies = Bodies(torch.zeros(1, 1, 1, 3), torch.zeros(1, 1), torch.ones(1))
    for _ in range(2):
        step(bodies, torch.tensor([1.0]), 0.5)
    told = capsys.readouterr().err
    assert told.count("Compiling the training step") == 1
    assert told.count("Compiled the training step in 0 s") == 1
