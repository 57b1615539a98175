import hashlib
import json
import shutil

import pytest

from protogcn.files.manifest import Manifest, manifest_beside
from protogcn.report.page import report
from protogcn.report.provenance import verify as stage
from tests.made.command import run_command
from tests.made.provenance import class_figure, fused_table
from tests.made.score_files import random_scores


def verify(monkeypatch, capsys, *targets):
    """Return the exit code of the command, what it printed and what it complained of."""
    code = run_command(stage, monkeypatch, *targets)
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_table_whose_numbers_follow_from_the_scores_is_true(tmp_path, monkeypatch, capsys):
    table = fused_table(tmp_path / "results", monkeypatch)
    (tmp_path / "results").rename(tmp_path / "moved")
    code, said, _ = verify(monkeypatch, capsys, tmp_path / "moved" / table.name)
    assert (code, "from 2 score files, 60 clips" in said, "all as it says" in said) == (0, 1, 1)


def test_changed_numbers_and_marks_are_named_with_those_of_the_scores(
    tmp_path, monkeypatch, capsys
):
    table = fused_table(tmp_path, monkeypatch)
    text, md = table.read_text(), table.with_suffix(".md").read_text()
    top1 = text.splitlines()[-1].split(",")[3]
    lines = text.replace(top1, "99.99").splitlines(keepends=True)
    table.write_text("".join([*lines[:2], lines[2].replace("last", "best"), lines[3]]))
    table.with_suffix(".md").write_text(md.replace(top1, "99.99"))
    code, said, error = verify(monkeypatch, capsys, table)
    assert code == 3
    assert f"t.csv, line 4 (fused), top1: found 99.99, the scores give {top1}" in said
    assert "t.md, line " in said
    assert "t.csv, line 3 (b), select: found best, the scores give last" in said
    assert error.startswith("ContractError: 1 of 1 verified is not what")


def test_other_scores_are_named_with_what_they_change(tmp_path, monkeypatch, capsys):
    table = fused_table(tmp_path, monkeypatch)
    random_scores(5, stream="b").save(tmp_path / "runs/nano/xsub/protogcn/b/scores.npz")
    code, said, _ = verify(monkeypatch, capsys, table)
    assert code == 3
    assert "b/scores.npz: is not the file that was read (SHA-256 " in said
    assert "line 3 (b), top1: found" in said


def test_missing_scores_are_named(tmp_path, monkeypatch, capsys):
    table = fused_table(tmp_path, monkeypatch)
    (tmp_path / "runs/nano/xsub/protogcn/b/scores.npz").unlink()
    code, said, _ = verify(monkeypatch, capsys, table)
    assert (code, "b/scores.npz: does not exist" in said) == (3, True)


def test_a_folder_is_verified_whole_with_its_figures(tmp_path, monkeypatch, capsys):
    table = fused_table(tmp_path, monkeypatch)
    class_figure(tmp_path, monkeypatch)
    table.write_text(table.read_text().replace("last", "best", 1))
    code, said, error = verify(monkeypatch, capsys, tmp_path)
    assert (code, said.count("all as it says"), "1 of 2 verified" in error) == (3, 1, True)


def test_a_page_is_as_true_as_its_tables(tmp_path, monkeypatch, capsys):
    table = fused_table(tmp_path, monkeypatch)
    page = tmp_path / "report.html"
    arguments = ("--tables", table, "--page", page, "--manifest", tmp_path / "report.manifest.json")
    assert run_command(report, monkeypatch, *arguments) == 0
    code, said, _ = verify(monkeypatch, capsys, page)
    assert (code, said.count("all as it says")) == (0, 2)
    table.with_suffix(".md").write_text("nothing")
    page.write_text("nothing")
    code, said, error = verify(monkeypatch, capsys, page)
    assert (code, "2 of 2 verified are not what" in error) == (3, True)
    assert "report.html: changed since its manifest was written" in said


def test_a_file_without_a_manifest_is_answered_with_what_to_do(tmp_path, monkeypatch, capsys):
    (tmp_path / "t.csv").write_text("a\n1\n")
    code, _, error = verify(monkeypatch, capsys, tmp_path / "t.csv")
    assert (code, "has no manifest t.manifest.json beside it; make it again" in error) == (2, True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"command": "make"}, "is no command of scores"),
        ({"options": {"cs": "/elsewhere.csv"}}, "found the option 'cs'"),
        ({"options": {"log": "/elsewhere.log"}}, "found the option 'log'"),
        ({"options": {"x=1 --csv": "/elsewhere"}}, "names no option"),
        ({"outputs": {"shell": [{"path": "t.csv", "sha256": "0"}]}}, "has no file shell"),
    ],
)
def test_a_hostile_manifest_runs_nothing(tmp_path, monkeypatch, capsys, change, message):
    table = fused_table(tmp_path, monkeypatch)
    path = table.with_suffix(".manifest.json")
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | change))
    code, said, _ = verify(monkeypatch, capsys, table)
    assert (code, message in said) == (3, True)


def test_the_manifest_says_what_the_table_was_made_from(tmp_path, monkeypatch):
    table = fused_table(tmp_path, monkeypatch)
    kept = Manifest.load(table.with_suffix(".manifest.json"))
    assert [run.run for run in kept.runs] == ["nano_xsub/protogcn/j", "nano_xsub/protogcn/b"]
    assert {run.clips for run in kept.runs} == {60}
    assert kept.runs[0].settings["settings.batch"] == "5"
    assert {"commit", "changes", "versions", "hardware"} == set(kept.made_by)
    assert {"scipy", "numpy", "torch"} < set(kept.made_by["versions"])


def said_to_be_a_page(csv, argument):
    """Give a table a number of its own, and a manifest that calls it a page, with its digest."""
    csv.write_text("stream,top1\nfused,99.00\n")
    path = csv.with_suffix(".manifest.json")
    content = json.loads(path.read_text())
    digest = hashlib.sha256(csv.read_bytes()).hexdigest()
    outputs = {argument: [{"path": csv.name, "sha256": digest}]}
    path.write_text(json.dumps(content | {"command": "report", "outputs": outputs}))


def test_a_table_does_not_pass_for_a_page(tmp_path, monkeypatch, capsys):
    csv = fused_table(tmp_path, monkeypatch)
    said_to_be_a_page(csv, "csv")
    assert run_command(stage, monkeypatch, csv) == 3
    assert "report has no file csv, expected tables" in capsys.readouterr().out


def test_a_bundle_has_nothing_that_is_only_compared_with_a_digest(tmp_path, monkeypatch, capsys):
    csv = fused_table(tmp_path / "a", monkeypatch)
    said_to_be_a_page(csv, "page")
    bundle = shutil.make_archive(str(tmp_path / "b"), "zip", tmp_path / "a")
    assert run_command(stage, monkeypatch, bundle) == 3
    assert "t.manifest.json is of report, which is not computed" in capsys.readouterr().err


def test_the_values_of_an_option_name_no_file_to_write(tmp_path, monkeypatch, capsys):
    csv, stolen = fused_table(tmp_path / "a", monkeypatch), tmp_path / "stolen.json"
    path = csv.with_suffix(".manifest.json")
    content = json.loads(path.read_text())
    content["options"]["streams"] += ["--manifest", str(stolen)]
    path.write_text(json.dumps(content))
    assert run_command(stage, monkeypatch, csv) == 3
    assert "as streams, a value begins as an option" in capsys.readouterr().out
    assert not stolen.exists()


def test_a_damaged_score_file_does_not_keep_others_from_being_checked(
    tmp_path, monkeypatch, capsys
):
    first = fused_table(tmp_path, monkeypatch)
    second = fused_table(tmp_path, monkeypatch, streams=("k", "km"), name="u")
    (tmp_path / "runs/nano/xsub/protogcn/j/scores.npz").write_bytes(b"no zip")
    code, said, _ = verify(monkeypatch, capsys, first, second)
    assert code == 3
    assert f"{second}: " in said
    assert "j/scores.npz: found " in said


def test_a_manifest_that_keeps_its_runs_and_its_code_to_itself_is_told(
    tmp_path, monkeypatch, capsys
):
    csv = fused_table(tmp_path, monkeypatch)
    path = manifest_beside(csv)
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "made by": {}, "runs": []}))
    code, said, _ = verify(monkeypatch, capsys, csv)
    assert code == 3
    assert "does not say which run" in said
    assert "does not say which code made it" in said
