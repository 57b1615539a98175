"""A sheet -> a Markdown table that can be pasted into a README."""

import re
from collections.abc import Iterable

from protogcn.report.tables.sheet import Markup, Sheet

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|~])")


def markdown(sheet: Sheet) -> str:
    """Return the table with its caption above and its footnotes below.

    Best is bold, second underlined, italic what was not measured here.
    """
    letters = sheet.letters
    heads = [
        *sheet.heads,
        *(" ".join(filter(None, (column.group, column.head))) for column in sheet.columns),
    ]
    rules = [":--"] * len(sheet.heads) + ["--:"] * len(sheet.columns)
    lines = [f"**{_escape(sheet.title)}**", "", _line(map(_escape, heads)), _line(rules)]
    for line in sheet.lines:
        cells = [_MARKUP.write(entry, letters) for entry in line.entries]
        lines.append(_line([*map(_escape, line.words), *cells]))
    below = [_escape(remark) for remark in sheet.remarks]
    below += [f"<sup>{letter}</sup> {_escape(text)}." for letter, text in sheet.footnotes]
    return "\n".join([*lines, "", "<br>\n".join(below), ""] if below else [*lines, ""])


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escape(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)


_MARKUP = Markup(
    escape=_escape,
    italic="*{}*",
    best="**{}**",
    second="<ins>{}</ins>",
    marked="{}<sup>{}</sup>",
)
