# SPDX-License-Identifier: GPL-3.0-or-later
"""A measure of similarity that gives less weight to what varies within the classes.

Vectors differ mostly because of the position of the part in the picture and the light. References of one class differ
only in these respects, so their scatter shows which directions deserve less weight: within-class covariance
normalisation (Hatch et al., "Within-class covariance normalization for SVM-based speaker recognition", Interspeech
2006), with cosine similarity as in Dehak et al., "Front-end factor analysis for speaker verification", IEEE TASLP 2011,
section III.C. Photos are not used for it. benchmarks/ACCURACY.md states the gain.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLOCK = 16384
"""Number of vectors that are processed in float64 at a time."""


@dataclass(frozen=True)
class Whitening:
    """Linear maps that reduce the directions along which classes scatter, one for each part of a vector.

    The parts are of equal size: the class token, and the foreground token if there is one. Each has its own scatter and
    its own weight, and the similarity is the weighted mean of the cosines of the parts.

    Attributes:
        matrices: symmetric matrices, float64 [P, D / P, D / P].
        weights: P weights, which add up to 1.
    """

    matrices: NDArray[np.float64]
    weights: tuple[float, ...] = (1.0,)

    @classmethod
    def of(
        cls, embeddings: NDArray[np.float32], labels: NDArray[np.int64], weights: tuple[float, ...] = (1.0,)
    ) -> "Whitening":
        """Compute the whitening of the scatter of references about the means of their classes.

        Args:
            embeddings: float32 [N, D].
            labels: their classes, int64 [N].
            weights: the weights of the parts.
        """
        parts = np.split(embeddings, len(weights), axis=1)
        return cls(np.stack([_whitening(part, labels) for part in parts]), weights)

    @classmethod
    def none(cls, dim: int) -> "Whitening":
        """Return the map that leaves vectors of this dimension unchanged."""
        return cls(np.eye(dim)[None])

    def __call__(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Whiten ``vectors`` [Q, D]: float32 [Q, D] of unit length, whose products are similarities."""
        return self._mapped(vectors, lambda _, whitened, weight: whitened * weight**0.5)

    def similarities(
        self, queries: NDArray[np.float32], references: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Compare each query [Q, D] with each reference [N, D], or with each query: float32 [Q, N]."""
        whitened = self(queries)
        return whitened @ (whitened if references is None else self(references)).T

    def dual(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Whiten ``vectors`` [Q, D], scale their parts to unit length and weight, and whiten them once more: float32 [Q, D].

        The product of each part with that of a plain vector, divided by the length that :meth:`lengths` returns for the
        latter, adds up to the similarity of the two. References can thus be compared as they are, and no whitened copy
        of them is needed.
        """
        return self._mapped(vectors, lambda matrix, whitened, weight: matrix @ whitened * weight)

    def lengths(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the lengths of the parts of ``vectors`` [N, D] after whitening: float32 [N, P]."""
        found = np.empty((len(vectors), len(self.weights)), np.float32)
        for start in range(0, len(vectors), BLOCK):
            parts = np.split(vectors[start : start + BLOCK], len(self.weights), axis=1)
            for number, (matrix, part) in enumerate(zip(self.matrices, parts, strict=True)):
                found[start : start + BLOCK, number] = np.linalg.norm(part @ matrix, axis=1)
        return found

    def _mapped(
        self,
        vectors: NDArray[np.float32],
        change: Callable[[NDArray[np.float64], NDArray[np.float64], float], NDArray[np.float64]],
    ) -> NDArray[np.float32]:
        """Replace each part of ``vectors`` by what ``change`` makes of its matrix, the whitened part and its weight."""
        found = np.empty_like(vectors)
        size = vectors.shape[1] // len(self.weights)
        for number, vector in enumerate(vectors):  # one by one: a matrix product would round by their number
            for part, (matrix, weight) in enumerate(zip(self.matrices, self.weights, strict=True)):
                columns = slice(part * size, (part + 1) * size)
                moved = matrix @ vector[columns]
                found[number, columns] = change(matrix, moved / np.linalg.norm(moved), weight)
        return found


def _whitening(embeddings: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the matrix, float64 [D, D], that whitens the scatter of one part of references.

    A few references say little about a covariance of D dimensions. The covariance is therefore shrunk towards a multiple of
    the identity, depending on their number (Chen et al., "Shrinkage algorithms for MMSE covariance estimation", IEEE TSP
    2010, equation 23). Without any scatter, nothing is changed.

    Args:
        embeddings: float32 [N, D].
        labels: their classes, int64 [N].
    """
    count, dim = embeddings.shape
    variances, axes = _principal(embeddings, labels) if count > dim else _principal_of_few(embeddings, labels)
    mean = variances.sum() / dim
    if mean < np.finfo(np.float32).eps ** 2:
        return np.eye(dim)
    alpha = (variances**2).sum() / dim**2
    shrinkage = min((alpha + mean**2) / ((count + 1) * (alpha - mean**2 / dim)), 1) if dim > 1 else 1
    floor = shrinkage * mean
    gains = np.sqrt(floor / ((1 - shrinkage) * variances + floor))  # 0 to 1; 1 across all axes
    found: NDArray[np.float64] = np.eye(dim) + (axes.T * (gains - 1)) @ axes
    return found


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
