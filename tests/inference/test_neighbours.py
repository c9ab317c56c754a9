# SPDX-License-Identifier: GPL-3.0-or-later
"""k nearest neighbours against brute force in float64, and the vote against its definition."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from synthetic_similarity_search.inference import neighbours


def unit(generator: np.random.Generator, count: int, dim: int) -> NDArray[np.float32]:
    vectors = generator.normal(size=(count, dim))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("references, dim, k", [(48, 384, 5), (1, 8, 1), (7, 16, 7), (5000, 64, 20)])
@pytest.mark.parametrize("parts", [1, 2])
def test_search_agrees_with_brute_force(references: int, dim: int, k: int, parts: int) -> None:
    generator = np.random.default_rng(references)
    queries, database = unit(generator, 30, dim), unit(generator, references, dim)
    lengths = generator.uniform(0.5, 1, (references, parts)).astype(np.float32)
    similarities, indices = neighbours.search(queries, database, lengths, k)
    assert similarities.shape == indices.shape == (30, k)
    assert similarities.dtype == np.float32 and indices.dtype == np.int64
    columns = [slice(part * dim // parts, (part + 1) * dim // parts) for part in range(parts)]
    products = [queries[:, own].astype(np.float64) @ database[:, own].astype(np.float64).T for own in columns]
    exact = sum(product / lengths[:, part] for part, product in enumerate(products))
    best = np.argsort(-exact, axis=1, kind="stable")[:, :k]
    assert (indices == best).all()
    assert np.abs(similarities - np.take_along_axis(exact, best, axis=1)).max() < 1e-6


def test_equal_references_come_in_their_order() -> None:
    database = np.tile(np.eye(4, dtype=np.float32), (6, 1))  # every vector six times; the products are exact
    queries = np.eye(4, dtype=np.float32)[[2, 2]]
    for asked in (queries[:1], queries):
        _, indices = neighbours.search(asked, database, np.ones((24, 1), np.float32), 4)
        assert indices.tolist() == [[2, 6, 10, 14]] * len(asked)
        _, indices = neighbours.search(asked, database, np.ones((24, 1), np.float32), 8)
        assert indices.tolist() == [[2, 6, 10, 14, 18, 22, 0, 1]] * len(asked)


@pytest.mark.parametrize("references", [48, 501])
def test_a_query_finds_the_same_whatever_is_asked_with_it(references: int) -> None:
    generator = np.random.default_rng(0)
    queries, database = unit(generator, 300, 384), unit(generator, references, 384)
    lengths = generator.uniform(0.5, 1, (references, 2)).astype(np.float32)
    together = neighbours.search(queries, database, lengths, 5)
    for number in range(len(queries)):
        alone = neighbours.search(queries[[number]], database, lengths, 5)
        assert all((found == expected[[number]]).all() for found, expected in zip(alone, together, strict=True))


def test_no_queries() -> None:
    similarities, indices = neighbours.search(
        np.empty((0, 4), np.float32), np.eye(4, dtype=np.float32), np.ones((4, 1), np.float32), 2
    )
    assert similarities.shape == indices.shape == (0, 2)


@pytest.mark.parametrize(
    "labels, similarities, winner, why",
    [
        ([0, 1, 1, 1, 0], [0.9, 0.5, 0.4, 0.3, 0.2], 1, "most votes, although the nearest is another"),
        ([0, 1, 1, 0, 2], [0.9, 0.8, 0.7, 0.1, 0.1], 1, "two votes each: the higher sum"),
        ([1, 0, 0, 1], [0.75, 0.5, 0.5, 0.25], 1, "equal sums: the nearer neighbour"),
        ([2, 1], [0.5, 0.5], 2, "all equal: the first"),
        ([2, 1], [-0.25, -0.5], 2, "negative similarities: classes without a vote have no sum of zero"),
    ],
)
def test_ties(labels: list[int], similarities: list[float], winner: int, why: str) -> None:
    predicted, votes = neighbours.vote(np.array([labels]), np.array([similarities], np.float32), 4)
    assert predicted.tolist() == [winner], why
    assert votes.tolist() == [[labels.count(label) for label in range(4)]]


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([-0.5, 0.25, 0.5, 0.75])), min_size=1, max_size=9))
def test_vote_agrees_with_its_definition(found: list[tuple[int, float]]) -> None:
    found.sort(key=lambda pair: -pair[1])
    labels, similarities = [label for label, _ in found], [similarity for _, similarity in found]
    counts = Counter(labels)
    expected = max(
        counts, key=lambda label: (counts[label], sum(s for other, s in found if other == label), -labels.index(label))
    )
    predicted, _ = neighbours.vote(np.array([labels]), np.array([similarities], np.float32), 4)
    assert predicted.tolist() == [expected]
