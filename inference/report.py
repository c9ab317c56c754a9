# SPDX-License-Identifier: GPL-3.0-or-later
"""The validation report: one self-contained HTML file without scripts."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import report_charts
from .classifier import Classifier
from .database import ReferenceDatabase
from .evidence import compare
from .files import shown
from .pictures import Picture, picture, thumbnail
from .preprocessing import UnreadablePhoto
from .progress import Progress
from .rejection import UNKNOWN
from .validation_result import ValidationResult
from .verdicts import Verdict

TEMPLATE = Path(__file__).parent / "templates" / "report.html.j2"
MOST_PHOTOS, MOST_REFERENCES, MOST_MISTAKES = 1200, 600, 400
"""Largest numbers of pictures, so that the file can be sent by mail. A picture has about 5 kB."""

MOST_EVIDENCE = 24
"""Largest number of misclassified photos that are compared patch by patch, which takes as long as embedding them
twice."""

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Colours that can be distinguished with any colour vision (Okabe and Ito, "Color Universal Design", 2008)."""

GOLDEN_ANGLE = 137.508


@dataclass(frozen=True)
class Evaluation:
    """What a report is about.

    Attributes:
        result: the scores.
        true: classes of the Q photos.
        verdicts: the verdicts on them.
        embeddings: their vectors, float32 [Q, D].
        classifier: the classifier that gave the verdicts.
        photos_directory: the folder of the photos.
    """

    result: ValidationResult
    true: Sequence[str]
    verdicts: Sequence[Verdict]
    embeddings: NDArray[np.float32]
    classifier: Classifier
    photos_directory: Path

    @property
    def database(self) -> ReferenceDatabase:
        """The references."""
        return self.classifier.database


@dataclass(frozen=True)
class Ranking:
    """An order of the photos: misclassified ones first, and then by similarity, the least similar first.

    Attributes:
        order: numbers of the photos.
        right: whether each photo was classified correctly, bool [Q].
        nearest: similarity of each photo to its nearest reference, float64 [Q].
    """

    order: list[int]
    right: NDArray[np.bool_]
    nearest: NDArray[np.float64]

    @classmethod
    def of(cls, evaluation: Evaluation) -> "Ranking":
        """Rank the photos of an evaluation."""
        pairs = zip(evaluation.verdicts, evaluation.true, strict=True)
        right = np.array([verdict.predicted == label for verdict, label in pairs])
        nearest = np.array([verdict.neighbours[0].similarity for verdict in evaluation.verdicts])
        return cls(np.lexsort((nearest, right)).tolist(), right, nearest)

    @property
    def mistakes(self) -> list[int]:
        """The numbers of the misclassified photos."""
        return [number for number in self.order if not self.right[number]]


def render(evaluation: Evaluation, progress: Progress) -> str:
    """Return the report as HTML."""
    ranking = Ranking.of(evaluation)
    cells = _cells_of_confusion(evaluation, ranking)
    pictures = _thumbnails(evaluation, ranking, progress) | _heat_maps(evaluation, ranking, progress)
    return _fill_template(
        result=evaluation.result,
        photos=_photos(evaluation),
        numbers={path: number for number, path in enumerate(_paths(evaluation))},
        cells=cells,
        confused=sorted(((len(found), *pair) for pair, found in cells.items() if pair[0] != pair[1]), reverse=True),
        mistakes=ranking.mistakes,
        histogram=report_charts.histogram(ranking.nearest, ranking.right),
        pictures=pictures,
        pairs=_pairs(evaluation),
        recipe=described(evaluation.database.recipe),
        **_classes(evaluation),
        **_map(evaluation),
    )


def _fill_template(**content: Any) -> str:
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["shown"] = shown
    template = environment.from_string(TEMPLATE.read_text("utf-8"))
    return template.render(most_mistakes=MOST_MISTAKES, **content)


def _cells_of_confusion(evaluation: Evaluation, ranking: Ranking) -> dict[tuple[str, str], list[int]]:
    """Return the numbers of the photos by true and predicted class."""
    cells: dict[tuple[str, str], list[int]] = {}
    for number in ranking.order:
        cells.setdefault((evaluation.true[number], evaluation.verdicts[number].predicted), []).append(number)
    return cells


def _thumbnails(evaluation: Evaluation, ranking: Ranking, progress: Progress) -> dict[str, Picture]:
    """Return pictures of photos (key: ``p`` and number) and of references that voted for mistakes or that photos are
    compared with (key: ``r`` and row)."""
    database, verdicts = evaluation.database, evaluation.verdicts
    pairs = _pairs(evaluation)
    voters = [row for pair in pairs for row in pair["rows"]]
    voters += [near.row for number in ranking.mistakes[:MOST_MISTAKES] for near in verdicts[number].neighbours]
    shown_photos = dict.fromkeys([*(pair["number"] for pair in pairs), *ranking.order[:MOST_PHOTOS]])
    wanted = {f"p{number}": (verdicts[number].photo, database.preprocessing) for number in shown_photos}
    wanted |= {
        f"r{row}": (database.image_path(row), database.preprocessing.of_references)
        for row in list(dict.fromkeys(voters))[:MOST_REFERENCES]
    }
    pictures: dict[str, Picture] = {}
    for name, (path, preprocessing) in progress.track(wanted.items(), len(wanted), "Writing the report"):
        if found := thumbnail(path, preprocessing.crop, preprocessing.white_level):
            pictures[name] = found
    return pictures


def _heat_maps(evaluation: Evaluation, ranking: Ranking, progress: Progress) -> dict[str, Picture]:
    """Return pictures that show where misclassified photos differ from their nearest reference (key: ``d`` and
    number)."""
    compared = ranking.mistakes[:MOST_EVIDENCE]
    pictures: dict[str, Picture] = {}
    for number in progress.track(compared, len(compared), "Comparing misclassified photos"):
        verdict = evaluation.verdicts[number]
        try:
            found = compare(evaluation.classifier, verdict)
        except UnreadablePhoto:  # one of the two no longer exists
            continue
        pictures[f"d{number}"] = picture(found.heat)
    return pictures


def _paths(evaluation: Evaluation) -> list[str]:
    """Return the paths of the photos, relative to their folder."""
    return [verdict.photo.relative_to(evaluation.photos_directory).as_posix() for verdict in evaluation.verdicts]


def _photos(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Return what the page states about each photo."""
    found = zip(_paths(evaluation), evaluation.true, evaluation.verdicts, strict=True)
    return [{"path": path, "label": label, "verdict": verdict} for path, label, verdict in found]


def _pairs(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Return what the page states about each photo that is shown beside the references it is like."""
    numbers = {path: number for number, path in enumerate(_paths(evaluation))}
    rows = {image: row for row, image in enumerate(evaluation.database.images)}
    found = evaluation.result.gap.pairs if evaluation.result.gap else ()
    return [
        {
            "pair": pair,
            "number": numbers[pair.photo],
            "rows": [rows[image] for image in (pair.reference, pair.other_reference) if image is not None],
        }
        for pair in found
    ]


def _classes(evaluation: Evaluation) -> dict[str, Any]:
    """Return what the page states about the classes and their references."""
    result, database = evaluation.result, evaluation.database
    return {
        "labels": result.labels,
        "verdicts": [*result.labels, UNKNOWN] if result.unknown else result.labels,
        "colours": [colour(number) for number in range(len(result.labels))],
        "references": database.count(),
        "promoted": set(database.promoted),
    }


def _map(evaluation: Evaluation) -> dict[str, Any]:
    """Return the references and photos in the plane of their principal components."""
    database, labels = evaluation.database, evaluation.result.labels
    projected = report_charts.principal_components(np.concatenate([database.embeddings, evaluation.embeddings]))
    classes = [*database.labels.tolist(), *(labels.index(label) for label in evaluation.true)]
    return {"map": projected, "points": _points(projected.points, classes), "reference_count": len(database)}


def colour(number: int) -> str:
    """Return a CSS colour for a class."""
    return COLOURS[number] if number < len(COLOURS) else f"hsl({number * GOLDEN_ANGLE % 360:.0f} 60% 50%)"


def described(recipe: dict[str, Any]) -> dict[str, str]:
    """Return the entries of a recipe and of its parts as names and values to read."""
    entries: dict[str, Any] = {}
    for name, value in recipe.items():
        entries |= {f"{name}: {part}": value[part] for part in value} if isinstance(value, dict) else {name: value}
    return {name.replace("_", " "): _readable(value) for name, value in entries.items()}


def _readable(value: Any) -> str:
    values = value if isinstance(value, list) else [value]
    return ", ".join(f"{part:.4g}" if isinstance(part, float) else str(part) for part in values)


def _points(points: NDArray[np.float64], classes: list[int]) -> list[tuple[str, str, int]]:
    """Scale points to 0..1000, with the first axis to the right and the second upwards; add the number of their
    class."""
    low, high = points.min(axis=0), points.max(axis=0)
    scaled = (points - low) / np.where(high > low, high - low, 1) * 1000
    return [(f"{x:.0f}", f"{1000 - y:.0f}", number) for (x, y), number in zip(scaled.tolist(), classes, strict=True)]
