# SPDX-License-Identifier: GPL-3.0-or-later
"""How far photos lie from the references of their class, in what they differ, and what that costs.

Differences are measured in the pixels. What a difference costs is found by experiment: the photos are changed in that respect
towards the references, and embedded again. The gain in similarity to the references of their class, and in the lead over
other classes, tells how much there is to win.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from . import metrics, photo_changes
from .database import ReferenceDatabase
from .encoder import Encoder
from .files import evenly, is_file
from .gap_sentences import cause_sentence
from .photo_changes import Change
from .photo_measures import Floats, Parts, Pixels, agreement, differences, luma
from .preprocessing import Preprocessing
from .progress import Progress
from .validation_result import Cause, Explanation, Gap, Pair
from .whitening import Whitening

MOST_PHOTOS = 64
"""Largest number of photos that are changed and embedded again, in equal shares of the classes."""

MOST_OF_A_CLASS, LEAST_OF_A_CLASS = 16, 4
"""Limits of these shares. Misclassified photos are picked first, then others evenly."""

MOST_REFERENCES = 32
"""Largest number of references of a class that photos are compared with here. They are picked evenly."""

MOST_PAIRS = 12
"""Largest number of photos that are shown beside their nearest references."""

PARTNERS = 3
"""References that pixels of a photo are compared with."""

BATCH = 8
VISIBLE = 1.5
"""Smallest mean difference in levels that a change must make to be worth another embedding."""

OTHER_INSIDE = 0.45
"""The share of the agreement of references with each other below which parts in photos look other inside their outlines.
benchmarks/ADVICE.md says which scenes had been seen when it was chosen."""

LEAD_LOST = -0.001
"""Mean lead over other classes below which photos are more like another class, and not just undecided."""

CHANGES: Mapping[str, Change] = {
    "brightness": photo_changes.brightened,
    "contrast": photo_changes.contrasted,
    "relief": photo_changes.embossed,
    "colour": photo_changes.coloured,
    "glare": photo_changes.without_glare,
    "size": photo_changes.resized,
    "position": photo_changes.moved,
    "turn": photo_changes.turned_back,
    "background": photo_changes.on_their_background,
}
"""For each respect, how photos are changed. Nothing in a photo can be changed so that its light comes from another side."""

ALTERED: Mapping[str, Callable[[Pixels], Pixels]] = {
    "greyscale": lambda images: np.repeat(luma(images)[..., None], 3, axis=-1),
    "equal brightness": lambda images: images * (128 / luma(images).mean(axis=(1, 2)).clip(1))[:, None, None, None],
}
"""Ablations: the same alteration is applied to photos and references."""


@dataclass(frozen=True)
class Similarities:
    """How similar photos are to the nearest reference of their own class and of any other: float32 [N] each."""

    own: NDArray[np.float32]
    other: NDArray[np.float32]

    @property
    def margins(self) -> NDArray[np.float32]:
        """By how much each photo is more similar to its class than to another, [N]."""
        return self.own - self.other


@dataclass(frozen=True)
class Sample:
    """The N photos and M references that are compared.

    Attributes:
        database: the M references.
        encoder: the encoder that embeds changed photos.
        paths: the photos' files.
        classes: the numbers of their classes, int64 [N].
        photos: the photos, as the encoder sees them.
        references: the references, as the encoder sees them.
        whitening: by which all references of the database are compared with photos.
    """

    database: ReferenceDatabase
    encoder: Encoder
    paths: Sequence[Path]
    classes: NDArray[np.int64]
    photos: Pixels
    references: Pixels
    whitening: Whitening

    @cached_property
    def partners(self) -> Pixels:
        """References of each class, PARTNERS times as many as there are photos of it, in the order of their classes."""
        rows = []
        for number in np.unique(self.classes):
            own, count = np.flatnonzero(self.database.labels == number), PARTNERS * int((self.classes == number).sum())
            rows.append(np.resize(evenly(own.tolist(), count), count))
        partners: Pixels = self.references[np.concatenate(rows)]
        return partners

    def embed(self, images: Pixels) -> NDArray[np.float32]:
        """Return the embeddings float32 [N, D] of images, which may have been changed."""
        rounded = images.clip(0, 255).round().astype(np.uint8)
        tensors = [self.database.preprocessing.tensor(Image.fromarray(image)) for image in rounded]
        batches = range(0, len(tensors), BATCH)
        return np.concatenate([self.encoder.embed(np.stack(tensors[first : first + BATCH])) for first in batches])

    def nearest(self, vectors: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.int64], Similarities]:
        """Return the rows of the nearest reference of the own and of another class, int64 [N] each, for the photos'
        embeddings [N, D], and the similarities to them. With one class, nothing is similar to others."""
        found = self.whitening.similarities(vectors, self.database.embeddings)
        own_class = self.classes[:, None] == self.database.labels
        own, other = np.where(own_class, found, -1), np.where(own_class, -1, found)
        return own.argmax(axis=1), other.argmax(axis=1), Similarities(own.max(axis=1), other.max(axis=1))


def explain(
    database: ReferenceDatabase,
    encoder: Encoder,
    folder: Path,
    paths: Mapping[str, Sequence[Path]],
    mistaken: Collection[Path],
    k: int,
    progress: Progress,
) -> Explanation | None:
    """Explain the gap between photos and references.

    Args:
        database: the references.
        encoder: the encoder that made them.
        folder: the folder of photos.
        paths: readable photos below it, by class.
        mistaken: those of them that were misclassified.
        k: number of neighbours that vote.
        progress: receives the progress.

    Returns:
        The explanation, or None if an image of a reference no longer exists.
    """
    sample = _draw_sample(database, encoder, paths, mistaken)
    if sample is None:
        return None
    plain = sample.embed(sample.photos)
    own, other, before = sample.nearest(plain)
    tried = _try_changes(sample, before, progress)
    gaps = tuple(_gap(sample, number, before, tried) for number in np.unique(sample.classes).tolist())
    return Explanation(
        gaps=gaps,
        ablations=_try_ablations(sample, plain, k, progress),
        photos=len(sample.photos),
        references=len(sample.references),
        causes=_causes(sample, before, tried),
        pairs=_pairs(sample, folder, own, other, before),
    )


def _draw_sample(
    database: ReferenceDatabase, encoder: Encoder, paths: Mapping[str, Sequence[Path]], mistaken: Collection[Path]
) -> Sample | None:
    """Pick photos and references of each class; return None if an image of these references no longer exists."""
    rows = [
        row
        for number in range(len(database.classes))
        for row in evenly(np.flatnonzero(database.labels == number).tolist(), MOST_REFERENCES)
    ]
    files = [database.image_path(row) for row in rows]
    if not all(map(is_file, files)):
        return None
    share = min(max(MOST_PHOTOS // len(paths), LEAST_OF_A_CLASS), MOST_OF_A_CLASS)
    picked = {label: _pick(own, mistaken, share) for label, own in paths.items()}
    photos = [path for label in database.classes for path in picked.get(label, ())]
    counts = [len(picked.get(label, ())) for label in database.classes]
    taken = database.take(np.array(rows, np.int64))
    return Sample(
        database=replace(taken, path=database.path),
        encoder=encoder,
        paths=photos,
        classes=np.repeat(np.arange(len(counts)), counts),
        photos=_load(photos, database.preprocessing),
        references=_load(files, database.preprocessing.of_references),
        whitening=database.whitening,
    )


def _pick(paths: Sequence[Path], mistaken: Collection[Path], count: int) -> list[Path]:
    """Pick ``count`` photos at most: misclassified ones first, then others, each evenly."""
    wrong = evenly([path for path in paths if path in mistaken], count)
    right = [path for path in paths if path not in mistaken]
    return [*wrong, *evenly(right, count - len(wrong))]


def _load(paths: Sequence[Path], preprocessing: Preprocessing) -> Pixels:
    return np.stack([np.asarray(preprocessing.picture(path), np.float32) for path in paths])


def _try_changes(sample: Sample, before: Similarities, progress: Progress) -> dict[str, Similarities]:
    """Return the similarities after each change. A change that hardly changes the photos is not embedded."""
    tried: dict[str, Similarities] = {}
    partners = sample.partners
    for cause, change in progress.track(CHANGES.items(), len(CHANGES), "Explaining the gap"):
        changed = change(sample.photos, partners).clip(0, 255)
        seen = np.abs(changed - sample.photos).mean() >= VISIBLE
        tried[cause] = sample.nearest(sample.embed(changed))[2] if seen else before
    return tried


def _gap(sample: Sample, number: int, before: Similarities, tried: Mapping[str, Similarities]) -> Gap:
    """Return the gap of a class."""
    own = sample.classes == number
    return Gap(
        label=sample.database.classes[number],
        photos=float(before.own[own].mean()),
        references=_nearest_of_other_poses(sample, number),
        others=float(before.other[own].mean()),
        gains={cause: float((after.own - before.own)[own].mean()) for cause, after in tried.items()},
        margins={cause: float((after.margins - before.margins)[own].mean()) for cause, after in tried.items()},
    )


def _nearest_of_other_poses(sample: Sample, number: int) -> float:
    """Return the mean similarity of a class's references to their nearest neighbour of another pose; 1 if all have the same
    pose."""
    references = sample.database.take(np.flatnonzero(sample.database.labels == number))
    groups, similarities = references.pose_groups(), sample.whitening.similarities(references.embeddings)
    similarities[groups[:, None] == groups] = -1
    return float(similarities.max(axis=1).mean()) if len(np.unique(groups)) > 1 else 1.0


def _causes(sample: Sample, before: Similarities, tried: Mapping[str, Similarities]) -> tuple[Cause, ...]:
    """Return the respects in which photos differ, the largest difference first."""
    partners = sample.partners
    named = list(differences(sample.photos, partners))
    if _on_another_side(sample, before, named):
        named = ["side"]
    return tuple(
        Cause(
            cause,
            cause_sentence(
                cause,
                sample.photos,
                partners,
                float(tried[cause].own.mean() - before.own.mean()) if cause in tried else 0.0,
            ),
        )
        for cause in named
    )


def _on_another_side(sample: Sample, before: Similarities, named: Collection[str]) -> bool:
    """Whether parts lie on another side than in the references: they look other inside their outlines, and nothing is ``named``
    that would explain this.

    A part may stand higher on its other side, so it may look larger and cast longer or darker shadows as well. A low lamp
    changes the look of parts, too: longer shadows alone are taken for one's unless photos are more like another class.
    """
    low_lamp = set(named) == {"relief"} and before.margins.mean() >= LEAD_LOST
    explained = low_lamp or not {"size", "relief", "contrast"}.issuperset(named)
    if explained:
        return False
    photos, references = Parts.of(sample.photos), Parts.of(sample.references)
    if not (photos.stand_out and references.stand_out):
        return False
    found, expected = [], []
    for number in np.unique(sample.classes):
        shown, own = photos.insides[sample.classes == number], references.insides[sample.database.labels == number]
        among = agreement(own, own)
        np.fill_diagonal(among, np.nan)
        found += _best(agreement(shown, own))
        expected += _best(among)
    return bool(found and expected and np.mean(found) < OTHER_INSIDE * np.mean(expected))


def _best(agreements: Floats) -> list[float]:
    """Return the best of each row of agreements [N, M], without rows that have none."""
    best = np.nan_to_num(agreements, nan=-np.inf).max(axis=1)
    found: list[float] = best[np.isfinite(best)].tolist()
    return found


def _pairs(
    sample: Sample,
    folder: Path,
    own: NDArray[np.int64],
    other: NDArray[np.int64],
    similarities: Similarities,
) -> tuple[Pair, ...]:
    """Return the photos that are nearest to another class, each with its nearest references and what differs."""
    order = np.argsort(similarities.margins)[:MOST_PAIRS].tolist()
    database = sample.database
    return tuple(
        Pair(
            photo=sample.paths[photo].relative_to(folder).as_posix(),
            label=database.classes[sample.classes[photo]],
            reference=database.images[own[photo]],
            similarity=float(similarities.own[photo]),
            other_label=database.classes[database.labels[other[photo]]],
            other_reference=database.images[other[photo]],
            other_similarity=float(similarities.other[photo]),
            differences=tuple(differences(sample.photos[[photo]], sample.references[own[[photo]]])),
        )
        for photo in order
    )


def _try_ablations(sample: Sample, queries: NDArray[np.float32], k: int, progress: Progress) -> dict[str, float]:
    """Return macro F1 for the photos as they are, whose embeddings are ``queries`` [N, D], and for each ablation."""
    references = sample.database
    centred_queries, centred = _centred(queries, references.embeddings)
    tried = {
        "as they are": (references, queries),
        "centred vectors": (replace(references, embeddings=centred), centred_queries),
    }
    for name, alter in progress.track(ALTERED.items(), len(ALTERED), "Trying ablations"):
        altered = replace(references, embeddings=sample.embed(alter(sample.references)))
        tried[name] = (altered, sample.embed(alter(sample.photos)))
    tried["plain cosine"] = (replace(references, whitened=False), queries)
    return {
        name: metrics.from_predictions(sample.classes, altered.predict(vectors, k), references.classes).macro_f1
        for name, (altered, vectors) in tried.items()
    }


def _centred(
    queries: NDArray[np.float32], references: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Subtract the mean of the references from both, and scale to unit length."""
    mean = references.mean(axis=0)
    queries, references = queries - mean, references - mean
    return (
        queries / np.linalg.norm(queries, axis=1, keepdims=True),
        references / np.linalg.norm(references, axis=1, keepdims=True).clip(1e-12),
    )
