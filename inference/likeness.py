# SPDX-License-Identifier: GPL-3.0-or-later
"""How like photos a set of references is, without a label: what matching a scene to photos raises.

A photo that has a near reference may still be one of many that share it, and a reference without a near photo shows what no
photo does, so both ways count. An encoder sees little of colour, and a part of a wrong colour reflects wrongly; it sees
little of how strong shading and shadows are, and yet by these alike parts are told apart. So both are compared as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .embedding import with_white_level
from .encoder import Encoder
from .errors import InputError
from .files import evenly, files_below, sha256_file, shown
from .preprocessing import Preprocessing, UnreadablePhoto
from .progress import Progress
from .quality import LUMA

FEWEST_PHOTOS, MOST_PHOTOS = 5, 40
"""Fewer photos show too little of a station; of more, so many are evenly picked."""
GRID = 28
"""Cells along the side of an image in which colours are averaged, so that noise does not count."""
COLOURS = 0.5
"""How much the distance of colours counts."""
SHADING = 6.0
"""How much the distance of shading counts."""
PLACES = 7
"""Cells along the side of an image in which brightness is compared with that of the opposite cell."""
SURE = 0.6
"""Amplitude, 1 at most, from which it is believed from where light comes; noise gives about 0.3."""
DARKEST = 0.05
"""Level that is added before logarithms are taken, so that noise in the dark does not count."""
BATCH = 8


def _directions(channels: int) -> NDArray[np.float32]:
    """Directions of unit length [channels, 16], always the same."""
    drawn = np.random.default_rng(0).normal(size=(channels, 16)).astype(np.float32)
    directions: NDArray[np.float32] = drawn / np.linalg.norm(drawn, axis=0)
    return directions


COLOUR_DIRECTIONS, SHADING_DIRECTIONS = _directions(3), _directions(2)


@dataclass(frozen=True)
class Seen:
    """Images as they are compared: ``embeddings`` float32 [N, D], unit length, and ``colours`` float32 [N, G², 3], the mean
    levels 0 to 1 of a grid of :data:`GRID` × :data:`GRID` cells."""

    embeddings: NDArray[np.float32]
    colours: NDArray[np.float32]

    @classmethod
    def through(cls, encoder: Encoder, preprocessing: Preprocessing, paths: Sequence[Path]) -> "Seen":
        """Image files that can be read, as an encoder and a person see them."""
        embeddings, colours = [], []
        for first in range(0, len(paths), BATCH):
            tensors = np.stack([preprocessing.read(path) for path in paths[first : first + BATCH]])
            embeddings.append(encoder.embed(tensors))
            cell = tensors.shape[-1] // GRID
            cells = tensors.reshape(len(tensors), 3, GRID, cell, GRID, cell).mean(axis=(3, 5))
            levels = cells.reshape(len(tensors), 3, -1).swapaxes(1, 2)
            colours.append(levels * np.array(preprocessing.std, np.float32) + np.array(preprocessing.mean, np.float32))
        return cls(np.concatenate(embeddings), np.concatenate(colours))

    @property
    def levels(self) -> NDArray[np.float32]:
        """Brightness of each cell, float32 [N, :data:`GRID`, :data:`GRID`]."""
        brightness: NDArray[np.float32] = self.colours @ np.array(LUMA, np.float32)
        return brightness.reshape(-1, GRID, GRID)

    @cached_property
    def colour_quantiles(self) -> NDArray[np.float32]:
        """Where the colours lie; see :func:`quantiles`."""
        return quantiles(self.colours, COLOUR_DIRECTIONS)

    @cached_property
    def shading_quantiles(self) -> NDArray[np.float32]:
        """Where the steps in brightness from a cell to the next lie, to the right and down, as logarithms; see
        :func:`quantiles`. They have a sign, so they tell from which side light comes as well as how hard it is."""
        brightness = np.log(self.levels + DARKEST)
        steps = [np.diff(brightness, axis=2)[:, 1:], np.diff(brightness, axis=1)[:, :, 1:]]
        return quantiles(np.stack(steps, axis=-1), SHADING_DIRECTIONS)

    @cached_property
    def imbalance(self) -> NDArray[np.float32]:
        """How much brighter places are than those opposite across the middle, on average: half the difference of their
        logarithms, float32 [:data:`PLACES` ²]. Parts in the middle, at any turn, cancel out; the side of light and shadow does
        not."""
        side = GRID // PLACES
        levels = self.levels.reshape(-1, PLACES, side, PLACES, side).mean(axis=(2, 4))
        picture = np.log(levels + DARKEST).mean(axis=0).ravel()
        return np.asarray((picture - picture[::-1]) / 2, np.float32)

    def split(self, parts: int) -> list["Seen"]:
        """The images in equal parts."""
        pairs = zip(np.split(self.embeddings, parts), np.split(self.colours, parts), strict=True)
        return [Seen(embeddings, colours) for embeddings, colours in pairs]


@dataclass(frozen=True)
class Likeness:
    """What photos and references have in common and what not.

    Attributes:
        photos: mean cosine of the photos to their nearest reference.
        references: mean cosine of the references to their nearest photo.
        colours: distance of their colours, in levels 0 to 1: see :func:`distance`.
        shading: distance of their steps in brightness, in logarithms: see :attr:`Seen.shading_quantiles`.
    """

    photos: float
    references: float
    colours: float
    shading: float

    @classmethod
    def of(cls, photos: Seen, references: Seen) -> "Likeness":
        """Compare photos and references."""
        cosines = photos.embeddings @ references.embeddings.T
        return cls(
            float(cosines.max(axis=1).mean()),
            float(cosines.max(axis=0).mean()),
            distance(photos.colour_quantiles, references.colour_quantiles),
            distance(photos.shading_quantiles, references.shading_quantiles),
        )

    @property
    def cosines(self) -> float:
        """What the encoder sees as one figure, 2 at most."""
        return self.photos + self.references

    @property
    def total(self) -> float:
        """All as one figure, 2 at most."""
        return self.cosines - COLOURS * self.colours - SHADING * self.shading


def quantiles(values: NDArray[np.float32], directions: NDArray[np.float32]) -> NDArray[np.float32]:
    """Where values [..., C] lie along directions [C, D] of unit length: the middles of 100 equal shares, float32 [100, D]."""
    ordered = np.sort(values.reshape(-1, len(directions)) @ directions, axis=0)
    middles = (np.arange(100) + 0.5) / 100 * (len(ordered) - 1)
    found: NDArray[np.float32] = ordered[middles.round().astype(int)]
    return found


def distance(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """How far one set of values must be moved to become another, on average.

    It is the Wasserstein distance, averaged over directions (Bonneel et al., "Sliced and Radon Wasserstein Barycenters of
    Measures", Journal of Mathematical Imaging and Vision 51, 2015).

    Args:
        one: the quantiles of one set, as :func:`quantiles` returns them.
        other: those of the other.
    """
    return float(np.abs(one - other).mean())


def turn_toward(photos: Seen, turned: Sequence[Seen]) -> float:
    """How far lamps must be turned for their light to come from the side that it comes from in photos.

    As lamps turn, the likeness of imbalances rises and falls once. The phase of that wave is the answer, so a few turns
    suffice. What all turns have in common is no effect of light.

    Args:
        photos: the photos.
        turned: references, the first with lamps as they are, each other one with lamps turned anticlockwise by a further equal
            part of a full turn; three or more.

    Returns:
        Radians anticlockwise, -π to π; 0 where photos do not tell.
    """
    imbalances = np.stack([references.imbalance for references in turned])
    light = imbalances - imbalances.mean(axis=0)
    wanted = photos.imbalance - imbalances.mean(axis=0)
    sizes = np.linalg.norm(light, axis=1) * np.linalg.norm(wanted)
    likeness = light @ wanted / np.maximum(sizes, 1e-9)
    wave = 2 * np.mean(likeness * np.exp(2j * np.pi * np.arange(len(turned)) / len(turned)))
    return float(np.angle(wave)) if abs(wave) > SURE else 0.0


@dataclass(frozen=True)
class StationPhotos:
    """Photos of a station whose classes nobody was asked for.

    Attributes:
        paths: the files that can be read.
        hashes: the SHA-256 of each, by which a validation knows them again.
        seen: what the encoder makes of them.
    """

    paths: tuple[Path, ...]
    hashes: tuple[str, ...]
    seen: Seen


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
    progress.warn(told)
    readable = tuple(
        path
        for path in progress.track(paths, len(paths), "Reading photos")
        if _can_be_read(path, preprocessing, progress)
    )
    if len(readable) < FEWEST_PHOTOS:
        raise InputError(
            f"{shown(folder)} has too few photos that can be read: {len(readable)}. Choose a folder with {FEWEST_PHOTOS} or "
            "more photos of the station."
        )
    seen = Seen.through(encoder, preprocessing, readable)
    return StationPhotos(readable, tuple(sha256_file(path) for path in readable), seen)


def _can_be_read(path: Path, preprocessing: Preprocessing, progress: Progress) -> bool:
    """Whether a file is a photo; says why not, and what had to be assumed of one that is."""
    try:
        preprocessing.read(path, lambda note: progress.warn([f"{shown(path)}: {note}."]))
    except UnreadablePhoto as error:
        progress.warn([f"{shown(path)} is left out: {error.reason}."])
        return False
    return True
