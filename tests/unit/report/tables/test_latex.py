import re
import shutil
import subprocess

import pytest

from protogcn.report.tables.latex import latex
from tests.unit.report.tables.test_markdown import SHEET


def test_table_by_hand():
    assert (
        latex(SHEET)
        == r"""% \usepackage{booktabs}
\begin{table}[t]
\centering
\caption{Mine \& yours\_1, in \%}
\label{tab:mine-2}
\small
\setlength{\tabcolsep}{4pt}
\begin{tabular}{llrrr}
\toprule
 &  & \multicolumn{2}{c}{X} &  \\
\cmidrule(lr){3-4}
Stream &  & top-1 & top-5 & n \\
\midrule
J\textbar{}1 & ours & \textbf{91.50 $\pm$ 0.14}\rlap{\textsuperscript{a}} & 99.00 & 5 \\
 & paper & \underline{\textit{91.54}}\rlap{\textsuperscript{b,a}} & \textit{?} &  \\
\addlinespace[2pt]
{[}b]{*} & difference & $-$0.04 & $+$1.00 & -- \\
\bottomrule
\end{tabular}
\par\smallskip\footnotesize\raggedright
One recipe: a\_b 1.
\textsuperscript{a}the weights are, or look, tuned on the test split; never best or second.
\textsuperscript{b}from the authors' fusion scripts, not in the paper.
\end{table}
"""
    )


def test_braces_balance_and_every_line_has_the_same_cells():
    text = latex(SHEET)
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", text):
        depth += 1 if brace == "{" else -1
        assert depth >= 0
    assert depth == 0
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    widths = []
    for row in rows:
        spanned = sum(int(n) - 1 for n in re.findall(r"\\multicolumn\{(\d+)\}", row))
        widths.append(len(re.findall(r"(?<!\\)&", row)) + 1 + spanned)
    assert set(widths) == {5}


def test_latex_takes_it(tmp_path):
    """Only where LaTeX is installed; the tests above look at the structure everywhere."""
    if (program := shutil.which("pdflatex")) is None:
        pytest.skip("pdflatex is not installed")
    text = rf"\documentclass{{article}}\usepackage{{booktabs}}\begin{{document}}{latex(SHEET)}\end{{document}}"
    (tmp_path / "t.tex").write_text(text, encoding="utf-8")
    subprocess.run([program, "-halt-on-error", "t.tex"], cwd=tmp_path, check=True, timeout=60)
