"""Scores of many runs -> tables beside the paper's, as csv, Markdown and LaTeX.

In reading order: ``learning`` (weights of cells), ``measure`` (a number of a table), ``pairs``
(every two of them compared), ``layout`` (which cell it is in), ``beside_paper`` (the difference
from the paper), ``sheet`` (a laid-out table), ``notes``, ``markdown``, ``latex``.
Commands: ``learn``, ``tabulate``, ``fuse``, ``schemes``, ``power``.
"""
