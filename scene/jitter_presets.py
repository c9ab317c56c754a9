# SPDX-License-Identifier: GPL-3.0-or-later
"""Small, medium and large jitter for the picture that a camera takes of the region. Needs no Blender."""

import math

from .poses import View
from .settings import Vector3

PRESETS = {"SMALL": (0.01, 1, 2), "MEDIUM": (0.03, 3, 5), "LARGE": (0.08, 6, 180)}
"""Share of the distance, tilt and roll in degrees, as seen through Blender's default lens."""

USUAL_FIELD = 36 / 50
"""Width of the picture over the distance with that lens: 50 mm on a sensor of 36 mm."""

LARGEST_FACTOR = 3.0
"""By which a wide field may enlarge the jitter at most: beyond it, tilts would show other sides of the part."""


def jitter_preset(amount: str, view: View) -> tuple[Vector3, Vector3]:
    """Largest offset (metres) and turn (radians) about the camera's own X, Y and Z.

    Offsets across the picture and tilts move the part by the same share of the picture whatever the lens: a long lens
    sees a narrow field, from which the usual ones would move the part. Offsets along the view scale the part by a share
    of the distance, and roll turns it; both are the same for every lens.

    Args:
        amount: a key of ``PRESETS``.
        view: from the nominal camera, which must not stand in the region's centre.
    """
    share, tilt, roll = PRESETS[amount]
    distance = math.dist(view.region @ (0.5, 0.5, 0.5, 1), view.nominal[:, 3])
    factor = min(field_of_view(view, distance) / distance / USUAL_FIELD, LARGEST_FACTOR)
    across, turn = share * distance * factor, math.atan(math.tan(math.radians(tilt)) * factor)
    return (across, across, share * distance), (turn, turn, math.radians(roll))


def field_of_view(view: View, distance: float) -> float:
    """Width of what the picture shows in a plane at a distance from the camera; both in metres."""
    w = view.projection[3, 3] - view.projection[3, 2] * distance
    return float(2 * w / view.projection[0, 0])
