import numpy as np
import pytest

from protogcn.errors import ConfigError
from protogcn.files.clip_table import ClipTable
from protogcn.files.paths import of_clip


def table_of(*ids):
    row = np.arange(len(ids))
    return ClipTable(np.array(ids, dtype=object), row, row, row + 1, row, {}, "")


@pytest.mark.parametrize(
    ("clip", "written"),
    [
        ("S001", "S001"),
        ("walk/v1", "walk/v1"),
        ("/home/me/my videos/a 0.mp4", "home/me/my videos/a 0.mp4"),
        ("C:\\data\\v.avi", "C:\\data\\v.avi"),
        ("a//b/./c/", "a/b/c"),
        ("../../etc/x", "__/__/etc/x"),
        ("a..b", "a..b"),
        ("hände {x} $(y)", "hände {x} $(y)"),
        ("-x", "-x"),
        ("a" * 120, "a" * 120),
        ("v/" + "a" * 121, "v/" + "a" * 40 + "~e961532012"),
        ("é" * 200, "é" * 20 + "~df20b2aa62"),
    ],
)
def test_a_clip_is_found_by_its_id_and_by_the_path_that_it_is_written_as(clip, written):
    assert of_clip(clip) == written
    table = table_of("other", clip)
    assert table.row_of(clip) == table.row_of(written) == 1


def test_a_clip_that_does_not_exist_is_answered_with_the_nearest():
    with pytest.raises(ConfigError, match=r"clip 'WALK_1': is none .* did you mean 'walk_11'\?"):
        table_of("nod_3", "walk_11").row_of("WALK_1")


def test_a_path_of_two_clips_is_refused_and_their_ids_are_taken():
    table = table_of("/a/b", "a//b")
    with pytest.raises(ConfigError, match="'/a/b', 'a//b' are written so in a path; rename one"):
        table.row_of("a/b")
    assert table.row_of("a//b") == 1


def test_long_ids_that_begin_alike_are_written_apart():
    assert len({of_clip("x" * 150 + end) for end in "abc"}) == 3
