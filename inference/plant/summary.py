# SPDX-License-Identifier: GPL-3.0-or-later
"""What is shown of a plant: lines while stations are worked on, and the page at the end."""

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from ..files import shown
from ..validation_result import Interval
from .plan import Job, Outcome
from .plant_file import Station

MOST_LINES = 12
"""Stations being worked on that are listed at most."""


@dataclass(frozen=True)
class Row:
    """A station at the end of a run.

    Attributes:
        macro_f1: of this run; None: it was not validated, or failed.
        interval: 95 % interval of it.
        photos: how many were scored.
        change: macro F1 less that of the run before; None: there was none.
        target: what it is to reach.
        problems: why it failed.
        warnings: what may be wrong.
        seconds: how long it took.
        status: exit status of what failed.
        rendered: images that were rendered now.
        images: references there are now.
    """

    macro_f1: float | None
    interval: Interval | None
    photos: int | None
    change: float | None
    target: float | None
    problems: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0
    status: int = 0
    rendered: int | None = None
    images: int | None = None

    @property
    def below(self) -> bool:
        """Whether it misses its target."""
        return self.target is not None and self.macro_f1 is not None and self.macro_f1 < self.target


def row_of(station: Station, outcome: Outcome, before: float | None) -> Row:
    """What became of a station, whose macro F1 was ``before``."""
    content = outcome.content if not outcome.status else {}
    found = content.get("macro_f1")
    interval = content.get("intervals", {}).get("macro_f1")
    return Row(
        macro_f1=found,
        interval=(interval[0], interval[1]) if interval else None,
        photos=content.get("photos"),
        change=None if found is None or before is None else found - before,
        target=station.target,
        problems=outcome.problems,
        warnings=tuple(content.get("warnings", ())),
        seconds=outcome.seconds,
        status=outcome.status,
        rendered=content.get("rendered") if "images" in content else None,
        images=content.get("images"),
    )


def line(name: str, row: Row) -> str:
    """What became of one station, in a line."""
    if row.status:
        return f"{name}: failed. {row.problems[0]}"
    if row.macro_f1 is not None:
        below = f", below its target of {row.target:.3f}" if row.below else ""
        return f"{name}: macro F1 {row.macro_f1:.3f} on {row.photos} photos{below} ({row.seconds:.0f} s)"
    if row.images is not None:
        return f"{name}: {row.images} references, {row.rendered} rendered now ({row.seconds:.0f} s)"
    return f"{name}: {'no problem' if not row.warnings else f'{len(row.warnings)} warnings'} ({row.seconds:.0f} s)"


def page(rows: dict[str, Row]) -> str:
    """The page at the end of a run: a table, then what failed and why, then which stations are below their target."""
    width = max(map(len, ("station", *rows)))
    lines = []
    if any(row.macro_f1 is not None for row in rows.values()):
        lines.append(f"{'station':<{width}}  macro F1  95 % interval   change  target  photos")
        for name, row in rows.items():
            if row.macro_f1 is None:
                lines.append(f"{name:<{width}}  {'failed' if row.status else 'not validated'}")
                continue
            interval = f"{row.interval[0]:.3f}–{row.interval[1]:.3f}" if row.interval else ""
            change = "" if row.change is None else f"{row.change:+.3f}"
            target = "" if row.target is None else f"{row.target:.3f}"
            mark = "  below its target" if row.below else ""
            lines.append(
                f"{name:<{width}}  {row.macro_f1:8.3f}  {interval:<13}  {change:>7}  {target:>6}  {row.photos:>6}{mark}"
            )
    failed = {name: row for name, row in rows.items() if row.status}
    lines += [f"{name}: {shown(problem)}" for name, row in failed.items() for problem in row.problems]
    below = [name for name, row in rows.items() if row.below]
    counts = f"{len(rows)} stations, {len(failed)} failed"
    lines.append(f"{counts}, {len(below)} below their target" + (f": {', '.join(below)}" if below else ""))
    return "\n".join(lines)


class Table:
    """The stations being worked on, on stderr: redrawn in place on a terminal; elsewhere only a line for each at its end."""

    def __init__(self, total: int) -> None:
        self.total = total
        self._live = sys.stderr.isatty()
        self._drawn: list[str] = []

    def update(self, jobs: Sequence[Job], finished: int) -> None:
        """Show the stations being worked on."""
        if not self._live:
            return
        width = shutil.get_terminal_size().columns - 1
        name_width = max((len(job.station.name) for job in jobs), default=0)
        lines = [f"{finished} of {self.total} stations"]
        for job in jobs[:MOST_LINES]:
            done, total = job.progress()
            lines.append(f"  {job.station.name:<{name_width}}  {job.title}{f'  {done}/{total}' if total else ''}")
        lines = [text[:width] for text in lines]
        if lines != self._drawn:
            self._erase()
            print(*lines, sep="\n", file=sys.stderr, flush=True)
            self._drawn = lines

    def finished(self, text: str) -> None:
        """Say what became of a station."""
        self._erase()
        print(shown(text), file=sys.stderr, flush=True)

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._erase()

    def _erase(self) -> None:
        if self._drawn:
            print(f"\x1b[{len(self._drawn)}F\x1b[J", end="", file=sys.stderr, flush=True)
            self._drawn = []
