# SPDX-License-Identifier: GPL-3.0-or-later
"""Resting poses against solids whose poses and shares are known."""

from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from synthetic_similarity_search.inference.errors import InputError
from synthetic_similarity_search.scene.part_picture import picture
from synthetic_similarity_search.scene.stable_poses import (
    RestingPose,
    centre_of_mass,
    convex_hull,
    resting_poses,
)

Mesh = tuple[NDArray[np.float64], NDArray[np.int64]]


def prism(outline: list[tuple[float, float]], height: float) -> Mesh:
    """A prism over a polygon, counter-clockwise and seen whole from its first corner; its lower end at z = 0."""
    count = len(outline)
    points = np.array([(x, y, z) for z in (0.0, height) for x, y in outline])
    triangles = []
    for k in range(count):
        after = (k + 1) % count
        triangles += [(k, after, count + after), (k, count + after, count + k)]
    for k in range(1, count - 1):
        triangles += [(0, k + 1, k), (count, count + k, count + k + 1)]
    return points, np.array(triangles)


def block(x: float, y: float, z: float) -> Mesh:
    return prism([(0, 0), (x, 0), (x, y), (0, y)], z)


def cylinder(radius: float, height: float, segments: int) -> Mesh:
    angles = 2 * np.pi * np.arange(segments) / segments
    return prism([(radius * np.cos(angle), radius * np.sin(angle)) for angle in angles], height)


def rectangle_share(width: float, depth: float, distance: float) -> float:
    """Share of all directions under which a rectangle is seen from above its middle."""
    a, b = width / 2, depth / 2
    return float(np.arcsin(a * b / np.sqrt((a**2 + distance**2) * (b**2 + distance**2))) / np.pi)


def random_turn(seed: int) -> NDArray[np.float64]:
    q, r = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    turn = q * np.sign(np.diag(r))
    return turn * np.sign(np.linalg.det(turn))


def along(poses: list[RestingPose], direction: tuple[float, float, float]) -> float:
    """The share of the pose whose down is this direction."""
    return sum(pose.share for pose in poses if pose.down @ direction > 0.999)


@pytest.mark.parametrize("turned", [False, True])
def test_a_cube_rests_on_each_face_equally(turned: bool) -> None:
    points, triangles = block(20, 20, 20)
    if turned:
        points = points @ random_turn(3).T + (100, -50, 7)
    poses = resting_poses(points, triangles)
    assert [pose.share for pose in poses] == pytest.approx([1 / 6] * 6, rel=1e-4)
    assert [pose.height for pose in poses] == pytest.approx([10] * 6)
    assert not any(pose.rolls for pose in poses)


def test_a_block_rests_on_its_long_sides_more_often() -> None:
    poses = resting_poses(*block(2, 1, 1))
    assert len(poses) == 6
    assert along(poses, (0, 0, -1)) == pytest.approx(rectangle_share(2, 1, 0.5), rel=1e-4)
    assert along(poses, (1, 0, 0)) == pytest.approx(rectangle_share(1, 1, 1), rel=1e-4)
    assert sum(pose.share for pose in poses) == pytest.approx(1)


@pytest.mark.parametrize("segments", [24, 64, 360])
def test_a_cylinder_rests_on_its_ends_and_rolls_on_its_side(segments: int) -> None:
    poses = resting_poses(*cylinder(1, 3, segments))
    assert [pose.rolls for pose in poses] == [True, False, False]
    end = (1 - 1.5 / np.hypot(1.5, 1)) / 2
    assert [pose.share for pose in poses] == pytest.approx([1 - 2 * end, end, end], abs=0.003)


def test_a_hexagonal_nut_does_not_roll() -> None:
    poses = resting_poses(*cylinder(1, 0.8, 6))
    assert len(poses) == 8 and not any(pose.rolls for pose in poses)


def test_a_sphere_has_one_pose() -> None:
    angles = np.linspace(0, 2 * np.pi, 33)[:-1]
    rows = [
        (np.cos(a) * np.cos(b), np.sin(a) * np.cos(b), np.sin(b)) for b in np.linspace(-1.5, 1.5, 17) for a in angles
    ]
    points = np.array(rows)
    poses = resting_poses(points, convex_hull(points)[1])
    assert poses[0].rolls and poses[0].share > 0.9


def test_an_l_bracket_leans_on_its_open_side_too() -> None:
    points, triangles = prism([(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)], 0.5)
    centre = centre_of_mass(points, triangles)
    assert centre == pytest.approx((5 / 6, 5 / 6, 0.25))
    poses = resting_poses(points, triangles)
    assert len(poses) == 7  # the hull's two ends and five sides; the notch is none
    assert along(poses, (np.sqrt(0.5), np.sqrt(0.5), 0)) > 0
    assert along(poses, (0, 0, -1)) == pytest.approx(along(poses, (0, 0, 1)), rel=1e-4)
    assert along(poses, (-1, 0, 0)) == pytest.approx(along(poses, (0, -1, 0)), rel=1e-4)
    # An independent estimate: the side of the hull that random directions from the centre of mass leave through.
    directions = np.random.default_rng(0).normal(size=(200_000, 3))
    sides = {
        (0, 0, -1): 0.25, (0, 0, 1): 0.25, (-1, 0, 0): 5 / 6, (0, -1, 0): 5 / 6, (1, 0, 0): 7 / 6, (0, 1, 0): 7 / 6,
        (np.sqrt(0.5), np.sqrt(0.5), 0): (3 - 5 / 3) * np.sqrt(0.5),
    }  # fmt: skip
    with np.errstate(divide="ignore"):
        reach = np.array([height / np.maximum(directions @ side, 0) for side, height in sides.items()])
    counted = np.bincount(reach.argmin(axis=0), minlength=7) / len(directions)
    assert [along(poses, side) for side in sides] == pytest.approx(counted, abs=0.005)


def test_a_leaning_block_topples_from_its_ends() -> None:
    points, triangles = block(1, 1, 1)
    points[:, 0] += 3 * points[:, 2]
    poses = resting_poses(points, triangles)
    assert along(poses, (0, 0, -1)) == along(poses, (0, 0, 1)) == 0
    assert len(poses) == 4
    assert sum(pose.share for pose in poses) == pytest.approx(1)


def test_a_heavy_end_decides() -> None:
    """A plate with a mast: the hull alone would let it rest on the slopes."""
    plate, mast = block(10, 10, 1), block(0.1, 0.1, 10)
    points = np.concatenate([plate[0], mast[0] + (4.95, 4.95, 1)])
    triangles = np.concatenate([plate[1], mast[1] + 8])
    poses = resting_poses(points, triangles)
    assert poses[0].down == pytest.approx((0, 0, -1))
    assert poses[0].height == pytest.approx((100 * 0.5 + 0.1 * 6) / 100.1, rel=1e-6)


def test_the_hull_holds_all_points() -> None:
    generator = np.random.default_rng(1)
    for points in (generator.normal(size=(2000, 3)), np.array(list(product(range(6), repeat=3)), float)):
        corners, triangles = convex_hull(points)
        a, b, c = (corners[triangles[:, k]] for k in range(3))
        normals = np.cross(b - a, c - a)
        normals /= np.linalg.norm(normals, axis=1)[:, None]
        beyond = np.einsum("fpk,fk->fp", points[None] - a[:, None], normals).max()
        assert beyond < 1e-4 * np.ptp(points, axis=0).max()
        assert len(triangles) == 2 * len(corners) - 4  # Euler


def test_an_open_or_inside_out_surface_still_rests() -> None:
    points, triangles = block(2, 1, 1)
    whole = [pose.share for pose in resting_poses(points, triangles)]
    assert [pose.share for pose in resting_poses(points, triangles[:-2])] == pytest.approx(whole, rel=1e-4)
    assert [pose.share for pose in resting_poses(points, triangles[:, ::-1])] == pytest.approx(whole, rel=1e-4)


def test_pictures_show_the_side_that_is_up() -> None:
    points, triangles = block(3, 2, 1)
    flat, upright = (
        picture(points, triangles, pose.rotation(), 32)
        for pose in (resting_poses(points, triangles)[i] for i in (0, -1))
    )
    for image in (flat, upright):
        assert image.shape == (32, 32, 4) and 0.1 < image[..., 3].mean() < 0.9 and image.max() <= 1
    rows = [np.flatnonzero(image[..., 3].any(axis=1)) for image in (flat, upright)]
    assert np.ptp(rows[1]) > np.ptp(rows[0])  # taller when it stands


def test_rotations_lay_the_part_down_and_turn_it() -> None:
    for pose in resting_poses(*block(3, 2, 1)):
        for turn in (0.0, 1.0):
            rotation = pose.rotation(turn)
            assert rotation @ pose.down == pytest.approx((0, 0, -1))
            assert rotation @ rotation.T == pytest.approx(np.eye(3)) and np.linalg.det(rotation) == pytest.approx(1)
    assert RestingPose(np.array([0, 0, -1.0]), np.array([[0, 0, -1.0]]), 1, 1).rotation() == pytest.approx(np.eye(3))


@pytest.mark.parametrize("points", [[], [(0, 0, 0)] * 5, [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)]])
def test_a_flat_or_empty_part_is_refused(points: list[tuple[float, float, float]]) -> None:
    with pytest.raises(InputError, match="no volume to rest on"):
        resting_poses(np.array(points, float).reshape(-1, 3), np.empty((0, 3), np.int64))
