# SPDX-License-Identifier: GPL-3.0-or-later
"""Precision, recall and F1 from a confusion matrix, as scikit-learn defines them with ``zero_division=0``."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Metrics:
    """Scores of C classes, in the order of ``labels``.

    Attributes:
        labels: names of the classes.
        confusion: counts int64 [C, C + 1], true classes in rows, predicted ones in columns. The last column counts
            photos that were rejected as unknown. They lower the recall of their class, and no other class's precision.
        precision: float64 [C], 0 where undefined.
        recall: float64 [C], 0 where undefined.
        f1: float64 [C], 0 where undefined.
        support: number of photos of each class, int64 [C].
        macro_f1: mean F1 of the classes that occur as true or as predicted label.
        accuracy: share of the photos that are classified correctly.
    """

    labels: tuple[str, ...]
    confusion: NDArray[np.int64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f1: NDArray[np.float64]
    support: NDArray[np.int64]
    macro_f1: float
    accuracy: float


@dataclass(frozen=True)
class Intervals:
    """Lower and upper limits of the 95 % intervals of the figures in :class:`Metrics`: float64 [2], or [C, 2] for one
    per class."""

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f1: NDArray[np.float64]
    macro_f1: NDArray[np.float64]
    accuracy: NDArray[np.float64]


def from_predictions(true: NDArray[np.int64], predicted: NDArray[np.int64], labels: tuple[str, ...]) -> Metrics:
    """Compute metrics from predictions.

    Args:
        true: classes of the Q photos as indices into ``labels``, int64 [Q], Q ≥ 1.
        predicted: predicted classes, int64 [Q]; the index C means "unknown".
        labels: names of the C classes.
    """
    confusion = np.zeros((len(labels), len(labels) + 1), np.int64)
    np.add.at(confusion, (true, predicted), 1)
    right, support, taken = confusion.diagonal(), confusion.sum(axis=1), confusion[:, :-1].sum(axis=0)
    precision, recall, f1, macro_f1, accuracy = _figures(right, support, taken)
    return Metrics(labels, confusion, precision, recall, f1, support, float(macro_f1), float(accuracy))


def intervals(confusion: NDArray[np.int64], resamples: int = 2000, seed: int = 0) -> Intervals:
    """Compute 95 % intervals by the percentile bootstrap (Efron and Tibshirani, An Introduction to the Bootstrap, 1993,
    section 13.3).

    Photos are drawn with replacement within their true class, because the number of photos of a class was chosen and is
    not an observation. A row of the confusion matrix is then a multinomial sample, so photos need not be drawn one by
    one.

    Args:
        confusion: counts as in :class:`Metrics`, int64 [C, C + 1].
        resamples: number of bootstrap samples.
        seed: seed of the random numbers.
    """
    generator = np.random.default_rng(seed)
    classes, support = len(confusion), confusion.sum(axis=1)
    right, taken = np.zeros((resamples, classes), np.int64), np.zeros((resamples, classes), np.int64)
    for number in np.flatnonzero(support):
        drawn = generator.multinomial(support[number], confusion[number] / support[number], resamples)
        right[:, number] = drawn[:, number]
        taken += drawn[:, :-1]
    figures = _figures(right, np.broadcast_to(support, right.shape), taken)
    return Intervals(*(np.percentile(figure, (2.5, 97.5), axis=0).T for figure in figures))


def _figures(
    right: NDArray[np.int64], support: NDArray[np.int64], taken: NDArray[np.int64]
) -> tuple[NDArray[np.float64], ...]:
    """Compute figures from counts [..., C].

    Args:
        right: photos of a class that were classified correctly.
        support: photos of a class.
        taken: photos that were classified as a class.

    Returns:
        Precision, recall and F1 [..., C], macro F1 and accuracy [...].
    """
    f1, occurs = _ratio(2 * right, support + taken), support + taken > 0
    return (
        _ratio(right, taken),
        _ratio(right, support),
        f1,
        f1.sum(axis=-1) / occurs.sum(axis=-1).clip(1),
        right.sum(axis=-1) / support.sum(axis=-1),
    )


def _ratio(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.zeros(part.shape), where=whole > 0)
