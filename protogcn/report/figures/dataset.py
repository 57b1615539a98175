"""A prepared dataset -> what is in it and what was left out, as a table and a picture.

Shapes: N clips, M persons, T frames, V joints, C channels.
"""

import argparse
import re
from pathlib import Path

import numpy as np
import pandas as pd

from protogcn.config.datasets import expected_clips
from protogcn.config.resolved import Dataset, load_dataset
from protogcn.errors import ContractError
from protogcn.files.arrays import open_array
from protogcn.files.clip_table import ClipTable
from protogcn.files.contracts import load_table, save_table
from protogcn.report.figures.data_picture import save_data_picture

# Who performed: NTU's S001C002P003R002A013 and names such as a9_s1_t1 or subject12_wave.
_SUBJECT = re.compile(r"S\d{3}C\d{3}P(\d{3})R\d{3}A\d{3}|(?:.*_)?s(?:ubject)?(\d+)(?:_.*)?")


def count_clips(dataset: Dataset, table: ClipTable, dropped: pd.DataFrame) -> pd.DataFrame:
    """Return one row for all clips, one for each rule, split side, class and subject.

    Columns: ``group`` (all, dropped, side, class, subject), ``name``, ``clips``, ``shortest``,
    ``median``, ``longest`` (frames), ``two_persons`` (clips), ``expected``: how many clips the
    authors of NTU RGB+D count on that side, where that is known.
    """
    everything = np.ones(len(table.ids), bool)
    rows = [_row(table, "all", dataset.name, everything)]
    rows += [
        {"group": "dropped", "name": rule, "clips": count}
        for rule, count in sorted(dropped["rule"].value_counts().items())
    ]
    for split, sides in table.sides.items():
        for side in ("train", "val", "test", "-"):
            if (chosen := sides == side).any() or side in ("train", "test"):
                expected = expected_clips(dataset, split, side)
                rows.append(_row(table, "side", f"{split} {side}", chosen, expected))
    for label, name in enumerate(dataset.classes):
        rows.append(_row(table, "class", f"{label} {name}", table.labels == label))
    subjects = np.array([subject_of(clip) for clip in table.ids])
    for subject in sorted(set(subjects) - {""}, key=int):
        rows.append(_row(table, "subject", subject, subjects == subject))
    return pd.DataFrame(rows, columns=list(rows[0]))


def subject_of(clip: str) -> str:
    """Return the number of who performs, as its name says; nothing if it does not."""
    match = _SUBJECT.fullmatch(clip.rsplit("/", 1)[-1])
    return str(int(next(filter(None, match.groups())))) if match else ""


def _row(
    table: ClipTable, group: str, name: str, chosen: np.ndarray, expected: int | None = None
) -> dict[str, str | int | None]:
    lengths = table.num_frames[chosen]
    shortest, median, longest = (
        (int(lengths.min()), int(np.median(lengths)), int(lengths.max()))
        if len(lengths)
        else (None, None, None)
    )
    return {
        "group": group,
        "name": name,
        "clips": int(chosen.sum()),
        "shortest": shortest,
        "median": median,
        "longest": longest,
        "two_persons": int((table.persons[chosen] > 1).sum()),
        "expected": expected,
    }


def main() -> None:
    """Write the table and the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", type=Path, required=True, help="resolved dataset.yaml")
    parser.add_argument("--joints", type=Path, required=True)
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--dropped", type=Path, required=True)
    parser.add_argument("--table", type=Path, required=True, help=".csv to write")
    parser.add_argument("--picture", type=Path, required=True, help=".png to write")
    args = parser.parse_args()

    dataset = load_dataset(args.dataset)
    joints, trailer = open_array(args.joints)
    table = ClipTable.load(args.clips)
    if trailer["inputs"].get("clips") != table.digest:
        raise ContractError(f"{args.clips}: is not the table {args.joints} was written with.")
    rows = count_clips(dataset, table, load_table(args.dropped, {"clip": "str", "rule": "str"}))
    whole = dict.fromkeys(("shortest", "median", "longest", "two_persons", "expected"), "Int64")
    save_data_picture(args.picture, dataset, joints, table)
    save_table(args.table, rows.astype(whole))
