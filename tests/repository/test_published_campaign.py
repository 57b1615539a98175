"""The campaign's table in docs/reliability.md."""

import re

from tests.abuse.published import HEAD, Row, as_lines, publish
from tests.made.config import REPOSITORY

FLIPS = Row("F05", "Flipped bits", {"detected": 1990, "harmless": 10}, 12.4)
KILLS = Row("F01", "Kills", {"finished equal": 3}, 30.0)


def test_tests_of_one_family_are_added_up():
    lines = as_lines([FLIPS, KILLS, FLIPS], commit="abc")
    assert lines == [
        "| F01 | Kills | 3 | 3 finished equal | 30 | abc |",
        "| F05 | Flipped bits | 4,000 | 3,980 detected, 20 harmless | 25 | abc |",
    ]


def test_a_family_run_again_replaces_its_row_alone(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("\n".join(["# Title", *HEAD, *as_lines([FLIPS], commit="old"), "", "End", ""]))
    publish(page, [KILLS], commit="new")
    publish(page, [KILLS], commit="newer")
    old, new = as_lines([FLIPS], commit="old"), as_lines([KILLS], commit="newer")
    assert page.read_text().splitlines() == ["# Title", *HEAD, *new, *old, "", "End"]


def test_every_published_family_has_its_file():
    text = (REPOSITORY / "docs/reliability.md").read_text()
    published = re.findall(r"^\| (F\d\d) \|", text, flags=re.MULTILINE)
    files = [path.name for path in (REPOSITORY / "tests/abuse").glob("test_f*.py")]
    assert HEAD[0] in text
    assert {f.lower() for f in published} <= {name.split("_")[1] for name in files}
