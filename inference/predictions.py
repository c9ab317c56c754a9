# SPDX-License-Identifier: GPL-3.0-or-later
"""``predictions.csv``: the verdict on every photo of a validation, written and read in this one place."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .files import UNPRINTABLE, replacing
from .verdicts import Verdict

FORMULA = re.compile(r"'*[=+\-@\t\r]")
"""How a cell begins that spreadsheets would run (owasp.org, "CSV Injection"), and after how many apostrophes it is safe."""

ESCAPED = re.compile(r"\\(?:\\|x[0-9a-f]{2}|u[0-9a-f]{4}|[tnr])")


@dataclass(frozen=True)
class Prediction:
    """A row of ``predictions.csv``: a photo, relative to the folder of photos, its true and its predicted class, and the
    path, relative to the database, and similarity of its most similar reference."""

    photo: Path
    true: str
    predicted: str
    nearest: str
    similarity: float


def write_predictions(
    path: Path, folder: Path | None, true: Sequence[str], verdicts: Sequence[Verdict], k: int
) -> None:
    """Write verdicts to the file ``path``.

    Args:
        path: the file.
        folder: where the photos lie, which their paths are relative to; None: the paths stay as they are.
        true: the photos' classes.
        verdicts: the verdicts on them, in the same order.
        k: how many neighbours each verdict has.
    """
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(_rows(folder, true, verdicts, k))


def read_predictions(path: Path) -> list[Prediction]:
    """The rows of a ``predictions.csv``."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Prediction(
                Path(_text(row["path"])),
                _text(row["true"]),
                _text(row["predicted"]),
                _text(row["reference_1"]),
                float(row["similarity_1"]),
            )
            for row in csv.DictReader(file)
        ]


def _rows(folder: Path | None, true: Sequence[str], verdicts: Sequence[Verdict], k: int) -> Iterator[list[object]]:
    """The rows of the file, the head first."""
    rejecting = any(verdict.familiarity is not None for verdict in verdicts)
    yield [
        *("path", "true", "predicted", "votes"),
        *(f"{what}_{rank}" for rank in range(1, k + 1) for what in ("similarity", "reference")),
        *(("voted", "familiarity") if rejecting else ()),
    ]
    for label, verdict in zip(true, verdicts, strict=True):
        photo = (verdict.photo.relative_to(folder) if folder else verdict.photo).as_posix()
        row: list[object] = [_cell(photo), _cell(label), _cell(verdict.predicted), verdict.votes[verdict.voted]]
        for near in verdict.neighbours:
            row += [f"{near.similarity:.6f}", _cell(near.reference)]
        if rejecting:
            row += [_cell(verdict.voted), f"{verdict.familiarity:.6f}"]
        yield row


def _cell(text: str) -> str:
    """``text`` as a cell that no program runs or fails on; :func:`_text` gives it back.

    A cell that a spreadsheet would take for a formula gets an apostrophe. Characters that cannot be printed are escaped
    as Python writes them; backslashes are doubled where they could be confused with that.
    """
    if UNPRINTABLE.search(text) or ESCAPED.search(text):
        text = re.sub(rf"\\|{UNPRINTABLE.pattern}", lambda found: found[0].encode("unicode_escape").decode(), text)
    return "'" + text if FORMULA.match(text) else text


def _text(cell: str) -> str:
    """What :func:`_cell` made a cell of."""
    if cell.startswith("'") and FORMULA.match(cell):
        cell = cell[1:]
    return ESCAPED.sub(lambda found: found[0].encode().decode("unicode_escape"), cell)
