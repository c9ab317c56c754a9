# SPDX-License-Identifier: GPL-3.0-or-later
"""On which sides a part rests, and how often it falls on each. Needs no Blender.

A rigid part rests on a facet of its convex hull above which its centre of mass lies. How often it comes to rest there
is estimated quasi-statically: a part that is dropped in a random orientation and has no speed first touches the table
with the facet below its centre of mass, so each facet's share is its solid angle seen from there; from a facet on which
it cannot rest it topples over the edge that its centre of mass lies beyond, until it can. See K. Goldberg, B. Mirtich,
Y. Zhuang, J. Craig, B. Carlisle, J. Canny, "Part pose statistics: estimators and experiments", IEEE Transactions on
Robotics and Automation 15(5), 1999. Parts that bounce find the deepest rest more often than this says.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..inference.errors import InputError
from .poses import Array

Indices = NDArray[np.int64]

ON_HULL = 1e-6
"""Points that are nearer to the hull than this share of the part's extent are on it; single precision gives no more."""
IN_PLANE = 1e-4
"""Of the extent: how uneven a facet may be, since files that hold triangles are often rounded."""
ROLLS = np.radians(25.0)
"""Neighbouring facets that a part can rest on and that differ by less are a round side, along which it rolls."""
FEWEST = "The part has no volume to rest on. Choose a class that shows a solid part."


@dataclass(frozen=True)
class RestingPose:
    """One way in which a part rests.

    Attributes:
        down: unit vector [3] in the part's coordinates that points down.
        share: of the drops that end so, 0..1; those of all poses add up to 1.
        height: of the centre of mass above the table, in the part's unit of length.
        rolls: whether the part rests on a round side and may roll to any point of it.
    """

    down: Array
    share: float
    height: float
    rolls: bool

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
    corners, hull = convex_hull(points)
    centre = centre_of_mass(corners, hull)
    own = centre_of_mass(points, triangles) if _closed(points, triangles) else centre
    normals = _normals(corners, hull)
    if np.all(_dot(normals, own - corners[hull[:, 0]]) < 0):  # else its triangles face anywhere
        centre = own
    facets = _facets(corners, hull, normals)
    return _statistics(corners, hull, normals, facets, centre)


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
    points = np.unique(np.asarray(points, dtype=np.float64).reshape(-1, 3), axis=0)
    points = points[np.isfinite(points).all(axis=1)]
    start = _first_tetrahedron(points)
    hull = _Hull(points, start)
    while (found := hull.farthest()) is not None:
        hull.add(*found)
    triangles = np.array([face for face in hull.faces if face is not None], dtype=np.int64)
    used, renamed = np.unique(triangles, return_inverse=True)
    return points[used], renamed.reshape(-1, 3)


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
                if float(normal @ place) - offset > 0.1 * self.slack:
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
        normal = np.cross(b - a, c - a)
        normal = normal / max(float(np.linalg.norm(normal)), 1e-300)
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


def _facets(corners: Array, triangles: Indices, normals: Array) -> Indices:
    """The number of the flat facet that each triangle [F] belongs to: that of its largest triangle, around which it grows
    as far as corners lie in its plane."""
    neighbours, facet = _neighbours(triangles), np.full(len(triangles), -1)
    slack = IN_PLANE * _extent(corners)
    areas = np.linalg.norm(_cross(corners, triangles), axis=1)
    for number in np.argsort(-areas, kind="stable"):
        if facet[number] >= 0:
            continue
        in_plane = np.abs((corners - corners[triangles[number, 0]]) @ normals[number]) < slack
        flat = in_plane[triangles].all(axis=1)
        facet[number], stack = number, [number]
        while stack:
            for other in neighbours[stack.pop()]:
                if facet[other] < 0 and flat[other]:
                    facet[other] = number
                    stack.append(other)
    return facet


def _statistics(
    corners: Array, triangles: Indices, normals: Array, facets: Indices, centre: Array
) -> list[RestingPose]:
    neighbours = _neighbours(triangles)
    shares = np.abs(_solid_angles(corners, triangles, centre)) / (4 * np.pi)
    extent = _extent(corners)
    names = np.unique(facets)
    beyond: dict[int, int] = {}  # the facet that the part topples to from one on which it cannot rest
    around: dict[int, set[int]] = {}
    heights = {}
    for name in names:
        members = np.flatnonzero(facets == name)
        down = normals[name]
        heights[name] = float(down @ (corners[triangles[name, 0]] - centre))
        worst = -1e-6 * extent
        around[name] = set()
        for number, k in ((number, k) for number in members for k in range(3)):
            other = int(facets[neighbours[number, k]])
            if other == name:
                continue
            around[name].add(other)
            start, end = corners[triangles[number, k]], corners[triangles[number, (k + 1) % 3]]
            outward = np.cross(end - start, down)
            outward /= max(float(np.linalg.norm(outward)), 1e-300)
            if (distance := float(outward @ (centre - start))) > worst:
                worst, beyond[name] = distance, other
    totals = dict.fromkeys((name for name in names if name not in beyond), 0.0)
    for name in names:
        rest, passed = name, set()
        while rest in beyond and rest not in passed:
            passed.add(rest)
            rest = beyond[rest]
        if rest in beyond:  # rounding: it goes in a circle, so it stays where its centre is lowest
            rest = min(totals, key=heights.__getitem__)
        totals[rest] += float(shares[facets == name].sum())
    return _sides(totals, around, normals, heights)


def _sides(
    totals: dict[int, float], around: dict[int, set[int]], normals: Array, heights: dict[int, float]
) -> list[RestingPose]:
    """Put the narrow facets of round sides together; the most frequent one stands for them."""
    poses, left, whole = [], set(totals), sum(totals.values())
    for name in sorted(totals, key=lambda one: -totals[one]):
        if name not in left:
            continue
        left.discard(name)
        side, stack = [name], [name]
        while stack:
            here = stack.pop()
            for other in sorted(around[here] & left):
                alike = abs(heights[other] - heights[here]) < 0.02 * heights[here]
                if alike and normals[other] @ normals[here] > np.cos(ROLLS):
                    left.discard(other)
                    side.append(other)
                    stack.append(other)
        share = sum(totals[one] for one in side) / whole
        poses.append(RestingPose(normals[name], share, heights[name], len(side) > 1))
    return sorted(poses, key=lambda pose: -pose.share)


def _shortest_turn(down: Array) -> Array:
    """The rotation [3, 3] by the smallest angle that takes a unit vector to -Z."""
    axis, cosine = np.cross(down, (0, 0, -1)), -down[2]
    if cosine < -1 + 1e-12:  # upside down: half a turn about X
        return np.diag([1.0, -1.0, -1.0])
    x, y, z = axis
    skew = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + skew + skew @ skew / (1 + cosine))
