import pytest

from protogcn.report.tables import power as stage
from tests.made.command import run_command

TABLE = """method,stream,task,metric,clips,repeats,ours,spread
P,J,nano_xsub,top1,430,3,90.00,0.30
P,B,nano_xsub,top1,430,3,91.00,0.50
P,K,nano_xsub,top1,430,1,91.00,
"""
PAIRS = """task,metric,first,second,clips,first_better,second_better
nano_xsub,top1,J,B,2000,120,80
nano_xsub,mean_class,J,B,2000,1,1
"""


def test_repeats_and_clips_of_a_table_are_told(tmp_path, monkeypatch, capsys):
    """The pooled spread is 0.41; the difference is one of it, of which Cohen's table says 17."""
    (tmp_path / "t.partial.csv").write_text(TABLE)
    (tmp_path / "t_pairs.partial.csv").write_text(PAIRS)
    words = ("--table", tmp_path / "t.partial.csv", "--difference", "0.4123")
    assert run_command(stage, monkeypatch, *words) == 0
    told = capsys.readouterr().out
    assert "nano_xsub top1: repeats differ by 0.41 points (95 % interval 0.25 to 1.18, 4" in told
    assert "17 repeats of each show a difference of 0.4123 points" in told
    assert "1.27 by 3, " in told
    assert "nano_xsub: 2,000 clips, on 10.0 % of which one of the two alone is right" in told
    assert told.count("clips, on") == 1


def test_a_spread_and_clips_may_be_given(monkeypatch, capsys):
    words = ("--difference", "0.3", "--spread", "0.3", "--power", "0.9")
    more = ("--clips", "2000", "--disagreement", "10")
    assert run_command(stage, monkeypatch, *words, *more) == 0
    told = capsys.readouterr().out
    assert "as given: repeats differ by 0.30 points\n  23 repeats of each show" in told
    assert "show a difference of 2.29 points" in told


def test_a_table_without_repeats_says_how_to_get_them(tmp_path, monkeypatch, capsys):
    (tmp_path / "t.csv").write_text("\n".join([TABLE.splitlines()[0], TABLE.splitlines()[-1]]))
    assert run_command(stage, monkeypatch, "--table", tmp_path / "t.csv", "--difference", "1") == 0
    assert "no number of it has two repeats; ask for some" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--difference", "1"), "nothing is known of the noise; give --table"),
        (("--difference", "0", "--spread", "1"), "--difference 0: expected points above 0"),
        (("--difference", "1", "--spread", "-1"), "--spread -1: expected points above 0"),
        (("--difference", "1", "--spread", "1", "--power", "80"), "--power 80: expected a share"),
        (("--difference", "1", "--clips", "9"), "--clips and --disagreement belong together"),
        (
            ("--difference", "1", "--clips", "9", "--disagreement", "0"),
            "--clips 9 --disagreement 0: expected one clip or more and per cent above 0",
        ),
    ],
)
def test_a_wrong_question_is_one_sentence(monkeypatch, capsys, words, sentence):
    assert run_command(stage, monkeypatch, *words) != 0
    assert sentence in capsys.readouterr().err
