"""A table as it is read: heads, lines, emphasis and footnotes, before Markdown or LaTeX."""

from collections.abc import Callable
from dataclasses import dataclass
from string import ascii_lowercase

from protogcn.report.tables.notes import NOTES


@dataclass
class Entry:
    """One cell as text.

    Attributes:
        text: what is printed.
        marks: codes of its footnotes.
        value: the number that competes for best and second, or None.
        emphasis: ``best``, ``second`` or nothing.
        italic: set apart from what was measured here.
    """

    text: str
    marks: tuple[str, ...] = ()
    value: float | None = None
    emphasis: str = ""
    italic: bool = False


@dataclass
class Line:
    """One line: the words at the left, an entry for each column of numbers."""

    words: list[str]
    entries: list[Entry]


@dataclass(frozen=True)
class Column:
    """One column of numbers: its head, under the head of its group (or nothing)."""

    group: str
    head: str


@dataclass
class Sheet:
    """One table, filled first and then emphasised and shortened in place.

    Attributes:
        name: its file name.
        title: its caption.
        heads: of the columns of words at the left.
        columns: the columns of numbers.
        blocks: lines that belong together.
        remarks: sentences below the table, before the footnotes.
    """

    name: str
    title: str
    heads: list[str]
    columns: list[Column]
    blocks: list[list[Line]]
    remarks: list[str]

    @property
    def lines(self) -> list[Line]:
        """All lines, from top to bottom."""
        return [line for block in self.blocks for line in block]

    @property
    def letters(self) -> dict[str, str]:
        """The letter of every code that is marked, in reading order."""
        entries = (entry for line in self.lines for entry in line.entries)
        marks = (mark for entry in entries for mark in entry.marks)
        return dict(zip(dict.fromkeys(marks), ascii_lowercase, strict=False))

    @property
    def footnotes(self) -> list[tuple[str, str]]:
        """Letter and sentence of every mark."""
        return [(letter, NOTES[code]) for code, letter in self.letters.items()]

    @property
    def groups(self) -> list[tuple[str, int]]:
        """The heads above the heads, each with the number of columns it spans."""
        groups: list[tuple[str, int]] = []
        for column in self.columns:
            if groups and groups[-1][0] == column.group:
                groups[-1] = (column.group, groups[-1][1] + 1)
            else:
                groups.append((column.group, 1))
        return groups

    def emphasise(self) -> None:
        """Mark the highest and the second highest value of every column; equal ones share it."""
        for column in zip(*(line.entries for line in self.lines), strict=True):
            ranks = sorted({e.value for e in column if e.value is not None}, reverse=True)
            for entry in column if len(ranks) > 1 else ():
                if entry.value in ranks[:2]:
                    entry.emphasis = "best" if entry.value == ranks[0] else "second"

    def leave_out_repetition(self) -> None:
        """Leave out words that are the same in every line, and those of the line above."""
        columns = zip(*(line.words for line in self.lines), strict=True)
        kept = [
            number for number, words in enumerate(columns) if number == 0 or len(set(words)) > 1
        ]
        self.heads = [self.heads[number] for number in kept]
        for block in self.blocks:
            above = [None] * len(kept)
            for line in block:
                words = [line.words[number] for number in kept]
                line.words = [
                    "" if word == other else word for word, other in zip(words, above, strict=True)
                ]
                above = words


@dataclass(frozen=True)
class Markup:
    """How a format writes an entry: its escapes, and a pattern for each kind of emphasis."""

    escape: Callable[[str], str]
    italic: str
    best: str
    second: str
    marked: str  # the entry, and the letters of its footnotes

    def write(self, entry: Entry, letters: dict[str, str]) -> str:
        """Return an entry as the format has it."""
        text = self.escape(entry.text)
        if not text:
            return ""
        text = self.italic.format(text) if entry.italic else text
        match entry.emphasis:
            case "best":
                text = self.best.format(text)
            case "second":
                text = self.second.format(text)
        marks = ",".join(letters[mark] for mark in entry.marks)
        return self.marked.format(text, marks) if marks else text
