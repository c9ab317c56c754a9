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

from synthetic_similarity_search.inference.metrics import from_predictions, intervals


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
        assert (metrics.confusion[:, :-1] == confusion_matrix(true, predicted, labels=labels)).all()
        assert abs(metrics.macro_f1 - f1_score(true, predicted, average="macro")) <= 1e-12


def test_rejected_photos_lower_recall_alone() -> None:
    true, predicted = np.array([0, 0, 0, 1, 1]), np.array([0, 0, 2, 1, 2])
    metrics = from_predictions(true, predicted, ("a", "b"))
    assert metrics.confusion.tolist() == [[2, 0, 1], [0, 1, 1]]
    assert metrics.precision.tolist() == [1, 1] and metrics.recall.tolist() == [2 / 3, 1 / 2]
    assert abs(metrics.macro_f1 - f1_score(true, predicted, labels=[0, 1], average="macro")) <= 1e-12
    assert metrics.accuracy == 3 / 5


def test_intervals_agree_with_drawing_photos() -> None:
    """Against photos drawn one by one within their class and scored by scikit-learn."""
    generator = np.random.default_rng(0)
    true = np.repeat([0, 1, 2], (30, 12, 20))
    predicted = np.where(generator.random(len(true)) < 0.7, true, generator.integers(0, 3, len(true)))
    drawn = []
    for _ in range(400):
        photos = np.concatenate(
            [generator.choice(np.flatnonzero(true == label), (true == label).sum()) for label in range(3)]
        )
        precision, recall, f1, _ = precision_recall_fscore_support(
            true[photos], predicted[photos], labels=[0, 1, 2], zero_division=0
        )
        drawn.append([*precision, *recall, *f1, f1.mean(), (true[photos] == predicted[photos]).mean()])
    ours = intervals(from_predictions(true, predicted, ("a", "b", "c")).confusion)
    low_high = np.concatenate([ours.precision, ours.recall, ours.f1, ours.macro_f1[None], ours.accuracy[None]])
    assert np.abs(low_high - np.percentile(drawn, (2.5, 97.5), axis=0).T).max() < 0.06


def test_intervals_of_classes_without_photos() -> None:
    ours = intervals(from_predictions(np.array([0, 0]), np.array([0, 0]), ("a", "b")).confusion)
    assert ours.macro_f1.tolist() == [1, 1] and ours.f1.tolist() == [[1, 1], [0, 0]]
