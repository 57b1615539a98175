from protogcn.data.readers.notes import Notes


def test_a_kind_is_one_line_with_its_number_and_the_first_clips():
    notes = Notes()
    for number in range(1234):
        notes.add("total_frames is missing; counted from keypoint", f"s{number}")
    notes.add("labels are text", "s7")
    assert notes.lines() == [
        "total_frames is missing; counted from keypoint (1,234 clips: s0, s1, s2, s3, s4, ...).",
        "labels are text (1 clip: s7).",
    ]
