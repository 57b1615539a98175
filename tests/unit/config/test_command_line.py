"""What Snakemake was asked for, and where."""

from pathlib import Path

import pytest

from protogcn.config.command_line import check_folder
from protogcn.errors import ConfigError


@pytest.mark.parametrize("name", ["{a.b}", "{1a}", "{a,[0-9]}", "{a}/{a,b}"])
def test_a_folder_whose_locks_snakemake_would_not_find_is_refused(name):
    with pytest.raises(ConfigError, match=r"/x/.*: Snakemake takes the braces .*--directory"):
        check_folder(Path("/x") / name)


@pytest.mark.parametrize("name", ["a", "{a}", "{a b}", "{}", "{input} {input}", "a (b) [c] $d *?"])
def test_other_folders_are_taken(name):
    check_folder(Path("/x") / name)
