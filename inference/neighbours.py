# SPDX-License-Identifier: GPL-3.0-or-later
"""k nearest neighbours by cosine similarity, and their majority vote."""

import numpy as np
from numpy.typing import NDArray

FEW = 256
"""Up to this many references, sorting them all is faster than searching."""

PRODUCTS = 2**24
"""Products of queries and references that are held in memory at once: 64 MB."""

ROWS = 4096
"""References that are compared exactly in one step."""


def search(
    queries: NDArray[np.float32], references: NDArray[np.float32], lengths: NDArray[np.float32], k: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The ``k`` references most similar to each query, best first; equal ones in the order of the references.

    The similarity is the product of ``queries`` [Q, D] and ``references`` [N, D], both at most of unit length, over the
    ``lengths`` [N] of the references: their cosine, where all are as :class:`.whitening.Whitening` gives them, or plain
    unit vectors and ones. 1 ≤ k ≤ N. Returns similarities float32 [Q, k] and row numbers of ``references`` int64 [Q, k].
    """
    if len(references) <= FEW:
        if len(queries) == 1:  # what a station asks; the same result without the cost of a second axis
            row = references @ queries[0] / lengths
            best = (-row).argsort(kind="stable")[None, :k]
            return row[best], best
        # In effect one by one: how a product of two matrices is rounded depends on their size.
        rows = np.matmul(references, queries[:, :, None])[:, :, 0] / lengths
        indices = (-rows).argsort(axis=1, kind="stable")[:, :k]
        return np.take_along_axis(rows, indices, axis=1), indices
    similarities = np.empty((len(queries), k), np.float32)
    indices = np.empty((len(queries), k), np.int64)
    # A product of matrices is fast. Its rounding differs from that of the exact comparison by no more than this:
    slack = 2 * references.shape[1] * float(np.finfo(np.float32).eps / np.min(lengths))
    together = max(PRODUCTS // len(references), 1)
    for start in range(0, len(queries), together):
        products = queries[start : start + together] @ references.T
        products /= lengths
        for number, row in enumerate(products, start):
            candidates = np.flatnonzero(row >= _reached_by(row, k) - slack)
            exact = _compared(queries[number], references, candidates) / lengths[candidates]
            best = (-exact).argsort(kind="stable")[:k]
            indices[number], similarities[number] = candidates[best], exact[best]
    return similarities, indices


def _reached_by(row: NDArray[np.float32], k: int) -> np.float32:
    """A similarity that at least ``k`` of ``row`` [N], N ≥ k, reach, and few more: the k-th highest of the maxima of
    about the root of N groups, which costs one pass where finding the k-th highest itself costs several."""
    groups = int(len(row) ** 0.5)
    if groups >= 2 * k:
        row = row[: len(row) // groups * groups].reshape(groups, -1).max(axis=1)
    reached: np.float32 = np.partition(row, -k)[-k]
    return reached


def _compared(
    query: NDArray[np.float32], references: NDArray[np.float32], rows: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Products float32 [M] of ``query`` and these ``rows`` [M], each rounded the same whatever the others are."""
    blocks = (references[rows[start : start + ROWS]] for start in range(0, len(rows), ROWS))
    return np.concatenate([(block * query).sum(axis=1) for block in blocks])


def vote(
    labels: NDArray[np.int64], similarities: NDArray[np.float32], class_count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Majority vote of neighbours given best first: ``labels`` and ``similarities`` [Q, k].

    A tie goes to the class whose voting neighbours have the higher summed similarity, and if that is equal too, to
    the class of the nearer neighbour. Returns the predicted class int64 [Q] and the votes int64 [Q, class_count].
    """
    voted = labels[:, :, None] == np.arange(class_count)  # [Q, k, C]
    votes = voted.sum(axis=1, dtype=np.int64)
    sums = np.where(voted, similarities[:, :, None].astype(np.float64), 0).sum(axis=1)
    nearest = voted.argmax(axis=1)
    most = votes == votes.max(axis=1, keepdims=True)
    sums = np.where(most, sums, -np.inf)
    best = sums == sums.max(axis=1, keepdims=True)
    return np.where(best, nearest, labels.shape[1]).argmin(axis=1), votes
