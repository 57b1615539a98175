"""Score files -> the table of an ensemble, or our numbers beside the paper's, in three forms.

Reading order: fuse and tabulate (commands); measure, beside_paper, layout, sheet, notes; markdown
and latex.
"""
