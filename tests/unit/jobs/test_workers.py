import os

import pytest

from protogcn.errors import TooLittleMemoryError
from protogcn.jobs.workers import in_processes


@pytest.mark.slow
def test_a_worker_that_the_system_kills_is_one_sentence():
    with pytest.raises(TooLittleMemoryError, match="one of 2 worker processes was killed"):
        list(in_processes(os._exit, [9, 9], 2))
