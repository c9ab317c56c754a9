# SPDX-License-Identifier: GPL-3.0-or-later
"""Where rays and segments meet boxes. Needs no Blender."""

import numpy as np

from .poses import Array


def entry_share(to_unit: Array, points: Array, rays: Array) -> Array:
    """Return where rays enter the region's box, as a share [N] of each ray.

    Args:
        to_unit: world to the region's unit box [4, 4].
        points: ends of the rays, inside the box [N, 3].
        rays: the rays, from their starts to their ends [N, 3].
    """
    inside = points @ to_unit[:3, :3].T + to_unit[:3, 3]
    direction = rays @ to_unit[:3, :3].T
    with np.errstate(divide="ignore", invalid="ignore"):
        # How far back from the point, in rays, each face of the unit cube lies that the ray comes through.
        back = np.where(direction > 0, inside, inside - 1) / direction
    return np.asarray(1 - np.where(direction == 0, np.inf, back).min(axis=1))


def meets_box(bounds: Array, starts: Array, ends: Array) -> Array:
    """Which segments [N] can meet a box given by its lowest and highest corner [2, 3] (slab test)."""
    direction = ends - starts
    with np.errstate(divide="ignore", invalid="ignore"):
        crossings = (bounds[:, None] - starts) / direction
    parallel = direction == 0
    beside = parallel & ((starts < bounds[0]) | (starts > bounds[1]))
    low = np.where(parallel, -np.inf, crossings.min(axis=0)).max(axis=1)
    high = np.where(parallel, np.inf, crossings.max(axis=0)).min(axis=1)
    return np.asarray((low <= high) & (high >= 0) & (low <= 1) & ~beside.any(axis=1))
