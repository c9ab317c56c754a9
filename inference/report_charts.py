# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures behind the report's charts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 25


@dataclass(frozen=True)
class Map:
    """Vectors in the plane: ``points`` float64 [M, 2], and the ``shares`` of the variance that the axes show."""

    points: NDArray[np.float64]
    shares: tuple[float, float]


def principal_components(vectors: NDArray[np.float32]) -> Map:
    """Compute the first two principal components of ``vectors`` [M, D], M ≥ 1, from their covariance.

    The direction of each axis is such that its largest loading is positive. Equal vectors therefore always give equal
    maps.
    """
    centred = vectors.astype(np.float64)
    centred -= centred.mean(axis=0)
    variances, axes = np.linalg.eigh(centred.T @ centred)  # ascending
    axes = axes[:, [-1, -2]]
    axes *= np.sign(axes[np.abs(axes).argmax(axis=0), [0, 1]])
    total = variances.sum() or 1.0
    return Map(centred @ axes, (float(variances[-1] / total), float(variances[-2] / total)))


@dataclass(frozen=True)
class Histogram:
    """Counts int64 [B] of two groups in the same bins, with ``edges`` float64 [B + 1]."""

    edges: NDArray[np.float64]
    right: NDArray[np.int64]
    wrong: NDArray[np.int64]


def histogram(values: NDArray[np.float64], right: NDArray[np.bool_]) -> Histogram:
    """Return the distribution of ``values`` [Q] for ``right`` bool [Q] true and false, with round limits."""
    low, high = np.floor(np.min(values) * 20) / 20, np.ceil(np.max(values) * 20) / 20
    edges = np.linspace(low, high if high > low else low + 0.05, BINS + 1)
    return Histogram(edges, np.histogram(values[right], edges)[0], np.histogram(values[~right], edges)[0])
