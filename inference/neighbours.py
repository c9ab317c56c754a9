# SPDX-License-Identifier: GPL-3.0-or-later
"""k nearest neighbours by cosine similarity, and their majority vote."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

FEW = 256
"""Number of references up to which sorting all of them is faster than a search."""

PRODUCTS = 2**24
"""Largest number of products of queries and references in memory at once: 64 MB."""

ROWS = 4096
"""Number of references that are compared exactly in one step."""


def search(
    queries: NDArray[np.float32], references: NDArray[np.float32], lengths: NDArray[np.float32], k: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Find the references that are most similar to each query.

    Vectors consist of P parts of equal size. The similarity is the sum, over the parts, of the product of query and
    reference, divided by the length of the reference's part: see :class:`.whitening.Whitening`.

    Args:
        queries: float32 [Q, D], with parts of at most unit length.
        references: float32 [N, D], with parts of at most unit length.
        lengths: lengths of the references' parts, float32 [N, P].
        k: number of references to find, from 1 to N.

    Returns:
        Similarities float32 [Q, k] and row numbers of the references int64 [Q, k], the most similar first. References
        of equal similarity are in the order of their rows.
    """
    if len(references) <= FEW:
        if len(queries) == 1:  # the usual case at a station: the same result, without the cost of a second axis
            row = similarities_to(queries[0], references, lengths)
            best = (-row).argsort(kind="stable")[None, :k]
            return row[best], best
        # In effect one by one, because rounding in a matrix product depends on the size of the matrices.
        rows = np.empty((len(queries), len(references)), np.float32)
        for number, query in enumerate(queries):
            rows[number] = similarities_to(query, references, lengths)
        indices = (-rows).argsort(axis=1, kind="stable")[:, :k]
        return np.take_along_axis(rows, indices, axis=1), indices
    similarities = np.empty((len(queries), k), np.float32)
    indices = np.empty((len(queries), k), np.int64)
    # A product of matrices is fast. Its rounding differs from that of the exact comparison by no more than this:
    slack = 2 * references.shape[1] * float(np.finfo(np.float32).eps / np.min(lengths))
    together = max(PRODUCTS // len(references), 1)
    for start in range(0, len(queries), together):
        products = np.zeros((len(queries[start : start + together]), len(references)), np.float32)
        for part, columns in _parts(references, lengths):
            products += queries[start : start + together, columns] @ references[:, columns].T / lengths[:, part]
        for number, row in enumerate(products, start):
            candidates = np.flatnonzero(row >= _reached_by(row, k) - slack)
            exact = _compared(queries[number], references, lengths, candidates)
            best = (-exact).argsort(kind="stable")[:k]
            indices[number], similarities[number] = candidates[best], exact[best]
    return similarities, indices


def similarities_to(
    query: NDArray[np.float32], references: NDArray[np.float32], lengths: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the similarities float32 [N] of one ``query`` [D] to all references; see :func:`search`."""
    found = np.zeros(len(references), np.float32)
    for part, columns in _parts(references, lengths):
        found += references[:, columns] @ query[columns] / lengths[:, part]
    return found


def _parts(references: NDArray[np.float32], lengths: NDArray[np.float32]) -> Iterator[tuple[int, slice]]:
    """Yield the number and the columns of each part."""
    size = references.shape[1] // lengths.shape[1]
    for part in range(lengths.shape[1]):
        yield part, slice(part * size, (part + 1) * size)


def _reached_by(row: NDArray[np.float32], k: int) -> np.float32:
    """Return a similarity that at least ``k`` values of ``row`` [N], N ≥ k, reach, but few more than k.

    It is the k-th highest maximum of about √N groups. Finding that takes one pass; finding the k-th highest value
    itself takes several.
    """
    groups = int(len(row) ** 0.5)
    if groups >= 2 * k:
        row = row[: len(row) // groups * groups].reshape(groups, -1).max(axis=1)
    reached: np.float32 = np.partition(row, -k)[-k]
    return reached


def _compared(
    query: NDArray[np.float32],
    references: NDArray[np.float32],
    lengths: NDArray[np.float32],
    rows: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Return the similarities float32 [M] of ``query`` to ``rows`` [M]. How each is rounded does not depend on the other
    rows."""
    blocks = (rows[start : start + ROWS] for start in range(0, len(rows), ROWS))
    parts = lengths.shape[1]
    products = [(references[block] * query).reshape(len(block), parts, -1).sum(axis=2) for block in blocks]
    found: NDArray[np.float32] = (np.concatenate(products) / lengths[rows]).sum(axis=1, dtype=np.float32)
    return found


def vote(
    labels: NDArray[np.int64], similarities: NDArray[np.float32], class_count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Let neighbours vote by majority.

    A tie goes to the class whose voting neighbours have the higher sum of similarities. If that is equal too, it goes
    to the class of the nearer neighbour.

    Args:
        labels: classes of the neighbours, the most similar first, int64 [Q, k].
        similarities: their similarities, float32 [Q, k].
        class_count: number of classes C.

    Returns:
        The predicted classes int64 [Q], and the votes int64 [Q, C].
    """
    voted = labels[:, :, None] == np.arange(class_count)  # [Q, k, C]
    votes = voted.sum(axis=1, dtype=np.int64)
    sums = np.where(voted, similarities[:, :, None].astype(np.float64), 0).sum(axis=1)
    nearest = voted.argmax(axis=1)
    most = votes == votes.max(axis=1, keepdims=True)
    sums = np.where(most, sums, -np.inf)
    best = sums == sums.max(axis=1, keepdims=True)
    return np.where(best, nearest, labels.shape[1]).argmin(axis=1), votes
