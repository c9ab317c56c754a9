# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pictures of a part as it lies, drawn without a renderer. Needs no Blender."""

import numpy as np
from numpy.typing import NDArray

from .poses import Array

SAMPLES_PER_PIXEL = 12
SEEN_FROM = np.array([-0.45, -0.65, 0.61])
"""Unit vector towards the eye: from the front left, above the table."""
LIGHT = np.array([-0.1, -0.5, 0.86])


def picture(points: Array, triangles: NDArray[np.int64], rotation: Array, size: int) -> NDArray[np.float32]:
    """A picture [size, size, 4], rows from below, RGBA 0..1, of a part that was turned by ``rotation`` [3, 3].

    Points spread evenly over the surface are drawn, the nearest one in front. The part is as large in the picture in
    whatever way it is turned.

    Args:
        points: of the surface [N, 3], in any unit of length.
        triangles: indices of points [M, 3].
        rotation: from the part's coordinates to those of the table, whose Z points up.
        size: of the picture in pixels.
    """
    a, b, c = (points[triangles[:, corner]] for corner in range(3))
    normals = np.cross(b - a, c - a)
    areas = np.linalg.norm(normals, axis=1)
    generator = np.random.default_rng(0)
    chosen = generator.choice(len(areas), SAMPLES_PER_PIXEL * size**2, p=areas / areas.sum())
    u, v = generator.random((2, len(chosen), 1))
    beyond = u + v > 1
    u, v = np.where(beyond, 1 - u, u), np.where(beyond, 1 - v, v)
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    places = a[chosen] + u * (b - a)[chosen] + v * (c - a)[chosen]
    radius = np.max(np.linalg.norm(points - centre, axis=1))
    right = np.cross((0.0, 0.0, 1.0), SEEN_FROM)
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(SEEN_FROM, right), SEEN_FROM]) @ rotation
    seen = (places - centre) @ axes.T / radius
    columns, rows = ((seen[:, :2] * 0.48 + 0.5) * size).astype(int).T.clip(0, size - 1)
    facing = normals[chosen] / np.maximum(areas[chosen], 1e-300)[:, None] @ rotation.T
    facing *= np.sign(facing @ SEEN_FROM)[:, None]  # some files list corners clockwise
    shade = 0.3 + 0.65 * np.maximum(facing @ LIGHT, 0)
    image = np.zeros((size, size, 4), np.float32)
    order = np.argsort(seen[:, 2], kind="stable")  # of points in one pixel the last one, the nearest, stays
    image[rows[order], columns[order], :3] = shade[order, None]
    image[rows[order], columns[order], 3] = 1
    return image
