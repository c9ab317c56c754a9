# SPDX-License-Identifier: GPL-3.0-or-later
"""Detection of photos that are darker, brighter, more blurred or noisier than the references. They fail first (Huber et
al., 2025)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .preprocessing import Preprocessing, UnreadablePhoto

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue (ITU-R BT.601), as in Pillow's mode "L"."""

MOST_REFERENCES = 200
EXPOSURE_MARGIN = 0.25
"""Share by which photos may be darker or brighter than the references' limits, because the exposure of cameras
varies."""

SHARPNESS_MARGIN = 0.3
"""Share by which edges may be softer than in the softest references, because lenses are less sharp than a renderer."""

VISIBLE_NOISE = 5.0
"""Standard deviation of noise, in levels of 255, up to which a photo is not reported. Renders have no noise."""


def measure(tensors: NDArray[np.float32], preprocessing: Preprocessing) -> NDArray[np.float32]:
    """Measure brightness, sharpness and noise of images.

    Brightness is the mean level, 0 to 255. Sharpness is the steepest change of slope divided by the steepest slope,
    which does not depend on contrast; "steepest" is the value that one pixel in a hundred exceeds. Noise is a standard
    deviation in levels.

    Args:
        tensors: preprocessed images, float32 [N, 3, S, S].
        preprocessing: the preprocessing that made them.

    Returns:
        Brightness, sharpness and noise, float32 [N, 3].
    """
    weights = np.array(LUMA, np.float32)
    mean, std = np.array(preprocessing.mean, np.float32), np.array(preprocessing.std, np.float32)
    grey = 255 * (np.tensordot(tensors, weights * std, (1, 0)) + weights @ mean)
    inner = slice(1, -1)
    slopes = (grey[:, inner, 2:] - grey[:, inner, :-2]) ** 2 + (grey[:, 2:, inner] - grey[:, :-2, inner]) ** 2
    steepest = np.sqrt(_high(slopes)).clip(2) / 2
    down, across = np.diff(grey, 2, axis=1), np.diff(grey, 2, axis=2)
    sharpness = _high(np.abs(down[:, :, inner] + across[:, inner])) / steepest
    # Not affected by edges: J. Immerkær, "Fast Noise Variance Estimation", CVIU 64(2), 1996.
    noise = np.sqrt(np.pi / 2) / 6 * np.abs(np.diff(down, 2, axis=2)).mean(axis=(1, 2))
    return np.stack([grey.mean(axis=(1, 2)), sharpness, noise], axis=1).astype(np.float32)


def measure_references(paths: Sequence[Path], preprocessing: Preprocessing) -> NDArray[np.float32]:
    """Measure reference images. If there are many, some are picked evenly; missing files are left out. Returns float32
    [M, 3]."""
    measured = [np.empty((0, 3), np.float32)]
    for path in paths[:: -(-len(paths) // MOST_REFERENCES)]:
        try:
            measured.append(measure(preprocessing.of_references.read(path)[None], preprocessing))
        except UnreadablePhoto:
            continue
    return np.concatenate(measured)


def limits(references: NDArray[np.float32]) -> dict[str, float]:
    """Derive limits for photos from the references.

    Args:
        references: results of :func:`measure`, float32 [N, 3], N ≥ 1.

    Returns:
        The limit for each finding, by its name.
    """
    low, high = np.percentile(references, (2, 98), axis=0).tolist()
    return {
        "dark": low[0] * (1 - EXPOSURE_MARGIN),
        "bright": min(high[0] * (1 + EXPOSURE_MARGIN), 255),
        "blurred": low[1] * (1 - SHARPNESS_MARGIN),
        "noisy": max(high[2], VISIBLE_NOISE),
    }


def findings(photo: NDArray[np.float32], allowed: dict[str, float]) -> list[str]:
    """Return the names of the limits that a photo exceeds.

    Args:
        photo: brightness, sharpness and noise of the photo, [3].
        allowed: the limits, from :func:`limits`.
    """
    brightness, sharpness, noise = photo.tolist()
    beyond = {
        "dark": brightness < allowed["dark"],
        "bright": brightness > allowed["bright"],
        "blurred": sharpness < allowed["blurred"],
        "noisy": noise > allowed["noisy"],
    }
    return [name for name, found in beyond.items() if found]


def _high(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the value that one pixel in a hundred of each image [N, H, W] exceeds: float32 [N]."""
    values = images.reshape(len(images), -1)
    rank = values.shape[1] * 99 // 100
    return np.partition(values, rank, axis=1)[:, rank]
