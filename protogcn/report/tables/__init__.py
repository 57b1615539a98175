"""Scores of many runs -> tables beside the paper's, as csv, Markdown and LaTeX.

In reading order: ``learning`` (weights of cells), ``measure`` (a number of a table), ``pairs``
(every two of them compared), ``ensemble_rows``, ``layout`` (which cell it is in), ``beside_paper``
(the difference from the paper), ``sheet`` (a laid-out table), ``notes``, ``markdown``, ``latex``;
``fold_rows``.
Commands: ``learn``, ``tabulate``, ``tabulate_folds``, ``fuse``, ``schemes``, ``power``.
"""
