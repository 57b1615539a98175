import re

from protogcn.report.tables.markdown import markdown
from protogcn.report.tables.sheet import Column, Entry, Line, Sheet

SHEET = Sheet(
    name="mine_2",
    title="Mine & yours_1, in %",
    heads=["Stream", ""],
    columns=[Column("X", "top-1"), Column("X", "top-5"), Column("", "n")],
    blocks=[
        [
            Line(["J|1", "ours"], [Entry("91.50 ± 0.14", ("tuned_on_test",), None, "best"), Entry("99.00"), Entry("5")]),
            Line(["", "paper"], [Entry("91.54", ("released", "tuned_on_test"), None, "second", True), Entry("?", italic=True), Entry("")]),
        ],
        [Line(["[b]*", "difference"], [Entry("-0.04"), Entry("+1.00"), Entry("–")])],
    ],
    remarks=["One recipe: a_b 1."],
)  # fmt: skip


def test_table_by_hand():
    assert (
        markdown(SHEET)
        == r"""**Mine & yours\_1, in %**

| Stream |  | X top-1 | X top-5 | n |
| :-- | :-- | --: | --: | --: |
| J\|1 | ours | **91.50 ± 0.14**<sup>a</sup> | 99.00 | 5 |
|  | paper | <ins>*91.54*</ins><sup>b,a</sup> | *?* |  |
| \[b\]\* | difference | -0.04 | +1.00 | – |

One recipe: a\_b 1.<br>
<sup>a</sup> the weights are, or look, tuned on the test split; never best or second.<br>
<sup>b</sup> from the authors' fusion scripts, not in the paper.
"""
    )


def test_every_line_has_the_same_cells():
    rows = [line for line in markdown(SHEET).splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {6}
