# SPDX-License-Identifier: GPL-3.0-or-later
"""The results of all runs of a plant, in SQLite, so that a drop is seen."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..errors import InputError
from ..files import reason, shown
from ..validation_result import Interval

TABLES = """
CREATE TABLE IF NOT EXISTS runs (id INTEGER PRIMARY KEY, started TEXT NOT NULL, action TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS results (
    run INTEGER NOT NULL REFERENCES runs (id), station TEXT NOT NULL, finished TEXT NOT NULL, seconds REAL NOT NULL,
    macro_f1 REAL, low REAL, high REAL, photos INTEGER, problems TEXT NOT NULL, PRIMARY KEY (run, station)
) WITHOUT ROWID;
"""
WAIT = 60.0
"""Seconds to wait for another process that writes to the file."""


@dataclass(frozen=True)
class Score:
    """One validation of a station, and when it finished, in ISO 8601. ``problems`` are why it failed: it has no F1 then."""

    finished: str
    macro_f1: float | None
    interval: Interval | None
    photos: int | None
    problems: tuple[str, ...] = ()


class History:
    """An SQLite file of runs and their results. Made where there is none; raises InputError where it cannot be used."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(self, action: str) -> int:
        """Note that a run begins; returns its number."""
        with self._opened() as connection:
            row = connection.execute("INSERT INTO runs (started, action) VALUES (?, ?)", (_now(), action))
            return int(row.lastrowid or 0)

    def add(self, run: int, station: str, score: Score, seconds: float) -> None:
        """Keep what became of a station in a run."""
        low, high = score.interval or (None, None)
        values = (run, station, score.finished, seconds, score.macro_f1, low, high, score.photos)
        with self._opened() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*values, "\n".join(score.problems)),
            )

    def scores(self, station: str, before: int | None = None, most: int = 30) -> list[Score]:
        """The last results of validations of a station, the oldest first; only of runs ``before`` the one of that number."""
        if not self.path.exists():
            return []
        query = (
            "SELECT finished, macro_f1, low, high, photos, problems FROM results JOIN runs ON runs.id = run "
            "WHERE station = ? AND action = 'validate' AND run < ? ORDER BY run DESC LIMIT ?"
        )
        with self._opened() as connection:
            rows = connection.execute(query, (station, 2**62 if before is None else before, most)).fetchall()
        return [
            Score(
                finished,
                f1,
                (low, high) if low is not None else None,
                photos,
                tuple(filter(None, problems.split("\n"))),
            )
            for finished, f1, low, high, photos, problems in reversed(rows)
        ]

    def last_f1(self, station: str, before: int) -> float | None:
        """Macro F1 of the last successful validation before a run."""
        return next((s.macro_f1 for s in reversed(self.scores(station, before)) if s.macro_f1 is not None), None)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """A transaction."""
        try:
            with closing(sqlite3.connect(self.path, timeout=WAIT)) as connection:
                connection.executescript(TABLES)
                with connection:
                    yield connection
        except sqlite3.DatabaseError as error:
            raise InputError(
                f"The history {shown(self.path)} cannot be used: {reason(error)}. Move it away; a new one is begun then."
            ) from error


def now() -> str:
    """The time as the history writes it."""
    return _now()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
