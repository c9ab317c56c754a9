# SPDX-License-Identifier: GPL-3.0-or-later
"""What an import tells of a file, a sentence each."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

FAR = 1700.0
"""How many times its own size a part may lie away from the origin: single precision then still tells 5,000 steps of it."""


@dataclass
class Notes:
    """Sentences about an import.

    Attributes:
        lost: what is in the file, or should be, and did not come in.
        said: what else was done to it.
    """

    lost: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


def far_out(box: NDArray[np.float64]) -> bool:
    """Whether a box [2, 3] lies too far from the origin for its size."""
    return bool(np.max(np.abs(box)) > FAR * np.max(box[1] - box[0]))


def moved_note(name: str, offset: Iterable[float]) -> str:
    """The sentence that says by how many metres [3] something was moved to the origin."""
    x, y, z = offset
    return (
        f"{name} lies {math.hypot(x, y, z):,.0f} m from the origin, where coordinates are too coarse for its size, so it was "
        f"moved to the origin: {x:,.3f} m, {y:,.3f} m and {z:,.3f} m were taken from X, Y and Z."
    )


def listed(names: Iterable[str]) -> str:
    """A few names in quotes and how many more there are."""
    counts = Counter(names)
    few = [f"{name!r}" + (f" ({times} times)" if times > 1 else "") for name, times in counts.most_common(5)]
    return ", ".join(few) + (f" and {len(counts) - len(few)} more" if len(counts) > len(few) else "")
