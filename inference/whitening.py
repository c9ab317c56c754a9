# SPDX-License-Identifier: GPL-3.0-or-later
"""A measure of similarity that gives less weight to what varies within the classes.

Vectors differ mostly because of the position of the part in the picture and the light. References of one class differ
only in these respects, so their scatter shows which directions deserve less weight: within-class covariance
normalisation (Hatch et al., "Within-class covariance normalization for SVM-based speaker recognition", Interspeech
2006), with cosine similarity as in Dehak et al., "Front-end factor analysis for speaker verification", IEEE TASLP 2011,
section III.C. Photos are not used for it. benchmarks/ACCURACY.md states the gain.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

BLOCK = 16384
"""Number of vectors that are processed in float64 at a time."""


@dataclass(frozen=True)
class Whitening:
    """A linear map that reduces the directions along which classes scatter.

    Attributes:
        axes: orthonormal axes along which classes scatter, float64 [A, D].
        gains: factors along these axes, float64 [A], 0 to 1. Directions across all axes are unchanged.
    """

    axes: NDArray[np.float64]
    gains: NDArray[np.float64]

    @classmethod
    def of(cls, embeddings: NDArray[np.float32], labels: NDArray[np.int64]) -> "Whitening":
        """Compute the whitening of the scatter of references about the means of their classes.

        A few references say little about a covariance of D dimensions. The covariance is therefore shrunk towards a
        multiple of the identity, depending on their number (Chen et al., "Shrinkage algorithms for MMSE covariance
        estimation", IEEE TSP 2010, equation 23). Without any scatter, nothing is changed.

        Args:
            embeddings: float32 [N, D].
            labels: their classes, int64 [N].
        """
        count, dim = embeddings.shape
        variances, axes = _principal(embeddings, labels) if count > dim else _principal_of_few(embeddings, labels)
        mean = variances.sum() / dim
        if mean < np.finfo(np.float32).eps ** 2:
            return cls.none(dim)
        alpha = (variances**2).sum() / dim**2
        shrinkage = min((alpha + mean**2) / ((count + 1) * (alpha - mean**2 / dim)), 1) if dim > 1 else 1
        floor = shrinkage * mean
        return cls(axes, np.sqrt(floor / ((1 - shrinkage) * variances + floor)))

    @classmethod
    def none(cls, dim: int) -> "Whitening":
        """Return the map that leaves vectors of this dimension unchanged."""
        return cls(np.empty((0, dim)), np.empty(0))

    def __call__(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Whiten ``vectors`` [Q, D] and scale them to unit length: float32 [Q, D]."""
        whitened = np.empty_like(vectors)
        for number, vector in enumerate(vectors):  # one by one: a matrix product would round by their number
            moved = self.matrix @ vector
            whitened[number] = moved / np.linalg.norm(moved)
        return whitened

    def dual(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Whiten ``vectors`` [Q, D], scale them to unit length, and whiten them once more: float32 [Q, D].

        Their product with a plain vector, divided by the length that :meth:`lengths` returns for the plain one, is the
        cosine of the two whitened vectors. References can thus be compared as they are, and no whitened copy of them is
        needed.
        """
        found = np.empty_like(vectors)
        for number, vector in enumerate(vectors):  # one by one, as above
            moved = self.matrix @ vector
            found[number] = self.matrix @ moved / np.linalg.norm(moved)
        return found

    def lengths(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the lengths of ``vectors`` [N, D] after whitening: float32 [N]."""
        found = np.empty(len(vectors), np.float32)
        for start in range(0, len(vectors), BLOCK):
            found[start : start + BLOCK] = np.linalg.norm(vectors[start : start + BLOCK] @ self.matrix, axis=1)
        return found

    @cached_property
    def matrix(self) -> NDArray[np.float64]:
        """Return the symmetric matrix by which vectors are multiplied, float64 [D, D]."""
        return np.eye(self.axes.shape[1]) + (self.axes.T * (self.gains - 1)) @ self.axes


def _principal_of_few(
    embeddings: NDArray[np.float32], labels: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the variances float64 [A] of ``embeddings`` [N, D] within their classes, and their axes float64 [A, D]."""
    scatter = embeddings.astype(np.float64)
    for label in np.unique(labels):
        scatter[labels == label] -= scatter[labels == label].mean(axis=0)
    _, lengths, axes = np.linalg.svd(scatter, full_matrices=False)
    return lengths**2 / len(scatter), axes


def _principal(
    embeddings: NDArray[np.float32], labels: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the same as :func:`_principal_of_few`, block by block, so that memory does not grow with the number of
    references."""
    dim = embeddings.shape[1]
    classes, numbers = np.unique(labels, return_inverse=True)
    sums, products = np.zeros((len(classes), dim)), np.zeros((dim, dim))
    for start in range(0, len(embeddings), BLOCK):
        block, of = embeddings[start : start + BLOCK].astype(np.float64), numbers[start : start + BLOCK]
        products += block.T @ block
        for number in np.unique(of):
            sums[number] += block[of == number].sum(axis=0)
    products -= (sums.T / np.bincount(numbers)) @ sums
    variances, axes = np.linalg.eigh(products / len(embeddings))
    return variances.clip(0), axes.T
