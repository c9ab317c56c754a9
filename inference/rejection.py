# SPDX-License-Identifier: GPL-3.0-or-later
"""Rejection of photos of no class: how familiar a photo looks, and the familiarity below which it is rejected.

The similarity to the nearest reference is not enough, because a similar background may cause it. Content that no
reference shows leaves a residual outside the principal subspace of all references (Wang et al., "ViM:
Out-Of-Distribution with Virtual-logit Matching", CVPR 2022, section 3). *Familiarity* is the cosine similarity of a
vector and its nearest point in that subspace.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .database import ReferenceDatabase
from .errors import InputError

UNKNOWN = "unknown"
VARIANCE = 0.95
"""Share of the references' variance that their principal subspace contains."""

REJECTED = 0.95
"""Share of the negatives that is rejected by a threshold chosen from them."""

FOLDS = 24
"""Largest number of parts in which poses are left out. Each part needs a decomposition."""


@dataclass(frozen=True)
class Subspace:
    """The affine subspace that the class tokens of references span.

    Attributes:
        mean: float64 [T].
        axes: orthonormal axes, float64 [A, T].
    """

    mean: NDArray[np.float64]
    axes: NDArray[np.float64]

    @classmethod
    def of(cls, embeddings: NDArray[np.float32]) -> "Subspace":
        """Compute the principal subspace of class tokens [N, T]."""
        mean = embeddings.mean(axis=0, dtype=np.float64)
        _, lengths, axes = np.linalg.svd(embeddings - mean, full_matrices=False)
        kept = np.cumsum(lengths**2) / max((lengths**2).sum(), np.finfo(np.float64).tiny)
        return cls(mean, axes[: int(np.searchsorted(kept, VARIANCE)) + 1])

    def familiarity(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the familiarity of ``vectors`` [Q, D], which begin with their class tokens: float64 [Q], at most 1."""
        found = np.empty(len(vectors))
        tokens = vectors[:, : len(self.mean)]
        for number, vector in enumerate(tokens):  # one by one: a matrix product would round by their number
            nearest = self.mean + (self.axes @ (vector - self.mean)) @ self.axes
            found[number] = vector @ nearest / np.linalg.norm(nearest)
        return found


@dataclass(frozen=True)
class Rejection:
    """The rule that photos less familiar than ``threshold`` are unknown.

    Attributes:
        subspace: the principal subspace of the references.
        threshold: the familiarity below which photos are unknown.
        source: origin of the threshold: ``references``, ``negatives`` or ``given``.
    """

    subspace: Subspace
    threshold: float
    source: str


def fit_rejection(database: ReferenceDatabase, threshold: float | None, negatives: NDArray[np.float32]) -> Rejection:
    """Fit the rejection of photos that look unlike the references.

    Args:
        database: the references.
        threshold: the familiarity below which photos are rejected. None: it is chosen from the negatives, or from the
            references if there are no negatives.
        negatives: embeddings of photos of no class, float32 [M, D]; M may be 0.

    Raises:
        InputError: a class has the name "unknown", which is reserved for rejected photos.
    """
    if UNKNOWN in database.classes:
        raise InputError('A class is named "unknown" already, so photos cannot be rejected. Rename the class.')
    subspace = Subspace.of(database.class_tokens)
    if threshold is not None:
        return Rejection(subspace, threshold, "given")
    known = familiarity_of_references(database)
    chosen = choose_threshold(known, subspace.familiarity(negatives))
    return Rejection(subspace, chosen, "negatives" if len(negatives) else "references")


def familiarity_of_references(database: ReferenceDatabase) -> NDArray[np.float64]:
    """Return the familiarity of each reference to the references of other poses, float64 [N]."""
    parts = database.pose_groups() % FOLDS
    found = np.ones(len(database))
    for part in np.unique(parts):
        left_out = parts == part
        if not left_out.all():
            found[left_out] = Subspace.of(database.class_tokens[~left_out]).familiarity(database.embeddings[left_out])
    return found


def choose_threshold(known: NDArray[np.float64], unknown: NDArray[np.float64]) -> float:
    """Choose the familiarity below which photos are rejected.

    The threshold is as low as the unknown photos allow, and not half-way between the two groups: the known ones are
    renders, and photos of the same class are less familiar.

    Args:
        known: familiarities of references.
        unknown: familiarities of photos of no class; may be empty.

    Returns:
        The familiarity that most of ``unknown`` stay below; without any, the lowest of ``known``.
    """
    return float(np.quantile(unknown, REJECTED, method="higher") if len(unknown) else np.min(known))


def auroc(known: NDArray[np.float64], unknown: NDArray[np.float64]) -> float:
    """Return the area under the ROC curve: the probability that a known photo is more familiar than an unknown one.

    Ties count half (Mann and Whitney, 1947).
    """
    ordered = np.sort(unknown)
    below = np.searchsorted(ordered, known, "left") + np.searchsorted(ordered, known, "right")
    return float(below.mean() / 2 / len(unknown))
