"""What a long benchmark found: rows with targets, checks, and sections of which one may fail."""

import json
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from benchmarks.measure import Row


@dataclass(frozen=True)
class Line:
    """One number, with its quartiles where it was measured several times.

    Attributes:
        name: what it is.
        value: the number, a median if it has quartiles.
        unit: of the number.
        lower: first quartile.
        upper: third quartile.
        target: what it should be, if that is known.
        met: whether it is.
        expected: the range in which it was expected to be, if anything was.
        found: ``as expected``, ``less`` or ``more``.
    """

    name: str
    value: float
    unit: str
    lower: float | None = None
    upper: float | None = None
    target: str = ""
    met: str = ""
    expected: str = ""
    found: str = ""


class Range(NamedTuple):
    """Between which numbers a figure is expected."""

    low: float
    high: float


@dataclass
class Report:
    """Collects lines and failures, and prints each as soon as it is known.

    After each section all of them are in ``gpu.csv`` and ``gpu.json`` of the folder, if there is
    one: a call that runs out of its time leaves what it knew. Figures are set beside ``expected``,
    by their names; one that is not as expected is no failure.
    """

    folder: Path | None = None
    expected: Mapping[str, Range] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def section(self, title: str, content: Callable[[], None]) -> None:
        """Run one section; whatever goes wrong in it is kept, and the next one can run."""
        print(f"\n== {title}", flush=True)
        begin = time.monotonic()
        try:
            content()
        except Exception as error:
            traceback.print_exc()
            sys.stderr.flush()
            self.failures.append(f"{title}: {type(error).__name__}: {str(error)[:300]}")
            print(f"FAILED: {self.failures[-1]}", flush=True)
        print(f"   ({time.monotonic() - begin:.0f} s)", flush=True)
        self._save()

    def fact(self, name: str, value: object) -> None:
        """Keep something that is no number."""
        self.facts[name] = str(value)
        print(f"{name}: {value}", flush=True)

    def add(
        self,
        name: str,
        value: float,
        unit: str,
        *,
        at_most: float | None = None,
        at_least: float | None = None,
    ) -> None:
        """Keep one number, and whether it reaches its target; missing one is no failure."""
        limit = at_most if at_least is None else at_least
        target, met = "", ""
        if limit is not None:
            target = f"{'at most' if at_least is None else 'at least'} {limit:,g}"
            met = "yes" if (value <= limit if at_least is None else value >= limit) else "no"
        self._keep(Line(name, value, unit, target=target, met=met))

    def rows(self, rows: Iterable[Row]) -> None:
        """Keep measured rows."""
        for row in rows:
            self._keep(Line(row.name, row.median, row.unit, row.lower, row.upper))

    def check(self, name: str, found: float, limit: float) -> None:
        """Keep an error that must not pass a limit; NaN passes none."""
        right = found <= limit
        self._keep(
            Line(
                name, found, "error", target=f"at most {limit:.0e}", met="yes" if right else "WRONG"
            )
        )
        if not right:
            self.failures.append(f"{name}: found {found:.3g}, expected at most {limit:.3g}")

    def print_table(self) -> None:
        """Print all lines again, as the last thing."""
        head = f"{'value':>10} {'unit':<9} {'target':>16} {'met':<5} {'expected':>16}"
        print(f"\n{'name':<64} {head}")
        for line in self.lines:
            found = f"{_figure(line.value):>10} {line.unit:<9} {line.target:>16} {line.met:<5}"
            print(f"{line.name:<64} {found} {line.expected:>16} {line.found}".rstrip())
        for failure in self.failures:
            print(f"FAILED: {failure}")
        print("All checks passed." if not self.failures else f"{len(self.failures)} failed.")

    def _save(self) -> None:
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        lines = [asdict(line) for line in self.lines]
        found = {"facts": self.facts, "lines": lines, "failures": self.failures}
        (self.folder / "gpu.json").write_text(json.dumps(found, indent=1) + "\n")
        pd.DataFrame(lines, columns=[part.name for part in fields(Line)]).to_csv(
            self.folder / "gpu.csv", index=False
        )

    def _keep(self, line: Line) -> None:
        if (limits := self.expected.get(line.name)) is not None:
            low, high = limits
            found = "less" if line.value < low else "more" if line.value > high else "as expected"
            line = replace(line, expected=f"{_figure(low)} to {_figure(high)}", found=found)
        self.lines.append(line)
        spread = ""
        if line.lower is not None and line.upper is not None:
            spread = f" ({_figure(line.lower)} to {_figure(line.upper)})"
        target = f"   target {line.target}: {line.met}" if line.target else ""
        beside = f"   expected {line.expected}: {line.found}" if line.expected else ""
        figure = f"{_figure(line.value):>10} {line.unit}{spread}"
        print(f"{line.name:<64} {figure}{target}{beside}", flush=True)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
