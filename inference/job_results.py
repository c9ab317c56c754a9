# SPDX-License-Identifier: GPL-3.0-or-later
"""What the jobs ``render``, ``embed``, ``match`` and ``classify`` report when they are done."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from .encoder import EncoderDescription
from .verdicts import Verdict


@dataclass(frozen=True)
class RenderResult:
    """What ``render`` did.

    Attributes:
        references: the folder of references, as text to show.
        images: number of references there.
        rendered: how many of them were rendered now.
        warnings: sentences with the next step.
        seconds: how long it took.
        left: how many of them other shares of the job are still to render.
    """

    references: str
    images: int
    rendered: int
    warnings: list[str]
    seconds: float
    left: int = 0

    def to_json(self) -> dict[str, Any]:
        """The result as ``render --json`` prints it."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "RenderResult":
        """The result as ``render`` or ``build`` printed it."""
        return cls(**{field.name: content[field.name] for field in fields(cls) if field.name in content})


@dataclass(frozen=True)
class EmbedResult:
    """What ``embed`` did.

    Attributes:
        warnings: sentences with the next step.
        database: the file, as text to show.
        references: number of references in it.
        classes: number of references of each class.
        model: the encoder.
        seconds: how long it took.
    """

    warnings: list[str]
    database: str
    references: int
    classes: dict[str, int]
    model: EncoderDescription
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """The result as ``embed --json`` prints it."""
        return asdict(self)


@dataclass(frozen=True)
class ClassifiedPhoto:
    """The verdict on a photo, and ``notes`` on the assumptions that were necessary to read it."""

    verdict: Verdict
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The line that ``classify`` prints for the photo."""
        return self.verdict.to_json() | ({"notes": list(self.notes)} if self.notes else {})

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "ClassifiedPhoto":
        """The photo as :meth:`to_json` returned it, or as an earlier version did."""
        return cls(Verdict.from_json(content), tuple(content.get("notes", ())))


@dataclass(frozen=True)
class ClassifyResult:
    """The photos that ``classify`` classified, in the order in which they were given."""

    photos: tuple[ClassifiedPhoto, ...]

    def to_json(self) -> dict[str, Any]:
        """The result as ``classify --json`` prints it."""
        return {"photos": [photo.to_json() for photo in self.photos]}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "ClassifyResult":
        """The result as ``classify --json`` printed it."""
        return cls(tuple(ClassifiedPhoto.from_json(photo) for photo in content["photos"]))


@dataclass(frozen=True)
class MatchResult:
    """What ``match`` found.

    Attributes:
        knobs: what can be turned in the scene, then in its camera, each as subject and quantity.
        values: how far each is turned, 0 where the scene is as it was.
        varied: what varies from reference to reference from now on, as names and values of the jitter.
        changes: sentences that say what all this changes.
        before: how like the photos the scene was, as :attr:`.likeness.Likeness.total` measures it.
        after: the same of the scene as found.
        photos: names of the photos by the SHA-256 of their files.
        comparison: the picture of photos, references before and after, as text to show.
        warnings: sentences with the next step.
        seconds: how long it took.
    """

    knobs: list[list[str]]
    values: list[float]
    varied: dict[str, float]
    changes: list[str]
    before: float
    after: float
    photos: dict[str, str]
    comparison: str
    warnings: list[str]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """The result as ``match --json`` prints it."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "MatchResult":
        """The result as ``match`` printed it."""
        return cls(**{field.name: content[field.name] for field in fields(cls)})
