import os
import re

import numpy as np
import pytest
import torch
from torch import nn
from torch._dynamo.exc import InternalTorchDynamoError
from torch._dynamo.utils import counters

from protogcn.batches.bodies import Bodies, pack_bodies
from protogcn.errors import ConfigError
from protogcn.models import Loss, build_model
from protogcn.models import engine as module
from protogcn.models.engine import Engine
from protogcn.models.fast.cpu import folded
from protogcn.models.fast.gpu.topology import KernelTopology
from protogcn.models.topology import MotionTopology
from protogcn.training.train import train
from tests.made.nano import (
    ENGINE,
    NETWORK,
    SKELETON,
    nano_run,
    store_of,
)

CPU, GPU = torch.device("cpu"), torch.device("cuda")


def engine_of(device=CPU, precision="float32", **switches):
    return Engine.of({**ENGINE, **switches}, device, precision=precision)


def make_model():
    torch.manual_seed(0)
    model = build_model(NETWORK, SKELETON, num_classes=4)
    with torch.no_grad():
        for block in model.blocks:
            block.spatial.alpha.fill_(0.5)
            block.spatial.beta.fill_(0.5)
    model.reconstruct.dropout.p = 0.0
    return model


def make_bodies(persons, multiple=1):
    generator = torch.Generator().manual_seed(len(persons))
    clips = torch.randn(len(persons), 2, 16, 5, 3, generator=generator)
    clips[torch.tensor(persons) == 1, 1] = 0
    labels = torch.arange(len(persons)) % 4
    return pack_bodies(clips, np.array(persons), multiple=multiple), labels


def step_of(model, **settings):
    engine = engine_of(**settings)
    optimizer = engine.optimizer(
        model.parameters(), learning_rate=1.0, momentum=0.0, weight_decay=0.0
    )
    return engine.training_step(model, optimizer)


def test_auto_compiles_on_a_gpu_only():
    assert engine_of(GPU).compiled
    assert engine_of(GPU).cuda_graphs
    assert not engine_of(CPU).compiled
    assert engine_of(CPU, compile=True).compiled
    assert not engine_of(CPU, compile=True).cuda_graphs


@pytest.mark.parametrize(
    ("setting", "value", "attribute"),
    [
        ("compile", False, "compiled"),
        ("compile", False, "cuda_graphs"),
        ("cuda_graphs", False, "cuda_graphs"),
        ("tf32", False, "tf32"),
        ("fused_optimizer", False, "fused_optimizer"),
        ("precision", "float32", "half"),
    ],
)
def test_each_saving_is_turned_off_by_its_setting(setting, value, attribute):
    on = {"precision": "bfloat16"} if setting == "precision" else {}
    assert getattr(engine_of(GPU, **on), attribute)
    assert not getattr(engine_of(GPU, **{setting: value}), attribute)


def test_the_kernel_is_built_in_on_a_gpu_if_the_setting_asks_for_it():
    assert engine_of(GPU, topology_kernel=True).spatial is KernelTopology
    assert engine_of(GPU).spatial is MotionTopology
    assert engine_of(CPU, topology_kernel=True).spatial is MotionTopology


def test_unknown_precision_is_one_sentence():
    with pytest.raises(ConfigError, match=r"train\.precision: found 'half', expected auto"):
        engine_of(precision="half")


def test_compiled_code_sees_few_numbers_of_bodies():
    assert engine_of(compile=True).row_multiple == 16
    assert engine_of().row_multiple == 1


@pytest.mark.parametrize(
    ("smallest", "settings", "expected"),
    [(0, {}, True), (10**9, {}, False), (0, {"precision": "bfloat16"}, False)],
    ids=["large bodies", "small bodies", "half precision"],
)
def test_evaluation_on_the_cpu_is_folded_where_it_pays(monkeypatch, smallest, settings, expected):
    used = []
    kind, real = folded.FoldedProtoGCN, folded.FoldedProtoGCN.forward
    monkeypatch.setattr(kind, "forward", lambda *given: used.append(1) or real(*given))
    monkeypatch.setattr(folded, "FOLDED_FROM", smallest)
    model = make_model()
    bodies, _ = make_bodies([2, 1, 1])
    found = engine_of(**settings).logits_of(model)(bodies)
    tolerance = {"atol": 0.1, "rtol": 0} if settings else {}
    torch.testing.assert_close(found, model(bodies), **tolerance)
    assert bool(used) == expected


def test_bfloat16_scores_come_in_float32():
    logits_of = engine_of(precision="bfloat16").logits_of(make_model())
    assert logits_of(make_bodies([2, 1])[0]).dtype == torch.float32


def test_network_compiles_without_breaks_once_for_any_number_of_clips_and_bodies(captured_graphs):
    compiled, plain = make_model().train(), make_model().train()
    step = step_of(compiled, compile=True)
    for persons in ([2, 1, 1, 1, 2], [1, 1, 1, 2], [2, 2, 1, 1, 1, 1, 1, 1, 1]):
        bodies, labels = make_bodies(persons, multiple=4)
        found, expected = step(bodies, labels, 0.0), plain.loss(bodies, labels)
        torch.testing.assert_close(found.total, expected.total)
        torch.testing.assert_close(found.logits, expected.logits)
    assert len(captured_graphs) == 1
    assert_same_buffers(compiled, plain)


def assert_same_buffers(first, second):
    """Compiled code does not count batches: nothing reads their number."""
    for name, value in first.named_buffers():
        if not name.endswith("num_batches_tracked"):
            torch.testing.assert_close(value, second.get_buffer(name), msg=name)


@pytest.mark.parametrize(
    ("counted", "how"),
    [
        ({}, r" s\."),
        ({"fxgraph_cache_hit": 2}, r" s, found in the cache of torch\."),
        ({"fxgraph_cache_hit": 1, "fxgraph_cache_miss": 1}, r" s, anew\."),
    ],
    ids=["another torch", "found", "anew"],
)
def test_compiling_is_told(monkeypatch, capsys, counted, how):
    def compiled(function, **_):
        def call(*arguments):
            counters["inductor"].update(counted)
            return function(*arguments)

        return call

    monkeypatch.setattr(module.torch, "compile", compiled)
    step = step_of(make_model().train(), compile=True)
    bodies, labels = make_bodies([2, 1, 1])
    step(bodies, labels, 0.1)
    told = capsys.readouterr().err
    assert "Compiling the training step; it takes minutes once" in told
    assert re.search(rf"Compiled the training step in \d+{how}", told)
    step(bodies, labels, 0.1)
    assert capsys.readouterr().err == ""


def test_batch_of_one_clip_is_not_compiled_for_its_size_alone(monkeypatch):
    monkeypatch.setattr(module.torch, "compile", lambda function, **how: lambda *given: None)
    model = make_model()
    logits_of = engine_of(compile=True)._compiled(model.forward, graphs=False)
    assert logits_of(make_bodies([1, 2])[0]) is None
    assert logits_of(make_bodies([2])[0]).shape == (1, 4)


def test_machine_that_cannot_compile_is_one_sentence(monkeypatch):
    def fails(function, **how):
        def call(*arguments):
            raise InternalTorchDynamoError("no C compiler was found\nand much more")

        return call

    monkeypatch.setattr(module.torch, "compile", fails)
    step = step_of(make_model().train(), compile=True)
    sentence = r"engine\.compile: torch could not compile the training step on this machine \(no C"
    with pytest.raises(ConfigError, match=sentence):
        step(*make_bodies([2, 1, 1]), 0.1)


class Square(nn.Module):
    """A loss whose gradient is the weight plus the labels' sum."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([1.0, 2.0]))

    def loss(self, bodies, labels):
        total = 0.5 * self.weight.square().sum() + self.weight.sum() * labels.sum()
        return Loss(total, {}, self.weight.detach())


def test_step_takes_the_rate_of_its_call_and_no_gradient_of_the_last():
    model = Square()
    step = step_of(model)
    bodies = Bodies(torch.zeros(1), torch.zeros(1), None, torch.zeros(1))
    labels = torch.tensor([1.0])
    first = step(bodies, labels, 0.5)  # 1 - 0.5 * (1 + 1), 2 - 0.5 * (2 + 1)
    assert first.total.item() == 5.5
    assert model.weight.tolist() == [0.0, 0.5]
    step(bodies, labels, 1.0)  # 0 - (0 + 1), 0.5 - (0.5 + 1)
    assert model.weight.tolist() == [-1.0, -1.0]


def test_tf32_is_off_in_products_and_convolutions_unless_wanted(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    engine_of().start(threads=1)
    assert torch.get_float32_matmul_precision() == "highest"
    assert not torch.backends.cudnn.allow_tf32


def test_only_what_repeats_itself_is_used_where_that_is_wanted(monkeypatch):
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    assert not engine_of().deterministic
    try:
        engine_of(deterministic=True).start(threads=1)
        assert torch.are_deterministic_algorithms_enabled()
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    finally:
        torch.use_deterministic_algorithms(False)


def test_without_the_fused_optimizer_torch_may_still_update_many_weights_at_once():
    optimizer = engine_of(GPU, fused_optimizer=False).optimizer(
        [nn.Parameter(torch.zeros(1))], learning_rate=1.0, momentum=0.0, weight_decay=0.0
    )
    assert optimizer.defaults["fused"] is None


def test_training_goes_on_with_other_savings(data, tmp_path, capsys):
    train(nano_run(), store_of(data), tmp_path)
    again = train(nano_run(fused_optimizer=False), store_of(data), tmp_path)
    assert "from the beginning" not in capsys.readouterr().err
    assert len(again.history) == 4


def test_freed_memory_is_kept_without_an_error():
    engine_of().start(threads=1)
