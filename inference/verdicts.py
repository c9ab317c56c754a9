# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdicts on photos: what their nearest references vote for, or "unknown"."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from . import neighbours, unknowns
from .database import ReferenceDatabase
from .files import shown


@dataclass(frozen=True)
class Neighbour:
    """A reference near a photo: image path relative to the database, class and cosine similarity, by default of
    whitened vectors."""

    reference: str
    label: str
    similarity: float


@dataclass(frozen=True)
class Verdict:
    """What a photo was taken for, with the evidence: votes of each class and neighbours, best first.

    ``voted`` won the vote; ``predicted`` is the same, or "unknown" where the photo was rejected, which needs its
    ``familiarity``.
    """

    path: str
    predicted: str
    voted: str
    votes: dict[str, int]
    neighbours: tuple[Neighbour, ...]
    familiarity: float | None = None


def judge(database: ReferenceDatabase, embeddings: NDArray[np.float32], paths: Sequence[str], k: int) -> list[Verdict]:
    """Verdicts on photos: ``embeddings`` [Q, D] of unit length and Q paths, in the same order."""
    similarities, indices, labels = database.nearest(embeddings, k)
    predicted, votes = neighbours.vote(labels, similarities, len(database.classes))
    return [
        Verdict(
            path=path,
            predicted=database.classes[predicted[photo]],
            voted=database.classes[predicted[photo]],
            votes=dict(zip(database.classes, votes[photo].tolist(), strict=True)),
            neighbours=tuple(
                Neighbour(shown(database.images[index]), database.classes[database.labels[index]], float(similarity))
                for index, similarity in zip(indices[photo], similarities[photo], strict=True)
            ),
        )
        for photo, path in enumerate(paths)
    ]


def reject(
    verdicts: Sequence[Verdict], embeddings: NDArray[np.float32], rejection: unknowns.Rejection
) -> list[Verdict]:
    """The verdicts with "unknown" for photos that are not familiar enough; ``embeddings`` [Q, D] are theirs."""
    return [
        replace(
            verdict,
            predicted=unknowns.UNKNOWN if familiarity < rejection.threshold else verdict.predicted,
            familiarity=familiarity,
        )
        for verdict, familiarity in zip(verdicts, rejection.subspace.familiarity(embeddings).tolist(), strict=True)
    ]
