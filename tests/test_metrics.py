# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics against scikit-learn's."""

import warnings

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    f1_score,
    precision_recall_fscore_support,
)

from inference.metrics import from_confusion, from_predictions


@pytest.mark.parametrize("seed", range(200))
def test_agree_with_scikit_learn(seed: int) -> None:
    generator = np.random.default_rng(seed)
    classes, photos = int(generator.integers(1, 9)), int(generator.integers(1, 60))
    # Some classes never occur, some are never right.
    true = generator.integers(0, max(1, classes - int(generator.integers(0, 3))), photos)
    predicted = np.where(generator.random(photos) < generator.random(), true, generator.integers(0, classes, photos))
    names = tuple(f"class {number}" for number in range(classes))
    metrics = from_predictions(true, predicted, names)

    labels = list(range(classes))
    assert metrics.labels == names
    expected = precision_recall_fscore_support(true, predicted, labels=labels, zero_division=0)
    for ours, theirs in zip((metrics.precision, metrics.recall, metrics.f1, metrics.support), expected, strict=True):
        assert np.abs(ours - theirs).max() <= 1e-12
    assert abs(metrics.accuracy - accuracy_score(true, predicted)) <= 1e-12
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about labels that never occur
        assert (metrics.confusion == confusion_matrix(true, predicted, labels=labels)).all()
        assert abs(metrics.macro_f1 - f1_score(true, predicted, average="macro")) <= 1e-12


def test_large_counts_do_not_lose_digits() -> None:
    confusion = np.array([[10**9, 1], [3, 10**9 + 7]])
    metrics = from_confusion(confusion, ("a", "b"))
    assert metrics.precision[0] == 10**9 / (10**9 + 3)
    assert metrics.accuracy == (2 * 10**9 + 7) / (2 * 10**9 + 11)
