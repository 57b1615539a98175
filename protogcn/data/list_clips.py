"""A dataset's annotations -> its clips in their order, also those that are left out."""

import argparse
from pathlib import Path

from protogcn.config.resolved import load_dataset
from protogcn.data.clip_list import list_clips
from protogcn.files.csv_table import save_table
from protogcn.files.sources import note_sources


def main() -> None:
    """List the clips of a dataset."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", type=Path, required=True, help="dataset.yaml")
    parser.add_argument("--clips", type=Path, required=True, help="csv to write")
    args = parser.parse_args()

    dataset = load_dataset(args.dataset)
    note_sources(args.clips, dataset.raw_sources)
    listed = list_clips(Path(dataset.raw), dataset.splits, dataset.classes)
    save_table(args.clips, listed, sealed=True)
