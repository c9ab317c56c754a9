# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a photo was taken from, and with which focal length, from points of the part that are seen in it. Needs no
Blender.

The camera is a pinhole with square pixels whose axis meets the middle of the photo. The sum of squared distances in
the photo is minimised by the method of Levenberg and Marquardt (K. Levenberg, Quarterly of Applied Mathematics 2, 1944;
D. Marquardt, SIAM Journal 11(2), 1963), which finds the nearest minimum only; it therefore starts from many
orientations, with the position that suits each best, and the best end is taken.
"""

from dataclasses import dataclass

import numpy as np

from ..inference.errors import InputError
from .poses import Array

FEWEST = 4
FEWEST_IN_SPACE = 6
"""Points that are needed where they lie in no plane and the focal length is sought."""
ORIENTATIONS = 600
FOCAL_LENGTHS = (0.6, 1.2, 2.4, 4.8, 9.6)
"""To start from, as multiples of the photo's longer side."""
DESCENTS = 24
"""Starts that are followed to their minimum."""
FLAT = 0.01
"""Points lie in a plane, or on a line, if they leave it by less than this share of their extent."""
CLICK = 0.5
"""Error in pixels with which a point is picked at best."""
UNCERTAIN = 0.15
"""Relative standard error of distance or focal length from which on they count as undetermined."""
OTHER_VIEW = np.radians(10.0)
"""A second minimum is another answer if its camera is turned by more."""


@dataclass(frozen=True)
class CameraFit:
    """The camera that took a photo.

    Attributes:
        pose: camera to world [4, 4] in Blender's convention (it looks along its -Z, Y is up), in the points' unit.
        focal: length in pixels of the photo.
        residuals: distance in pixels between each picked point and where this camera sees the part's point [N].
        nearest: distance to the nearest of the points along the view, in their unit.
        focal_error: standard error of the focal length as a share of it; 0 where it was given.
        distance_error: standard error of the distance as a share of it.
        ambiguous: whether another camera explains the points about as well.
    """

    pose: Array
    focal: float
    residuals: Array
    nearest: float
    focal_error: float
    distance_error: float
    ambiguous: bool

    @property
    def rms(self) -> float:
        """Root mean square of the residuals in pixels."""
        return float(np.sqrt(np.mean(self.residuals**2)))


def fit_camera(points: Array, pixels: Array, size: tuple[int, int], focal: float | None = None) -> CameraFit:
    """The camera that sees points of the part where they were picked in a photo.

    Args:
        points: of the part in the world [N, 3].
        pixels: of the photo [N, 2], counted from its left and its upper edge.
        size: width and height of the photo in pixels.
        focal: length in pixels, if it is known.

    Raises:
        InputError: there are too few points, or they do not determine the camera.
    """
    points, pixels = np.asarray(points, np.float64).reshape(-1, 3), np.asarray(pixels, np.float64).reshape(-1, 2)
    _refuse_degenerate(points, pixels, free=focal is None)
    unit = float(np.max(np.ptp(points, axis=0)))
    origin = points.mean(axis=0)
    local = (points - origin) / unit
    scale = float(max(size))
    aims = (pixels - np.array(size) / 2) / scale
    known = None if focal is None else focal / scale
    ends = [_descend(local, aims, *start, known is None) for start in _starts(local, aims, known)]
    ends = [end for end in ends if np.all((local @ end[0].T + end[1])[:, 2] > 0)]
    if not ends:
        raise InputError(
            "No camera sees these points so. Check that each point in the photo belongs to its point on the part."
        )
    ends.sort(key=lambda end: end[3])
    rotation, position, length, cost = ends[0]
    limit = 2 * cost + len(points) * (2 * CLICK / scale) ** 2
    ambiguous = any(_angle(end[0], rotation) > OTHER_VIEW and end[3] < limit for end in ends[1:])
    misses, jacobian = _misses(local, aims, rotation, position, length, known is None)
    residuals = np.linalg.norm(misses.reshape(-1, 2), axis=1) * scale
    focal_error, distance_error = _errors(jacobian, misses, position, scale)
    if focal_error > UNCERTAIN or distance_error > UNCERTAIN:
        raise InputError(
            "The points do not determine the focal length, as with a flat part seen from straight above: choose "
            "From Photo or Known Lens, or add points at other heights."
            if known is None
            else "The points do not determine the camera. Pick points that lie further apart, also in height."
        )
    flip = np.diag([1.0, -1.0, -1.0])
    pose = np.eye(4)
    pose[:3, :3] = rotation.T @ flip
    pose[:3, 3] = origin - unit * (rotation.T @ position)
    nearest = unit * float(np.min((local @ rotation.T + position)[:, 2]))
    return CameraFit(pose, length * scale, residuals, nearest, focal_error, distance_error, ambiguous)


def project(fit: CameraFit, points: Array, size: tuple[int, int]) -> Array:
    """Where a camera sees points of the world [N, 3]: pixels [N, 2] from the photo's left and upper edge."""
    seen = (np.asarray(points) - fit.pose[:3, 3]) @ fit.pose[:3, :3] * (1, -1, -1)
    return np.asarray(seen[:, :2] / seen[:, 2:] * fit.focal + np.array(size) / 2)


def _refuse_degenerate(points: Array, pixels: Array, *, free: bool) -> None:
    if len(points) < FEWEST:
        raise InputError(f"{len(points)} points are picked. Pick at least {FEWEST}, better six or more.")
    for what, places in (("on the part", points), ("in the photo", pixels)):
        extent = float(np.max(np.ptp(places, axis=0)))
        for number in range(len(places)):
            same = np.flatnonzero(np.linalg.norm(places[:number] - places[number], axis=1) <= 1e-6 * extent)
            if len(same):
                raise InputError(
                    f"Points {same[0] + 1} and {number + 1} are the same {what}. Remove one and pick another point."
                )
    spread = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    if spread[1] < FLAT * spread[0] or _all_but_one_on_a_line(points):
        raise InputError("The points lie on a line. Pick points that are spread over the part.")
    flat = spread[2] < FLAT * spread[0]
    if free and not flat and len(points) < FEWEST_IN_SPACE:
        raise InputError(
            f"{len(points)} points that lie in no plane do not determine the focal length. Pick at least "
            f"{FEWEST_IN_SPACE}, or choose From Photo or Known Lens."
        )


def _all_but_one_on_a_line(points: Array) -> bool:
    for number in range(len(points)):
        others = np.delete(points, number, axis=0)
        spread = np.linalg.svd(others - others.mean(axis=0), compute_uv=False)
        if spread[1] < FLAT * spread[0]:
            return True
    return False


def _starts(points: Array, aims: Array, known: float | None) -> list[tuple[Array, Array, float]]:
    """The most promising rotations [3, 3], positions [3] and focal lengths to start from, all over the orientations."""
    quaternions = np.random.default_rng(0).normal(size=(ORIENTATIONS, 4))
    rotations = _rotations(quaternions / np.linalg.norm(quaternions, axis=1)[:, None])
    turned = np.einsum("rij,nj->rni", rotations, points)
    found: list[tuple[float, Array, Array, float]] = []
    for focal in FOCAL_LENGTHS if known is None else (known,):
        # u (z + tz) = f (x + tx), so the position is linear in what is known.
        count = 2 * len(points)
        left = np.zeros((len(rotations), count, 3))
        left[:, 0::2, 0] = left[:, 1::2, 1] = focal
        left[:, 0::2, 2], left[:, 1::2, 2] = -aims[:, 0], -aims[:, 1]
        right = np.empty((len(rotations), count))
        right[:, 0::2] = aims[:, 0] * turned[..., 2] - focal * turned[..., 0]
        right[:, 1::2] = aims[:, 1] * turned[..., 2] - focal * turned[..., 1]
        square = np.swapaxes(left, 1, 2) @ left
        slopes = np.swapaxes(left, 1, 2) @ right[..., None]
        positions = np.linalg.solve(square + 1e-12 * np.eye(3), slopes)[..., 0]
        seen = turned + positions[:, None]
        depth = np.maximum(seen[..., 2], 1e-3)
        misses = focal * seen[..., :2] / depth[..., None] - aims
        costs = np.where(np.all(seen[..., 2] > 0, axis=1), (misses**2).sum(axis=(1, 2)), np.inf)
        found += [
            (float(costs[number]), rotations[number], positions[number], focal)
            for number in np.argsort(costs)[:DESCENTS]
            if np.isfinite(costs[number])
        ]
    found.sort(key=lambda start: start[0])
    return [(rotation, position, focal) for _, rotation, position, focal in found[: 2 * DESCENTS]]


def _rotations(quaternions: Array) -> Array:
    w, x, y, z = quaternions.T
    return np.stack([
        np.stack([1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)], axis=-1),
        np.stack([2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)], axis=-1),
        np.stack([2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)], axis=-1),
    ], axis=1)  # fmt: skip


def _misses(
    points: Array, aims: Array, rotation: Array, position: Array, focal: float, free: bool
) -> tuple[Array, Array]:
    """Differences [2 N] between seen and picked, and their derivatives [2 N, 6 or 7] by a turn, a shift and log focal."""
    turned = points @ rotation.T
    x, y, z = (turned + position).T
    seen = focal * np.stack([x / z, y / z], axis=1)
    zero = np.zeros_like(z)
    by_place = focal * np.stack([
        np.stack([1 / z, zero, -x / z**2], axis=1), np.stack([zero, 1 / z, -y / z**2], axis=1)
    ], axis=1)  # fmt: skip
    a, b, c = turned.T
    by_turn = np.stack([
        np.stack([zero, c, -b], axis=1), np.stack([-c, zero, a], axis=1), np.stack([b, -a, zero], axis=1)
    ], axis=1)  # fmt: skip
    parts = [by_place @ by_turn, by_place] + ([seen[..., None]] if free else [])
    return (seen - aims).ravel(), np.concatenate(parts, axis=2).reshape(2 * len(points), -1)


def _descend(
    points: Array, aims: Array, rotation: Array, position: Array, focal: float, free: bool
) -> tuple[Array, Array, float, float]:
    """Levenberg-Marquardt from one start: rotation, position, focal length and sum of squares at its end."""
    damping = 1e-3
    misses, jacobian = _misses(points, aims, rotation, position, focal, free)
    cost = float(misses @ misses)
    for _ in range(100):
        square, slope = jacobian.T @ jacobian, jacobian.T @ misses
        step = -np.linalg.solve(square + damping * np.diag(np.diag(square) + 1e-12), slope)
        tried = _turn(step[:3]) @ rotation, position + step[3:6], focal * np.exp(np.clip(step[6:].sum(), -1, 1))
        if np.all((points @ tried[0].T + tried[1])[:, 2] > 1e-6):
            new_misses, new_jacobian = _misses(points, aims, *tried, free)
            new_cost = float(new_misses @ new_misses)
            if new_cost < cost:
                gain = cost - new_cost
                (rotation, position, focal), misses, jacobian, cost = tried, new_misses, new_jacobian, new_cost
                damping = max(damping / 5, 1e-12)
                if gain < 1e-10 * cost + 1e-24:
                    break
                continue
        damping *= 4
        if damping > 1e8:
            break
    return rotation, position, float(focal), cost


def _turn(axis: Array) -> Array:
    """The rotation [3, 3] about an axis [3] by its length in radians (Rodrigues)."""
    angle = float(np.linalg.norm(axis))
    if angle < 1e-12:
        return np.eye(3)
    x, y, z = axis / angle
    skew = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + np.sin(angle) * skew + (1 - np.cos(angle)) * skew @ skew)


def _angle(one: Array, other: Array) -> float:
    return float(np.arccos(np.clip((np.trace(one.T @ other) - 1) / 2, -1, 1)))


def _errors(jacobian: Array, misses: Array, position: Array, scale: float) -> tuple[float, float]:
    """Relative standard errors of focal length and distance, from the curvature at the minimum."""
    free = len(misses) - jacobian.shape[1]
    variance = max(float(misses @ misses) / free if free > 0 else 0.0, (CLICK / scale) ** 2)
    weights, axes = np.linalg.eigh(jacobian.T @ jacobian)
    covariance = variance * axes / np.maximum(weights, 1e-16 * weights[-1]) @ axes.T  # undetermined: a huge error
    along = position / np.linalg.norm(position)
    distance = np.sqrt(max(float(along @ covariance[3:6, 3:6] @ along), 0.0)) / np.linalg.norm(position)
    return float(np.sqrt(max(covariance[6, 6], 0.0))) if jacobian.shape[1] == 7 else 0.0, float(distance)
