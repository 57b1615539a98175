"""Pairs of a plain and a fast network with equal weights, and whether they do the same.

All in float64: float32 gradients of the two differ by rounding alone. Shapes: N clips, M persons,
T frames, V joints, C channels, K classes.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from benchmarks.yardstick.network import PlainProtoGCN
from protogcn.batches.bodies import Bodies, pack_bodies
from protogcn.models.loss import Loss
from protogcn.models.protogcn import ProtoGCN
from protogcn.models.released.protogcn import from_released, released_names
from protogcn.models.topology import MotionTopology

BANK = "cls_head.csc_loss.bank"
NUM_CLASSES = 7
ZERO_SHARE = 1e-10  # a gradient below this share of the whole one is zero but for rounding


@dataclass(frozen=True)
class Pair:
    """Two networks that should not differ in anything they compute."""

    plain: PlainProtoGCN
    fast: ProtoGCN


def fast_logits(model: ProtoGCN, clips: Tensor) -> Tensor:
    """Clips (N, M, T, V, C), padded with empty bodies -> logits (N, K)."""
    return model(packed(clips))


def fast_loss(model: ProtoGCN, clips: Tensor, labels: Tensor) -> Loss:
    """Clips (N, M, T, V, C), padded with empty bodies, and labels (N,) -> the loss."""
    return model.loss(packed(clips), labels)


def packed(clips: Tensor, *, multiple: int = 1) -> Bodies:
    """Return the bodies that a network has to compute: the real ones and one empty one.

    ``multiple`` as in ``body_rows``.
    """
    persons = clips.abs().sum((2, 3, 4)).count_nonzero(1).cpu()  # (N,)
    first = clips.abs().sum((2, 3, 4)).argsort(dim=1, descending=True, stable=True)  # (N, M)
    clips = clips[torch.arange(len(clips), device=clips.device).unsqueeze(1), first]
    return pack_bodies(clips, persons.numpy(), multiple=multiple)


def make_pair(
    *,
    num_joints: int = 25,
    blocks: int = 4,
    downsample: Sequence[int] = (3,),
    seed: int = 0,
    dropout: float = 0.0,
    spatial: type[MotionTopology] = MotionTopology,
) -> Pair:
    """Build two small networks with one set of weights, none of which is at a special value."""
    settings = {
        "num_classes": NUM_CLASSES,
        "num_joints": num_joints,
        "width": 24,
        "blocks": blocks,
        "downsample": downsample,
        "prototypes": 10,
        "contrast_weight": 0.3,
        "contrast_features": 16,
        "dropout": dropout,
    }
    plain = PlainProtoGCN(**settings).double()
    fast = ProtoGCN(**settings, spatial=spatial).double()
    scramble(plain, torch.Generator().manual_seed(seed))
    share_weights(plain, fast)
    return Pair(plain, fast)


def scramble(model: nn.Module, generator: torch.Generator) -> None:
    """Draw every weight, running statistic and memory, so that each affects the result."""
    for name, value in model.state_dict().items():
        if not value.is_floating_point():
            continue
        noise = torch.empty_like(value).normal_(generator=generator)
        if name.endswith("running_var"):
            value.copy_(0.5 + noise.abs())
        elif value.dim() > 1 and name != BANK and not name.endswith(".A"):
            gain = 4 if ".prn." in name else 1  # or all mixtures of prototypes are nearly equal
            value.copy_(noise * gain / value[0].numel() ** 0.5)
        elif name.endswith(("weight", "alpha", "beta")):
            value.copy_(1 + 0.2 * noise)
        else:
            value.copy_(0.3 * noise)


def share_weights(plain: PlainProtoGCN, fast: ProtoGCN) -> None:
    """Give the fast network the plain one's weights, statistics and memory."""
    state = plain.state_dict()
    bank = state.pop(BANK)  # (H, K)
    fast.load_state_dict(from_released(state, fast) | {"contrast.bank": bank.t()})


def make_clips(
    bodies: Sequence[Sequence[bool]], *, num_joints: int = 25, num_frames: int = 12, seed: int = 0
) -> Tensor:
    """Return clips (N, M, T, V, 3) that move at random; ``bodies`` marks the real ones."""
    real = torch.tensor(bodies)  # (N, M)
    generator = torch.Generator().manual_seed(seed)
    shape = (*real.shape, num_frames, num_joints, 3)
    clips = torch.randn(shape, generator=generator, dtype=torch.float64)
    return clips * real[:, :, None, None, None]


def make_labels(pair: Pair, clips: Tensor) -> Tensor:
    """Return labels (N,) that a training step finds right, but the last clip's (of several)."""
    probe = copy.deepcopy(pair.plain).train()
    with torch.no_grad():
        labels = probe(clips).argmax(1)
    if len(labels) > 1:
        labels[-1] = (labels[-1] + 1) % NUM_CLASSES
    return labels


def assert_equal_evaluation(pair: Pair, clips: Tensor, labels: Tensor) -> None:
    """Compare logits and losses in evaluation mode, which changes no statistic and no memory."""
    pair.plain.eval()
    pair.fast.eval()
    before = copy.deepcopy(pair.fast.state_dict())
    with torch.no_grad():
        close("logits", fast_logits(pair.fast, clips), pair.plain(clips), 1e-10)
        _assert_equal_losses(fast_loss(pair.fast, clips, labels), pair.plain.loss(clips, labels))
    for name, value in pair.fast.state_dict().items():
        assert torch.equal(value, before[name]), name


def assert_equal_step(pair: Pair, clips: Tensor, labels: Tensor) -> None:
    """Compare all that forward, loss and backward of a training step give and change."""
    expected = pair.plain.train().loss(clips, labels)
    found = fast_loss(pair.fast.train(), clips, labels)
    _assert_equal_losses(found, expected)

    pair.plain.zero_grad()
    pair.fast.zero_grad()
    expected.total.backward()
    found.total.backward()
    _assert_equal_gradients(pair)

    state = pair.plain.state_dict()
    close("bank", pair.fast.contrast.bank, state[BANK].t(), 1e-10)
    buffers = released_parts(pair.fast, dict(pair.fast.named_buffers()))
    assert len(buffers) == sum(1 for _ in pair.plain.buffers()) - 1  # all but the bank
    for name, value in buffers.items():
        close(name, value, state[name], 1e-10)


def released_parts(model: ProtoGCN, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Cut tensors that are named as the fast network's into those of the released names."""
    parts = {}
    for key, names in released_names(model).items():
        if key in tensors:
            tensor = tensors[key]
            pieces = tensor.chunk(len(names)) if tensor.dim() else [tensor] * len(names)
            parts |= zip(names, pieces, strict=True)
    return parts


def close(name: str, found: Tensor, expected: Tensor, atol: float) -> None:
    torch.testing.assert_close(
        found, expected, rtol=0, atol=atol, msg=lambda text: f"{name}: {text}"
    )


def _assert_equal_losses(found: Loss, expected: Loss) -> None:
    close("logits", found.logits, expected.logits, 1e-10)
    close("loss", found.total, expected.total, 1e-10)
    assert found.parts.keys() == expected.parts.keys()
    for name, value in expected.parts.items():
        close(name, found.parts[name], value, 1e-10)


def _assert_equal_gradients(pair: Pair) -> None:
    """Compare each gradient relative to its norm, or to the whole one's where it is zero.

    Zero are those of the biases before a batch norm.
    """
    expected = {name: value.grad for name, value in pair.plain.named_parameters()}
    gradients = {name: value.grad for name, value in pair.fast.named_parameters()}
    found = released_parts(pair.fast, gradients)
    assert found.keys() == expected.keys()
    whole = torch.stack([value.norm() for value in expected.values()]).norm()
    for name, value in expected.items():
        norm = value.norm()
        allowed = 1e-8 * norm if norm > ZERO_SHARE * whole else 1e-12 * whole
        error = (found[name].reshape(value.shape) - value).norm()
        assert error <= allowed, f"gradient of {name}: {error} off, of {norm}"
