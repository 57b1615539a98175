"""``snakemake`` that asks Slurm every second; nothing else is different.

The executor waits 10 seconds longer after each question, up to three minutes: right for trainings of
hours, and most of the time of a test.
"""

import asyncio
import signal
import sys

from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor


async def a_second(executor: RemoteExecutor) -> None:
    """Wait between two questions."""
    await asyncio.sleep(1)


if __name__ == "__main__":
    # A shell leaves Ctrl-C ignored in what it runs in the background, also in these tests.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    RemoteExecutor.sleep = a_second
    main(sys.argv[1:])
