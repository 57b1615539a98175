"""A folder of clips with its table, and what ``read_folder`` makes of it."""

import numpy as np

from protogcn.data.readers.folder import read_folder

JOINTS = ("hip", "chest", "hand")


CLASSES = ("waving", "nodding")


CLIP = np.arange(1, 4 * 3 * 3 + 1, dtype=np.float32).reshape(4, 3, 3)  # (T, V, 3)


def write(folder, lines, header="clip,label,xsub"):
    (folder / "annotations.csv").write_text("\n".join([header, *lines]) + "\n")


def read(folder, **options):
    defaults = {"joints": JOINTS, "classes": CLASSES, "splits": ("xsub",)}
    return list(read_folder(folder, **{**defaults, **options}))


def text_of(values):
    return "\n".join(",".join(map(str, row)) for row in values.reshape(len(values), -1)) + "\n"


def named(axes="xyz"):
    return ",".join(f"{joint}_{axis}" for joint in JOINTS for axis in axes)
