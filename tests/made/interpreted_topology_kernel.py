"""The tests that need TRITON_INTERPRET=1 before Triton is imported: test_mix.py runs this file in
a dedicated process, and pytest does not find it otherwise.
"""

import pytest
import torch

from benchmarks.gpu import topology_kernel as benchmark
from protogcn.models.fast.gpu import launch as topology_launch
from protogcn.models.fast.gpu.mix import MixInputs, _mix, mix
from tests.unit.models.fast.gpu.test_mix import draw_inputs

NAMES = ("y", "x", "scale", "shift", "static", "source", "target", "alpha")


@pytest.fixture(autouse=True)
def poison(monkeypatch):
    """Fill what torch.empty returns with NaN, so that no element is right by chance."""
    torch.use_deterministic_algorithms(True)
    assert torch.empty(3).isnan().all()
    yield
    torch.use_deterministic_algorithms(False)


def with_gradients(function, inputs, grad_y):
    inputs = MixInputs(*(tensor.detach().requires_grad_() for tensor in inputs))
    y = function(inputs)
    return [y.detach(), *torch.autograd.grad(y, inputs, grad_y.to(y.dtype))]


def draw_grad(inputs):
    return torch.randn(inputs[0].shape, generator=torch.Generator().manual_seed(0)).to(inputs[0])


def by_kernel(inputs):
    return mix(inputs, precision="ieee")


def test_triton_is_interpreted():
    assert topology_launch.INTERPRETED


# Half precisions: 2 ** -8 and 2 ** -11 an operand. The interpreter cuts where a GPU rounds.
TOLERANCES = {torch.float32: 1e-6, torch.bfloat16: 1.5e-2, torch.float16: 2e-3}


@pytest.mark.parametrize(
    ("dtype", "joints", "frames", "features", "programs"),
    [
        pytest.param(torch.float32, 25, 20, 3, 1, id="a subset is one group"),
        pytest.param(torch.bfloat16, 25, 20, 3, 1, id="a subset is one group, bfloat16"),
        pytest.param(torch.float32, 20, 17, 12, 6, id="a subset is three groups"),
        pytest.param(torch.bfloat16, 20, 17, 12, 6, id="a subset is three groups, bfloat16"),
        pytest.param(torch.float32, 5, 33, 1, 1, id="one channel"),
        pytest.param(torch.bfloat16, 5, 33, 1, 1, id="one channel, bfloat16"),
        pytest.param(torch.float16, 5, 33, 1, 1, id="one channel, float16"),
        pytest.param(torch.float32, 16, 16, 2, 99, id="no padding"),
        pytest.param(torch.float32, 33, 3, 2, 1, id="wide tiles"),
    ],
)
def test_output_and_gradients_are_those_of_the_twin(
    monkeypatch, dtype, joints, frames, features, programs
):
    monkeypatch.setattr(topology_launch, "_ENOUGH", programs)
    bodies = 1 if features == 12 else 2
    inputs = draw_inputs(joints, frames, features, bodies=bodies, dtype=dtype)
    grad_y = draw_grad(inputs)
    expected = with_gradients(benchmark.mix_eager, [each.double() for each in inputs], grad_y)
    found = with_gradients(by_kernel, inputs, grad_y)
    for name, one, other in zip(NAMES, found, expected, strict=True):
        assert one.dtype == (dtype if name in "xy" else torch.float32)
        assert (one.double() - other).norm() <= TOLERANCES[dtype] * other.norm(), name


def test_groups_of_channels_follow_from_the_shapes(monkeypatch):
    x, _, _, static, *_ = inputs = draw_inputs(5, 4, 12)
    inputs = topology_launch.contiguous(inputs)
    groups = []
    for programs in (1, 4, 5, 24, 48, 49):  # 2 bodies x 2 subsets x 12 features
        monkeypatch.setattr(topology_launch, "_ENOUGH", programs)
        groups.append(topology_launch.plan_launch(inputs).group)
    assert x.shape[1] // static.shape[1] == 12
    assert groups == [12, 12, 6, 2, 1, 1]


def test_equal_inputs_give_equal_bits():
    inputs = draw_inputs(25, 20, 1)
    grad_y = draw_grad(inputs)
    first, second = (with_gradients(by_kernel, inputs, grad_y) for _ in range(2))
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))


def test_memory_in_any_order_is_read():
    inputs = draw_inputs(5, 4, 3)
    turned = [each.transpose(0, -1).contiguous().transpose(0, -1) for each in inputs[:1]]
    grad_y = torch.ones(()).expand(inputs[0].shape)
    for one, other in zip(
        with_gradients(by_kernel, [*turned, *inputs[1:]], grad_y),
        with_gradients(by_kernel, inputs, grad_y.contiguous()),
        strict=True,
    ):
        assert torch.equal(one, other)


def test_tanh_is_within_1e_6_and_does_not_overflow():
    spread = torch.tensor([0, 1e-8, -1e-5, 1e-3, -0.1, 1, -3, 9, -44, 90, -1e4, 1e30])
    joints = len(spread)
    source = spread.expand(1, 1, joints)
    target = torch.zeros(1, 1, joints)
    x = torch.eye(joints).expand(1, 1, joints, joints)
    one, zero = torch.ones(1), torch.zeros(1)
    static = torch.zeros(1, 1, joints, joints)
    found = by_kernel(MixInputs(x, one, zero, static, source, target, alpha=one[0]))
    expected = torch.tanh(spread.double()).unsqueeze(-1).expand(joints, joints)
    torch.testing.assert_close(found[0, 0].double(), expected, rtol=0, atol=1e-6)


def test_nan_is_not_hidden():
    for number in range(7):
        inputs = draw_inputs(5, 4, 1)
        inputs[number].view(-1)[0] = torch.nan
        found, expected = by_kernel(inputs), benchmark.mix_eager(inputs)
        assert expected.isnan().any()
        assert torch.equal(found.isnan(), expected.isnan())


def test_is_an_operator_that_torch_can_trace():
    inputs = [each.requires_grad_() for each in draw_inputs(5, 4, 3)]
    checks = ("test_schema", "test_autograd_registration", "test_faketensor")
    torch.library.opcheck(_mix, (*inputs, "ieee"), test_utils=checks)


def test_stays_whole_in_a_compiled_graph():
    inputs = draw_inputs(5, 4, 3)
    grad_y = draw_grad(inputs)
    compiled = torch.compile(by_kernel, fullgraph=True, dynamic=True, backend="aot_eager")
    for one, other in zip(
        with_gradients(compiled, inputs, grad_y),
        with_gradients(by_kernel, inputs, grad_y),
        strict=True,
    ):
        assert torch.equal(one, other)


def test_has_no_second_derivative():
    inputs = MixInputs(*(each.requires_grad_() for each in draw_inputs(5, 4, 3)))
    y = by_kernel(inputs)
    (grad_x,) = torch.autograd.grad(y.sum(), inputs[0], create_graph=True)
    with pytest.raises(RuntimeError, match="no autograd formula"):
        grad_x.sum().backward()


def test_benchmark_runs_without_a_gpu(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["topology_kernel", "--check", "--kind", "bf16"])
    benchmark.main()
    header, *_, row = capsys.readouterr().out.splitlines()
    assert header.startswith("interpreter")
    assert row.split()[:3] == ["bf16", "8", "20"]
