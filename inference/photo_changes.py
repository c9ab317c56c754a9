# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes that make photos more like references in one respect.

A change is the same for all photos of a station, and knows nothing of their classes: otherwise it would bring photos
nearer to their own class by telling which one that is.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .photo_measures import Parts, Pixels, blurred, brightest, details, luma, relief, spread, turn_between
from .quality import LUMA

Change = Callable[[Pixels, Pixels], Pixels]
"""Takes photos [N, S, S, 3] and references [M, S, S, 3], of the classes in the same shares; returns changed photos."""


def brightened(photos: Pixels, references: Pixels) -> Pixels:
    """Scale photos to the mean brightness of the references."""
    return photos * (luma(references).mean() / luma(photos).mean().clip(1))


def contrasted(photos: Pixels, references: Pixels) -> Pixels:
    """Stretch photos about their mean, so that brightness varies as much as in the references."""
    mean = photos.mean(axis=(1, 2), keepdims=True)
    return (photos - mean) * (spread(references) / max(spread(photos), 1)) + mean


def coloured(photos: Pixels, references: Pixels) -> Pixels:
    """Give photos the mean colour of the references, and keep their brightness."""
    mean, wanted = photos.mean(axis=(0, 1, 2)).clip(1), references.mean(axis=(0, 1, 2))
    changed: Pixels = photos * (wanted / luma(references).mean().clip(1) * (mean @ np.array(LUMA, np.float32)) / mean)
    return changed


def embossed(photos: Pixels, references: Pixels) -> Pixels:
    """Let small features stand out as much as in the references."""
    factor = relief(references) / max(relief(photos), 0.1)
    return photos + (factor - 1) * details(photos)[..., None]


def without_glare(photos: Pixels, references: Pixels) -> Pixels:
    """Fill highlights that references do not have with what is around them."""
    kept = (luma(photos) <= brightest(references)).astype(np.float32)[..., None]
    changed = photos * kept
    for radius in (0.02, 0.06, 0.2):
        weights = blurred(np.repeat(255 * kept, 3, axis=-1), radius) / 255
        filled = blurred(photos * kept, radius) / weights.clip(0.05)
        changed = np.where(kept > 0, photos, np.where(changed > 0, changed, np.where(weights > 0.2, filled, 0)))
    return changed


def framed(scale: float, across: float, down: float) -> Change:
    """Return a change that shows photos through another frame.

    Args:
        scale: size of the frame, relative to the photo.
        across: shift to the right, as a share of the photo's width.
        down: downward shift, as a share of the photo's height.
    """
    return _seen_through(np.array([[scale, 0, down], [0, scale, across]]))


def turned(degrees: float) -> Change:
    """Return a change that turns photos about their middle, counter-clockwise."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return _seen_through(np.array([[cosine, sine, 0], [-sine, cosine, 0]]))


def resized(photos: Pixels, references: Pixels) -> Pixels:
    """Show parts as large as in the references."""
    parts, own = Parts.of(photos), Parts.of(references)
    if not (parts.stand_out and own.stand_out):
        return photos
    return framed(float(parts.sizes.mean() / own.sizes.mean()), 0, 0)(photos, references)


def moved(photos: Pixels, references: Pixels) -> Pixels:
    """Show parts where they lie in the references."""
    parts, own = Parts.of(photos), Parts.of(references)
    if not (parts.stand_out and own.stand_out):
        return photos
    across, down = parts.places.mean(axis=0) - own.places.mean(axis=0)
    return framed(1, float(across), float(down))(photos, references)


def turned_back(photos: Pixels, references: Pixels) -> Pixels:
    """Turn photos so that parts point where they do in the references."""
    parts, own = Parts.of(photos), Parts.of(references)
    return turned(-turn_between(parts, own))(photos, references) if parts.stand_out and own.stand_out else photos


def _seen_through(frame: NDArray[np.float64]) -> Change:
    """Return a change that fetches each pixel from where the affine map ``frame`` [2, 3] leads: rows and columns about the
    middle, and shifts as shares of the photo. Beyond the photo, its blurred edge is repeated."""

    def change(photos: Pixels, _references: Pixels) -> Pixels:
        size = photos.shape[1]
        middle = (size - 1) / 2
        places = np.indices((size, size)).reshape(2, -1) - middle
        found = (frame[:, :2] @ places + size * frame[:, 2:] + middle).round().astype(int).reshape(2, size, size)
        rows, columns = found.clip(0, size - 1)
        beyond = (found != (rows, columns)).any(axis=0)[None, :, :, None]
        return np.where(beyond, blurred(photos, 0.05)[:, rows, columns], photos[:, rows, columns])

    return change


EMPTY = 12.0
"""Levels by which a pixel differs from its image's usual colour where there is a part."""


def on_their_background(photos: Pixels, references: Pixels) -> Pixels:
    """Replace what surrounds the parts, wherever they lie in the references, by the references' surroundings."""
    usual = np.median(references, axis=(1, 2), keepdims=True)
    occupied = (np.abs(references - usual).max(axis=3) > EMPTY).mean(axis=0) > 0.03
    shares = blurred(255 * occupied[None].astype(np.float32), 0.03)[0, :, :, None] / 255
    drawn = np.random.default_rng(0).permutation(len(references))  # of any class
    return shares * photos + (1 - shares) * references[np.resize(drawn, len(photos))]
