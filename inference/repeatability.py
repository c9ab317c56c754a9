# SPDX-License-Identifier: GPL-3.0-or-later
"""How much F1 depends on the random poses."""

import numpy as np
from numpy.typing import NDArray

from . import metrics
from .database import ReferenceDatabase


def resampled_f1(
    database: ReferenceDatabase, embeddings: NDArray[np.float32], true: NDArray[np.int64], k: int, seeds: int
) -> NDArray[np.float64]:
    """Compute macro F1 with other random sets of references.

    Each set has as many poses as the database, drawn from its poses with replacement (Efron and Tibshirani, An
    Introduction to the Bootstrap, 1993, section 6.2). A pose contributes the references of all classes.

    Args:
        database: the references.
        embeddings: vectors of the photos, float32 [Q, D].
        true: their classes, int64 [Q].
        k: number of neighbours that vote.
        seeds: number of sets.

    Returns:
        Macro F1 for each set, float64 [seeds].
    """
    groups = database.pose_groups()
    rows = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    found = np.empty(seeds)
    for seed in range(seeds):
        drawn = np.random.default_rng(seed).integers(0, len(rows), len(rows))
        sample = np.concatenate([rows[number] for number in drawn])
        predicted = database.take(sample).predict(embeddings, k)
        found[seed] = metrics.from_predictions(true, predicted, database.classes).macro_f1
    return found
