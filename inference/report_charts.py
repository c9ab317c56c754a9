# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures behind the report's charts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 25


@dataclass(frozen=True)
class Map:
    """Vectors in the plane: ``points`` float64 [M, 2]; ``shares`` of the variance that each axis shows."""

    points: NDArray[np.float64]
    shares: tuple[float, float]


def principal_components(vectors: NDArray[np.float32]) -> Map:
    """The first two principal components of ``vectors`` [M, D], M ≥ 1, from their covariance.

    Each axis points to where its largest loading is positive, so that equal vectors always give equal maps.
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
    """Counts int64 [B] of two groups between the same ``edges`` float64 [B + 1]."""

    edges: NDArray[np.float64]
    right: NDArray[np.int64]
    wrong: NDArray[np.int64]


def histogram(values: NDArray[np.float64], right: NDArray[np.bool_]) -> Histogram:
    """Distribution of ``values`` [Q] where ``right`` bool [Q] holds and where not, between round limits."""
    low, high = np.floor(np.min(values) * 20) / 20, np.ceil(np.max(values) * 20) / 20
    edges = np.linspace(low, high if high > low else low + 0.05, BINS + 1)
    return Histogram(edges, np.histogram(values[right], edges)[0], np.histogram(values[~right], edges)[0])
