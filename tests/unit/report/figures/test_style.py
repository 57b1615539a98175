import matplotlib

from protogcn.report.figures.style import fitted, in_style


def test_style_ends_with_its_block():
    before = dict(matplotlib.rcParams)
    with in_style():
        assert matplotlib.rcParams["text.parse_math"] is False
    assert dict(matplotlib.rcParams) == before


def test_names_are_fitted_to_one_line():
    assert fitted("short", 10) == "short"
    assert fitted("two\nlines", 10) == "two lines"
    assert fitted("a rather long name", 10) == "a rather…"
