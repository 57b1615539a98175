"""A sheet -> a Markdown table that can be pasted into a README."""

import re
from collections.abc import Iterable

from protogcn.report.tables.sheet import Entry, Sheet

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
        cells = [_entry(entry, letters) for entry in line.entries]
        lines.append(_line([*map(_escape, line.words), *cells]))
    below = [_escape(remark) for remark in sheet.remarks]
    below += [f"<sup>{letter}</sup> {_escape(text)}." for letter, text in sheet.footnotes]
    return "\n".join([*lines, "", "<br>\n".join(below), ""] if below else [*lines, ""])


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _entry(entry: Entry, letters: dict[str, str]) -> str:
    text = _escape(entry.text)
    if not text:
        return ""
    text = f"*{text}*" if entry.italic else text
    match entry.emphasis:
        case "best":
            text = f"**{text}**"
        case "second":
            text = f"<ins>{text}</ins>"
    marks = ",".join(letters[mark] for mark in entry.marks)
    return f"{text}<sup>{marks}</sup>" if marks else text


def _escape(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)
