r"""A sheet -> a LaTeX table that can be pasted into a paper; it needs ``booktabs`` alone."""

from protogcn.report.tables.sheet import Markup, Sheet

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "[": "{[}",  # a row that began with [ or * would be an argument of the \\ before it
    "*": "{*}",
    "±": r"$\pm$",
    "–": "--",
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
}
_WIDE = 6  # columns of numbers from which the table spans both columns of a page


def latex(sheet: Sheet) -> str:
    """Return a table environment with caption, label and footnotes.

    Best is bold, second underlined, italic what was not measured here.
    """
    letters = sheet.letters
    environment = "table*" if len(sheet.columns) > _WIDE else "table"
    body: list[str] = []
    for block in sheet.blocks:
        body += [r"\addlinespace[2pt]"] if body else []
        for line in block:
            cells = [_MARKUP.write(entry, letters) for entry in line.entries]
            body.append(_line([*map(_escape, line.words), *cells]))
    below = [_escape(remark) for remark in sheet.remarks]
    below += [rf"\textsuperscript{{{letter}}}{_escape(text)}." for letter, text in sheet.footnotes]
    lines = [
        r"% \usepackage{booktabs}",
        rf"\begin{{{environment}}}[t]",
        r"\centering",
        rf"\caption{{{_escape(sheet.title)}}}",
        rf"\label{{tab:{sheet.name.replace('_', '-')}}}",
        r"\small",
        r"\setlength{\tabcolsep}{4pt}",
        rf"\begin{{tabular}}{{{'l' * len(sheet.heads)}{'r' * len(sheet.columns)}}}",
        r"\toprule",
        *_heads(sheet),
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
        *([r"\par\smallskip\footnotesize\raggedright", *below] if below else []),
        rf"\end{{{environment}}}",
    ]
    return "\n".join([*lines, ""])


def _heads(sheet: Sheet) -> list[str]:
    heads = _line([*map(_escape, sheet.heads), *(_escape(c.head) for c in sheet.columns)])
    groups = sheet.groups
    if not any(name for name, _ in groups):
        return [heads]
    spans, rules, first = [], [], len(sheet.heads) + 1
    for name, width in groups:
        last = first + width - 1
        spans.append(
            rf"\multicolumn{{{width}}}{{c}}{{{_escape(name)}}}" if name else "&" * (width - 1)
        )
        rules += [rf"\cmidrule(lr){{{first}-{last}}}"] if name else []
        first = last + 1
    return [_line([""] * len(sheet.heads) + spans), " ".join(rules), heads]


def _line(cells: list[str]) -> str:
    return " & ".join(cells) + r" \\"


def _escape(text: str) -> str:
    return "".join(_ESCAPES.get(letter, letter) for letter in text)


def _escape_number(text: str) -> str:
    signed = text[:1] in ("+", "-") and text[1:2].isdigit()
    return f"${text[0]}${_escape(text[1:])}" if signed else _escape(text)


_MARKUP = Markup(
    escape=_escape_number,
    italic=r"\textit{{{}}}",
    best=r"\textbf{{{}}}",
    second=r"\underline{{{}}}",
    marked=r"{}\rlap{{\textsuperscript{{{}}}}}",  # takes no room, so that digits stay in line
)
