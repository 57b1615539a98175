"""Files between stages cut short, empty, followed by something, or of another kind."""

OTHER_KINDS = (
    b"",
    b"\x00" * 100,
    b"PK\x05\x06" + b"\x00" * 18,
    b"\x93NUMPY",
    b"<html>",
    b"\x89PNG\r\n",
)


def test_a_file_that_is_not_whole_is_refused_or_changes_nothing(believed, campaign):
    for name, file in believed.items():
        whole = file.path.read_bytes()
        before = file.content()
        size = len(whole)
        steps = campaign.tries(push=8, nightly=200, release=1000)
        cuts = {0, 1, 7, size - 1, size - 2, size - 80, *(size * n // steps for n in range(steps))}
        contents = [whole[: max(0, cut)] for cut in sorted(cuts)]
        contents += [whole + b"\x00", whole + b"garbage" * 50, whole + whole, *OTHER_KINDS]
        for number, content in enumerate(contents):
            outcome = file.outcome(content, before)
            assert outcome in ("refused", "harmless"), (name, number, outcome)
            campaign.count(outcome)
        assert file.outcome(whole, before) == "harmless"
