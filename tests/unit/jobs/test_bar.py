from protogcn.jobs import bar as progress
from protogcn.jobs.bar import show_progress


def test_a_log_gets_plain_lines(capsys, monkeypatch):
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.0)
    assert list(show_progress(["ab", "c"], total=3, what="files", size=len)) == ["ab", "c"]
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(",")[0] for line in lines] == ["2 of 3 files", "3 of 3 files"]


def test_a_log_is_not_flooded(capsys):
    list(show_progress(range(5000), total=5000, what="files"))
    assert capsys.readouterr().err.count("\n") == 1


def test_a_terminal_gets_a_bar(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    list(show_progress(range(3), total=3, what="files"))
    assert "100%" in capsys.readouterr().err
