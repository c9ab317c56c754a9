# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdicts: the class that a query's nearest references vote for, or "unknown", with the evidence."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Neighbour:
    """A reference near a query.

    Attributes:
        row: its row in the database.
        reference: path of its image, relative to the database file, exactly as the database states it.
        label: its class.
        similarity: cosine similarity of whitened vectors, or of plain ones if the database is compared as in the paper.
    """

    row: int
    reference: str
    label: str
    similarity: float


@dataclass(frozen=True)
class Verdict:
    """The classification of a photo.

    Attributes:
        photo: the file.
        predicted: the class that won the vote, or "unknown" if the photo was rejected.
        voted: the class that won the vote.
        votes: number of votes for each class of the database.
        neighbours: the references that voted, the most similar first.
        familiarity: how familiar the photo looks, at most 1; None without rejection.
    """

    photo: Path
    predicted: str
    voted: str
    votes: dict[str, int]
    neighbours: tuple[Neighbour, ...]
    familiarity: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that ``classify`` prints for the photo."""
        entry = asdict(self)
        return {"path": entry.pop("photo").as_posix(), **entry}

    @classmethod
    def from_json(cls, entry: dict[str, Any]) -> "Verdict":
        """Return the verdict from JSON. Version 0.1.0 did not state the row, which is -1 then."""
        return cls(
            photo=Path(entry["path"]),
            predicted=entry["predicted"],
            voted=entry["voted"],
            votes=entry["votes"],
            neighbours=tuple(Neighbour(**{"row": -1} | near) for near in entry["neighbours"]),
            familiarity=entry["familiarity"],
        )
