"""A table as it is read: heads, lines, emphasis and footnotes, before Markdown or LaTeX."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from string import ascii_lowercase

from protogcn.report.tables.notes import NOTES


@dataclass(frozen=True)
class Entry:
    """One cell as text.

    Attributes:
        text: what stands there.
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


@dataclass(frozen=True)
class Line:
    """One line: the words at the left, an entry for each column of numbers."""

    words: tuple[str, ...]
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Column:
    """One column of numbers: its head, under the head of its group (or nothing)."""

    group: str
    head: str


@dataclass(frozen=True)
class Sheet:
    """One table.

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
    heads: tuple[str, ...]
    columns: tuple[Column, ...]
    blocks: tuple[tuple[Line, ...], ...]
    remarks: tuple[str, ...]

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


def emphasised(sheet: Sheet) -> Sheet:
    """Mark the highest and the second highest value of every column; equal ones share it."""
    columns = zip(*(line.entries for line in sheet.lines), strict=True)
    ranks = [
        sorted({entry.value for entry in column if entry.value is not None}, reverse=True)
        for column in columns
    ]
    return _with_lines(
        sheet,
        lambda line: replace(line, entries=tuple(map(_with_rank, line.entries, ranks))),
    )


def without_repetition(sheet: Sheet) -> Sheet:
    """Leave out words that say the same in every line, and those of the line above."""
    columns = zip(*(line.words for line in sheet.lines), strict=True)
    kept = [number for number, words in enumerate(columns) if number == 0 or len(set(words)) > 1]
    sheet = replace(sheet, heads=tuple(sheet.heads[number] for number in kept))
    sheet = _with_lines(
        sheet, lambda line: replace(line, words=tuple(line.words[number] for number in kept))
    )
    blocks = [
        tuple(
            replace(line, words=_new_words(line.words, above.words if above else ()))
            for above, line in zip((None, *block), block, strict=False)
        )
        for block in sheet.blocks
    ]
    return replace(sheet, blocks=tuple(blocks))


def _new_words(words: Sequence[str], above: Sequence[str]) -> tuple[str, ...]:
    return tuple("" if above and word == above[n] else word for n, word in enumerate(words))


def _with_rank(entry: Entry, ranks: Sequence[float]) -> Entry:
    if entry.value is None or len(ranks) < 2 or entry.value < ranks[1]:
        return entry
    return replace(entry, emphasis="best" if entry.value == ranks[0] else "second")


def _with_lines(sheet: Sheet, change) -> Sheet:
    return replace(sheet, blocks=tuple(tuple(map(change, block)) for block in sheet.blocks))
