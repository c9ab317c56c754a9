# SPDX-License-Identifier: GPL-3.0-or-later
"""Precision, recall and F1 from a confusion matrix, as scikit-learn defines them with ``zero_division=0``."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Metrics:
    """Scores of C classes, in the order of ``labels``.

    ``confusion`` int64 [C, C + 1], rows true, columns predicted; the last column counts photos that were rejected as
    unknown, which are missing in their class's recall and harm no other class's precision. ``precision``, ``recall``,
    ``f1`` float64 [C], 0 where undefined; ``support`` int64 [C], photos of the class. ``macro_f1`` is the mean F1 of
    the classes that occur as true or as predicted label.
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
    """95 % intervals, low and high, of each figure in :class:`Metrics`: float64 [2], or [C, 2] for one per class."""

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f1: NDArray[np.float64]
    macro_f1: NDArray[np.float64]
    accuracy: NDArray[np.float64]


def from_predictions(true: NDArray[np.int64], predicted: NDArray[np.int64], labels: tuple[str, ...]) -> Metrics:
    """Metrics of predictions: ``true`` and ``predicted`` [Q], Q ≥ 1, index ``labels``; predicted C is "unknown"."""
    confusion = np.zeros((len(labels), len(labels) + 1), np.int64)
    np.add.at(confusion, (true, predicted), 1)
    right, support, taken = confusion.diagonal(), confusion.sum(axis=1), confusion[:, :-1].sum(axis=0)
    precision, recall, f1, macro_f1, accuracy = _figures(right, support, taken)
    return Metrics(labels, confusion, precision, recall, f1, support, float(macro_f1), float(accuracy))


def intervals(confusion: NDArray[np.int64], resamples: int = 2000, seed: int = 0) -> Intervals:
    """Percentile bootstrap (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section 13.3) of the photos.

    Photos are drawn with replacement within their true class, as their number was chosen and not found: a row of the
    confusion matrix is then a multinomial sample, so that no photo has to be drawn by itself.
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
    """Precision, recall, F1 [..., C], macro F1 and accuracy [...] from counts [..., C]: photos of a class that were
    classified correctly, photos of the class, photos classified as the class."""
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
