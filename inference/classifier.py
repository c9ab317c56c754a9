# SPDX-License-Identifier: GPL-3.0-or-later
"""The classifier: a reference database, the encoder that made it, and the rules that turn them into a verdict."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from . import neighbours
from .database import ReferenceDatabase
from .embedding import embed_files, with_white_level
from .encoder import Encoder
from .errors import InputError
from .progress import Progress
from .rejection import UNKNOWN, Rejection
from .verdicts import Neighbour, Verdict

MOST_NAMED = 5
"""The largest number of classes that a sentence names."""


@dataclass(frozen=True)
class Classification:
    """The result of classifying some files.

    Attributes:
        verdicts: the verdicts on the files that could be read, in the order of the files.
        unreadable: for each other file, the reason why it could not be read.
        notes: for files that could be read, the assumptions that were necessary to read them.
    """

    verdicts: list[Verdict]
    unreadable: dict[Path, str]
    notes: dict[Path, list[str]]


@dataclass(frozen=True)
class Classifier:
    """A k-NN classifier of photos.

    Attributes:
        database: the references.
        encoder: the encoder that turns photos into vectors. It is the one that made the database.
        k: number of neighbours that vote, from 1 to the number of references.
        rejection: the rule by which a photo is "unknown". With None, no photo is rejected.
    """

    database: ReferenceDatabase
    encoder: Encoder
    k: int
    rejection: Rejection | None = None

    @classmethod
    def create(
        cls,
        database: ReferenceDatabase,
        encoder: Encoder,
        k: int,
        progress: Progress,
        rejection: Rejection | None = None,
    ) -> "Classifier":
        """Return a classifier after checking that its parts fit together.

        Args:
            database: the references.
            encoder: the encoder that turns photos into vectors.
            k: number of neighbours that vote. It is reduced to the number of references if it is larger.
            progress: receives a sentence if k is reduced.
            rejection: the rule by which a photo is "unknown", if there is one.

        Raises:
            InputError: the database was made with another encoder, or k is less than 1.
        """
        encoder = encoder.with_foreground(database.model.foreground)
        database.check_model(encoder.model)
        return cls(database, encoder, usable_k(k, database, progress), rejection)

    def for_photos(self, paths: Sequence[Path], progress: Progress) -> tuple["Classifier", list[str]]:
        """Return a classifier with a white level for the files ``paths``, and sentences about it for the user.

        The classifier is unchanged if the database states a white level or if no file needs one.
        """
        preprocessing, told = with_white_level(self.database.preprocessing, paths, progress)
        return replace(self, database=replace(self.database, preprocessing=preprocessing)), told

    def classify(self, paths: Sequence[Path], progress: Progress) -> Classification:
        """Embed the files ``paths``, and classify each one that can be read."""
        embedded = embed_files(self.encoder, self.database.preprocessing, paths, progress, "Classifying")
        readable = [paths[number] for number in embedded.readable]
        unreadable = {paths[number]: why for number, why in embedded.unreadable.items()}
        notes = {paths[number]: of_one for number, of_one in embedded.notes.items()}
        return Classification(self.judge(readable, embedded.embeddings), unreadable, notes)

    def judge(self, paths: Sequence[Path], embeddings: NDArray[np.float32]) -> list[Verdict]:
        """Return the verdicts on photos that are already embedded.

        Args:
            paths: the files of the Q photos.
            embeddings: their vectors, float32 [Q, D], of unit length.

        Returns:
            Q verdicts, in the order of the photos.
        """
        database = self.database
        similarities, rows, labels = database.nearest(embeddings, self.k)
        predicted, votes = neighbours.vote(labels, similarities, len(database.classes))
        familiarity = (
            self.rejection.subspace.familiarity(embeddings).tolist() if self.rejection else [None] * len(paths)
        )
        return [
            self._verdict(
                photo, database.classes[predicted[query]], votes[query], rows[query], similarities[query], known
            )
            for query, (photo, known) in enumerate(zip(paths, familiarity, strict=True))
        ]

    def _verdict(
        self,
        photo: Path,
        voted: str,
        votes: NDArray[np.int64],
        rows: NDArray[np.int64],
        similarities: NDArray[np.float32],
        familiarity: float | None,
    ) -> Verdict:
        database = self.database
        near = tuple(
            Neighbour(row, database.images[row], database.classes[database.labels[row]], similarity)
            for row, similarity in zip(rows.tolist(), similarities.tolist(), strict=True)
        )
        rejected = self.rejection is not None and familiarity is not None and familiarity < self.rejection.threshold
        votes_by_class = dict(zip(database.classes, votes.tolist(), strict=True))
        return Verdict(photo, UNKNOWN if rejected else voted, voted, votes_by_class, near, familiarity)


def usable_k(k: int, database: ReferenceDatabase, progress: Progress) -> int:
    """Return ``k``, or the number of references if that is smaller. The user is told if k is reduced.

    Raises:
        InputError: k is less than 1.
    """
    if k < 1:
        raise InputError(f"k is {k}; at least one neighbour must vote. Choose k of 1 or more.")
    if k > len(database):
        progress.say(f"The database holds {len(database)} references, so all of them vote instead of {k}.")
    return min(k, len(database))


def outvoted(database: ReferenceDatabase, k: int) -> list[str]:
    """Return a warning with the next step if any class has fewer than ``k`` / 2 references; otherwise an empty list.

    Such a class loses every vote against a single other class.
    """
    few = {label: count for label, count in database.count().items() if 2 * count < k}
    if not few:
        return []
    named = ", ".join(f"{label} ({count})" for label, count in list(few.items())[:MOST_NAMED])
    more = f" and {len(few) - MOST_NAMED} more" if len(few) > MOST_NAMED else ""
    sentence = (
        f"Classes with fewer references than half of the {k} that vote can hardly win: {named}{more}. Add references of them, "
        f"or choose k = {max(2 * min(few.values()) - 1, 1)} or less."
    )
    return [sentence]
