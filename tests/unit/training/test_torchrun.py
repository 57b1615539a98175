"""How a training by several processes ends, whatever torchrun makes of it."""

import pytest
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure

from protogcn.training import torchrun


@pytest.mark.parametrize(
    ("exit_code", "expected"),
    [(2, 2), (5, 5), (6, 6), (-9, 137), pytest.param(7, 0, id="finished")],
)
def test_it_ends_as_the_process_that_ended_first(monkeypatch, tmp_path, exit_code, expected):
    def processes_end(_):
        failure = ProcessFailure(0, 11, exit_code, str(tmp_path / "none"))
        raise ChildFailedError("train", {0: failure})

    monkeypatch.setattr(torchrun, "run", processes_end)
    monkeypatch.setattr("sys.argv", ["torchrun", "--standalone", "-m", "protogcn", "train"])
    if expected == 0:
        torchrun.main()
    else:
        with pytest.raises(SystemExit) as ended:
            torchrun.main()
        assert ended.value.code == expected
