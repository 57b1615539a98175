"""The table of one ensemble, a csv file -> the same as Markdown and LaTeX."""

import argparse
from pathlib import Path

from protogcn.files.contracts import load_table, save_text
from protogcn.report.tables.latex import latex
from protogcn.report.tables.layout import ensemble_sheet, task_title
from protogcn.report.tables.markdown import markdown

_COLUMNS = (
    "stream", "weight", "clips", "top1", "top5", "mean_class", "select", "tuned_on_test",
)  # fmt: skip


def main() -> None:
    """Read an ensemble's table, write it in two forms."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--task", required=True)
    parser.add_argument("--ensemble", required=True)
    parser.add_argument("--source", default="", help="where its weights are from")
    parser.add_argument("--markdown", type=Path, required=True)
    parser.add_argument("--latex", type=Path, required=True)
    args = parser.parse_args()

    table = load_table(args.table, dict.fromkeys(_COLUMNS, "str"))
    title = f"{task_title(args.task)}: {args.ensemble}, accuracy in %"
    remark = f"Weights: {args.source}." if args.source else ""
    sheet = ensemble_sheet(f"{args.task}_{args.ensemble}", title, remark, table)
    save_text(args.markdown, markdown(sheet))
    save_text(args.latex, latex(sheet))
