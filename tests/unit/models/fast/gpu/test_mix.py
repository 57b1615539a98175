import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from benchmarks.gpu.topology_kernel import mix_eager
from protogcn.errors import ConfigError
from protogcn.models.fast.gpu import mix as topology_kernel
from protogcn.models.fast.gpu.mix import MixInputs, kernel_available, mix

ROOT = Path(__file__).parents[5]

needs_triton = pytest.mark.skipif(not kernel_available(), reason="Triton is not installed")


def draw_inputs(joints, frames, features, *, bodies=2, subsets=2, dtype=torch.float32):
    generator = torch.Generator().manual_seed(joints)
    channels = subsets * features
    shapes = (
        (bodies, channels, frames, joints),
        (channels,),
        (channels,),
        (bodies, subsets, joints, joints),
        (bodies, channels, joints),
        (bodies, channels, joints),
        (),
    )
    x, *others = (torch.randn(shape, generator=generator) for shape in shapes)
    return MixInputs(x.to(dtype), *others)


@needs_triton
def test_kernel_agrees_with_the_twin_under_the_interpreter():
    """Run a file of tests in a process that chooses the interpreter before it imports Triton."""
    file = ROOT / "tests/made/interpreted_topology_kernel.py"
    environment = {**os.environ, "TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"}
    environment.pop("PYTEST_ADDOPTS", None)
    answer = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(file)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert re.search(r"\d\d passed", answer.stdout)
    assert "skipped" not in answer.stdout


@needs_triton
@pytest.mark.skipif(bool(os.environ.get("TRITON_INTERPRET")), reason="TRITON_INTERPRET is set")
@pytest.mark.parametrize("kind", ["bf16", "fp32"])
@pytest.mark.parametrize("name", ["mix_forward", "mix_backward"])
def test_kernels_compile_for_a_gpu_that_is_not_here(monkeypatch, tmp_path, name, kind):
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from protogcn.models.fast.gpu import triton_kernels as topology_triton

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    kernel = getattr(topology_triton, name)
    dtype = {"bf16": triton.language.bfloat16, "fp32": triton.language.float32}[kind]
    constants = {"frames": 20, "joints": 25, "group": 3, "tile": 16, "padded": 32}
    constants |= {"kind": dtype, "operand": dtype, "precision": "tf32"}
    features = ("x_ptr", "y_ptr", "grad_x_ptr", "grad_y_ptr")
    signature = {name: "*fp32" for name in kernel.arg_names} | dict.fromkeys(features, f"*{kind}")
    signature |= {"channels": "i32", "features": "i32"} | dict.fromkeys(constants, "constexpr")
    signature = {name: signature[name] for name in kernel.arg_names}
    source = ASTSource(kernel, signature, constants)
    options = {"num_warps": 1, "num_stages": 1}
    compiled = triton.compile(source, target=GPUTarget("cuda", 90, 32), options=options)
    assert "mma.sync" in compiled.asm["ptx"]
    assert not re.search(r"\b(min|max)\.f32", compiled.asm["ptx"])  # those would hide NaN
    assert compiled.asm["cubin"]


def test_twin_is_relu_of_the_affine_map_along_the_topology():
    inputs = draw_inputs(4, 3, 2, dtype=torch.float64)
    found = mix_eager(inputs)
    x, scale, shift, static, source, target, alpha = inputs
    for channel in range(4):
        active = F.relu(scale[channel] * x[:, channel] + shift[channel])
        for joint in range(4):
            difference = source[:, channel] - target[:, channel, joint, None]  # (N, V)
            edges = static[:, channel // 2, :, joint] + alpha * torch.tanh(difference)
            expected = torch.einsum("ntv,nv->nt", active, edges.double())
            torch.testing.assert_close(found[:, channel, :, joint], expected)


def test_gradients_of_the_twin_are_right():
    inputs = [each.double().requires_grad_() for each in draw_inputs(4, 3, 2)]
    assert torch.autograd.gradcheck(lambda *tensors: mix_eager(MixInputs(*tensors)), inputs)


def test_twin_keeps_half_precision_and_gives_gradients_their_own():
    inputs = [each.requires_grad_() for each in draw_inputs(4, 3, 2, dtype=torch.bfloat16)]
    y = mix_eager(MixInputs(*inputs))
    y.sum().backward()
    assert y.dtype == torch.bfloat16
    assert [each.grad.dtype for each in inputs] == [torch.bfloat16] + 6 * [torch.float32]


@pytest.mark.parametrize(
    ("number", "change", "message"),
    [
        (0, lambda x: x[0], r"x is torch.float32 of shape \(6, 4, 5\), expected \(B, C, T, V\)"),
        (0, lambda x: x.double(), "x is torch.float64 of shape .* expected .* bfloat16"),
        (0, lambda x: x.repeat(1, 1, 1, 13), "65 joints, expected at most 64"),
        (0, lambda x: x[:, :5], "expected .* with S a divisor of 5 channels"),
        (1, lambda scale: scale[:5], r"scale is .* of shape \(5,\) .* expected .* shape \(6,\)"),
        (2, lambda shift: shift.double(), "shift is torch.float64 of .* expected torch.float32"),
        (3, lambda static: static[0], "static has shape .* expected"),
        (3, lambda static: static[:1], "static is .* expected"),
        (5, lambda target: target[..., :4], "target is .* expected"),
        (6, lambda alpha: alpha[None], r"alpha is .* of shape \(1,\) .* of shape \(\)"),
        (6, lambda alpha: alpha.to("meta"), "alpha is .* on meta, expected .* on cpu"),
    ],
)
def test_refuses_tensors_that_do_not_fit(number, change, message):
    inputs = list(draw_inputs(5, 4, 3))
    inputs[number] = change(inputs[number])
    with pytest.raises(ConfigError, match=message):
        mix(MixInputs(*inputs), precision="ieee")


def test_refuses_an_unknown_precision():
    with pytest.raises(ConfigError, match="precision is 'half', expected ieee or tf32"):
        mix(draw_inputs(5, 4, 3), precision="half")


def test_says_that_triton_is_missing(monkeypatch):
    monkeypatch.setattr(topology_kernel, "find_spec", lambda name: None)
    assert not kernel_available()
    message = r"needs Triton, which is not installed; set engine\.topology_kernel to false"
    with pytest.raises(ConfigError, match=message):
        mix(draw_inputs(5, 4, 3), precision="ieee")


@needs_triton
def test_says_that_a_gpu_is_missing(monkeypatch):
    from protogcn.models.fast.gpu import launch as topology_launch

    monkeypatch.setattr(topology_launch, "INTERPRETED", False)
    with pytest.raises(ConfigError, match="needs a GPU, found tensors on cpu"):
        mix(draw_inputs(5, 4, 3), precision="ieee")


def test_importing_the_module_does_not_import_triton():
    code = "import sys, protogcn.models.fast.gpu.mix; sys.exit('triton' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
