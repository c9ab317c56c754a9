# SPDX-License-Identifier: GPL-3.0-or-later
"""How well the classes can be distinguished, judged from the references before there are photos."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from . import metrics, neighbours
from .database import ReferenceDatabase
from .errors import InputError

FOLDS = 24
"""Largest number of parts in which poses are left out. Each part needs a whitening."""

TOO_CLOSE = 0.05
"""Share of the references of two classes, beyond which references nearer to the other class are reported."""


@dataclass(frozen=True)
class Pair:
    """Two classes.

    Attributes:
        first: a class.
        second: the other class.
        margin: mean difference between a reference's similarity to its own class and to the other class.
        nearer_to_other: number of their references that are nearer to the other class.
        references: number of their references.
    """

    first: str
    second: str
    margin: float
    nearer_to_other: int
    references: int

    @property
    def too_close(self) -> bool:
        """Whether photos of these classes will be confused."""
        return self.nearer_to_other > TOO_CLOSE * self.references


@dataclass(frozen=True)
class Separability:
    """The result of leave-one-pose-out k-NN on the references: metrics, and all pairs of classes, the closest first."""

    metrics: metrics.Metrics
    pairs: tuple[Pair, ...]

    @property
    def warnings(self) -> list[str]:
        """Return a sentence with the next step for each pair that is too close."""
        return [
            f"{pair.first} and {pair.second} cannot be told apart reliably: {pair.nearer_to_other} of {pair.references} "
            "references are nearer to the other class. Move the camera closer, narrow the region of interest, or merge "
            "the classes."
            for pair in self.pairs
            if pair.too_close
        ]


def separability(database: ReferenceDatabase, k: int) -> Separability:
    """Classify each reference by the references of all other poses, as if it were a photo.

    Args:
        database: the references.
        k: number of neighbours that vote.

    Raises:
        InputError: the references have only one pose.
    """
    groups, labels, count = database.pose_groups(), database.labels, len(database.classes)
    if not groups.any():
        raise InputError("All references have the same pose, so none can be left out. Render more images per class.")
    predicted = np.empty(len(labels), np.int64)
    nearest = np.full((len(labels), count), -1.0)
    for part in np.unique(groups % FOLDS):
        left_out = groups % FOLDS == part
        queries, rest = database.compared[left_out], database.take(np.flatnonzero(~left_out))
        similarities, _, voters = rest.nearest(queries, min(k, len(rest)))
        predicted[left_out] = neighbours.vote(voters, similarities, count)[0]
        all_similarities = rest.whitening.similarities(queries, rest.compared)
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
