"""torchrun on one machine, ending with the exit code of the process that failed first.

Arguments are torchrun's own. torchrun itself ends with 1 whatever happened, and its report of many
lines would stand behind the one sentence that tells what it was.
"""

import sys

from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.run import parse_args, run

from protogcn.errors import FinishedElsewhereError, exit_code_of, run_stage

_FINISHED = exit_code_of(FinishedElsewhereError())
_OF_SIGNALS = 128  # a shell's exit code for a process that a signal ended, less the signal


def main() -> None:
    """Start the processes, wait for them."""
    try:
        # Processes of one machine find each other whatever its name resolves to.
        run(parse_args(["--local-addr=127.0.0.1", *sys.argv[1:]]))
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        code = failure.exitcode
        if code == _FINISHED:  # the others had to be ended all the same
            return
        how = f"with exit code {code}" if code > 0 else f"by signal {-code}"
        print(f"Process {rank} was the first to end, {how}.", file=sys.stderr)
        sys.exit(code if code > 0 else _OF_SIGNALS - code)
    except SignalException as error:
        print(f"Stopped by {error.sigval.name}.", file=sys.stderr)
        sys.exit(_OF_SIGNALS + error.sigval)


if __name__ == "__main__":
    run_stage(main)
