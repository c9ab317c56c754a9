# SPDX-License-Identifier: GPL-3.0-or-later
"""One reference to render, and its entry in the recipe. Needs no Blender."""

from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from .draws import Variation
from .poses import Array


@dataclass(frozen=True)
class PlannedImage:
    """One reference to render.

    ``path`` is relative to the folder of references, ``pose`` [4, 4] camera to world. ``key`` changes whenever
    anything does that the picture depends on. ``look`` are the values of the scene's knobs where they are not as they
    stand in the scene; see :mod:`.look`.
    """

    path: str
    label: str
    variant: int
    index: int
    pose: Array
    variation: Variation
    key: str
    look: tuple[float, ...] = ()

    @classmethod
    def from_entry(cls, entry: dict[str, Any]) -> "PlannedImage":
        """The image of which the recipe has this entry."""
        names = [field.name for field in fields(Variation)]
        return cls(
            entry["path"], entry["class"], entry["variant"], entry["index"], np.array(entry["pose"], float).reshape(4, 4),
            Variation(**{name: entry[name] for name in names}), entry["key"],
            tuple(map(float, entry.get("look", ()))),
        )  # fmt: skip

    def entry(self) -> dict[str, object]:
        """The image's entry in the recipe."""
        look = {"look": self.look} if self.look else {}
        return look | {
            "path": self.path, "class": self.label, "variant": self.variant, "index": self.index, "key": self.key,
            "pose": self.pose.tolist(), **asdict(self.variation),
        }  # fmt: skip
