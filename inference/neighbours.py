# SPDX-License-Identifier: GPL-3.0-or-later
"""k nearest neighbours by cosine similarity, and their majority vote."""

import numpy as np
from numpy.typing import NDArray


def search(
    queries: NDArray[np.float32], references: NDArray[np.float32], k: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The ``k`` references most similar to each query, best first; equal ones in the order of the references.

    ``queries`` [Q, D] and ``references`` [N, D] are of unit length, 1 ≤ k ≤ N. Returns cosine similarities float32
    [Q, k] and row numbers of ``references`` int64 [Q, k].
    """
    similarities = np.empty((len(queries), k), np.float32)
    indices = np.empty((len(queries), k), np.int64)
    for number, query in enumerate(queries):  # one by one: a product of matrices rounds by how many there are
        row = references @ query
        # Every reference as similar as the k-th best is a candidate, so that ties do not depend on the partition.
        candidates = np.flatnonzero(row >= np.partition(row, -k)[-k])
        indices[number] = candidates[np.argsort(-row[candidates], kind="stable")[:k]]
        similarities[number] = row[indices[number]]
    return similarities, indices


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
