# SPDX-License-Identifier: GPL-3.0-or-later
"""Camera poses around the nominal one, from which the region of interest is in view. Needs no Blender.

Poses are 4x4 matrices, camera to world, metres, in Blender's convention: the camera looks along its -Z, X is right
and Y is up.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from math import degrees
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..inference.errors import InputError
from .settings import Jitter

Array = NDArray[np.float64]

BEHIND = "the region is behind the camera or outside its clipping range"
OUTSIDE = "not enough of the region is in frame"
HIDDEN = "the region is hidden by other geometry"

CORNERS = np.array(np.meshgrid((0.0, 1.0), (0.0, 1.0), (0.0, 1.0))).reshape(3, 8).T

FIRST_JUDGED = 1000
"""Draws after which the share of accepted ones is judged, so that a few unlucky draws stop nothing."""
LEAST_ACCEPTED = 0.01


@dataclass(frozen=True)
class View:
    """What decides whether a pose shows the region.

    ``nominal`` [4, 4] is the nominal camera to world, ``projection`` [4, 4] takes camera coordinates to clip
    coordinates (OpenGL's: visible where -w <= x, y, z <= w), ``region`` [4, 4] takes the unit cube 0..1 to the
    region's bounding box in the world, which may be turned.
    """

    nominal: Array
    projection: Array
    region: Array

    def region_points(self, points: Array) -> Array:
        """World-space points [N, 3] in metres from points [N, 3] of the unit cube."""
        return np.asarray(points @ self.region[:3, :3].T + self.region[:3, 3])


@dataclass(frozen=True)
class Candidate:
    """A drawn pose [4, 4], camera to world, and why it cannot be used; ``None`` if it can."""

    pose: Array
    reason: str | None

    @property
    def accepted(self) -> bool:
        """Whether the pose may be rendered."""
        return self.reason is None


UnoccludedShare = Callable[[Array], float]
"""Takes a pose [4, 4] to the share (0..1) of the region that no geometry outside the region hides."""


def displace(nominal: Array, offset: Array, angles: Array) -> Array:
    """Move a pose along its own axes, then turn it.

    The turns are intrinsic: pitch about X, then yaw about the new Y, then roll about the new Z. So roll, which is
    often large, never tilts the view direction.

    Args:
        nominal: the pose, camera to world [4, 4].
        offset: the move in metres [3].
        angles: pitch, yaw and roll in radians [3].
    """
    (cx, cy, cz), (sx, sy, sz) = np.cos(angles), np.sin(angles)
    pitch = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    yaw = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    roll = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    local = np.eye(4)
    local[:3, :3] = pitch @ yaw @ roll
    local[:3, 3] = offset
    return np.asarray(nominal @ local)


def in_frame_share(view: View, pose: Array) -> float | None:
    """Share (0..1) of the region's outline in the picture that lies inside the frame.

    It is the area of the convex hull of the box's eight projected corners, clipped to the frame, over the whole
    area. ``None`` where a corner lies behind the camera or outside its clipping range, as its projection means
    nothing there. A region seen as a mere line or point counts by its corners.
    """
    points = _projected(view, pose)
    if points is None:
        return None
    inside = np.all(np.abs(points) <= 1, axis=1)
    if inside.all():
        return 1.0
    hull = _convex_hull(points)
    whole = _area(hull)
    if whole < 1e-12:
        return float(inside.mean())
    return min(_area(_clip_to_frame(hull)) / whole, 1.0)


def covered_share(view: View, pose: Array) -> float | None:
    """Share (0..1) of the picture that the region's outline covers; ``None`` as by :func:`in_frame_share`."""
    points = _projected(view, pose)
    return None if points is None else _area(_clip_to_frame(_convex_hull(points))) / 4


def _projected(view: View, pose: Array) -> Array | None:
    """The box's corners in the picture [8, 2], which reaches from -1 to 1; ``None`` where one cannot be projected."""
    rotation, position = pose[:3, :3], pose[:3, 3]
    local = (view.region_points(CORNERS) - position) @ rotation  # the inverse of a rigid pose, applied to rows
    clip = np.column_stack([local, np.ones(len(local))]) @ view.projection.T
    w = clip[:, 3]
    if np.any(w <= 0) or np.any(np.abs(clip[:, 2]) > w):
        return None
    return np.asarray(clip[:, :2] / w[:, None])


def judge(view: View, jitter: Jitter, pose: Array, unoccluded: UnoccludedShare | None = None) -> Candidate:
    """Decide whether a pose shows enough of the region."""
    share = in_frame_share(view, pose)
    if share is None:
        return Candidate(pose, BEHIND)
    if share < jitter.min_visible - 1e-9:
        return Candidate(pose, OUTSIDE)
    if unoccluded is not None and unoccluded(pose) < jitter.min_unoccluded - 1e-9:
        return Candidate(pose, HIDDEN)
    return Candidate(pose, None)


def candidates(
    view: View, jitter: Jitter, index: int, unoccluded: UnoccludedShare | None = None
) -> Iterator[Candidate]:
    """Draw poses for an image without end; the first accepted one is the image's pose.

    The generator depends on the seed and the index alone, so that more images, other classes or another order
    change no pose.

    Args:
        view: the nominal camera and the region.
        jitter: how far poses may differ from the nominal one, and how much of the region they must show.
        index: number of the image.
        unoccluded: tells how much of the region other geometry leaves visible; None if that does not matter.
    """
    generator = np.random.default_rng([jitter.seed, index])
    location, rotation = np.array(jitter.location), np.array(jitter.rotation)
    while True:
        offset, angles = generator.uniform(-1, 1, (2, 3))
        yield judge(view, jitter, displace(view.nominal, offset * location, angles * rotation), unoccluded)


def sample(view: View, jitter: Jitter, count: int, unoccluded: UnoccludedShare | None = None) -> list[Array]:
    """Return one accepted pose [4, 4] for each image, the same for every class.

    Args:
        view: the nominal camera and the region.
        jitter: how far poses may differ from the nominal one, and how much of the region they must show.
        count: number of images.
        unoccluded: tells how much of the region other geometry leaves visible; None if that does not matter.

    Raises:
        InputError: fewer than one draw in a hundred is accepted; says which limit to lower.
    """
    accepted: list[Array] = []
    rejected: Counter[str] = Counter()
    for index in range(count):
        for candidate in candidates(view, jitter, index, unoccluded):
            if candidate.reason is None:
                accepted.append(candidate.pose)
                break
            rejected[candidate.reason] += 1
            draws = rejected.total() + len(accepted)
            if draws >= FIRST_JUDGED and len(accepted) < LEAST_ACCEPTED * draws:
                raise InputError(_advice(view, jitter, unoccluded, rejected, len(accepted)))
    return accepted


def _advice(
    view: View, jitter: Jitter, unoccluded: UnoccludedShare | None, rejected: Counter[str], accepted: int
) -> str:
    """One sentence saying what to change so that more poses are accepted."""
    nominal = judge(view, jitter, view.nominal, unoccluded)
    if not nominal.accepted:
        return f"Even from the nominal camera {nominal.reason}. Move the camera or the region, or lower the limit."
    reason = rejected.most_common(1)[0][0]
    found = f"Only {accepted} of {rejected.total() + accepted} camera poses can be used: {reason}."
    limits = [("location", axis) for axis in range(3)] + [("rotation", axis) for axis in range(3)]
    shares = {}
    for name, axis in limits:
        values = list(getattr(jitter, name))
        if values[axis] > 0:
            values[axis] = 0.0
            zeroed: dict[str, Any] = {name: tuple(values)}
            drawn = islice(candidates(view, replace(jitter, **zeroed), 0, unoccluded), 200)
            shares[name, axis] = sum(candidate.accepted for candidate in drawn) / 200
    name, axis = max(shares, key=shares.__getitem__)
    if shares[name, axis] < LEAST_ACCEPTED:
        return f"{found} No single limit is to blame: lower jitter location and rotation together."
    value = getattr(jitter, name)[axis]
    label = ("X", "Y", "Z")[axis] if name == "location" else ("X (pitch)", "Y (yaw)", "Z (roll)")[axis]
    amount = f"{value:.4g} m" if name == "location" else f"{degrees(value):.4g} degrees"
    return f"{found} Lower jitter {name} {label} first, now {amount}: at 0, {shares[name, axis]:.0%} could be used."


def _convex_hull(points: Array) -> Array:
    """Corners [M, 2] of the convex hull of [N, 2] points, counter-clockwise (Andrew's monotone chain)."""
    ordered = points[np.lexsort((points[:, 1], points[:, 0]))]

    def chain(sequence: Array) -> list[Array]:
        hull: list[Array] = []
        for point in sequence:
            while len(hull) > 1 and _cross(hull[-1] - hull[-2], point - hull[-2]) <= 0:
                hull.pop()
            hull.append(point)
        return hull[:-1]

    return np.array(chain(ordered) + chain(ordered[::-1]))


def _cross(a: Array, b: Array) -> float:
    return float(a[0] * b[1] - a[1] * b[0])


def _clip_to_frame(polygon: Array) -> Array:
    """Clip a convex polygon [M, 2] to the square from -1 to 1 (Sutherland and Hodgman)."""
    for axis in (0, 1):
        for side in (-1.0, 1.0):
            kept: list[Array] = []
            for start, end in zip(np.roll(polygon, 1, axis=0), polygon, strict=True):
                a, b = 1 - side * start[axis], 1 - side * end[axis]
                if (a < 0) != (b < 0):
                    kept.append(start + (end - start) * a / (a - b))
                if b >= 0:
                    kept.append(end)
            polygon = np.array(kept).reshape(-1, 2)
    return polygon


def _area(polygon: Array) -> float:
    """Area of a polygon [M, 2] (shoelace formula)."""
    x, y = polygon[:, 0], polygon[:, 1]
    return float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)
