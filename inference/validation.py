# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of a folder of photos whose classes are known, and analyses of what the scores depend on."""

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
from .domain_shift import matched_photos
from .embedding import embed_files
from .errors import InputError
from .files import files_below, find_photos, replacing, sha256_file, shown, writable_folder
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
    Explanation,
    FileNote,
    FlaggedPhoto,
    MatchedResult,
    QualityResult,
    RejectionResult,
    UnreadableFile,
    ValidationResult,
    class_scores,
)
from .vector_cache import VectorCache
from .verdicts import Verdict

SAME = 0.9999
"""Cosine similarity above which two images are the same, apart from rounding or from being saved again."""

CURVE_POINTS = 41


@dataclass(frozen=True)
class RejectionOptions:
    """How to reject photos that look unlike all references.

    Attributes:
        threshold: the familiarity below which photos are rejected. None: it is chosen.
        negatives_directory: photos of no class. They test the threshold, or determine it if it is not given.
    """

    threshold: float | None = None
    negatives_directory: Path | None = None


@dataclass(frozen=True)
class Queries:
    """The Q photos of a folder that can be read.

    Attributes:
        folder: the folder of photos, one sub-folder for each class.
        paths: their files.
        true: their classes.
        embeddings: their vectors of unit length, float32 [Q, D].
        qualities: results of :func:`.quality.measure`, float32 [Q, 3].
        unreadable: the files that could not be read.
        notes: what had to be assumed to read the others.
    """

    folder: Path
    paths: Sequence[Path]
    true: Sequence[str]
    embeddings: NDArray[np.float32]
    qualities: NDArray[np.float32]
    unreadable: tuple[UnreadableFile, ...]
    notes: tuple[FileNote, ...]

    def name(self, path: Path) -> str:
        """Return the path of a photo relative to the folder."""
        return path.relative_to(self.folder).as_posix()


@dataclass(frozen=True)
class Outcome:
    """The verdicts on the Q queries, and their metrics.

    Attributes:
        verdicts: the verdicts.
        true: true classes, int64 [Q].
        predicted: predicted classes, int64 [Q]. The number after the last class means "unknown".
        scores: the metrics.
    """

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
    """Score photos, and write ``metrics.json``, ``predictions.csv`` and ``report.html``.

    If a run is stopped, the next one continues from there.

    Args:
        classifier: gives the verdicts.
        photos_directory: the photos, one sub-folder for each class.
        output: folder for the results.
        progress: receives the progress.
        rejection: how to make photos that look unfamiliar "unknown", which is counted separately. None: no photo is.
        explain: test which changes bring the photos closer to the references.
        repeat_seeds: number of other random sets of poses with which F1 is computed again.
        fresh: replace any result in ``output``, and not only one of the same database and folder of photos.
        leave_out: leave out sub-folders that are not named after a class, instead of refusing them.

    Raises:
        InputError: the photos do not fit the database, none can be read, or ``output`` contains another result. Nothing
            is written then.
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
        matched=assess_matched(database, queries, outcome),
        repeat_seeds=repeat(classifier, queries, outcome, repeat_seeds),
        gap=explain_gap(classifier, queries, outcome, progress) if explain else None,
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
    """Embed a share of the photos for a validation with the same arguments.

    If the result is 0, call :func:`validate`, which embeds none of these photos again, and then :func:`forget`.

    Returns:
        The number of shares that are not done yet.

    Raises:
        InputError: as in :func:`validate`.
    """
    files, negatives = find_queries(classifier, photos_directory, output, rejection, fresh=fresh, leave_out=leave_out)
    paths = [*(path for path, _ in files), *negatives]
    classifier, _ = classifier.for_photos(paths, progress)
    vectors, preprocessing = ValidationFolder(output).vectors, classifier.database.preprocessing
    return embed_share(shard, vectors, classifier.encoder, preprocessing, paths, progress, "Embedding photos")


def forget(shard: Shard, output: Path) -> None:
    """Remove the files of the shares of a validation, once it is done."""
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
    """Return the photos of a validation with their classes, and its negatives, after checking that ``output`` can be
    written to.

    Raises:
        InputError: the photos do not fit the database, or ``output`` contains another result.
    """
    files = find_photos(photos_directory, classifier.database.classes, leave_out=leave_out)
    negatives = find_negatives(rejection.negatives_directory) if rejection and rejection.negatives_directory else []
    if ValidationFolder(output).metrics.exists() and not fresh:
        refuse_another_result(output, classifier.database.path, photos_directory)
    writable_folder(output)
    return files, negatives


def refuse_another_result(output: Path, database_path: Path, photos_directory: Path) -> None:
    """Check that ``output`` does not contain the result of another database or another folder of photos.

    Raises:
        InputError: it does.
    """
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
    """Return every file below a folder of photos of no class.

    Raises:
        InputError: there is none.
    """
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
    """Embed ``files``, which are photos below ``folder`` with their classes.

    Raises:
        InputError: none of them can be read.
    """
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
    """Return the classifier with rejection as the options state, and its verdicts on the readable ``negatives``."""
    preprocessing = classifier.database.preprocessing
    embedded = embed_files(classifier.encoder, preprocessing, negatives, progress, "Embedding negatives", cache)
    progress.warn(embedded.told(negatives))
    rejection = fit_rejection(classifier.database, options.threshold, embedded.embeddings)
    classifier = replace(classifier, rejection=rejection)
    return classifier, classifier.judge([negatives[number] for number in embedded.readable], embedded.embeddings)


def score(classifier: Classifier, queries: Queries) -> Outcome:
    """Classify the queries, and compare the verdicts with the true classes."""
    verdicts = classifier.judge(queries.paths, queries.embeddings)
    classes = classifier.database.classes
    numbers = {label: number for number, label in enumerate((*classes, UNKNOWN))}
    true = np.array([numbers[label] for label in queries.true])
    predicted = np.array([numbers[verdict.predicted] for verdict in verdicts])
    return Outcome(verdicts, true, predicted, metrics.from_predictions(true, predicted, classes))


def describe(classifier: Classifier, queries: Queries, outcome: Outcome) -> ValidationResult:
    """Return the scores with their intervals, and what they are based on."""
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
    """Return the effect of rejection; ``strangers`` are the verdicts on photos of no class."""
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
    """Return macro F1 and the share of rejected negatives at several thresholds.

    Args:
        outcome: the verdicts on the photos.
        known: familiarities of the photos, float64 [Q].
        unknown: familiarities of the negatives, float64 [M].
        classes: names of the classes.
    """
    voted = np.array([classes.index(verdict.voted) for verdict in outcome.verdicts])
    familiarities = np.concatenate([known, unknown])
    curve = []
    for threshold in np.linspace(familiarities.min(), familiarities.max(), CURVE_POINTS).tolist():
        predicted = np.where(known < threshold, len(classes), voted)
        share = float((unknown < threshold).mean()) if len(unknown) else None
        curve.append(CurvePoint(threshold, metrics.from_predictions(outcome.true, predicted, classes).macro_f1, share))
    return tuple(curve)


def assess_quality(database: ReferenceDatabase, queries: Queries, outcome: Outcome) -> QualityResult | None:
    """Return the photos that are worse than the references; None if these were not measured and no longer exist."""
    measured = database.qualities
    if measured is None:  # a database of version 0.1.0
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


def assess_matched(database: ReferenceDatabase, queries: Queries, outcome: Outcome) -> MatchedResult | None:
    """What of the score rests on photos that the scene was matched to, by their content; None where there is none."""
    hashes = matched_photos(database.recipe)
    if not hashes:
        return None
    others = np.array([sha256_file(path) not in hashes for path in queries.paths])
    if others.all():
        return None
    without = metrics.from_predictions(outcome.true[others], outcome.predicted[others], database.classes)
    return MatchedResult(int((~others).sum()), without.macro_f1 if others.any() else None)


def repeat(classifier: Classifier, queries: Queries, outcome: Outcome, seeds: int) -> tuple[float, ...]:
    """Return macro F1 with ``seeds`` other random sets of poses."""
    if not seeds:
        return ()
    found = resampled_f1(classifier.database, queries.embeddings, outcome.true, classifier.k, seeds)
    return tuple(found.tolist())


def explain_gap(classifier: Classifier, queries: Queries, outcome: Outcome, progress: Progress) -> Explanation | None:
    """Explain the gap between the photos and the references; None if images of references no longer exist."""
    mistaken = {
        verdict.photo
        for verdict, wrong in zip(outcome.verdicts, outcome.true != outcome.predicted, strict=True)
        if wrong
    }
    by_class: dict[str, list[Path]] = {}
    for path, label in zip(queries.paths, queries.true, strict=True):
        by_class.setdefault(label, []).append(path)
    return domain_gap.explain(
        classifier.database, classifier.encoder, queries.folder, by_class, mistaken, classifier.k, progress
    )


def find_copies(database: ReferenceDatabase, queries: Queries, outcome: Outcome) -> dict[Path, int]:
    """Return the photos that are references themselves, each with its row in the database.

    They are found by their vectors, or by the bytes of their files, because a crop changes the vectors.
    """
    copies = {}
    for verdict, embedding in zip(outcome.verdicts, queries.embeddings, strict=True):
        rows = np.array([near.row for near in verdict.neighbours])
        cosines = database.embeddings[rows] @ embedding / (embedding @ embedding)
        if cosines.max() > SAME:
            copies[verdict.photo] = int(rows[cosines.argmax()])
    rows_of_size: dict[int, list[int]] = {}
    for row in range(len(database)):
        with suppress(OSError, ValueError):  # it no longer exists, or its name is invalid
            rows_of_size.setdefault(database.image_path(row).stat().st_size, []).append(row)
    for photo in queries.paths:
        with suppress(OSError):
            for row in rows_of_size.get(photo.stat().st_size, []) if photo not in copies else []:
                if filecmp.cmp(photo, database.image_path(row), shallow=False):
                    copies[photo] = row
                    break
    return copies


def write_results(output: Path, evaluation: report.Evaluation, strangers: Sequence[Verdict], page: str) -> None:
    """Write the files of a validation; ``metrics.json`` is the last one."""
    folder, k = ValidationFolder(output), evaluation.classifier.k
    write_predictions(folder.predictions, evaluation.photos_directory, evaluation.true, evaluation.verdicts, k)
    if strangers:
        write_predictions(folder.negatives, None, [UNKNOWN] * len(strangers), strangers, k)
    with replacing(folder.report) as path:
        path.write_text(page, "utf-8", "backslashreplace")
    evaluation.result.write(folder.metrics)
