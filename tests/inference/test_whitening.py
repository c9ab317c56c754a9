# SPDX-License-Identifier: GPL-3.0-or-later
"""The measure of similarity against scikit-learn's covariance, and what it is for."""

import numpy as np
import pytest
from numpy.typing import NDArray

from synthetic_similarity_search.inference.neighbours import similarities_to
from synthetic_similarity_search.inference.whitening import Whitening

sklearn_covariance = pytest.importorskip("sklearn.covariance", reason="scikit-learn is not installed")


def unit(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize(("count", "dim"), [(12, 40), (90, 40), (600, 8), (2, 5)])
def test_similarity_is_the_cosine_after_whitening_the_shrunk_covariance(count: int, dim: int) -> None:
    generator = np.random.default_rng(count)
    labels = np.arange(count) % 3
    spread = np.geomspace(1, 0.05, dim)
    vectors = unit(generator.normal(size=(3, dim))[labels] + generator.normal(size=(count, dim)) * spread)
    measure = Whitening.of(vectors, labels)
    whitened = measure(vectors)

    scatter = vectors.astype(np.float64)
    for label in np.unique(labels):
        scatter[labels == label] -= scatter[labels == label].mean(axis=0)
    covariance = np.eye(dim)
    if scatter.any():
        covariance = sklearn_covariance.OAS(assume_centered=True).fit(scatter).covariance_
    products = vectors @ np.linalg.inv(covariance) @ vectors.T
    lengths = np.sqrt(np.diag(products))
    assert whitened @ whitened.T == pytest.approx(products / lengths[:, None] / lengths, abs=2e-5)
    assert np.linalg.norm(whitened, axis=1) == pytest.approx(1, abs=1e-6)
    cosines = measure.dual(vectors) @ vectors.T / measure.lengths(vectors)[:, 0]
    assert cosines == pytest.approx(whitened @ whitened.T, abs=2e-6)


def test_what_varies_in_every_class_no_longer_decides() -> None:
    """Two classes differ a little along one axis; each varies a lot along another, where a query lies like the other."""
    generator = np.random.default_rng(0)
    place = generator.uniform(-1, 1, 20)
    rows = [np.stack([np.full(20, 3.0), place, np.full(20, kind)], axis=1) for kind in (-0.2, 0.2)]
    vectors, labels = unit(np.concatenate(rows)), np.repeat([0, 1], 20)
    query = unit(np.array([[3.0, 4.0, 0.2]]))  # of the second class, further out than any reference
    measure = Whitening.of(vectors, labels)
    similarities = (measure(vectors) @ measure(query).T)[:, 0]
    assert set(labels[np.argsort(-similarities)[:10]]) == {1}


def test_a_vector_does_not_depend_on_its_neighbours_in_the_batch() -> None:
    vectors = unit(np.random.default_rng(0).normal(size=(33, 384)))
    measure = Whitening.of(vectors, np.arange(33) % 2)
    for moved in (measure, measure.dual):
        assert np.array_equal(moved(vectors)[[7]], moved(vectors[[7]]))


def test_without_scatter_the_cosine_is_plain() -> None:
    vectors = unit(np.random.default_rng(0).normal(size=(4, 16)))
    for measure in (Whitening.none(16), Whitening.of(vectors, np.arange(4))):
        assert measure(vectors) == pytest.approx(vectors, abs=1e-7)


def test_parts_are_whitened_apart_and_their_cosines_are_weighted() -> None:
    generator = np.random.default_rng(0)
    first, second = (unit(generator.normal(size=(30, dim))) for dim in (12, 12))
    vectors, labels = np.concatenate([first, second], axis=1) * np.float32(0.5**0.5), np.arange(30) % 3
    measure = Whitening.of(vectors, labels, (0.75, 0.25))
    apart = [Whitening.of(part, labels)(part) for part in (first, second)]
    expected = 0.75 * apart[0] @ apart[0].T + 0.25 * apart[1] @ apart[1].T
    assert measure(vectors) @ measure(vectors).T == pytest.approx(expected, abs=1e-5)
    found = [similarities_to(query, vectors, measure.lengths(vectors)) for query in measure.dual(vectors)]
    assert np.stack(found) == pytest.approx(expected, abs=1e-5)
