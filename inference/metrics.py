# SPDX-License-Identifier: GPL-3.0-or-later
"""Precision, recall and F1 from a confusion matrix, as scikit-learn defines them with ``zero_division=0``."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Metrics:
    """Scores of C classes, in the order of ``labels``.

    ``confusion`` int64 [C, C], rows true, columns predicted; ``precision``, ``recall``, ``f1`` float64 [C], 0 where
    undefined; ``support`` int64 [C], photos of the class. ``macro_f1`` is the mean F1 of the classes that occur as
    true or as predicted label.
    """

    labels: tuple[str, ...]
    confusion: NDArray[np.int64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f1: NDArray[np.float64]
    support: NDArray[np.int64]
    macro_f1: float
    accuracy: float


def from_predictions(true: NDArray[np.int64], predicted: NDArray[np.int64], labels: tuple[str, ...]) -> Metrics:
    """Metrics of predictions: ``true`` and ``predicted`` [Q], Q ≥ 1, index ``labels``."""
    confusion = np.zeros((len(labels), len(labels)), np.int64)
    np.add.at(confusion, (true, predicted), 1)
    return from_confusion(confusion, labels)


def from_confusion(confusion: NDArray[np.int64], labels: tuple[str, ...]) -> Metrics:
    """Metrics of a confusion matrix [C, C] that counts at least one photo."""
    right, true, predicted = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    f1 = _ratio(2 * right, true + predicted)
    return Metrics(
        labels=labels,
        confusion=confusion,
        precision=_ratio(right, predicted),
        recall=_ratio(right, true),
        f1=f1,
        support=true,
        macro_f1=float(f1[true + predicted > 0].mean()),
        accuracy=int(right.sum()) / int(confusion.sum()),
    )


def _ratio(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)
