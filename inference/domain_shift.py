# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the difference between rendered references and photos that all classes share.

Photos differ from the references of the best matched scene, too: in noise, lens and surface. Much of that moves the vectors of
all photos in one direction. Alike classes lie nearer together than that, so it decides which of them a photo is taken for.
Photos of unknown class show the direction: it is the mean of what separates each from its nearest references. The plain
difference of the means of photos and references would be that of their classes, too, where photos are mostly of one class.
benchmarks/ACCURACY.md states the gain.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from . import neighbours
from .database import ReferenceDatabase
from .embedding import embed_files, with_white_level
from .encoder import Encoder
from .files import files_below, sha256_file
from .likeness import FEWEST_PHOTOS
from .progress import Progress

NEAREST = 5
"""Number of references whose mean a photo is compared with."""

PART = 0.5
"""How far references are moved. Some of the difference is that of the classes, which a photo's nearest references may not be."""

PHOTOS_GONE = (
    "The photos that the scene was matched to were not found, so references are not moved toward them, which makes alike classes "
    "easier to tell apart. Choose their folder as Photos to Match or give --matched-photos, and build again."
)
FEW_CLASSES = (
    "The photos that the scene was matched to look like {0} of {1} classes only, so references are not moved toward them. Match "
    "to photos of all classes."
)


def matched_photos(recipe: Mapping[str, Any]) -> dict[str, str]:
    """The photos that a scene was matched to, by the SHA-256 of their files, with their names."""
    matched = recipe.get("matched")
    photos = matched.get("photos") if isinstance(matched, dict) else None
    return {key: str(name) for key, name in photos.items()} if isinstance(photos, dict) else {}


def toward_photos(
    database: ReferenceDatabase, folder: Path | None, encoder: Encoder, progress: Progress
) -> tuple[ReferenceDatabase, list[str]]:
    """Give a database the domain shift that the photos show to which its scene was matched.

    A scene that fitted as it was keeps its references where they are.

    Args:
        database: the references.
        folder: where these photos are, among others; None if nobody knows.
        encoder: the encoder that made the database.
        progress: receives the progress.

    Returns:
        The database, and a sentence if it was left without a shift that photos should have given it.
    """
    names = matched_photos(database.recipe)
    if not names or not database.recipe["matched"].get("changes"):
        return database, []
    known = set(names.values())
    files = sorted(files_below(folder)) if folder and folder.is_dir() else []
    paths = [path for path in files if path.name in known and sha256_file(path) in names]
    preprocessing, _ = with_white_level(database.preprocessing, paths, progress)
    photos = embed_files(encoder, preprocessing, paths, progress, "Embedding matched photos").embeddings
    if len(photos) < FEWEST_PHOTOS:
        return database, [PHOTOS_GONE]
    rendered = database.take(np.setdiff1d(np.arange(len(database)), database.promoted))
    similarities, rows, labels = rendered.nearest(photos, min(NEAREST, len(rendered)))
    voted = np.unique(neighbours.vote(labels, similarities, len(database.classes))[0])
    if 2 * len(voted) <= len(database.classes):
        return database, [FEW_CLASSES.format(len(voted), len(database.classes))]
    apart = photos - rendered.embeddings[rows].mean(axis=1)
    return replace(database, domain_shift=PART * apart.mean(axis=0)), []
