# SPDX-License-Identifier: GPL-3.0-or-later
"""Score a folder of photos whose classes are known, and find out what the scores rest on."""

import filecmp
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from . import domain_gap, metrics, quality, report
from .classifier import Classifier, outvoted
from .database import ReferenceDatabase
from .embedding import embed_files
from .errors import InputError
from .files import files_below, find_photos, replacing, shown, writable_folder
from .metrics import Metrics
from .output_folder import ValidationFolder
from .predictions import write_predictions
from .progress import Progress
from .rejection import UNKNOWN, auroc, fit_rejection
from .repeatability import resampled_f1
from .shard import Shard
from .shared_vectors import absorb_shares, embed_share, forget_shares
from .validation_result import (
    Copy,
    CurvePoint,
    FileNote,
    FlaggedPhoto,
    QualityResult,
    RejectionResult,
    UnreadableFile,
    ValidationResult,
    class_scores,
)
from .vector_cache import VectorCache
from .verdicts import Verdict

SAME = 0.9999
"""Cosine from which on two images are the same: rounding, or saving it again, is all that is left."""

CURVE_POINTS = 41


@dataclass(frozen=True)
class RejectionOptions:
    """How photos that look unlike all references are to be rejected.

    Attributes:
        threshold: familiarity to reject below; None: it is chosen.
        negatives_directory: photos of no class, which test the threshold and choose it where it is not given.
    """

    threshold: float | None = None
    negatives_directory: Path | None = None


@dataclass(frozen=True)
class Queries:
    """The Q photos of a folder that can be read.

    Attributes:
        folder: where the photos lie, one sub-folder for each class.
        paths: their files.
        true: their classes.
        embeddings: float32 [Q, D], unit length.
        qualities: float32 [Q, 3], as :func:`.quality.measure` gives them.
        unreadable: the other files.
        notes: what had to be assumed of files that could be read.
    """

    folder: Path
    paths: Sequence[Path]
    true: Sequence[str]
    embeddings: NDArray[np.float32]
    qualities: NDArray[np.float32]
    unreadable: tuple[UnreadableFile, ...]
    notes: tuple[FileNote, ...]

    def name(self, path: Path) -> str:
        """The path of a photo, relative to the folder."""
        return path.relative_to(self.folder).as_posix()


@dataclass(frozen=True)
class Outcome:
    """The verdicts on the queries, their true and predicted classes as numbers int64 [Q], where the number after the last
    class is "unknown", and the metrics of these."""

    verdicts: list[Verdict]
    true: NDArray[np.int64]
    predicted: NDArray[np.int64]
    scores: Metrics


def validate(
    classifier: Classifier,
    photos_directory: Path,
    output: Path,
    progress: Progress,
    rejection: RejectionOptions | None = None,
    *,
    explain: bool = False,
    repeat_seeds: int = 0,
    fresh: bool = False,
    leave_out: bool = False,
) -> ValidationResult:
    """Score the photos below ``photos_directory``, one sub-folder for each class, and write ``metrics.json``,
    ``predictions.csv`` and ``report.html`` to ``output``. A run that was stopped goes on from where it was.

    Args:
        classifier: gives the verdicts.
        photos_directory: the photos.
        output: folder for the results.
        progress: is told what is done.
        rejection: makes photos that look unfamiliar "unknown", which is counted by itself; None: no photo is.
        explain: test which changes bring the photos closer to the references.
        repeat_seeds: take F1 again with so many other draws of the references' poses.
        fresh: replace whatever result is in ``output``, and not only one of the same database and folder of photos.
        leave_out: leave out sub-folders of photos that bear the name of no class, instead of refusing them.

    Raises:
        InputError: the photos do not fit the database, none can be read, or ``output`` holds another result; nothing is
            written then.
    """
    started = time.monotonic()
    replaces = ValidationFolder(output).metrics.exists()
    files, negatives = find_queries(classifier, photos_directory, output, rejection, fresh=fresh, leave_out=leave_out)
    progress.warn(outvoted(classifier.database, classifier.k))
    classifier, told = classifier.for_photos([*(path for path, _ in files), *negatives], progress)
    progress.warn(told)
    database = classifier.database
    strangers: list[Verdict] = []
    with closing(
        VectorCache(ValidationFolder(output).vectors, classifier.encoder.model, database.preprocessing)
    ) as cache:
        absorb_shares(cache, ValidationFolder(output).vectors)
        queries = embed_queries(classifier, photos_directory, files, progress, cache)
        if rejection:
            classifier, strangers = with_rejection(classifier, rejection, negatives, progress, cache)
    outcome = score(classifier, queries)
    copies, promoted = find_copies(database, queries, outcome), set(database.promoted)
    result = replace(
        describe(classifier, queries, outcome),
        unknown=assess_rejection(classifier, outcome, strangers),
        quality=assess_quality(database, queries, outcome),
        repeat_seeds=repeat(classifier, queries, outcome, repeat_seeds),
        gap=domain_gap.explain(database, classifier.encoder, photos_by_class(queries), classifier.k, progress)
        if explain
        else None,
        references_among_photos=tuple(
            Copy(queries.name(photo), database.images[row]) for photo, row in sorted(copies.items())
        ),
        promoted_among_photos=sum(row in promoted for row in copies.values()),
        seconds=round(time.monotonic() - started, 3),
    )
    evaluation = report.Evaluation(
        result, queries.true, outcome.verdicts, queries.embeddings, classifier, photos_directory
    )
    write_results(output, evaluation, strangers, report.render(evaluation, progress))
    if replaces:
        progress.say(f"The earlier result in {shown(output)} was replaced.")
    return result


def validate_share(
    classifier: Classifier,
    photos_directory: Path,
    output: Path,
    progress: Progress,
    shard: Shard,
    rejection: RejectionOptions | None = None,
    *,
    fresh: bool = False,
    leave_out: bool = False,
) -> int:
    """Embed this share of the photos for a validation with the same arguments; returns how many shares are not done yet.

    Whoever gets 0 calls :func:`validate`, which embeds none of these photos again, and :func:`forget` after it.

    Raises:
        InputError: as :func:`validate`.
    """
    files, negatives = find_queries(classifier, photos_directory, output, rejection, fresh=fresh, leave_out=leave_out)
    paths = [*(path for path, _ in files), *negatives]
    classifier, _ = classifier.for_photos(paths, progress)
    vectors, preprocessing = ValidationFolder(output).vectors, classifier.database.preprocessing
    return embed_share(shard, vectors, classifier.encoder, preprocessing, paths, progress, "Embedding photos")


def forget(shard: Shard, output: Path) -> None:
    """Remove what the shares of a validation left, once it is done."""
    forget_shares(shard, ValidationFolder(output).vectors)


def find_queries(
    classifier: Classifier,
    photos_directory: Path,
    output: Path,
    rejection: RejectionOptions | None,
    *,
    fresh: bool,
    leave_out: bool,
) -> tuple[list[tuple[Path, str]], list[Path]]:
    """The photos with their classes and the negatives of a validation, whose ``output`` is seen to be writable.

    Raises:
        InputError: the photos do not fit the database, or ``output`` holds another result.
    """
    files = find_photos(photos_directory, classifier.database.classes, leave_out=leave_out)
    negatives = find_negatives(rejection.negatives_directory) if rejection and rejection.negatives_directory else []
    if ValidationFolder(output).metrics.exists() and not fresh:
        refuse_another_result(output, classifier.database.path, photos_directory)
    writable_folder(output)
    return files, negatives


def refuse_another_result(output: Path, database_path: Path, photos_directory: Path) -> None:
    """Raise InputError where ``output`` holds a result of another database or folder of photos than these."""
    file = ValidationFolder(output).metrics
    to_replace = "Choose another --output, or give --fresh to replace it."
    try:
        held = ValidationResult.read(file)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{shown(file)} is no result of a validation. {to_replace}") from None
    same_database = Path(held.database).resolve() == Path(shown(database_path)).resolve()
    same_photos = held.photos_directory in (None, shown(photos_directory.resolve()))
    if not (same_database and same_photos):
        photos = f" on {held.photos_directory}" if held.photos_directory else ""
        raise InputError(f"{shown(output)} holds the result of {held.database}{photos}. {to_replace}")


def find_negatives(folder: Path) -> list[Path]:
    """Every file below ``folder``; raises InputError where there is none."""
    if negatives := sorted(files_below(folder)):
        return negatives
    raise InputError(f"There are no photos in {shown(folder)}. Choose a folder with photos of no class.")


def embed_queries(
    classifier: Classifier,
    folder: Path,
    files: Sequence[tuple[Path, str]],
    progress: Progress,
    cache: VectorCache,
) -> Queries:
    """Embed ``files``, photos below ``folder`` with their classes; raises InputError where none can be read."""
    paths = [path for path, _ in files]
    preprocessing = classifier.database.preprocessing
    embedded = embed_files(classifier.encoder, preprocessing, paths, progress, "Embedding photos", cache)
    progress.warn(embedded.told(paths))
    if len(embedded.unreadable) == len(files):
        raise InputError(*(f"{shown(paths[number])}: {why}." for number, why in embedded.unreadable.items()))
    return Queries(
        folder=folder,
        paths=[files[number][0] for number in embedded.readable],
        true=[files[number][1] for number in embedded.readable],
        embeddings=embedded.embeddings,
        qualities=embedded.qualities,
        unreadable=tuple(
            UnreadableFile(paths[number].relative_to(folder).as_posix(), why)
            for number, why in embedded.unreadable.items()
        ),
        notes=tuple(
            FileNote(paths[number].relative_to(folder).as_posix(), note)
            for number, notes in embedded.notes.items()
            for note in notes
        ),
    )


def with_rejection(
    classifier: Classifier,
    options: RejectionOptions,
    negatives: Sequence[Path],
    progress: Progress,
    cache: VectorCache,
) -> tuple[Classifier, list[Verdict]]:
    """The classifier that rejects as the options say, and its verdicts on the ``negatives`` that can be read."""
    preprocessing = classifier.database.preprocessing
    embedded = embed_files(classifier.encoder, preprocessing, negatives, progress, "Embedding negatives", cache)
    progress.warn(embedded.told(negatives))
    rejection = fit_rejection(classifier.database, options.threshold, embedded.embeddings)
    classifier = replace(classifier, rejection=rejection)
    return classifier, classifier.judge([negatives[number] for number in embedded.readable], embedded.embeddings)


def score(classifier: Classifier, queries: Queries) -> Outcome:
    """Classify the queries and compare with their true classes."""
    verdicts = classifier.judge(queries.paths, queries.embeddings)
    classes = classifier.database.classes
    numbers = {label: number for number, label in enumerate((*classes, UNKNOWN))}
    true = np.array([numbers[label] for label in queries.true])
    predicted = np.array([numbers[verdict.predicted] for verdict in verdicts])
    return Outcome(verdicts, true, predicted, metrics.from_predictions(true, predicted, classes))


def describe(classifier: Classifier, queries: Queries, outcome: Outcome) -> ValidationResult:
    """The scores with their intervals, and what they were made with."""
    scores, spread = outcome.scores, metrics.intervals(outcome.scores.confusion)
    return ValidationResult(
        macro_f1=scores.macro_f1,
        accuracy=scores.accuracy,
        classes=class_scores(scores, spread),
        confusion=tuple(tuple(row) for row in scores.confusion[:, :-1].tolist()),
        photos=len(queries.paths),
        unreadable=queries.unreadable,
        k=classifier.k,
        model=classifier.encoder.description,
        database=shown(classifier.database.path),
        photos_directory=shown(queries.folder.resolve()),
        seconds=0.0,
        whitened=classifier.database.whitened,
        notes=queries.notes,
        white_level=classifier.database.preprocessing.white_level,
        macro_f1_interval=tuple(spread.macro_f1.tolist()),
        accuracy_interval=tuple(spread.accuracy.tolist()),
    )


def assess_rejection(classifier: Classifier, outcome: Outcome, strangers: Sequence[Verdict]) -> RejectionResult | None:
    """What became of photos that look unlike all references; ``strangers`` are the verdicts on photos of no class."""
    rejection, classes = classifier.rejection, classifier.database.classes
    if rejection is None:
        return None
    rejected = outcome.true[outcome.predicted == len(classes)]
    known, unknown = (
        np.array([verdict.familiarity for verdict in group], float) for group in (outcome.verdicts, strangers)
    )
    return RejectionResult(
        threshold=rejection.threshold,
        source=rejection.source,
        rejected=dict(zip(classes, np.bincount(rejected, minlength=len(classes)).tolist(), strict=True)),
        negatives=len(strangers),
        negatives_rejected=sum(verdict.predicted == UNKNOWN for verdict in strangers),
        auroc=auroc(known, unknown) if strangers else None,
        curve=threshold_curve(outcome, known, unknown, classes),
    )


def threshold_curve(
    outcome: Outcome, known: NDArray[np.float64], unknown: NDArray[np.float64], classes: tuple[str, ...]
) -> tuple[CurvePoint, ...]:
    """Macro F1 and rejected negatives at thresholds over the range of the familiarities ``known`` [Q] and ``unknown``
    [M] of photos and negatives."""
    voted = np.array([classes.index(verdict.voted) for verdict in outcome.verdicts])
    familiarities = np.concatenate([known, unknown])
    curve = []
    for threshold in np.linspace(familiarities.min(), familiarities.max(), CURVE_POINTS).tolist():
        predicted = np.where(known < threshold, len(classes), voted)
        share = float((unknown < threshold).mean()) if len(unknown) else None
        curve.append(CurvePoint(threshold, metrics.from_predictions(outcome.true, predicted, classes).macro_f1, share))
    return tuple(curve)


def assess_quality(database: ReferenceDatabase, queries: Queries, outcome: Outcome) -> QualityResult | None:
    """Which photos are worse than the references; None where these were not measured and are no longer there."""
    measured = database.qualities
    if measured is None:  # made by version 0.1.0
        paths = [database.image_path(row) for row in range(len(database))]
        measured = quality.measure_references(paths, database.preprocessing)
    if not len(measured):
        return None
    limits = quality.limits(measured)
    findings = [quality.findings(photo, limits) for photo in queries.qualities]
    good = np.array([not found for found in findings])
    return QualityResult(
        limits=limits,
        flagged=tuple(
            FlaggedPhoto(queries.name(path), tuple(found))
            for path, found in zip(queries.paths, findings, strict=True)
            if found
        ),
        macro_f1_without=metrics.from_predictions(
            outcome.true[good], outcome.predicted[good], database.classes
        ).macro_f1
        if good.any()
        else None,
    )


def repeat(classifier: Classifier, queries: Queries, outcome: Outcome, seeds: int) -> tuple[float, ...]:
    """Macro F1 with ``seeds`` other draws of the references' poses."""
    if not seeds:
        return ()
    found = resampled_f1(classifier.database, queries.embeddings, outcome.true, classifier.k, seeds)
    return tuple(found.tolist())


def photos_by_class(queries: Queries) -> dict[str, list[Path]]:
    """The photos of each class that has any."""
    by_class: dict[str, list[Path]] = {}
    for path, label in zip(queries.paths, queries.true, strict=True):
        by_class.setdefault(label, []).append(path)
    return by_class


def find_copies(database: ReferenceDatabase, queries: Queries, outcome: Outcome) -> dict[Path, int]:
    """The queries that are references themselves, each with a row of the database: by their vectors, or by the bytes of
    their files, as a crop makes other vectors."""
    copies = {}
    for verdict, embedding in zip(outcome.verdicts, queries.embeddings, strict=True):
        rows = np.array([near.row for near in verdict.neighbours])
        cosines = database.embeddings[rows] @ embedding
        if cosines.max() > SAME:
            copies[verdict.photo] = int(rows[cosines.argmax()])
    rows_of_size: dict[int, list[int]] = {}
    for row in range(len(database)):
        with suppress(OSError, ValueError):  # no longer there, or a name that cannot be
            rows_of_size.setdefault(database.image_path(row).stat().st_size, []).append(row)
    for photo in queries.paths:
        with suppress(OSError):
            for row in rows_of_size.get(photo.stat().st_size, []) if photo not in copies else []:
                if filecmp.cmp(photo, database.image_path(row), shallow=False):
                    copies[photo] = row
                    break
    return copies


def write_results(output: Path, evaluation: report.Evaluation, strangers: Sequence[Verdict], page: str) -> None:
    """Write the files of a validation, ``metrics.json`` last."""
    folder, k = ValidationFolder(output), evaluation.classifier.k
    write_predictions(folder.predictions, evaluation.photos_directory, evaluation.true, evaluation.verdicts, k)
    if strangers:
        write_predictions(folder.negatives, None, [UNKNOWN] * len(strangers), strangers, k)
    with replacing(folder.report) as path:
        path.write_text(page, "utf-8", "backslashreplace")
    evaluation.result.write(folder.metrics)
