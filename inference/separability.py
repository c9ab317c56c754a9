# SPDX-License-Identifier: GPL-3.0-or-later
"""What the references tell about their classes before there is any photo."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from . import metrics, neighbours
from .database import ReferenceDatabase
from .errors import InputError

FOLDS = 24
"""Parts that the poses are left out in, at most: each needs a whitening of its own."""

TOO_CLOSE = 0.05
"""Share of two classes' references that may be nearer to the other class."""


@dataclass(frozen=True)
class Pair:
    """Two classes: ``margin``, the mean of how much nearer (in similarity) a reference is to its own class than
    to the other; ``nearer_to_other`` of their ``references`` are nearer to the other class."""

    first: str
    second: str
    margin: float
    nearer_to_other: int
    references: int

    @property
    def too_close(self) -> bool:
        """Whether photos of these classes are going to be confused."""
        return self.nearer_to_other > TOO_CLOSE * self.references


@dataclass(frozen=True)
class Separability:
    """Leave-one-pose-out k-NN on the references: its metrics, and all pairs of classes, the closest first."""

    metrics: metrics.Metrics
    pairs: tuple[Pair, ...]

    @property
    def warnings(self) -> list[str]:
        """A sentence with the next step for each pair that is too close."""
        return [
            f"{pair.first} and {pair.second} cannot be told apart reliably: {pair.nearer_to_other} of {pair.references} "
            "references are nearer to the other class. Move the camera closer, narrow the region of interest, or merge "
            "the classes."
            for pair in self.pairs
            if pair.too_close
        ]


def separability(database: ReferenceDatabase, k: int) -> Separability:
    """Classify each reference by those of all other poses, as a photo would be.

    Raises InputError where the references have one pose only.
    """
    groups, labels, count = database.pose_groups(), database.labels, len(database.classes)
    if not groups.any():
        raise InputError("All references have the same pose, so none can be left out. Render more images per class.")
    predicted = np.empty(len(labels), np.int64)
    nearest = np.full((len(labels), count), -1.0)
    for part in np.unique(groups % FOLDS):
        left_out = groups % FOLDS == part
        queries, rest = database.embeddings[left_out], database.take(np.flatnonzero(~left_out))
        similarities, _, voters = rest.nearest(queries, min(k, len(rest)))
        predicted[left_out] = neighbours.vote(voters, similarities, count)[0]
        all_similarities = rest.whitening.dual(queries) @ rest.embeddings.T / rest.lengths
        for label in np.unique(rest.labels):
            nearest[left_out, label] = all_similarities[:, rest.labels == label].max(axis=1)
    pairs = (_pair(database.classes, nearest, labels, first, second) for first, second in combinations(range(count), 2))
    return Separability(
        metrics.from_predictions(labels, predicted, database.classes),
        tuple(sorted(pairs, key=lambda pair: pair.margin)),
    )


def _pair(
    classes: tuple[str, ...], nearest: NDArray[np.float64], labels: NDArray[np.int64], first: int, second: int
) -> Pair:
    margins = np.concatenate(
        [
            nearest[labels == own, own] - nearest[labels == own, other]
            for own, other in ((first, second), (second, first))
        ]
    )
    return Pair(classes[first], classes[second], float(margins.mean()), int((margins < 0).sum()), len(margins))
