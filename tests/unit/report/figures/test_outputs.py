import pytest
from matplotlib.figure import Figure

from protogcn.errors import ConfigError
from protogcn.report.figures.outputs import save_figure
from protogcn.report.figures.style import in_style


def draw(name):
    figure = Figure(figsize=(2, 1), layout="constrained")
    figure.subplots().plot([1, 2], label=name)
    figure.legend()
    return figure


def saved(folder, name="a name"):
    paths = [folder / f"figure.{ending}" for ending in ("png", "pdf", "svg")]
    with in_style():
        save_figure(draw(name), paths)
    return [path.read_bytes() for path in paths]


def test_the_same_figure_is_the_same_bytes(tmp_path):
    png, pdf, svg = saved(tmp_path)
    assert [png, pdf, svg] == saved(tmp_path)
    assert (png[1:4], pdf[:5], svg[:5]) == (b"PNG", b"%PDF-", b"<?xml")
    assert list(tmp_path.glob(".*")) == []


def test_files_tell_no_date_and_no_version(tmp_path):
    for content in saved(tmp_path):
        assert b"Date" not in content
        assert b"Matplotlib" not in content


def test_a_dollar_sign_in_a_name_is_text(tmp_path):
    assert saved(tmp_path, "cost $x_{ y$")


def test_other_endings_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"a\.jpg: a figure ends in one of \.png, \.pdf, \.svg"):
        save_figure(draw("x"), [tmp_path / "a.jpg"])
