# SPDX-License-Identifier: GPL-3.0-or-later
"""The validation report: one HTML file that needs nothing else, not even a script."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import charts
from .database import ReferenceDatabase
from .encoder import Encoder
from .evidence import evidence
from .files import shown
from .pictures import Picture, picture, thumbnail
from .preprocessing import UnreadablePhoto
from .progress import Progress
from .unknowns import UNKNOWN
from .verdicts import Verdict

TEMPLATE = Path(__file__).parent / "templates" / "report.html.j2"
MOST_PHOTOS, MOST_REFERENCES, MOST_MISTAKES = 1200, 600, 400
"""What is pictured at most, so that the file stays small enough to mail: about 5 kB a picture."""

MOST_EVIDENCE = 24
"""Mistakes that are compared patch by patch, which takes as long as embedding them twice."""

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Told apart with any colour vision: Okabe and Ito, "Color Universal Design", 2008."""

GOLDEN_ANGLE = 137.508


@dataclass(frozen=True)
class Evaluation:
    """What a report is about: ``metrics`` as in ``metrics.json``, and for each of Q photos its true class, its verdict
    and its vector, float32 [Q, D], made by ``encoder``; the folders that photo and reference paths start from."""

    metrics: dict[str, Any]
    true: Sequence[str]
    verdicts: Sequence[Verdict]
    embeddings: NDArray[np.float32]
    database: ReferenceDatabase
    encoder: Encoder
    photos: Path
    images: Path


def render(evaluation: Evaluation, progress: Progress) -> str:
    """The report as HTML."""
    import jinja2

    true, verdicts, database = evaluation.true, evaluation.verdicts, evaluation.database
    labels = evaluation.metrics["confusion"]["labels"]
    right = np.array([verdict.predicted == label for verdict, label in zip(verdicts, true, strict=True)])
    nearest = np.array([verdict.neighbours[0].similarity for verdict in verdicts])
    order = np.lexsort((nearest, right))  # the mistakes first, the least similar first
    mistakes = [number for number in order.tolist() if not right[number]]

    cells: dict[tuple[str, str], list[int]] = {}
    for number in order.tolist():
        cells.setdefault((true[number], verdicts[number].predicted), []).append(number)
    numbers = {shown(image): number for number, image in enumerate(database.images)}
    voters = [numbers[near.reference] for number in mistakes[:MOST_MISTAKES] for near in verdicts[number].neighbours]
    pictured = {f"p{number}": evaluation.photos / verdicts[number].path for number in order[:MOST_PHOTOS].tolist()}
    pictured |= {
        f"r{number}": evaluation.images / database.images[number]
        for number in list(dict.fromkeys(voters))[:MOST_REFERENCES]
    }
    pictures: dict[str, Picture] = {}
    preprocessing = database.preprocessing
    for name, path in progress.track(pictured.items(), len(pictured), "Writing the report"):
        part = preprocessing if name.startswith("p") else preprocessing.of_references
        if found := thumbnail(path, part.crop, part.white_level):
            pictures[name] = found
    compared = mistakes[:MOST_EVIDENCE]
    for number in progress.track(compared, len(compared), "Comparing mistakes"):
        if differences := _differences(evaluation, verdicts[number]):
            pictures[f"d{number}"] = differences

    projected = charts.principal_components(np.concatenate([database.embeddings, evaluation.embeddings]))
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(TEMPLATE.read_text("utf-8")).render(
        metrics=evaluation.metrics,
        gap=evaluation.metrics.get("gap"),
        repeated=evaluation.metrics.get("repeat_seeds"),
        promoted={shown(database.images[row]) for row in database.promoted},
        labels=labels,
        verdicts=[*labels, UNKNOWN] if "unknown" in evaluation.metrics else labels,
        quality=evaluation.metrics.get("quality"),
        numbers_of_photos={verdict.path: number for number, verdict in enumerate(verdicts)},
        unknown=evaluation.metrics.get("unknown"),
        colours=[colour(number) for number in range(len(labels))],
        photos=[
            {"path": verdict.path, "label": label, "verdict": verdict}
            for label, verdict in zip(true, verdicts, strict=True)
        ],
        cells=cells,
        mistakes=mistakes,
        most_mistakes=MOST_MISTAKES,
        confused=sorted(((len(found), *pair) for pair, found in cells.items() if pair[0] != pair[1]), reverse=True),
        numbers=numbers,
        pictures=pictures,
        references=database.count(),
        recipe=described(database.recipe),
        histogram=charts.histogram(nearest, right),
        map=projected,
        points=_points(projected.points, [*database.labels.tolist(), *(labels.index(label) for label in true)]),
        reference_count=len(database),
    )


def _differences(evaluation: Evaluation, verdict: "Verdict") -> Picture | None:
    """Where a photo differs from its nearest reference; None where one of them is no longer there."""
    nearest = verdict.neighbours[0].reference
    try:
        found = evidence(
            evaluation.encoder,
            evaluation.database.preprocessing,
            evaluation.photos / verdict.path,
            evaluation.images / nearest,
        )
    except UnreadablePhoto:
        return None
    return picture(found.heat)


def colour(number: int) -> str:
    """A CSS colour for a class."""
    return COLOURS[number] if number < len(COLOURS) else f"hsl({number * GOLDEN_ANGLE % 360:.0f} 60% 50%)"


def described(recipe: dict[str, Any]) -> dict[str, str]:
    """A recipe's entries, those of its parts too, as names and values to read."""
    entries: dict[str, Any] = {}
    for name, value in recipe.items():
        entries |= {f"{name}: {part}": value[part] for part in value} if isinstance(value, dict) else {name: value}
    return {name.replace("_", " "): _readable(value) for name, value in entries.items()}


def _readable(value: Any) -> str:
    values = value if isinstance(value, list) else [value]
    return ", ".join(f"{part:.4g}" if isinstance(part, float) else str(part) for part in values)


def _points(points: NDArray[np.float64], classes: list[int]) -> list[tuple[str, str, int]]:
    """Points scaled to 0..1000, the first axis across and the second up, each with the number of its class."""
    low, high = points.min(axis=0), points.max(axis=0)
    scaled = (points - low) / np.where(high > low, high - low, 1) * 1000
    return [(f"{x:.0f}", f"{1000 - y:.0f}", number) for (x, y), number in zip(scaled.tolist(), classes, strict=True)]
