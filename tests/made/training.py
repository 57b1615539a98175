"""A process whose command looks like that of a training, and which only waits for its end."""

import subprocess
import sys
from contextlib import contextmanager

_CODE = "import sys; print(flush=True); sys.stdin.read()"


@contextmanager
def fake_training():
    """Give the number of the process while it runs."""
    with subprocess.Popen(
        [sys.executable, "-c", _CODE, "-m", "protogcn", "train"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        process.stdout.readline()  # its command is empty for a moment
        yield process.pid
