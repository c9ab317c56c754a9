# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos of no class: how familiar a photo looks to the references, and from where on it is rejected.

The nearest reference alone tells little: it finds a similar background. What no reference shows leaves a residual
outside the principal subspace of all of them (Wang et al., "ViM: Out-Of-Distribution with Virtual-logit Matching",
CVPR 2022, section 3). *Familiarity* is the cosine similarity of a vector and its nearest point of that subspace.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .database import ReferenceDatabase
from .errors import InputError

UNKNOWN = "unknown"
VARIANCE = 0.95
"""Share of the references' variance that their subspace keeps."""

REJECTED = 0.95
"""Share of the negatives that a threshold chosen from them rejects."""

FOLDS = 24
"""Parts that the poses are left out in, at most: each needs a decomposition of its own."""


@dataclass(frozen=True)
class Subspace:
    """The affine subspace that references span: ``mean`` float64 [D] and orthonormal ``axes`` float64 [A, D]."""

    mean: NDArray[np.float64]
    axes: NDArray[np.float64]

    @classmethod
    def of(cls, embeddings: NDArray[np.float32]) -> "Subspace":
        """The principal subspace of ``embeddings`` [N, D]."""
        mean = embeddings.mean(axis=0, dtype=np.float64)
        _, lengths, axes = np.linalg.svd(embeddings - mean, full_matrices=False)
        kept = np.cumsum(lengths**2) / max((lengths**2).sum(), np.finfo(np.float64).tiny)
        return cls(mean, axes[: int(np.searchsorted(kept, VARIANCE)) + 1])

    def familiarity(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """How familiar ``vectors`` [Q, D] of unit length are: float64 [Q], at most 1."""
        found = np.empty(len(vectors))
        for number, vector in enumerate(vectors):  # one by one: a product of matrices rounds by how many there are
            nearest = self.mean + (self.axes @ (vector - self.mean)) @ self.axes
            found[number] = vector @ nearest / np.linalg.norm(nearest)
        return found


@dataclass(frozen=True)
class Rejection:
    """Photos less familiar than ``threshold`` are unknown; ``source`` says where it comes from: ``references``,
    ``negatives`` or ``given``."""

    subspace: Subspace
    threshold: float
    source: str


def fit_rejection(database: ReferenceDatabase, threshold: float | None, negatives: NDArray[np.float32]) -> Rejection:
    """How photos are rejected that look unlike the references of ``database``.

    Args:
        database: the references.
        threshold: reject below this familiarity; None: choose it from the negatives, or the references without any.
        negatives: embeddings float32 [M, D] of photos of no class; M may be 0.

    Raises:
        InputError: a class is named "unknown", as rejected photos are.
    """
    if UNKNOWN in database.classes:
        raise InputError('A class is named "unknown" already, so photos cannot be rejected. Rename the class.')
    subspace = Subspace.of(database.embeddings)
    if threshold is not None:
        return Rejection(subspace, threshold, "given")
    known = familiarity_of_references(database)
    chosen = choose_threshold(known, subspace.familiarity(negatives))
    return Rejection(subspace, chosen, "negatives" if len(negatives) else "references")


def familiarity_of_references(database: ReferenceDatabase) -> NDArray[np.float64]:
    """Each reference's familiarity to the references of other poses, float64 [N]."""
    parts = database.pose_groups() % FOLDS
    found = np.ones(len(database))
    for part in np.unique(parts):
        left_out = parts == part
        if not left_out.all():
            found[left_out] = Subspace.of(database.embeddings[~left_out]).familiarity(database.embeddings[left_out])
    return found


def choose_threshold(known: NDArray[np.float64], unknown: NDArray[np.float64]) -> float:
    """The familiarity to reject below: what most ``unknown`` ones stay below, or, without any, the lowest ``known``.

    As low as the unknown ones allow, and not half-way to the known: those are renders, and photos of the same class
    are less familiar than they.
    """
    return float(np.quantile(unknown, REJECTED, method="higher") if len(unknown) else np.min(known))


def auroc(known: NDArray[np.float64], unknown: NDArray[np.float64]) -> float:
    """Area under the ROC curve: the chance that a known photo is more familiar than an unknown one; ties count half
    (Mann and Whitney, 1947)."""
    ordered = np.sort(unknown)
    below = np.searchsorted(ordered, known, "left") + np.searchsorted(ordered, known, "right")
    return float(below.mean() / 2 / len(unknown))
