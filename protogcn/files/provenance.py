"""Where a result comes from: the commit and the versions that made it."""

import platform
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path

from protogcn import __version__


@cache
def commit() -> str:
    """Return the commit of this source tree, ``unknown`` outside a checkout."""
    try:
        answer = subprocess.run(
            ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return answer.stdout.strip()


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that shape a result."""
    libraries = {name: metadata.version(name) for name in ("torch", "numpy")}
    return {"protogcn": __version__, "python": platform.python_version()} | libraries
