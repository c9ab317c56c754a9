# SPDX-License-Identifier: GPL-3.0-or-later
"""Classify photos against a reference database, and score a folder of photos whose classes are known."""

import csv
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import gap, metrics, quality, report, unknowns
from .cache import EmbeddingCache
from .database import ReferenceDatabase
from .embedding import Embedded, embed_files, with_white_level
from .encoder import Encoder
from .errors import InputError
from .files import files_below, find_photos, replacing, shown, writable_folder
from .preprocessing import Preprocessing
from .progress import Progress
from .repeatability import resampled_f1
from .verdicts import Verdict, judge, reject

CACHE = ".embeddings"
"""File in the output folder, by which a stopped validation goes on and a repeated one is quick."""

SAME = 0.99999
"""Cosine similarity from which on two images are the same: rounding is all that is left."""

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""Spreadsheets run cells that begin so: owasp.org, "CSV Injection"."""


def prepare_rejection(
    database: ReferenceDatabase, threshold: float | None, negatives: NDArray[np.float32]
) -> unknowns.Rejection:
    """Reject below ``threshold``, or, where it is None, below what ``negatives`` [M, D] or the references suggest."""
    if unknowns.UNKNOWN in database.classes:
        raise InputError('A class is named "unknown" already, so photos cannot be rejected. Rename the class.')
    subspace = unknowns.Subspace.of(database.embeddings)
    if threshold is not None:
        return unknowns.Rejection(subspace, threshold, "given")
    known = unknowns.familiarity_of_references(database)
    chosen = unknowns.choose_threshold(known, subspace.familiarity(negatives))
    return unknowns.Rejection(subspace, chosen, "negatives" if len(negatives) else "references")


@dataclass(frozen=True)
class Rejecting:
    """That unknown photos are to be rejected: below ``threshold`` where it is given; ``negatives`` is a folder of
    photos of no class, which tests the threshold and chooses it where it is not given."""

    threshold: float | None = None
    negatives: Path | None = None


def classify(
    database: ReferenceDatabase,
    encoder: Encoder,
    photos: Sequence[Path],
    k: int,
    progress: Progress,
    rejection: unknowns.Rejection | None = None,
) -> tuple[list[Verdict], dict[str, str]]:
    """Verdicts on the photos that can be read, and why for each of the others, by path."""
    database.check_model(encoder.model)
    k = usable_k(k, database, progress)
    embedded = embed_files(encoder, database.preprocessing, photos, progress, "Classifying")
    verdicts = judge(database, embedded.embeddings, [shown(photos[number]) for number in embedded.readable], k)
    if rejection:
        verdicts = reject(verdicts, embedded.embeddings, rejection)
    return verdicts, {shown(photos[number]): why for number, why in embedded.unreadable.items()}


def usable_k(k: int, database: ReferenceDatabase, progress: Progress) -> int:
    """``k``, or, where the database is smaller, all of its references, which the user is told."""
    if k < 1:
        raise InputError(f"k is {k}; at least one neighbour must vote. Choose k of 1 or more.")
    if k > len(database):
        progress.say(f"The database holds {len(database)} references, so all of them vote instead of {k}.")
    return min(k, len(database))


def validate(
    database: ReferenceDatabase,
    database_path: Path,
    encoder: Encoder,
    photos: Path,
    output: Path,
    k: int,
    progress: Progress,
    rejecting: Rejecting | None = None,
    *,
    explain: bool = False,
    repeat_seeds: int = 0,
) -> dict[str, Any]:
    """Score the photos below ``photos``, one sub-folder per class, and write ``metrics.json``, ``predictions.csv``
    and ``report.html`` to ``output``. Returns the content of ``metrics.json``. A run that was stopped is taken up where
    it was.

    With ``rejecting``, photos that look unfamiliar are "unknown", which is counted by itself. ``explain`` tries what
    brings photos nearer to the references. ``repeat_seeds`` is how often F1 is taken of other draws of poses.

    Raises InputError, before anything is written, where the photos do not fit the database or none can be read.
    """
    started = time.monotonic()
    database.check_model(encoder.model)
    k = usable_k(k, database, progress)
    files = find_photos(photos, database.classes)
    negatives = find_negatives(rejecting.negatives) if rejecting and rejecting.negatives else []
    writable_folder(output)

    photo_files = [path for path, _ in files]
    preprocessing = with_white_level(database.preprocessing, [*photo_files, *negatives], progress)
    database = replace(database, preprocessing=preprocessing)
    cache = EmbeddingCache(output / CACHE, encoder.model, preprocessing)
    embedded = embed_files(encoder, preprocessing, photo_files, progress, "Embedding photos", cache)
    names = [shown(path.relative_to(photos)) for path, _ in files]
    unreadable = [{"path": names[number], "reason": why} for number, why in embedded.unreadable.items()]
    if len(unreadable) == len(files):
        raise InputError(*(f"{shown(photos)}/{photo['path']}: {photo['reason']}." for photo in unreadable))
    verdicts = judge(database, embedded.embeddings, [names[number] for number in embedded.readable], k)
    true = [files[number][1] for number in embedded.readable]
    found = assumed(names, embedded, preprocessing)
    strangers: list[Verdict] = []
    if rejecting:
        unknown = embed_files(encoder, preprocessing, negatives, progress, "Embedding negatives", cache)
        rejection = prepare_rejection(database, rejecting.threshold, unknown.embeddings)
        verdicts = reject(verdicts, embedded.embeddings, rejection)
        paths = [shown(negatives[number]) for number in unknown.readable]
        strangers = reject(judge(database, unknown.embeddings, paths, k), unknown.embeddings, rejection)
        found["unknown"] = rejected(true, verdicts, strangers, rejection, database.classes)

    index = {label: number for number, label in enumerate((*database.classes, unknowns.UNKNOWN))}
    true_numbers = np.array([index[label] for label in true])
    predicted_numbers = np.array([index[verdict.predicted] for verdict in verdicts])
    scores = metrics.from_predictions(true_numbers, predicted_numbers, database.classes)
    if flaws := find_flaws(
        database, database_path.parent, verdicts, embedded.qualities, true_numbers, predicted_numbers
    ):
        found["quality"] = flaws
    if repeat_seeds:
        others = resampled_f1(database, embedded.embeddings, true_numbers, k, repeat_seeds).tolist()
        found["repeat_seeds"] = {"macro_f1": others, "spread": max(others) - min(others)}
    if explain:
        by_class: dict[str, list[Path]] = {}
        for number in embedded.readable.tolist():
            by_class.setdefault(files[number][1], []).append(files[number][0])
        if explanation := gap.explain(database, database_path.parent, encoder, by_class, k, progress):
            found["gap"] = asdict(explanation)
    if seen := promoted_among(database, verdicts):
        found["promoted_among_photos"] = seen
        progress.say(
            f"{seen} of {len(verdicts)} photos are references of the database themselves, so F1 is too high. "
            "Validate on photos that were not promoted."
        )
    result: dict[str, Any] = {
        **scored(scores),
        **found,
        "photos": len(verdicts),
        "unreadable": unreadable,
        "k": k,
        "whitened": database.whitened,
        "model": encoder.described,
        "database": shown(database_path),
        "seconds": round(time.monotonic() - started, 3),
    }
    evaluation = report.Evaluation(
        result, true, verdicts, embedded.embeddings, database, encoder, photos, database_path.parent
    )
    page = report.render(evaluation, progress)
    tables = {"predictions.csv": (true, verdicts), "negatives.csv": ([unknowns.UNKNOWN] * len(strangers), strangers)}
    write_results(output, result, page, {name: table for name, table in tables.items() if table[1]}, k)
    return result


def assumed(names: Sequence[str], embedded: Embedded, preprocessing: Preprocessing) -> dict[str, Any]:
    """What ``metrics.json`` says of what reading the photos ``names`` had to assume, where that was anything."""
    found: dict[str, Any] = {}
    if embedded.notes:
        found["notes"] = [
            {"path": names[number], "note": note} for number, notes in embedded.notes.items() for note in notes
        ]
    if preprocessing.white_level is not None:
        found["white_level"] = preprocessing.white_level
    return found


def scored(scores: metrics.Metrics) -> dict[str, Any]:
    """The scores as ``metrics.json`` has them, with their intervals."""
    spread, figures = metrics.intervals(scores.confusion), ("precision", "recall", "f1")
    return {
        "macro_f1": scores.macro_f1,
        "accuracy": scores.accuracy,
        "classes": {
            label: {name: float(getattr(scores, name)[number]) for name in figures}
            | {"support": int(scores.support[number])}
            for number, label in enumerate(scores.labels)
        },
        "confusion": {"labels": list(scores.labels), "matrix": scores.confusion[:, :-1].tolist()},
        "intervals": {
            "macro_f1": spread.macro_f1.tolist(),
            "accuracy": spread.accuracy.tolist(),
            "classes": {
                label: {name: getattr(spread, name)[number].tolist() for name in figures}
                for number, label in enumerate(scores.labels)
            },
        },
    }


def promoted_among(database: ReferenceDatabase, verdicts: Sequence[Verdict]) -> int:
    """How many photos are among the database's promoted ones."""
    images = {shown(database.images[row]) for row in database.promoted}
    nearest = (verdict.neighbours[0] for verdict in verdicts)
    return sum(near.reference in images and near.similarity > SAME for near in nearest)


def find_flaws(
    database: ReferenceDatabase,
    folder: Path,
    verdicts: Sequence[Verdict],
    qualities: NDArray[np.float32],
    true: NDArray[np.int64],
    predicted: NDArray[np.int64],
) -> dict[str, Any] | None:
    """What ``metrics.json`` says about the photos' ``qualities`` [Q, 3]; None where the reference images, which lie
    below ``folder``, are no longer there. ``true`` and ``predicted`` [Q] index the classes."""
    measured = quality.measure_references([folder / image for image in database.images], database.preprocessing)
    if not len(measured):
        return None
    allowed = quality.limits(measured)
    flaws = [quality.findings(photo, allowed) for photo in qualities]
    good = np.array([not flaw for flaw in flaws])
    without = metrics.from_predictions(true[good], predicted[good], database.classes) if good.any() else None
    return {
        "limits": allowed,
        "flagged": [
            {"path": verdict.path, "findings": flaw} for verdict, flaw in zip(verdicts, flaws, strict=True) if flaw
        ],
        "macro_f1_without": without.macro_f1 if without else None,
    }


def rejected(
    true: Sequence[str],
    verdicts: Sequence[Verdict],
    strangers: Sequence[Verdict],
    rejection: unknowns.Rejection,
    classes: Sequence[str],
) -> dict[str, Any]:
    """What ``metrics.json`` says about unknown photos: ``strangers`` are the verdicts on photos of no class."""
    lost = [label for label, verdict in zip(true, verdicts, strict=True) if verdict.predicted == unknowns.UNKNOWN]
    values = {
        "threshold": rejection.threshold,
        "source": rejection.source,
        "rejected": {label: lost.count(label) for label in classes},
        "negatives": len(strangers),
        "negatives_rejected": sum(verdict.predicted == unknowns.UNKNOWN for verdict in strangers),
    }
    known, unknown = (np.array([verdict.familiarity for verdict in group], float) for group in (verdicts, strangers))
    index = {label: number for number, label in enumerate(classes)}
    true_numbers = np.array([index[label] for label in true])
    voted = np.array([index[verdict.voted] for verdict in verdicts])
    every = np.concatenate([known, unknown])
    curve = []
    for threshold in np.linspace(every.min(), every.max(), 41).tolist():
        scores = metrics.from_predictions(
            true_numbers, np.where(known < threshold, len(classes), voted), tuple(classes)
        )
        share = float((unknown < threshold).mean()) if strangers else None
        curve.append({"threshold": threshold, "macro_f1": scores.macro_f1, "negatives_rejected": share})
    return values | {"auroc": unknowns.auroc(known, unknown) if strangers else None, "curve": curve}


def find_negatives(folder: Path) -> list[Path]:
    """Every file below ``folder``; raises InputError where there is none."""
    if negatives := sorted(files_below(folder)):
        return negatives
    raise InputError(f"There are no photos in {shown(folder)}. Choose a folder with photos of no class.")


def write_results(
    output: Path,
    result: dict[str, Any],
    page: str,
    tables: dict[str, tuple[Sequence[str], Sequence[Verdict]]],
    k: int,
) -> None:
    """Write the files of a validation, ``metrics.json`` last; ``tables`` are true classes and verdicts by file name."""
    for name, (true, verdicts) in tables.items():
        with replacing(output / name) as path, path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(prediction_rows(true, verdicts, k))
    with replacing(output / "report.html") as path:
        path.write_text(page, "utf-8", "backslashreplace")
    with replacing(output / "metrics.json") as path:
        path.write_text(json.dumps(result, indent=2), "utf-8")


def prediction_rows(true: Sequence[str], verdicts: Sequence[Verdict], k: int) -> Iterator[list[object]]:
    """The rows of ``predictions.csv``, the head first."""
    rejecting = any(verdict.familiarity is not None for verdict in verdicts)
    yield [
        *("path", "true", "predicted", "votes"),
        *(f"{what}_{rank}" for rank in range(1, k + 1) for what in ("similarity", "reference")),
        *(("voted", "familiarity") if rejecting else ()),
    ]
    for label, verdict in zip(true, verdicts, strict=True):
        row: list[object] = [harmless(verdict.path), harmless(label), harmless(verdict.predicted)]
        row.append(verdict.votes[verdict.voted])
        for neighbour in verdict.neighbours:
            row += [f"{neighbour.similarity:.6f}", harmless(neighbour.reference)]
        if rejecting:
            row += [harmless(verdict.voted), f"{verdict.familiarity:.6f}"]
        yield row


def harmless(cell: str) -> str:
    """``cell`` marked as text where a spreadsheet would take it for a formula."""
    return "'" + cell if cell.startswith(FORMULA_STARTS) else cell


def read_predictions(path: Path) -> list[dict[str, str]]:
    """The rows of a ``predictions.csv`` by the names of its columns, without the marks of :func:`harmless`."""

    def unmarked(cell: str) -> str:
        return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA_STARTS) else cell

    with path.open(encoding="utf-8", newline="") as file:
        return [{name: unmarked(cell) for name, cell in row.items()} for row in csv.DictReader(file)]
