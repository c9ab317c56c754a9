# SPDX-License-Identifier: GPL-3.0-or-later
"""How far photos lie from the references of their class, and what brings them nearer.

A cause is found by trying: the photos are changed in one respect towards the references and embedded again. What makes
them more similar to the references of their own class is what tells renders and photos apart, and by how much.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from . import metrics
from .database import ReferenceDatabase
from .encoder import Encoder
from .files import is_file
from .preprocessing import Preprocessing
from .progress import Progress
from .quality import LUMA
from .validation_result import Explanation, Gap

Item = TypeVar("Item")

MOST_PHOTOS = 16
"""Photos of a class that are changed and embedded again, evenly picked."""

MOST_REFERENCES = 32
"""References of a class that photos are compared with here, evenly picked."""

BATCH = 8
NOTABLE = 0.02
"""Gain in cosine similarity from which on a cause is named: about what another draw of poses changes."""

Pixels = NDArray[np.floating[Any]]
"""Images [N, S, S, 3] of levels 0 to 255."""


def luma(images: Pixels) -> Pixels:
    """Brightness of each pixel, [N, S, S]."""
    return np.tensordot(images, np.array(LUMA, np.float32), 1)


def brightened(photos: Pixels, references: Pixels) -> Pixels:
    """Photos scaled so that their mean brightness is that of the references."""
    return photos * (luma(references).mean() / luma(photos).mean(axis=(1, 2)).clip(1))[:, None, None, None]


def contrasted(photos: Pixels, references: Pixels) -> Pixels:
    """Photos stretched about their mean, so that brightness varies as much as in the references."""
    mean = photos.mean(axis=(1, 2), keepdims=True)
    spread = luma(references).std(axis=(1, 2)).mean() / luma(photos).std(axis=(1, 2)).clip(1)
    return (photos - mean) * spread[:, None, None, None] + mean


def coloured(photos: Pixels, references: Pixels) -> Pixels:
    """Photos whose mean colour is that of the references, at their own brightness."""
    means = photos.mean(axis=(1, 2)).clip(1)
    tint: Pixels = references.mean(axis=(0, 1, 2)) / luma(references).mean()
    factors: Pixels = tint * (means @ np.array(LUMA, np.float32))[:, None] / means
    changed: Pixels = photos * factors[:, None, None, :]
    return changed


def framed(scale: float, across: float, down: float) -> Callable[[Pixels, Pixels], Pixels]:
    """Photos seen through a frame ``scale`` as large, moved by shares of the photo; beyond it the edge goes on."""

    def change(photos: Pixels, _references: Pixels) -> Pixels:
        size = photos.shape[1]
        place = (np.arange(size) + 0.5 - size / 2) * scale + size / 2
        rows, columns = ((place + shift * size).astype(int).clip(0, size - 1) for shift in (down, across))
        return photos[:, rows][:, :, columns]

    return change


def on_their_background(photos: Pixels, references: Pixels) -> Pixels:
    """Photos whose outer eighth is that of the references, in their order."""
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
"""By cause: ways to change photos towards the references; of several the best counts, as one for the whole class."""

ALTERED: Mapping[str, Callable[[Pixels], Pixels]] = {
    "greyscale": lambda images: np.repeat(luma(images)[..., None], 3, axis=-1),
    "equal brightness": lambda images: images * (128 / luma(images).mean(axis=(1, 2)).clip(1))[:, None, None, None],
}
"""Ablations: photos and references altered alike."""


def explain(
    database: ReferenceDatabase,
    encoder: Encoder,
    photos: Mapping[str, Sequence[Path]],
    k: int,
    progress: Progress,
) -> Explanation | None:
    """Explain the gap between readable ``photos``, by class, and references.

    None where a class has no reference image any more.
    """
    pictures = {label: _load(evenly(paths, MOST_PHOTOS), database.preprocessing) for label, paths in photos.items()}
    rows = {
        label: evenly(np.flatnonzero(database.labels == number).tolist(), MOST_REFERENCES)
        for number, label in enumerate(database.classes)
    }
    files = {label: [database.image_path(row) for row in own] for label, own in rows.items()}
    if not all(is_file(path) for own in files.values() for path in own):
        return None
    references = {label: _load(own, database.preprocessing.of_references) for label, own in files.items()}
    of_class = {label: database.take(np.array(own, np.int64)) for label, own in rows.items()}

    def embed(images: Pixels) -> NDArray[np.float32]:
        rounded = images.clip(0, 255).round().astype(np.uint8)
        tensors = [database.preprocessing.tensor(Image.fromarray(image)) for image in rounded]
        batches = range(0, len(tensors), BATCH)
        return np.concatenate([encoder.embed(np.stack(tensors[first : first + BATCH])) for first in batches])

    def similarity(label: str, vectors: NDArray[np.float32]) -> float:
        own = of_class[label].embeddings
        return _nearest(database.whitening(vectors), database.whitening(own))

    plain = {label: embed(images) for label, images in pictures.items()}
    before = {label: similarity(label, vectors) for label, vectors in plain.items()}
    after: dict[tuple[str, str], float] = {}
    tries = [(label, cause, change) for label in pictures for cause, ways in CHANGES.items() for change in ways]
    for label, cause, change in progress.track(tries, len(tries), "Explaining the gap"):
        changed = similarity(label, embed(change(pictures[label], references[label])))
        after[label, cause] = max(changed, after.get((label, cause), -1.0))
    gaps = []
    for label, images in pictures.items():
        gains = {cause: after[label, cause] - before[label] for cause in CHANGES}
        notable = sorted((cause for cause in gains if gains[cause] >= NOTABLE), key=lambda cause: -gains[cause])
        causes = tuple(_sentence(cause, gains[cause], images, references[label]) for cause in notable)
        gaps.append(Gap(label, before[label], _nearest_of_other_poses(database, of_class[label]), gains, causes))

    everything = (np.concatenate(list(pictures.values())), np.concatenate(list(references.values())))
    as_they_are = (np.concatenate(list(plain.values())), np.concatenate([own.embeddings for own in of_class.values()]))
    vectors = {"as they are": as_they_are, "centred vectors": _centred(*as_they_are)}
    for name, alter in progress.track(ALTERED.items(), len(ALTERED), "Trying ablations"):
        vectors[name] = (embed(alter(everything[0])), embed(alter(everything[1])))
    true = np.repeat([database.classes.index(label) for label in pictures], [len(own) for own in pictures.values()])
    sample = database.take(np.concatenate([np.array(own, np.int64) for own in rows.values()]))
    tried = {name: (replace(sample, embeddings=own), queries) for name, (queries, own) in vectors.items()}
    tried["plain cosine"] = (replace(sample, whitened=False), as_they_are[0])
    f1 = {
        name: metrics.from_predictions(true, references.predict(queries, k), database.classes).macro_f1
        for name, (references, queries) in tried.items()
    }
    return Explanation(tuple(gaps), f1, len(true), len(sample))


def evenly(items: Sequence[Item], most: int) -> list[Item]:
    """At most ``most`` of the items, evenly picked."""
    return list(items[:: max(1, -(-len(items) // most))])


def _load(paths: Sequence[Path], preprocessing: Preprocessing) -> Pixels:
    return np.stack([np.asarray(preprocessing.picture(path), np.float32) for path in paths])


def _centred(
    queries: NDArray[np.float32], references: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Both less the mean of the references, of unit length again."""
    mean = references.mean(axis=0)
    queries, references = queries - mean, references - mean
    return (
        queries / np.linalg.norm(queries, axis=1, keepdims=True),
        references / np.linalg.norm(references, axis=1, keepdims=True).clip(1e-12),
    )


def _nearest(queries: NDArray[np.float32], references: NDArray[np.float32]) -> float:
    """Mean similarity of queries [Q, D] to their nearest reference of [N, D]."""
    return float((queries @ references.T).max(axis=1).mean())


def _nearest_of_other_poses(database: ReferenceDatabase, references: ReferenceDatabase) -> float:
    """The same of some references of a database to those of other poses; 1 where all have one pose."""
    groups, whitened = references.pose_groups(), database.whitening(references.embeddings)
    similarities = whitened @ whitened.T
    similarities[groups[:, None] == groups] = -1
    return float(similarities.max(axis=1).mean()) if len(np.unique(groups)) > 1 else 1.0


def _sentence(cause: str, gain: float, photos: Pixels, references: Pixels) -> str:
    """What is different, by how much, and what to do."""
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
