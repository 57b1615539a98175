"""The least that a training step must do: bytes to move and operations, counted from the shapes.

A tensor counts where one that is as large as a block's features must be read or written because
what needs it has to wait: after a batch norm, whose statistics take the whole batch, or after a
map over all channels. What can be computed again from what is read anyway (activations, norms,
shortcuts' maps, each body's topology) is never stored. Weights and sums do not count.
Shapes: N clips, B rows of bodies, C channels of a block's output, I of its input, T frames,
V joints.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from protogcn.models.temporal import DILATIONS, NUM_BRANCHES


@dataclass(frozen=True)
class Block:
    """The shape of one encoding block."""

    in_channels: int
    channels: int
    frames: int
    stride: int
    residual: bool

    def numbers(self, joints: int) -> dict[str, int]:
        """Numbers of each large tensor, for one body."""
        kept = self.frames // self.stride
        return {
            "in": self.in_channels * self.frames * joints,
            "expanded": self.channels * self.frames * joints,
            "mixed": self.channels * self.frames * joints,
            "merged": self.channels * self.frames * joints,
            "reduced": self.channels * self.frames * (joints + 1),
            "branches": self.channels * kept * joints,
            "joined": self.channels * kept * joints,
            "out": self.channels * kept * joints,
        }

    def multiply_adds(self, joints: int) -> int:
        """Of the forward pass, for one body."""
        kept = self.frames // self.stride
        i, c, w = self.in_channels, self.channels, self.channels // NUM_BRANCHES
        spatial = i * c + c * c + c * joints + (i * c if i != c else 0)  # a frame and a joint
        compared = 2 * i * c + c * joints  # a joint
        convolved = len(DILATIONS) * 3 * w * w
        shortcut = i * c if self.residual and (i != c or self.stride > 1) else 0
        return (
            spatial * self.frames * joints
            + compared * joints
            + c * c * self.frames * (joints + 1)
            + convolved * kept * (joints + 1)
            + (c * c + shortcut) * kept * joints
        )


class Pass(NamedTuple):
    """One reading and writing of a block's tensors; a d precedes a gradient's name."""

    name: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]


PASSES = (
    Pass("expand", ("in",), ("expanded",)),
    Pass("norm, mix joints", ("expanded",), ("mixed",)),
    Pass("merge", ("mixed",), ("merged",)),
    Pass("norm, shortcut, reduce", ("merged", "in"), ("reduced",)),
    Pass("norm, six branches", ("reduced",), ("branches",)),
    Pass("norm, join", ("branches",), ("joined",)),
    Pass("norm, shortcut", ("joined", "in"), ("out",)),
    Pass("sums of the last norm", ("d out", "out", "joined"), ()),
    Pass("back through join", ("d out", "out", "joined", "branches"), ("d branches",)),
    Pass("back through branches", ("d branches", "branches", "reduced"), ("d reduced",)),
    Pass("back through reduce", ("d reduced", "reduced", "merged", "in"), ("d merged",)),
    Pass("back through merge", ("d merged", "merged", "mixed"), ("d mixed",)),
    Pass("back through mixing", ("d mixed", "expanded"), ("d expanded",)),
    Pass(
        "back through expand, shortcuts",
        ("d expanded", "expanded", "in", "d merged", "d out", "out"),
        ("d in",),
    ),
)

_OF_THE_BLOCKS_SHORTCUT = {  # read for it alone; the first block has none
    "norm, shortcut": ("in",),
    "back through expand, shortcuts": ("d out", "out"),
}


@dataclass(frozen=True)
class Floor:
    """What a step must do.

    Attributes:
        bytes: to move.
        half_flop: in the precision of the features; a multiply-add is two.
        single_flop: always in float32.
    """

    bytes: float
    half_flop: float
    single_flop: float


def blocks_of(network: Mapping, frames: int) -> list[Block]:
    """Return the shapes of a network's blocks; ``network`` has the settings of the model."""
    found, channels = [], network.get("channels", 3)
    for number in range(1, network["blocks"] + 1):
        stride = 2 if number in network["downsample"] else 1
        out = network["width"] if number == 1 else channels * stride
        found.append(Block(channels, out, frames, stride, residual=number > 1))
        channels, frames = out, -(-frames // stride)
    return found


def step_floor(
    network: Mapping, *, frames: int, joints: int, rows: float, clips: int, bytes_per_number: int
) -> Floor:
    """Return what one training step of ``rows`` bodies of ``clips`` clips must do."""
    blocks = blocks_of(network, frames)
    moved = sum(num_moved(block, joints) for block in blocks)
    operations = sum(block.multiply_adds(joints) for block in blocks)
    channels = blocks[-1].channels
    prototypes = joints**2 * (2 * channels * network["prototypes"] + channels**2)
    return Floor(
        bytes=moved * rows * bytes_per_number,
        half_flop=3 * 2 * operations * rows,  # two products more for each in backward
        single_flop=3 * 2 * prototypes * clips,
    )


def num_moved(block: Block, joints: int) -> int:
    """Numbers of one body that a block reads and writes in a training step."""
    return sum(moved_in(each, block, joints) for each in PASSES)


def moved_in(each: Pass, block: Block, joints: int) -> int:
    """Numbers of one body that one pass reads and writes."""
    numbers = block.numbers(joints)
    unread = () if block.residual else _OF_THE_BLOCKS_SHORTCUT.get(each.name, ())
    names = [name for name in (*each.reads, *each.writes) if name not in unread]
    return sum(numbers[name.removeprefix("d ")] for name in names)


def table(blocks: Sequence[Block], joints: int, *, rows: float, bytes_per_number: int) -> str:
    """Return megabytes of each pass of each block, as a table in Markdown."""
    scale = rows * bytes_per_number / 1e6
    lines = ["| pass | " + " | ".join(f"block {n}" for n in range(1, len(blocks) + 1)) + " | all |"]
    lines.append("|---|" + "---:|" * (len(blocks) + 1))
    parts = [(each.name, [moved_in(each, block, joints) for block in blocks]) for each in PASSES]
    parts.append(("all", [num_moved(block, joints) for block in blocks]))
    for name, numbers in parts:
        cells = " | ".join(f"{number * scale:.0f}" for number in [*numbers, sum(numbers)])
        lines.append(f"| {name} | {cells} |")
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=float, default=128, help="bodies of a batch")
    parser.add_argument("--bytes", type=int, choices=(2, 4), default=2, help="of a number")
    args = parser.parse_args()
    network = {"width": 96, "blocks": 10, "downsample": (5, 8), "prototypes": 400}
    blocks = blocks_of(network, 100)
    print(f"Megabytes of a training step with {args.rows:g} bodies of 25 joints:\n")
    print(table(blocks, 25, rows=args.rows, bytes_per_number=args.bytes))
    sizes = {"frames": 100, "joints": 25, "rows": args.rows, "bytes_per_number": args.bytes}
    floor = step_floor(network, clips=64, **sizes)
    print(
        f"\n{floor.bytes / 1e9:.1f} GB and {(floor.half_flop + floor.single_flop) / 1e12:.2f} TFLOP"
    )


if __name__ == "__main__":
    main()
