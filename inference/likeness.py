# SPDX-License-Identifier: GPL-3.0-or-later
"""How like photos a set of references is, without a label: what matching a scene to photos raises.

A photo that has a near reference may still be one of many that share it, and a reference without a near photo shows what no
photo does, so both ways count; and two clouds of vectors may interlock and still lie apart, so the distance of their means
counts, too. benchmarks/ACCURACY.md says how well this ranks scenes as F1 does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .embedding import embed_files, with_white_level
from .encoder import Encoder
from .errors import InputError
from .files import evenly, files_below, sha256_file, shown
from .preprocessing import Preprocessing
from .progress import Progress

FEWEST_PHOTOS, MOST_PHOTOS = 5, 40
"""Fewer photos show too little of a station; of more, so many are evenly picked."""


@dataclass(frozen=True)
class Likeness:
    """Three figures, each larger where photos and references are more alike.

    Attributes:
        photos: mean cosine of the photos to their nearest reference.
        references: mean cosine of the references to their nearest photo.
        apart: distance of the mean photo and the mean reference, 0 where they are equal.
    """

    photos: float
    references: float
    apart: float

    @classmethod
    def of(cls, photos: NDArray[np.float32], references: NDArray[np.float32]) -> "Likeness":
        """Compare the embeddings of photos [Q, D] and references [N, D], all of unit length."""
        cosines = photos @ references.T
        return cls(
            float(cosines.max(axis=1).mean()),
            float(cosines.max(axis=0).mean()),
            float(np.linalg.norm(photos.mean(axis=0) - references.mean(axis=0))),
        )

    @property
    def total(self) -> float:
        """All three as one figure, 2 at most."""
        return self.photos + self.references - self.apart


@dataclass(frozen=True)
class StationPhotos:
    """Photos of a station whose classes nobody was asked for.

    Attributes:
        paths: the files that can be read.
        hashes: the SHA-256 of each, by which a validation knows them again.
        embeddings: float32 [Q, D], unit length.
    """

    paths: tuple[Path, ...]
    hashes: tuple[str, ...]
    embeddings: NDArray[np.float32]


def read_station_photos(
    folder: Path, encoder: Encoder, preprocessing: Preprocessing, progress: Progress
) -> StationPhotos:
    """Embed photos that lie anywhere below a folder; other files there are told and left out.

    Raises:
        InputError: the folder is missing, or has too few photos.
    """
    if not folder.is_dir():
        raise InputError(f"The folder {shown(folder)} does not exist. Choose a folder of photos of the station.")
    paths: Sequence[Path] = evenly(sorted(files_below(folder)), MOST_PHOTOS)
    preprocessing, told = with_white_level(preprocessing, paths, progress)
    embedded = embed_files(encoder, preprocessing, paths, progress, "Embedding photos")
    progress.warn([*told, *embedded.told(paths)])
    progress.warn(f"{shown(paths[number])} is left out: {why}." for number, why in embedded.unreadable.items())
    readable = tuple(paths[number] for number in embedded.readable)
    if len(readable) < FEWEST_PHOTOS:
        found = {0: "are no photos", 1: "is only one photo"}.get(len(readable), f"are only {len(readable)} photos")
        raise InputError(
            f"There {found} below {shown(folder)} that can be read. Choose a folder with {FEWEST_PHOTOS} or more photos of "
            "the station."
        )
    return StationPhotos(readable, tuple(sha256_file(path) for path in readable), embedded.embeddings)
