# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of a validation, as stored in ``metrics.json``. It is written and read only here."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .encoder import EncoderDescription
from .files import replacing
from .metrics import Intervals, Metrics

Interval = tuple[float, float]
"""Lower and upper limit of a 95 % interval."""

FIGURES = ("precision", "recall", "f1")


@dataclass(frozen=True)
class ClassScore:
    """The scores of one class.

    Attributes:
        precision: 0 to 1.
        recall: 0 to 1.
        f1: 0 to 1.
        support: number of photos of the class.
        intervals: 95 % intervals of the three figures, by name; None in results of versions that did not compute them.
    """

    precision: float
    recall: float
    f1: float
    support: int
    intervals: dict[str, Interval] | None = None


@dataclass(frozen=True)
class UnreadableFile:
    """A file that was left out: its path, relative to the folder of photos, and the reason."""

    path: str
    reason: str


@dataclass(frozen=True)
class FileNote:
    """What had to be assumed or left out to read a photo, with the photo's path relative to the folder of photos."""

    path: str
    note: str


@dataclass(frozen=True)
class Copy:
    """A photo that is a reference itself: its path, relative to the folder of photos, and the reference's, relative to
    the database."""

    path: str
    reference: str


@dataclass(frozen=True)
class CurvePoint:
    """Macro F1 and the share of rejected negatives at another threshold. The share is None without negatives."""

    threshold: float
    macro_f1: float
    negatives_rejected: float | None


@dataclass(frozen=True)
class RejectionResult:
    """The effect of rejecting photos that look unlike all references.

    Attributes:
        threshold: photos of lower familiarity are rejected.
        source: origin of the threshold: ``given``, ``negatives`` or ``references``.
        rejected: number of rejected photos of each class.
        negatives: number of photos of no class.
        negatives_rejected: number of those that are rejected.
        auroc: area under the ROC curve of photos against negatives; None without negatives.
        curve: the effect of other thresholds.
    """

    threshold: float
    source: str
    rejected: dict[str, int]
    negatives: int
    negatives_rejected: int
    auroc: float | None
    curve: tuple[CurvePoint, ...]


@dataclass(frozen=True)
class FlaggedPhoto:
    """A photo that is worse than the references, and in what respects."""

    path: str
    findings: tuple[str, ...]


@dataclass(frozen=True)
class QualityResult:
    """Photos that are darker, brighter, more blurred or noisier than ``limits``.

    ``macro_f1_without`` is macro F1 without these photos; None if no other photo is left.
    """

    limits: dict[str, float]
    flagged: tuple[FlaggedPhoto, ...]
    macro_f1_without: float | None


@dataclass(frozen=True)
class MatchedResult:
    """How many of the photos the scene was matched to, and macro F1 without them; None: no other photo is left."""

    photos: int
    macro_f1_without: float | None


@dataclass(frozen=True)
class Gap:
    """The gap between the photos and the references of a class.

    Attributes:
        label: the class.
        photos: mean similarity of a photo to its nearest reference of the class.
        references: mean similarity of a reference to the nearest reference of another pose in its class.
        gains: the increase of ``photos`` by each change.
        others: mean similarity of a photo to its nearest reference of another class; None in results of versions that did
            not compute it.
        margins: the increase of ``photos`` − ``others`` by each change; empty in such results.
    """

    label: str
    photos: float
    references: float
    gains: dict[str, float]
    others: float | None = None
    margins: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Cause:
    """A respect in which photos differ from references.

    Attributes:
        name: the respect, a key of :data:`.photo_measures.LIMITS` or ``side``; in results of version 0.1.0 the class.
        sentence: what differs, by how much, and what to do.
    """

    name: str
    sentence: str


@dataclass(frozen=True)
class Pair:
    """A photo beside its nearest references.

    Attributes:
        photo: its path, relative to the folder of photos.
        label: its class.
        reference: the nearest reference of this class, relative to the database.
        similarity: the similarity to it.
        other_label: the class of the nearest reference of another class; None if there is no other class.
        other_reference: that reference.
        other_similarity: the similarity to it.
        differences: the respects in which the photo differs from the nearest reference of its class.
    """

    photo: str
    label: str
    reference: str
    similarity: float
    other_label: str | None
    other_reference: str | None
    other_similarity: float | None
    differences: tuple[str, ...]


@dataclass(frozen=True)
class Explanation:
    """The explanation of the gap between photos and references.

    Attributes:
        gaps: the gaps of the classes that have photos.
        ablations: macro F1 with photos and references as they are, and with each alteration of both.
        photos: number of photos that were used.
        references: number of references that were used.
        causes: in what the photos differ, the largest difference first.
        pairs: the photos that are most easily mistaken, beside what they are like.
    """

    gaps: tuple[Gap, ...]
    ablations: dict[str, float]
    photos: int
    references: int
    causes: tuple[Cause, ...] = ()
    pairs: tuple[Pair, ...] = ()


@dataclass(frozen=True)
class ValidationResult:
    """The scores of a validation and what they rest on.

    Attributes:
        macro_f1: mean F1 of the classes.
        accuracy: share of the photos that are classified correctly.
        classes: scores by class, in the order of the database.
        confusion: counts [C][C], rows true, columns predicted; rejected photos are in no column.
        photos: number of photos that were scored.
        unreadable: the files that were left out.
        k: number of neighbours that voted.
        model: the encoder.
        database: the database's file, as text to show.
        seconds: how long it took.
        whitened: whether similarity was measured on whitened vectors.
        macro_f1_interval: 95 % interval; None in results that have none.
        accuracy_interval: the same of the accuracy.
        unknown: rejection, where it was asked for.
        quality: comparison with the references, where they were measured.
        repeat_seeds: macro F1 with other random sets of poses, where it was asked for.
        gap: explanation of the domain gap, where it was asked for.
        photos_directory: the folder of photos, as text to show; None in results of version 0.1.0.
        references_among_photos: the photos that are references themselves.
        promoted_among_photos: how many of them are promoted ones.
        notes: what had to be assumed of photos to read them.
        white_level: what is white in photos that do not say it; None: no photo needed it.
        matched: what of the score rests on photos that the scene was matched to; None: it was matched to none of them.
    """

    macro_f1: float
    accuracy: float
    classes: dict[str, ClassScore]
    confusion: tuple[tuple[int, ...], ...]
    photos: int
    unreadable: tuple[UnreadableFile, ...]
    k: int
    model: EncoderDescription
    database: str
    seconds: float
    whitened: bool = True
    macro_f1_interval: Interval | None = None
    accuracy_interval: Interval | None = None
    unknown: RejectionResult | None = None
    quality: QualityResult | None = None
    repeat_seeds: tuple[float, ...] = ()
    gap: Explanation | None = None
    photos_directory: str | None = None
    references_among_photos: tuple[Copy, ...] = ()
    promoted_among_photos: int = 0
    notes: tuple[FileNote, ...] = ()
    white_level: int | None = None
    matched: MatchedResult | None = None

    @property
    def labels(self) -> list[str]:
        """The classes, in the order of the confusion matrix."""
        return list(self.classes)

    def to_json(self) -> dict[str, Any]:
        """The content of ``metrics.json``."""
        content: dict[str, Any] = {
            "macro_f1": self.macro_f1,
            "accuracy": self.accuracy,
            "classes": {
                label: {name: getattr(score, name) for name in (*FIGURES, "support")}
                for label, score in self.classes.items()
            },
            "confusion": {"labels": self.labels, "matrix": [list(row) for row in self.confusion]},
            "photos": self.photos,
            "unreadable": [asdict(file) for file in self.unreadable],
            "k": self.k,
            "whitened": self.whitened,
            "model": asdict(self.model),
            "database": self.database,
            "seconds": self.seconds,
        }
        if self.macro_f1_interval and self.accuracy_interval:
            content["intervals"] = {
                "macro_f1": list(self.macro_f1_interval),
                "accuracy": list(self.accuracy_interval),
                "classes": {
                    label: {name: list(interval) for name, interval in (score.intervals or {}).items()}
                    for label, score in self.classes.items()
                },
            }
        for name in ("unknown", "quality", "gap", "matched"):
            if part := getattr(self, name):
                content[name] = _plain(asdict(part))
        if self.repeat_seeds:
            spread = max(self.repeat_seeds) - min(self.repeat_seeds)
            content["repeat_seeds"] = {"macro_f1": list(self.repeat_seeds), "spread": spread}
        if self.notes:
            content["notes"] = [asdict(note) for note in self.notes]
        if self.references_among_photos:
            content["references_among_photos"] = [asdict(copy) for copy in self.references_among_photos]
        for name in ("photos_directory", "promoted_among_photos", "white_level"):
            if value := getattr(self, name):
                content[name] = value
        return content

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "ValidationResult":
        """Return the result from JSON, as :meth:`to_json` of this version or an earlier one wrote it."""
        intervals = content.get("intervals", {})
        by_class = intervals.get("classes", {})
        classes = {
            label: ClassScore(
                **{name: score[name] for name in (*FIGURES, "support")},
                intervals={name: _interval(limits) for name, limits in by_class[label].items()} if by_class else None,
            )
            for label, score in content["classes"].items()
        }
        return cls(
            macro_f1=content["macro_f1"],
            accuracy=content["accuracy"],
            classes=classes,
            confusion=tuple(tuple(row) for row in content["confusion"]["matrix"]),
            photos=content["photos"],
            unreadable=tuple(UnreadableFile(**file) for file in content["unreadable"]),
            k=content["k"],
            model=EncoderDescription(**content["model"]),
            database=content["database"],
            seconds=content["seconds"],
            whitened=content.get("whitened", True),
            macro_f1_interval=_interval(intervals["macro_f1"]) if intervals else None,
            accuracy_interval=_interval(intervals["accuracy"]) if intervals else None,
            unknown=_rejection(content["unknown"]) if "unknown" in content else None,
            quality=_quality(content["quality"]) if "quality" in content else None,
            repeat_seeds=tuple(content.get("repeat_seeds", {}).get("macro_f1", ())),
            gap=_explanation(content["gap"]) if "gap" in content else None,
            photos_directory=content.get("photos_directory"),
            references_among_photos=tuple(Copy(**copy) for copy in content.get("references_among_photos", ())),
            promoted_among_photos=content.get("promoted_among_photos", 0),
            notes=tuple(FileNote(**note) for note in content.get("notes", ())),
            white_level=content.get("white_level"),
            matched=MatchedResult(**content["matched"]) if "matched" in content else None,
        )

    def write(self, path: Path) -> None:
        """Write ``metrics.json``."""
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(self.to_json(), indent=2), "utf-8")

    @classmethod
    def read(cls, path: Path) -> "ValidationResult":
        """Read ``metrics.json``."""
        return cls.from_json(json.loads(path.read_text("utf-8")))


def class_scores(scores: Metrics, spread: Intervals) -> dict[str, ClassScore]:
    """The scores of each class with their intervals."""

    def interval(limits: NDArray[np.float64]) -> Interval:
        return _interval(limits.tolist())

    return {
        label: ClassScore(
            float(scores.precision[number]),
            float(scores.recall[number]),
            float(scores.f1[number]),
            int(scores.support[number]),
            {name: interval(getattr(spread, name)[number]) for name in FIGURES},
        )
        for number, label in enumerate(scores.labels)
    }


def _plain(value: Any) -> Any:
    """``value`` with lists for tuples, as it comes back from JSON."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, (list, tuple)) else value


def _interval(limits: list[float]) -> Interval:
    low, high = limits
    return low, high


def _rejection(content: dict[str, Any]) -> RejectionResult:
    return RejectionResult(**content | {"curve": tuple(CurvePoint(**point) for point in content["curve"])})


def _quality(content: dict[str, Any]) -> QualityResult:
    flagged = tuple(FlaggedPhoto(photo["path"], tuple(photo["findings"])) for photo in content["flagged"])
    return QualityResult(**content | {"flagged": flagged})


def _explanation(content: dict[str, Any]) -> Explanation:
    causes = [Cause(**cause) for cause in content.get("causes", ())]
    gaps = []
    for gap in content["gaps"]:
        causes += [Cause(gap["label"], f"{gap['label']}: {sentence}") for sentence in gap.pop("causes", ())]  # 0.1.0
        gaps.append(Gap(**gap))
    pairs = tuple(Pair(**pair | {"differences": tuple(pair["differences"])}) for pair in content.get("pairs", ()))
    return Explanation(**content | {"gaps": tuple(gaps), "causes": tuple(causes), "pairs": pairs})
