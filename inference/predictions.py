# SPDX-License-Identifier: GPL-3.0-or-later
"""``predictions.csv``: the verdict on every photo of a validation, written and read in this one place."""

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import InputError
from .files import UNPRINTABLE, reason, replacing, shown
from .verdicts import Verdict

FORMULA = re.compile(r"'*[=+\-@\t\r]")
"""The beginning of a cell that spreadsheets would execute (owasp.org, "CSV Injection"), even after apostrophes."""

READ = ("path", "true", "predicted", "reference_1", "similarity_1")
"""The columns that are read."""

ESCAPED = re.compile(r"\\(?:\\|x[0-9a-f]{2}|u[0-9a-f]{4}|[tnr])")


@dataclass(frozen=True)
class Prediction:
    """A row of ``predictions.csv``.

    Attributes:
        photo: path of the photo, relative to the folder of photos.
        true: its true class.
        predicted: its predicted class.
        nearest: path of the most similar reference, relative to the database.
        similarity: similarity of that reference.
    """

    photo: Path
    true: str
    predicted: str
    nearest: str
    similarity: float


def write_predictions(
    path: Path, folder: Path | None, true: Sequence[str], verdicts: Sequence[Verdict], k: int
) -> None:
    """Write verdicts to a file.

    Args:
        path: the file.
        folder: the folder of photos; their paths are written relative to it. None: paths are written as they are.
        true: true classes of the photos.
        verdicts: the verdicts on them, in the same order.
        k: number of neighbours of each verdict.

    Raises:
        InputError: the file cannot be written.
    """
    # Without the byte order mark, Excel assumes its own code page.
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(_rows(folder, true, verdicts, k))


def read_predictions(path: Path) -> list[Prediction]:
    """Read a ``predictions.csv``, which a spreadsheet program may have saved again.

    Raises:
        InputError: it cannot be read, or a spreadsheet program changed more than encoding, separators and decimal
            points.
    """
    try:
        table = list(_table(_decoded(path.read_bytes())))
        return [_prediction(row) for row in table if any(row.values())]
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(
            f"{shown(path)} cannot be read, or another program has changed it ({reason(error)}). Validate again."
        ) from error


def _decoded(content: bytes) -> str:
    """Decode a file as spreadsheet programs save it: UTF-8 or UTF-16 with a byte order mark, or Windows-1252."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            return content.decode("cp1252")
        except UnicodeDecodeError:
            raise ValueError("its letters are of an unknown code page") from None


def _table(text: str) -> Iterator[dict[str, str]]:
    """Yield the rows by column name. The separator is the character after the first name."""
    text = re.sub(r"\Asep=.\r?\n", "", text)
    head = re.match(r'"?path"?([,;\t])', text)
    if not head:
        raise ValueError("it does not begin with the column path")
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=head[1])
    names = next(rows)
    if missing := [name for name in READ if name not in names]:
        raise ValueError(f"it has no column {missing[0]}")
    for row in rows:
        yield dict(zip(names, row + [""] * (len(names) - len(row)), strict=False))


def _prediction(row: dict[str, str]) -> Prediction:
    similarity = float(row["similarity_1"].replace(",", "."))
    if not abs(similarity) < 1.001:  # also for NaN
        raise ValueError(f"{row['similarity_1']} is no similarity")
    if not (row["path"] and row["true"] and row["predicted"]):
        raise ValueError("a row is incomplete")
    path, true, predicted, nearest = (_text(row[name]) for name in ("path", "true", "predicted", "reference_1"))
    return Prediction(Path(path), true, predicted, nearest, similarity)


def _rows(folder: Path | None, true: Sequence[str], verdicts: Sequence[Verdict], k: int) -> Iterator[list[object]]:
    """Yield the rows of the file, the header first."""
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
    """Return ``text`` as a cell that no program executes or fails on. :func:`_text` reverses this.

    A cell that a spreadsheet program would interpret as a formula gets an apostrophe. Characters that cannot be printed
    are escaped as Python writes them. Backslashes are doubled where they could be confused with such an escape.
    """
    if UNPRINTABLE.search(text) or ESCAPED.search(text):
        text = re.sub(rf"\\|{UNPRINTABLE.pattern}", lambda found: found[0].encode("unicode_escape").decode(), text)
    return "'" + text if FORMULA.match(text) else text


def _text(cell: str) -> str:
    """Return the text from which :func:`_cell` made a cell."""
    if cell.startswith("'") and FORMULA.match(cell):
        cell = cell[1:]
    return ESCAPED.sub(lambda found: found[0].encode().decode("unicode_escape"), cell)
