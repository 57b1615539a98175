"""Where a result comes from: the commit, the versions and the hardware that made it."""

import os
import platform
import re
import subprocess
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from protogcn import __version__

_PACKAGE = Path(__file__).parents[1]
_CPU = ("cpu family", "model")
_GPUS = "driver/nvidia/gpus/*/information"


@cache
def commit() -> str:
    """Return the commit of this source tree, ``unknown`` outside a checkout."""
    return _git("rev-parse", "HEAD") or "unknown"


@cache
def has_changes() -> bool:
    """Return whether the package differs from its commit."""
    return bool(_git("status", "--porcelain", "--untracked-files=no", "--", str(_PACKAGE)))


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that shape a result."""
    own = {"protogcn": __version__, "python": platform.python_version()}
    return own | versions_of(("torch", "numpy"))


def versions_of(libraries: Iterable[str]) -> dict[str, str]:
    """Return the versions of libraries."""
    return {name: metadata.version(name) for name in libraries}


@cache
def hardware() -> dict[str, Any]:
    """Return what may change the last digits of a result: the processor, its cores, the GPUs.

    Nothing in it names the machine.
    """
    fields = dict(
        re.split(r"\s*:\s*", line, maxsplit=1)
        for line in _text_of("/proc/cpuinfo").partition("\n\n")[0].splitlines()
        if ":" in line
    )
    words = [f"{name} {fields[name]}" for name in _CPU if name in fields]
    names = [fields.get("model name") or platform.processor() or platform.machine(), *words]
    gpus = [
        found[1].strip()
        for path in sorted(Path("/proc").glob(_GPUS))
        if (found := re.search(r"^Model:(.*)$", _text_of(path), re.MULTILINE))
    ]
    return {"cpu": ", ".join(names), "cores": os.cpu_count() or 1, "gpus": gpus}


def made_here() -> dict[str, Any]:
    """Return all of it, as every file that is made here keeps it."""
    return {"commit": commit(), "versions": versions(), "hardware": hardware()}


def _git(*arguments: str) -> str:
    try:
        answer = subprocess.run(
            ["git", "-C", str(_PACKAGE), *arguments],
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip()


def _text_of(path: str | Path) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
