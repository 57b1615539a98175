"""The bytes and launches of a compiled training step and evaluation, counted without a GPU.

``python -m benchmarks.gpu.traffic`` lets torch's compiler work for an H200 that is not there, and
adds up what its kernels would read and write: 64 clips with 80 rows of bodies in a training step,
160 crops with 192 rows in an evaluation, 100 frames, 25 joints, bfloat16. Products are not padded:
where that pays is measured on a card. Then it counts what is compiled again when sizes vary.
"""

import argparse
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.gpu.pretended_card import CannotPretendError, pretend

if TYPE_CHECKING:  # what imports torch has to wait until a card is pretended
    from benchmarks.gpu.generated import Pass

NETWORKS = ("protogcn", "stgcn", "stgcnpp", "ctrgcn", "infogcn", "hdgcn", "blockgcn")
CONFIG = Path(__file__).parents[2] / "config/config.yaml"
CLIPS, ROWS = 64, 80
CROPS, CROP_ROWS = 160, 192
FRAMES, NUM_CLASSES = 100, 60
_LARGEST = 10


def settings_of(network: str, blocks: int | None) -> dict:
    """Return the settings of a network of the config, maybe of its first blocks alone."""
    from protogcn.config.strict_yaml import read_yaml

    settings = read_yaml(CONFIG)["models"][network]
    if blocks is None:
        return settings
    kept = [number for number in settings["downsample"] if number <= blocks]
    return {**settings, "blocks": blocks, "downsample": kept}


def count(settings: Mapping, *, kernel: bool) -> dict[str, "Pass"]:
    """Return what the passes of one network do: forward, backward, evaluation."""
    import torch

    from benchmarks.gpu.generated import trace_evaluation, trace_step
    from benchmarks.synthetic import ntu25
    from protogcn.batches.bodies import Bodies
    from protogcn.models import build_model
    from protogcn.models.fast.gpu.topology import KernelTopology
    from protogcn.models.topology import MotionTopology

    def bodies(clips: int, rows: int, multiplicity: torch.Tensor | None) -> Bodies:
        values = torch.randn(rows, FRAMES, 25, 3)
        return Bodies(
            values=values,
            person_weights=torch.rand(clips, rows),
            multiplicity=multiplicity,
            persons=torch.zeros(rows, dtype=torch.long),
            positions=torch.randn_like(values) if settings["network"] == "blockgcn" else None,
        )

    torch.set_float32_matmul_precision("high")
    torch.manual_seed(0)
    model = build_model(
        settings,
        ntu25(),
        num_classes=NUM_CLASSES,
        spatial=KernelTopology if kernel else MotionTopology,
    )
    labels = torch.randint(NUM_CLASSES, (CLIPS,))
    forward, backward = trace_step(model, bodies(CLIPS, ROWS, torch.ones(ROWS)), labels)
    (evaluation,) = trace_evaluation(model, bodies(CROPS, CROP_ROWS, None))
    return {"forward": forward, "backward": backward, "evaluation": evaluation}


def summary(passes: Mapping[str, "Pass"]) -> str:
    """Return one line: bytes and launches of a step and of an evaluation."""
    forward, backward, evaluation = passes.values()
    return (
        f"a training step moves {(forward.bytes + backward.bytes) / 1e9:.1f} GB in"
        f" {len(forward.kernels) + len(backward.kernels):,} launches and keeps"
        f" {forward.kept / 1e9:.1f} GB; an evaluation {evaluation.bytes / 1e9:.1f} GB in"
        f" {len(evaluation.kernels):,}"
    )


def by_kind(passes: Mapping[str, "Pass"]) -> list[str]:
    """Return lines: gigabytes and launches of each kind of kernel in each pass."""
    from benchmarks.gpu.generated import KINDS

    lines = [f"  {'':14}" + "".join(f"{name:>20}" for name in passes)]
    for kind in KINDS:
        cells = []
        for each in passes.values():
            sizes = [kernel.bytes for kernel in each.kernels if kernel.kind == kind]
            cells.append(f"{sum(sizes) / 1e9:.2f} GB {len(sizes):6,}")
        lines.append(f"  {kind:14}" + "".join(f"{cell:>20}" for cell in cells))
    return lines


def largest_sources(passes: Mapping[str, "Pass"]) -> list[str]:
    """Return lines: what kernels of one kind and one origin move together, the largest first."""
    groups: Counter[str] = Counter()
    for name in ("forward", "backward"):
        for kernel in passes[name].kernels:
            groups[f"{name}, {kernel.kind}: {kernel.source}"] += kernel.bytes
    return [f"  {size / 1e9:5.2f} GB  {name}" for name, size in groups.most_common(_LARGEST)]


def floor_of(settings: Mapping) -> str:
    """Return the least that a training step must move, as a line."""
    from benchmarks.gpu.floors import step_floor

    shape = {"frames": FRAMES, "joints": 25, "rows": ROWS, "clips": CLIPS}
    floor = step_floor(settings, **shape, bytes_per_number=2)
    return f"  floor of a training step (benchmarks.gpu.floors): {floor.bytes / 1e9:.1f} GB"


def main() -> None:
    """Print the counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "networks", nargs="*", default=NETWORKS[:1], help=f"{', '.join(NETWORKS)}; or all"
    )
    parser.add_argument("--kernel", action="store_true", help="with the mixing kernel")
    parser.add_argument("--blocks", type=int, help="only the first ones")
    args = parser.parse_args()
    try:
        pretend()
    except CannotPretendError as reason:
        sys.exit(f"benchmarks.gpu.traffic: no card can be pretended here: {reason}.")
    for network in NETWORKS if "all" in args.networks else args.networks:
        settings, start = settings_of(network, args.blocks), time.monotonic()
        passes = count(settings, kernel=args.kernel)
        seconds = time.monotonic() - start
        named = f"{network}, mixing kernel" if args.kernel else network
        print(f"{named}: {summary(passes)} ({seconds:.0f} s to count)", flush=True)
        if network == "protogcn":
            print(
                "\n".join([floor_of(settings), *by_kind(passes), *largest_sources(passes)]),
                flush=True,
            )
        # In a process of its own: it runs what it compiles.
        command = [sys.executable, "-m", "benchmarks.gpu.recompilations", network]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
