"""A folder -> the files of each clip in it, by the clip's name."""

import os
from collections import defaultdict
from collections.abc import Collection
from functools import lru_cache
from pathlib import Path, PurePosixPath

from protogcn.config.datasets import ANNOTATIONS, CLIP_SUFFIXES
from protogcn.data.readers.clip_file import names_of_frame
from protogcn.data.readers.values import Origin
from protogcn.files.kind import kind_of


class FolderFiles:
    """What lies in a folder of clips and the folders below.

    A clip is called like its file without the end, below folders with /; or, if each of its frames
    has a file, like the folder that these are in, or how their names begin.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._files: dict[str, list[Path]] = defaultdict(list)
        self._frames: dict[str, list[Path]] = defaultdict(list)
        for place, _, names in os.walk(folder, onerror=_raise):
            inside = Path(place).relative_to(folder).as_posix()
            start = "" if inside == "." else f"{inside}/"
            for file in sorted(names):
                if not file.lower().endswith(CLIP_SUFFIXES) or start + file == ANNOTATIONS:
                    continue
                name, path = start + file, Path(place, file)
                self._files[name.rpartition(".")[0]].append(path)
                for clip in names_of_frame(name):
                    self._frames[clip].append(path)

    def plain_name(self, name: str, origin: Origin) -> str:
        """Return a name as a table has it with / between folders and without the end of a file."""
        plain = name
        if "\\" in name:
            origin.note("\\ in the name of a clip is read as /")
            plain = _slashed(name)
        place = PurePosixPath(plain)
        if place.suffix.lower() in CLIP_SUFFIXES and str(place) not in self._files:
            stem = place.with_suffix("")
            if any(path.suffix == place.suffix for path in self._files.get(str(stem), ())):
                origin.note("the end of a file's name is left out of its clip's")
                return str(stem)
        return plain

    def of_clip(self, name: str, origin: Origin) -> Path | tuple[Path, ...]:
        """Return the one file of a clip, or those of its frames; all are inside the folder.

        Raises:
            MalformedError: there is none, or there are two.
        """
        place = PurePosixPath(name)
        found = self._files.get(str(place), [])
        if len(found) == 1:
            return found[0]
        if not found and str(place) in self._frames:
            return tuple(self._frames[str(place)])
        many = " and ".join(path.name for path in found) or "no file of this name"
        if not found and ".." not in place.parts:
            other = _by_stem((self._folder / place).parent).get(place.name)
            many = many if other is None else f"{other.name}, {kind_of(other)}"
        expected = f"one of {', '.join(f'{place}{suffix}' for suffix in CLIP_SUFFIXES)}"
        raise origin.fault("clip", many, f"{expected}, or a folder {place} of OpenPose's json")

    def without(self, names: Collection[str]) -> list[str]:
        """Return the files that belong to no clip of these names, which are as a table has them."""
        listed = set(map(_slashed, names))
        return sorted(
            f"{name}{path.suffix}"
            for name, paths in self._files.items()
            for path in paths
            if not listed & {name, name + path.suffix}
            and not listed & set(names_of_frame(name + path.suffix))
        )


def _slashed(name: str) -> str:
    return str(PurePosixPath(name.replace("\\", "/")))


def _raise(error: OSError) -> None:
    raise error  # a folder that is passed over would be clips less


@lru_cache(maxsize=1)
def _by_stem(folder: Path) -> dict[str, Path]:
    """Return the files of any kind that lie in a folder, by their names without their ends."""
    return {path.stem: path for path in folder.glob("*") if path.is_file()}
