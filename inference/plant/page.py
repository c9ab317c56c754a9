# SPDX-License-Identifier: GPL-3.0-or-later
"""The plant as a page to look at, and as a table for other programs."""

import csv
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..files import replacing, shown
from .history import History, Score
from .plant_file import Plant, Station

TEMPLATE = Path(__file__).parents[1] / "templates" / "plant.html.j2"
WIDTH, HEIGHT = 120, 28
"""Size of the curve of earlier scores, in pixels."""


@dataclass(frozen=True)
class Standing:
    """Where a station stands: its last validation, macro F1 before it, and the way to its own report."""

    station: Station
    last: Score | None
    before: float | None
    curve: str
    report: str | None

    @property
    def change(self) -> float | None:
        """Macro F1 less that of the validation before."""
        now = self.last.macro_f1 if self.last else None
        return None if now is None or self.before is None else now - self.before

    @property
    def below(self) -> bool:
        """Whether it misses its target."""
        now, target = self.last.macro_f1 if self.last else None, self.station.target
        return now is not None and target is not None and now < target


def standings(stations: Sequence[Station], history: History, folder: Path) -> list[Standing]:
    """Where each station stands by the history; links are relative to ``folder``."""
    found = []
    for station in stations:
        scores = history.scores(station.name)
        last = scores[-1] if scores else None
        earlier = [score.macro_f1 for score in scores[:-1] if score.macro_f1 is not None]
        page = station.output.validation.report
        link = _link(page, folder) if page.is_file() else None
        found.append(Standing(station, last, earlier[-1] if earlier else None, _curve(scores), link))
    return found


def _link(page: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(page, folder)).as_posix()
    except ValueError:  # another drive of Windows
        return page.as_uri()


def _curve(scores: Sequence[Score]) -> str:
    """The scores as points of a line in SVG, the newest at the right, from 0 at the bottom to 1 at the top."""
    values = [score.macro_f1 for score in scores if score.macro_f1 is not None]
    step = WIDTH / max(len(values) - 1, 1)
    return " ".join(f"{number * step:.1f},{HEIGHT * (1 - value):.1f}" for number, value in enumerate(values))


def write_page(path: Path, plant: Plant, found: Sequence[Standing]) -> None:
    """Write the page."""
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["shown"] = shown
    template = environment.from_string(TEMPLATE.read_text("utf-8"))
    order = sorted(found, key=lambda each: (each.last is None, not (each.last and each.last.problems), not each.below))
    with replacing(path) as temporary:
        temporary.write_text(
            template.render(plant=plant, standings=order, width=WIDTH, height=HEIGHT), "utf-8", "backslashreplace"
        )


def write_table(path: Path, found: Sequence[Standing]) -> None:
    """Write the CSV file, which begins with a mark by which Excel knows that it is UTF-8."""
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(
        ("station", "macro_f1", "low", "high", "change", "target", "below_target", "photos", "finished", "problems")
    )
    for each in found:
        last = each.last
        low, high = (last.interval if last else None) or ("", "")
        table.writerow(
            (
                *(each.station.name, _cell(last.macro_f1 if last else None), low, high, _cell(each.change)),
                *(_cell(each.station.target), int(each.below), _cell(last.photos if last else None)),
                *(last.finished if last else "", " ".join(last.problems) if last else ""),
            )
        )
    with replacing(path) as temporary:
        temporary.write_text(text.getvalue(), "utf-8-sig", "backslashreplace", newline="")


def _cell(value: float | None) -> float | str:
    return "" if value is None else value
