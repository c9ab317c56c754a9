# SPDX-License-Identifier: GPL-3.0-or-later
"""A measure of similarity that makes little of what varies within the classes anyway.

Most of what tells two vectors apart is where the part lies in the picture, and how it is lit. References of one class
differ in just that, so their scatter says which directions to weigh down: within-class covariance normalisation (Hatch
et al., "Within-class covariance normalization for SVM-based speaker recognition", Interspeech 2006), with cosine
similarity as in Dehak et al., "Front-end factor analysis for speaker verification", IEEE TASLP 2011, section III.C.
No photo has part in it. benchmarks/ACCURACY.md says what it gains.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

BLOCK = 16384
"""Vectors that are worked on at a time in float64."""


@dataclass(frozen=True)
class Whitening:
    """Orthonormal ``axes`` float64 [A, D] along which classes scatter, and what part ``gains`` float64 [A], 0 to 1, of
    a vector is kept along each; what is across them is kept whole."""

    axes: NDArray[np.float64]
    gains: NDArray[np.float64]

    @classmethod
    def of(cls, embeddings: NDArray[np.float32], labels: NDArray[np.int64]) -> "Whitening":
        """Whiten the scatter of ``embeddings`` [N, D] about the means of their classes ``labels`` [N].

        Few references tell little about a covariance of D dimensions: it is shrunk towards a multiple of the
        identity, by as much as their number asks for (Chen et al., "Shrinkage algorithms for MMSE covariance
        estimation", IEEE TSP 2010, equation 23). Without any scatter nothing is changed.
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
        """Leave vectors of this dimension as they are."""
        return cls(np.empty((0, dim)), np.empty(0))

    def __call__(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """``vectors`` [Q, D] whitened, of unit length: float32 [Q, D]."""
        whitened = np.empty_like(vectors)
        for number, vector in enumerate(vectors):  # one by one: a product of matrices rounds by how many there are
            moved = self.matrix @ vector
            whitened[number] = moved / np.linalg.norm(moved)
        return whitened

    def dual(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """``vectors`` [Q, D] whitened, of unit length, and whitened once more: float32 [Q, D]. Their product with a plain
        vector is the cosine of both whitened, times the length that :meth:`lengths` gives for the plain one; so
        references are compared as they are, and no second copy of them need be kept."""
        found = np.empty_like(vectors)
        for number, vector in enumerate(vectors):  # one by one, as above
            moved = self.matrix @ vector
            found[number] = self.matrix @ moved / np.linalg.norm(moved)
        return found

    def lengths(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """What whitening leaves of the length of ``vectors`` [N, D]: float32 [N]."""
        found = np.empty(len(vectors), np.float32)
        for start in range(0, len(vectors), BLOCK):
            found[start : start + BLOCK] = np.linalg.norm(vectors[start : start + BLOCK] @ self.matrix, axis=1)
        return found

    @cached_property
    def matrix(self) -> NDArray[np.float64]:
        """What vectors are multiplied by, symmetric, float64 [D, D]."""
        return np.eye(self.axes.shape[1]) + (self.axes.T * (self.gains - 1)) @ self.axes


def _principal_of_few(
    embeddings: NDArray[np.float32], labels: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Variances float64 [A] of ``embeddings`` [N, D] within their classes, and their axes float64 [A, D]."""
    scatter = embeddings.astype(np.float64)
    for label in np.unique(labels):
        scatter[labels == label] -= scatter[labels == label].mean(axis=0)
    _, lengths, axes = np.linalg.svd(scatter, full_matrices=False)
    return lengths**2 / len(scatter), axes


def _principal(
    embeddings: NDArray[np.float32], labels: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The same, block by block, so that a million references need no more memory than a thousand."""
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
