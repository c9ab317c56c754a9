# SPDX-License-Identifier: GPL-3.0-or-later
"""How far photos lie from the references of their class, and which changes bring them closer.

Causes are found by experiment: the photos are changed in one respect towards the references, and embedded again. If a
change makes photos more similar to the references of their class, that respect is a cause of the difference, and the
gain in similarity shows how large it is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from . import metrics
from .database import ReferenceDatabase
from .encoder import Encoder
from .files import evenly, is_file
from .preprocessing import Preprocessing
from .progress import Progress
from .quality import LUMA
from .validation_result import Explanation, Gap

MOST_PHOTOS = 16
"""Largest number of photos of a class that are changed and embedded again. They are picked evenly."""

MOST_REFERENCES = 32
"""Largest number of references of a class that photos are compared with here. They are picked evenly."""

BATCH = 8
NOTABLE = 0.02
"""Smallest gain in cosine similarity at which a cause is reported. Another random set of poses changes about as
much."""

Pixels = NDArray[np.floating[Any]]
"""Images [N, S, S, 3] with levels from 0 to 255."""


def luma(images: Pixels) -> Pixels:
    """Return the brightness of each pixel, [N, S, S]."""
    return np.tensordot(images, np.array(LUMA, np.float32), 1)


def brightened(photos: Pixels, references: Pixels) -> Pixels:
    """Scale photos to the mean brightness of the references."""
    return photos * (luma(references).mean() / luma(photos).mean(axis=(1, 2)).clip(1))[:, None, None, None]


def contrasted(photos: Pixels, references: Pixels) -> Pixels:
    """Stretch photos about their mean, so that brightness varies as much as in the references."""
    mean = photos.mean(axis=(1, 2), keepdims=True)
    spread = luma(references).std(axis=(1, 2)).mean() / luma(photos).std(axis=(1, 2)).clip(1)
    return (photos - mean) * spread[:, None, None, None] + mean


def coloured(photos: Pixels, references: Pixels) -> Pixels:
    """Give photos the mean colour of the references, and keep their brightness."""
    means = photos.mean(axis=(1, 2)).clip(1)
    tint: Pixels = references.mean(axis=(0, 1, 2)) / luma(references).mean()
    factors: Pixels = tint * (means @ np.array(LUMA, np.float32))[:, None] / means
    changed: Pixels = photos * factors[:, None, None, :]
    return changed


def framed(scale: float, across: float, down: float) -> Callable[[Pixels, Pixels], Pixels]:
    """Return a change that shows photos through another frame. Beyond the photo, its edge pixels are repeated.

    Args:
        scale: size of the frame, relative to the photo.
        across: shift to the right, as a share of the photo's width.
        down: downward shift, as a share of the photo's height.
    """

    def change(photos: Pixels, _references: Pixels) -> Pixels:
        size = photos.shape[1]
        place = (np.arange(size) + 0.5 - size / 2) * scale + size / 2
        rows, columns = ((place + shift * size).astype(int).clip(0, size - 1) for shift in (down, across))
        return photos[:, rows][:, :, columns]

    return change


def on_their_background(photos: Pixels, references: Pixels) -> Pixels:
    """Replace the outer eighth of each photo by that of a reference. References are used in their order."""
    size = photos.shape[1]
    edge, mixed = size // 8, references[np.arange(len(photos)) % len(references)].copy()
    mixed[:, edge:-edge, edge:-edge] = photos[:, edge:-edge, edge:-edge]
    return mixed


CHANGES: Mapping[str, Sequence[Callable[[Pixels, Pixels], Pixels]]] = {
    "brightness": [brightened],
    "contrast": [contrasted],
    "colour": [coloured],
    "larger in the frame": [framed(0.8, 0, 0)],
    "smaller in the frame": [framed(1.25, 0, 0)],
    "position": [framed(1, *shift) for shift in ((-0.1, 0), (0.1, 0), (0, -0.1), (0, 0.1))],
    "background": [on_their_background],
}
"""For each cause, the ways to change photos. If there are several, the best one for the whole class counts."""

ALTERED: Mapping[str, Callable[[Pixels], Pixels]] = {
    "greyscale": lambda images: np.repeat(luma(images)[..., None], 3, axis=-1),
    "equal brightness": lambda images: images * (128 / luma(images).mean(axis=(1, 2)).clip(1))[:, None, None, None],
}
"""Ablations: the same alteration is applied to photos and references."""


@dataclass(frozen=True)
class Sample:
    """The photos and references that are compared, by class.

    Attributes:
        database: all references.
        encoder: the encoder that embeds changed photos.
        photos: the photos, as the encoder sees them.
        references: the references, as the encoder sees them.
        rows: the rows of these references in the database.
    """

    database: ReferenceDatabase
    encoder: Encoder
    photos: dict[str, Pixels]
    references: dict[str, Pixels]
    rows: dict[str, NDArray[np.int64]]

    def embed(self, images: Pixels) -> NDArray[np.float32]:
        """Return the embeddings float32 [N, D] of images, which may have been changed."""
        rounded = images.clip(0, 255).round().astype(np.uint8)
        tensors = [self.database.preprocessing.tensor(Image.fromarray(image)) for image in rounded]
        batches = range(0, len(tensors), BATCH)
        return np.concatenate([self.encoder.embed(np.stack(tensors[first : first + BATCH])) for first in batches])

    def similarity(self, label: str, vectors: NDArray[np.float32]) -> float:
        """Return the mean similarity of embeddings [Q, D] to their nearest reference of a class."""
        whitening = self.database.whitening
        return _nearest(whitening(vectors), whitening(self.database.embeddings[self.rows[label]]))


def explain(
    database: ReferenceDatabase,
    encoder: Encoder,
    paths: Mapping[str, Sequence[Path]],
    k: int,
    progress: Progress,
) -> Explanation | None:
    """Explain the gap between photos and references.

    Args:
        database: the references.
        encoder: the encoder that made them.
        paths: readable photos by class.
        k: number of neighbours that vote.
        progress: receives the progress.

    Returns:
        The explanation, or None if an image of a reference no longer exists.
    """
    sample = _draw_sample(database, encoder, paths)
    if sample is None:
        return None
    plain = {label: sample.embed(images) for label, images in sample.photos.items()}
    before = {label: sample.similarity(label, vectors) for label, vectors in plain.items()}
    after = _try_changes(sample, progress)
    gaps = tuple(_gap(sample, label, before[label], after[label]) for label in sample.photos)
    ablations = _try_ablations(sample, np.concatenate(list(plain.values())), k, progress)
    return Explanation(gaps, ablations, sum(map(len, plain.values())), sum(map(len, sample.rows.values())))


def _draw_sample(database: ReferenceDatabase, encoder: Encoder, paths: Mapping[str, Sequence[Path]]) -> Sample | None:
    """Pick photos and references of each class; return None if an image of these references no longer exists."""
    rows = {
        label: np.array(evenly(np.flatnonzero(database.labels == number).tolist(), MOST_REFERENCES), np.int64)
        for number, label in enumerate(database.classes)
    }
    files = {label: [database.image_path(row) for row in own.tolist()] for label, own in rows.items()}
    if not all(is_file(path) for own in files.values() for path in own):
        return None
    pictures = {label: _load(evenly(own, MOST_PHOTOS), database.preprocessing) for label, own in paths.items()}
    references = {label: _load(own, database.preprocessing.of_references) for label, own in files.items()}
    return Sample(database, encoder, pictures, references, rows)


def _try_changes(sample: Sample, progress: Progress) -> dict[str, dict[str, float]]:
    """Return, by class and cause, the similarity of changed photos to the references of their class."""
    after: dict[str, dict[str, float]] = {label: {} for label in sample.photos}
    tries = [(label, cause, change) for label in sample.photos for cause, ways in CHANGES.items() for change in ways]
    for label, cause, change in progress.track(tries, len(tries), "Explaining the gap"):
        changed = sample.embed(change(sample.photos[label], sample.references[label]))
        after[label][cause] = max(sample.similarity(label, changed), after[label].get(cause, -1.0))
    return after


def _gap(sample: Sample, label: str, before: float, after: Mapping[str, float]) -> Gap:
    """Return the gap of a class, with a sentence for each notable cause, the largest first."""
    gains = {cause: similarity - before for cause, similarity in after.items()}
    notable = sorted((cause for cause in gains if gains[cause] >= NOTABLE), key=lambda cause: -gains[cause])
    photos, references = sample.photos[label], sample.references[label]
    causes = tuple(_sentence(cause, gains[cause], photos, references) for cause in notable)
    own = sample.database.take(sample.rows[label])
    return Gap(label, before, _nearest_of_other_poses(sample.database, own), gains, causes)


def _try_ablations(sample: Sample, queries: NDArray[np.float32], k: int, progress: Progress) -> dict[str, float]:
    """Return macro F1 for the photos as they are, whose embeddings are ``queries`` [Q, D], and for each ablation."""
    database = sample.database
    references = database.take(np.concatenate(list(sample.rows.values())))
    photos, renders = (np.concatenate(list(images.values())) for images in (sample.photos, sample.references))
    centred_queries, centred = _centred(queries, references.embeddings)
    tried = {
        "as they are": (references, queries),
        "centred vectors": (replace(references, embeddings=centred), centred_queries),
    }
    for name, alter in progress.track(ALTERED.items(), len(ALTERED), "Trying ablations"):
        altered = replace(references, embeddings=sample.embed(alter(renders)))
        tried[name] = (altered, sample.embed(alter(photos)))
    tried["plain cosine"] = (replace(references, whitened=False), queries)
    true = np.repeat(
        [database.classes.index(label) for label in sample.photos], [len(own) for own in sample.photos.values()]
    )
    return {
        name: metrics.from_predictions(true, altered.predict(vectors, k), database.classes).macro_f1
        for name, (altered, vectors) in tried.items()
    }


def _load(paths: Sequence[Path], preprocessing: Preprocessing) -> Pixels:
    return np.stack([np.asarray(preprocessing.picture(path), np.float32) for path in paths])


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


def _nearest(queries: NDArray[np.float32], references: NDArray[np.float32]) -> float:
    """Return the mean similarity of queries [Q, D] to their nearest reference of [N, D]."""
    return float((queries @ references.T).max(axis=1).mean())


def _nearest_of_other_poses(database: ReferenceDatabase, references: ReferenceDatabase) -> float:
    """Return the mean similarity of references to their nearest neighbour of another pose; 1 if all have the same
    pose."""
    groups, whitened = references.pose_groups(), database.whitening(references.embeddings)
    similarities = whitened @ whitened.T
    similarities[groups[:, None] == groups] = -1
    return float(similarities.max(axis=1).mean()) if len(np.unique(groups)) > 1 else 1.0


def _sentence(cause: str, gain: float, photos: Pixels, references: Pixels) -> str:
    """Say what differs, by how much, and what to do."""
    level, own_level = (float(luma(images).mean()) for images in (photos, references))
    spread, own_spread = (float(luma(images).std(axis=(1, 2)).mean()) for images in (photos, references))
    colour, own_colour = (
        "/".join(f"{mean:.0f}" for mean in part.mean(axis=(0, 1, 2))) for part in (photos, references)
    )
    darker, flatter = level < own_level, spread < own_spread
    sentence = {
        "brightness": f"The photos are {'darker' if darker else 'brighter'} than the references, mean level {level:.0f} "
        f"against {own_level:.0f}. {'Lower' if darker else 'Raise'} the scene's light, or vary Light Strength.",
        "contrast": f"The photos have {'less' if flatter else 'more'} contrast than the references, {spread:.0f} levels "
        f"against {own_spread:.0f}. {'Enlarge' if flatter else 'Shrink'} the lights, or vary Material.",
        "colour": f"The photos have another colour than the references, red/green/blue {colour} against {own_colour}. "
        "Pick the materials' colours from a photo, or vary Material.",
        "larger in the frame": "The part is smaller in the photos than in the references. "
        "Move the camera back, or crop the photos.",
        "smaller in the frame": "The part is larger in the photos than in the references. Move the camera closer.",
        "position": "The part lies elsewhere in the photos than in the references. "
        "Align the camera with a photo behind it, or raise the jitter's Location.",
        "background": "The photos have another background than the references. "
        "Match the table's material, or crop the photos.",
    }[cause]
    return f"{sentence} With that matched, similarity rises by {gain:.3f}."
