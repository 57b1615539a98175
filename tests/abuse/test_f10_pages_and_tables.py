"""The page, csv, Markdown and LaTeX with such names: nothing in them is run, all are shown to the letter."""

import csv
import json
import re
import urllib.parse
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from protogcn.files.scores import Scores
from protogcn.files.spreadsheet import shown
from protogcn.report.figures import class_differences, confusion
from protogcn.report.page.report import build_page
from protogcn.report.page.tables import read_shown_table
from protogcn.report.tables import tabulate
from tests.made.command import run_command
from tests.made.naughty_names import TAKEN
from tests.made.score_files import random_scores
from tests.made.table_scores import cell, predictions, write_scores
from tests.unit.report.tables.test_tabulate import write_table

FORMULA = re.compile(r"\s*[=+\-@\t\r\uff0b\uff0d\uff1d\uff20]")
NUMBER = re.compile(r"[+-]?[0-9.]+(e-?[0-9]+)?")
OF_LATEX = {
    *("usepackage begin centering caption label small setlength tabcolsep toprule midrule").split(),
    *("bottomrule end par smallskip footnotesize raggedright addlinespace multicolumn").split(),
    *("cmidrule textbf underline textit rlap textsuperscript textbackslash textasciitilde").split(),
    *("textasciicircum textless textgreater textbar pm").split(),
}


class Page(HTMLParser):
    """What a browser would make of a page: its elements, and the texts of its cells."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.cells, self.scripts = [("", {})], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag == "td":
            self.cells.append("")

    def handle_data(self, data):
        tag = self.elements[-1][0]
        if tag == "td":
            self.cells[-1] += data
        elif tag == "script":
            self.scripts.append(data)

    def handle_endtag(self, tag):
        self.elements.append((f"/{tag}", {}))


def check_csv(path, campaign):
    """No cell is a formula, also where semicolons separate; return what the cells stand for."""
    with path.open(newline="", encoding="utf-8") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    for text in cells:
        for part in text.split(";"):
            neutral = not FORMULA.match(part) or NUMBER.fullmatch(part) or text == "-"
            assert neutral, (path.name, text)
    campaign.count("neutral cells", len(cells))
    return {shown(text) for text in cells}


def check_latex(text):
    """Braces balance, commands are ours, and every line has as many cells."""
    plain = re.sub(r"\\[\\&%$#_{}]", "", text)
    assert {*re.findall(r"\\([A-Za-z]+)", plain)} <= OF_LATEX
    assert plain.count("{") == plain.count("}")
    rows = [line for line in text.splitlines() if line.endswith(r"\\") and "multicol" not in line]
    assert len({len(re.findall(r"(?<!\\)&", row)) for row in rows}) == 1


def check_markdown(text):
    """Every line of the table has as many cells."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1
    assert not re.search(r"(?<!\\)<(?!/?(sup|ins|br)>)", text)


def check_page(text, campaign):
    """Only our scripts, no handler, no address outside; return what it says."""
    page = Page(text)
    scripts = [attributes for tag, attributes in page.elements if tag == "script"]
    assert [(s.get("type"), s.get("id")) for s in scripts] == [
        ("application/json", "data"), ("text/plain", "datatables"), ("module", None),
    ]  # fmt: skip
    tags = {tag for tag, _ in page.elements}
    assert not tags & {
        "iframe",
        "object",
        "embed",
        "base",
        "frame",
        "applet",
        "textarea",
        "template",
    }
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        for name in ("href", "src", "action", "srcset", "formaction", "data"):
            assert (attributes.get(name) or "#").startswith(("#", "data:")), (tag, name)
    policy = [a["content"] for tag, a in page.elements if tag == "meta" and "http-equiv" in a]
    assert len(policy) == 1
    assert "default-src 'none'" in policy[0]
    assert "unsafe-eval" not in policy[0]
    campaign.count("parsed elements", len(page.elements))
    return page


@pytest.fixture(scope="module")
def two_score_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scores")
    paths = []
    for number, model in enumerate(("protogcn", "stgcnpp")):
        path = folder / f"results/runs/nano/xsub/{model}/j/scores.npz"
        path.parent.mkdir(parents=True)
        random_scores(number, clips=300, classes=list(TAKEN), model=model).save(path)
        paths.append(path)
    return paths


@pytest.mark.filterwarnings("ignore:Glyph")  # no font has them all
def test_classes_on_the_page_and_in_the_csv_of_figures(
    two_score_files, tmp_path, campaign, monkeypatch
):
    first, second = map(str, two_score_files)
    drawn = [tmp_path / "f.png", "--caption", tmp_path / "f.txt"]
    code = run_command(confusion, monkeypatch, "--scores", first, "--streams", "j", "--weights", "1",
                       "--model", "protogcn", "--task", "nano_xsub", "--name", "$x_{ on \\input",
                       "--table", tmp_path / "confusion.csv", "--figures", *drawn)  # fmt: skip
    assert code == 0
    code = run_command(class_differences, monkeypatch, "--scores", first, "--baseline-scores", second,
                       "--task", "nano_xsub", "--stream", "j", "--model", "protogcn", "--baseline", "stgcnpp",
                       "--table", tmp_path / "differences.csv", "--figures", *drawn)  # fmt: skip
    assert code == 0
    tables = [tmp_path / "confusion.csv", tmp_path / "differences.csv"]
    scored = {TAKEN[label] for label in Scores.load(two_score_files[0]).labels}
    assert scored <= check_csv(tables[0], campaign)
    assert scored <= check_csv(tables[1], campaign)
    page = check_page(build_page([*map(read_shown_table, tables)], [], two_score_files, table_runs={}), campaign)  # fmt: skip
    assert scored <= {*page.cells}
    assert json.loads(page.scripts[0])["tasks"]["nano_xsub"]["classes"] == list(TAKEN)
    for table, link in zip(tables, [a for t, a in page.elements if "download" in a], strict=True):
        content = urllib.parse.unquote(link["href"].partition(",")[2])
        assert content == table.read_text()
    campaign.count("same to the letter", 3 * len(scored))


def test_methods_and_streams_in_all_forms_of_a_table(tmp_path, campaign, monkeypatch):
    scores = write_scores(tmp_path, "j", predictions(0, 1), [0, 0])
    size = 8
    for start in range(0, len(TAKEN), campaign.tries(push=4, nightly=1, release=1) * size):
        names = TAKEN[start : start + size]
        cells = [cell(TAKEN[-1 - n], "j", method=name) for n, name in enumerate(names)]
        arguments = write_table(tmp_path, *cells, streams=["j"])
        assert run_command(tabulate, monkeypatch, *arguments, "--scores", scores) == 0
        known = {*names, *(one.stream for one in cells)}
        assert known <= check_csv(tmp_path / "t.csv", campaign)
        check_csv(tmp_path / "t.pairs", campaign)
        check_latex((tmp_path / "t.latex").read_text())
        check_markdown((tmp_path / "t.markdown").read_text())
        table = read_shown_table(tmp_path / "t.csv")
        text = build_page([table], [], [scores], table_runs={})
        assert known <= {*check_page(text, campaign).cells}
        campaign.count("same to the letter", len(known))


def test_what_a_score_file_says_of_itself_is_shown_and_not_read(
    two_score_files, tmp_path, campaign
):
    """Settings, versions and commits are words of a file that others may have written."""
    scores = Scores.load(two_score_files[0])
    for number, name in enumerate(TAKEN[:: campaign.tries(push=16, nightly=1, release=1)]):
        provenance = {**scores.provenance, "trained by": {"commit": name, "versions": {"torch": name}}, "data digest": name}  # fmt: skip
        path = tmp_path / f"{number}.npz"
        replace(scores, provenance=provenance).save(path)
        page = check_page(build_page([], [], [path], table_runs={}), campaign)
        assert name in {*page.cells}
        campaign.count("same to the letter")
