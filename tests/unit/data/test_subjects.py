import pytest

from protogcn.data.subjects import subject_of


@pytest.mark.parametrize(
    ("clip", "subject"),
    [
        ("S001C002P013R002A060", "13"),
        ("a9_s1_t1", "1"),
        ("subject12_wave", "12"),
        ("films/a1_s03", "3"),
        ("class7_clip3", ""),
        ("s", ""),
    ],
)
def test_the_subject_is_read_from_the_clips_name(clip, subject):
    assert subject_of(clip) == subject
