# SPDX-License-Identifier: GPL-3.0-or-later
"""On which sides a part rests, and how often it falls on each. Needs no Blender.

A rigid part rests on a facet of its convex hull above which its centre of mass lies. How often it comes to rest there
is estimated quasi-statically: a part that is dropped in a random orientation and has no speed first touches the table
with the facet below its centre of mass, so each facet's share is its solid angle seen from there; from a facet on which
it cannot rest it topples over the edge that its centre of mass lies beyond, until it can. See K. Goldberg, B. Mirtich,
Y. Zhuang, J. Craig, B. Carlisle, J. Canny, "Part pose statistics: estimators and experiments", IEEE Transactions on
Robotics and Automation 15(5), 1999. Parts that bounce find the deepest rest more often than this says.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..inference.errors import InputError
from .poses import Array

Indices = NDArray[np.int64]

ON_HULL = 5e-5
"""Points that are nearer to the hull than this share of the part's extent are on it; fine tessellations of round parts
would otherwise take minutes."""
JOGGLE = 1e-6
"""Of the extent: by how much points are moved while the hull is sought, so that no four lie in a plane."""
IN_PLANE = 2e-4
"""Of the extent: how uneven a facet may be, since files that hold triangles are often rounded."""
SAME_HEIGHT = 0.02
"""Centres of mass are equally high if they differ by less than this share."""
SAME_FACET = np.radians(1.0)
"""Triangles whose normals differ by less belong to one flat facet."""
ROLLS = np.radians(25.0)
"""Facets on which a part can rest equally high and that differ by less are a round side, along which it rolls."""
FEWEST = "The part has no volume to rest on. Choose a class that shows a solid part."


@dataclass(frozen=True)
class RestingPose:
    """One way in which a part rests.

    Attributes:
        down: unit vector [3] in the part's coordinates that points down.
        side: all vectors [K, 3] that may point down: several where the side is round.
        share: of the drops that end so, 0..1; those of all poses add up to 1.
        height: of the centre of mass above the table, in the part's unit of length.
    """

    down: Array
    side: Array
    share: float
    height: float

    @property
    def rolls(self) -> bool:
        """Whether the part rests on a round side and may roll to any point of it."""
        return len(self.side) > 1

    def rotation(self, turn: float = 0.0) -> Array:
        """The matrix [3, 3] that lays the part so, by the shortest way from how it stands, and then turns it by
        ``turn`` radians about the vertical."""
        cosine, sine = np.cos(turn), np.sin(turn)
        return np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]]) @ _shortest_turn(self.down)


def resting_poses(points: Array, triangles: Indices) -> list[RestingPose]:
    """The poses in which a part rests on a table, the most frequent first.

    Args:
        points: corners of the part [N, 3], in any unit of length.
        triangles: of its surface, indices of corners [M, 3]. Where the surface is not closed, the part is taken to be
            as heavy as its hull.

    Raises:
        InputError: the part is flat or empty.
    """
    corners, hull, moved = _hull(points)
    centre = centre_of_mass(corners, hull)
    if _closed(points, triangles):
        own = centre_of_mass(points, triangles)
        if np.all(_dot(_normals(moved, hull), own - moved[hull[:, 0]]) < 0):  # else its triangles face anywhere
            centre = own
    totals = _falls(moved, hull, centre)
    return _sides(totals, corners, hull, _normals(moved, hull), centre)


def centre_of_mass(points: Array, triangles: Indices) -> Array:
    """Of the solid inside a closed surface; points [N, 3], indices [M, 3]. Unit and origin are those of the points."""
    origin = points[triangles].mean(axis=(0, 1))  # far from the part, cancellation would cost digits
    a, b, c = (points[triangles[:, corner]] - origin for corner in range(3))
    volumes = _dot(a, np.cross(b, c))
    return np.asarray(origin + (volumes[:, None] * (a + b + c)).sum(axis=0) / 4 / volumes.sum())


def _closed(points: Array, triangles: Indices) -> bool:
    """Whether triangles enclose a volume: nearly all of their edges, by length, meet another one's."""
    if not len(triangles):
        return False
    step = ON_HULL * max(_extent(points), 1e-300)
    places, names = np.unique((points / step).round() * step, axis=0, return_inverse=True)
    corners = names.reshape(-1)[triangles]
    edges = np.sort(np.concatenate([corners[:, [k, (k + 1) % 3]] for k in range(3)]), axis=1)
    edges, counts = np.unique(edges, axis=0, return_counts=True)
    lengths = np.linalg.norm(places[edges[:, 0]] - places[edges[:, 1]], axis=1)
    a, b, c = (places[corners[:, k]] - places.mean(axis=0) for k in range(3))
    volume = abs(_dot(a, np.cross(b, c)).sum()) / 6
    solid = volume > 1e-6 * float(np.prod(np.ptp(places, axis=0)))
    return bool(solid and lengths[counts % 2 == 1].sum() < 0.01 * lengths.sum())


def convex_hull(points: Array) -> tuple[Array, Indices]:
    """The corners [N, 3] of the convex hull of points and its triangles [F, 3], counter-clockwise from outside.

    Quickhull (C. B. Barber, D. P. Dobkin, H. Huhdanpaa, "The quickhull algorithm for convex hulls", ACM Transactions on
    Mathematical Software 22(4), 1996). Points nearer than ``ON_HULL`` of the extent to the hull may be left out.

    Raises:
        InputError: the points lie in a plane.
    """
    return _hull(points)[:2]


def _hull(points: Array) -> tuple[Array, Indices, Array]:
    """The convex hull as by :func:`convex_hull`, and its corners moved by so little that all of its edges are convex."""
    points = np.unique(np.asarray(points, dtype=np.float64).reshape(-1, 3), axis=0)
    points = points[np.isfinite(points).all(axis=1)]
    start = _first_tetrahedron(points)
    # Points of one plane would see it partly from above and partly from below, by rounding, and tear the hull.
    moved = points + np.random.default_rng(0).uniform(-JOGGLE, JOGGLE, points.shape) * _extent(points)
    hull = _Hull(moved, start)
    while (found := hull.farthest()) is not None:
        hull.add(*found)
    triangles = np.array([face for face in hull.faces if face is not None], dtype=np.int64)
    used, renamed = np.unique(triangles, return_inverse=True)
    return points[used], renamed.reshape(-1, 3), moved[used]


def _first_tetrahedron(points: Array) -> list[int]:
    """Four points far from each other, in no plane."""
    if len(points) >= 4:
        extent = _extent(points)
        axis = int(np.argmax(np.ptp(points, axis=0)))
        a, b = int(np.argmin(points[:, axis])), int(np.argmax(points[:, axis]))
        along = (points[b] - points[a]) / np.linalg.norm(points[b] - points[a])
        from_line = np.linalg.norm(np.cross(points - points[a], along), axis=1)
        c = int(np.argmax(from_line))
        normal = np.cross(along, points[c] - points[a])
        from_plane = (points - points[a]) @ normal
        d = int(np.argmax(np.abs(from_plane)))
        if from_line[c] > IN_PLANE * extent and abs(from_plane[d]) > IN_PLANE * extent * np.linalg.norm(normal):
            return [a, b, c, d] if from_plane[d] < 0 else [a, c, b, d]
    raise InputError(FEWEST)


class _Hull:
    """A convex hull that grows by one point at a time; every face knows its neighbours and the points outside it."""

    def __init__(self, points: Array, corners: list[int]) -> None:
        a, b, c, d = corners
        self.points = points
        self.slack = ON_HULL * _extent(points)
        self.faces: list[tuple[int, int, int] | None] = []
        self._planes: list[tuple[Array, float]] = []
        self._outside: list[Indices] = []
        self._distances: list[Array] = []
        self._of_edge: dict[tuple[int, int], int] = {}
        self._waiting: list[int] = []
        rest = np.arange(len(points))
        for face in ((a, b, c), (a, d, b), (b, d, c), (c, d, a)):
            rest = self._new_face(face, rest)

    def farthest(self) -> tuple[int, int] | None:
        """A face and the point that is farthest outside it; None where no point is outside."""
        while self._waiting:
            face = self._waiting.pop()
            if self.faces[face] is not None and len(self._outside[face]):
                return face, int(self._outside[face][np.argmax(self._distances[face])])
        return None

    def add(self, face: int, point: int) -> None:
        """Replace the faces that a point sees by those that join it to their outline."""
        place, seen, outline, stack = self.points[point], {face}, [], [face]
        while stack:
            corners = self.faces[stack.pop()]
            assert corners is not None
            for edge in zip(corners, corners[1:] + corners[:1], strict=True):
                other = self._of_edge[edge[::-1]]
                if other in seen:
                    continue
                normal, offset = self._planes[other]
                if float(normal @ place) > offset:
                    seen.add(other)
                    stack.append(other)
        for number in seen:
            corners = self.faces[number]
            assert corners is not None
            outline += [
                edge
                for edge in zip(corners, corners[1:] + corners[:1], strict=True)
                if self._of_edge[edge[::-1]] not in seen
            ]
        rest = np.concatenate([self._outside[number] for number in seen])
        rest = rest[rest != point]
        for number in seen:
            self.faces[number], self._outside[number] = None, rest[:0]
        for start, end in outline:
            rest = self._new_face((start, end, point), rest)

    def _new_face(self, corners: tuple[int, int, int], rest: Indices) -> Indices:
        """Add a face; returns the points that are not outside it."""
        a, b, c = self.points[list(corners)]
        (x, y, z), (u, v, w) = (b - a).tolist(), (c - a).tolist()
        normal = np.array([y * w - z * v, z * u - x * w, x * v - y * u])  # faster than cross() for a single one
        normal /= max(math.sqrt(float(normal @ normal)), 1e-300)
        offset, number = float(normal @ a), len(self.faces)
        distances = self.points[rest] @ normal - offset
        out = distances > self.slack
        self.faces.append(corners)
        self._planes.append((normal, offset))
        self._outside.append(rest[out])
        self._distances.append(distances[out])
        for edge in zip(corners, corners[1:] + corners[:1], strict=True):
            self._of_edge[edge] = number
        if out.any():
            self._waiting.append(number)
        return np.asarray(rest[~out])


def _cross(corners: Array, triangles: Indices) -> Array:
    a, b, c = (corners[triangles[:, corner]] for corner in range(3))
    return np.cross(b - a, c - a)


def _normals(corners: Array, triangles: Indices) -> Array:
    normals = _cross(corners, triangles)
    return np.asarray(normals / np.maximum(np.linalg.norm(normals, axis=1), 1e-300)[:, None])


def _solid_angles(corners: Array, triangles: Indices, centre: Array) -> Array:
    """Of triangles seen from a point, in steradians [F] (A. Van Oosterom and J. Strackee, "The solid angle of a plane
    triangle", IEEE Transactions on Biomedical Engineering 30(2), 1983)."""
    a, b, c = (corners[triangles[:, corner]] - centre for corner in range(3))
    la, lb, lc = (np.linalg.norm(side, axis=1) for side in (a, b, c))
    below = la * lb * lc + _dot(a, b) * lc + _dot(b, c) * la + _dot(c, a) * lb
    return np.asarray(2 * np.arctan2(_dot(a, np.cross(b, c)), below))


def _dot(a: Array, b: Array) -> Array:
    """Dot products [F] of rows [F, 3]."""
    return np.asarray(np.einsum("fk,fk->f", a, b))


def _extent(points: Array) -> float:
    return float(np.max(np.ptp(points, axis=0)))


def _neighbours(triangles: Indices) -> Indices:
    """The triangle across each edge [F, 3]; edge k leads from corner k to the next."""
    of_edge = {
        (int(face[k]), int(face[(k + 1) % 3])): number for number, face in enumerate(triangles) for k in range(3)
    }
    return np.array([[of_edge[int(face[(k + 1) % 3]), int(face[k])] for k in range(3)] for face in triangles])


def _falls(corners: Array, triangles: Indices, centre: Array) -> dict[int, float]:
    """The triangles of a strictly convex hull on which the part can rest, and the share of falls that end on each.

    From any other triangle it topples across the edge that the centre of mass lies farthest beyond, and its centre of
    mass sinks, so it never comes back.
    """
    shares = np.abs(_solid_angles(corners, triangles, centre)) / (4 * np.pi)
    normals = _normals(corners, triangles)
    starts, ends = corners[triangles], corners[np.roll(triangles, -1, axis=1)]
    outward = np.cross(ends - starts, normals[:, None])
    outward /= np.maximum(np.linalg.norm(outward, axis=2), 1e-300)[..., None]
    distances = np.einsum("fek,fek->fe", outward, centre - starts)
    edges = distances.argmax(axis=1)
    every = np.arange(len(triangles))
    onto = np.where(distances[every, edges] > 0, _neighbours(triangles)[every, edges], every)
    lowest = np.argmin(_dot(normals, starts[:, 0] - centre))
    onto[lowest] = lowest
    for _ in range(len(triangles).bit_length()):  # each time, twice as many topplings at once
        onto = onto[onto]
    totals = np.bincount(onto, weights=shares, minlength=len(triangles)) / shares.sum()
    return {int(number): float(totals[number]) for number in np.flatnonzero(totals)}


def _sides(
    totals: dict[int, float], corners: Array, triangles: Indices, normals: Array, centre: Array
) -> list[RestingPose]:
    """Put the triangles of flat facets together, and those of round sides; the most frequent one stands for them."""
    heights = _dot(normals, corners[triangles[:, 0]] - centre)
    poses = []
    left = np.array(sorted(totals, key=lambda one: -totals[one]))
    while len(left):
        name, left, side, stack = left[0], left[1:], [left[0]], [left[0]]
        while stack:
            here = stack.pop()
            alike = (normals[left] @ normals[here] > np.cos(ROLLS)) & (
                np.abs(heights[left] - heights[name]) < SAME_HEIGHT * heights[name]
            )
            side += list(left[alike])
            stack += list(left[alike])
            left = left[~alike]
        down = _facet_normal(corners, triangles, normals[name])
        round_side = normals[side][normals[side] @ down < np.cos(SAME_FACET)]
        height = float(np.max(corners @ down) - centre @ down)
        share = sum(totals[int(one)] for one in side)
        poses.append(RestingPose(down, np.concatenate([down[None], round_side]), share, height))
    return sorted(poses, key=lambda pose: -pose.share)


def _facet_normal(corners: Array, triangles: Indices, normal: Array) -> Array:
    """The mean normal [3] of the triangles that lie where the hull reaches farthest along a normal."""
    along = corners @ normal
    flat = (along > np.max(along) - IN_PLANE * _extent(corners))[triangles].all(axis=1)
    total = _cross(corners, triangles[flat]).sum(axis=0)
    length = float(np.linalg.norm(total))
    return np.asarray(total / length if length > 0 else normal)


def _shortest_turn(down: Array) -> Array:
    """The rotation [3, 3] by the smallest angle that takes a unit vector to -Z."""
    axis, cosine = np.cross(down, (0, 0, -1)), -down[2]
    if cosine < -1 + 1e-12:  # upside down: half a turn about X
        return np.diag([1.0, -1.0, -1.0])
    x, y, z = axis
    skew = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + skew + skew @ skew / (1 + cosine))
