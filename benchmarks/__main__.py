"""All that can be measured without a GPU: network, statistics, input, what a GPU would move."""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

from benchmarks import input as input_speed
from benchmarks import network as model
from benchmarks import preprocessing, published, statistics
from benchmarks.measure import print_rows
from protogcn.models.engine import Engine


def main() -> None:
    """Print the table, section by section as it is measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds and smaller data")
    args = parser.parse_args()

    quick = args.quick
    Engine.of(model.SETTINGS, torch.device("cpu"), precision="float32").start(threads=1)
    print("network: one CPU thread, float32; medians, quartiles in brackets", flush=True)
    clips, crops, rounds = (5, 5, 1) if quick else (10, 40, 3)
    print_rows(model.rows(num_clips=clips, num_crops=crops, rounds=rounds))
    print_rows(model.memory_rows(num_clips=clips))
    print("published arithmetic of other methods", flush=True)
    print_rows(published.rows(num_clips=4000 if quick else published.NUM_CLIPS, rounds=rounds))
    print("statistics", flush=True)
    print_rows(statistics.rows(num_clips=500 if quick else statistics.NUM_CLIPS, rounds=1))
    print("input", flush=True)
    rounds = 10 if quick else 100
    clips = 400 if quick else 4000
    print_rows(input_speed.rows(num_clips=clips, rounds=rounds, device=torch.device("cpu")))
    print("preprocessing and fusion", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        print_rows(
            preprocessing.rows(
                Path(folder),
                num_files=20 if quick else 120,
                num_clips=100 if quick else 1000,
                workers=2,
                rounds=1 if quick else 5,
            )
        )
    print("compiled code for a GPU, counted", flush=True)
    command = [sys.executable, "-m", "benchmarks.gpu.traffic"]  # it pretends: a process of its own
    command += ["--blocks", "1"] if quick else ["all"]
    subprocess.run(command, cwd=Path(__file__).parents[1], check=False)


if __name__ == "__main__":
    main()
