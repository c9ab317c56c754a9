# SPDX-License-Identifier: GPL-3.0-or-later
"""The camera of a photo, from points whose projections are computed independently."""

import numpy as np
import pytest
from numpy.typing import NDArray

from synthetic_similarity_search.inference.errors import InputError
from synthetic_similarity_search.scene.camera_fit import CameraFit, fit_camera, project

Array = NDArray[np.float64]

SIZE = (1600, 1200)
SPACE = np.array(
    [(0, 0, 0), (80, 0, 0), (80, 50, 0), (0, 50, 0), (10, 10, 30), (60, 10, 30), (60, 40, 20), (20, 45, 10)]
)
FLAT = np.array([(0, 0, 0), (80, 0, 0), (80, 50, 0), (0, 50, 0), (30, 20, 0), (65, 35, 0)])


def camera(eye: tuple[float, float, float], roll: float = 0.0) -> Array:
    """A camera [4, 4], in Blender's convention, that looks from ``eye`` at the part's middle."""
    back = np.array(eye) - (40, 25, 10)
    back = back / np.linalg.norm(back)
    right = np.cross((0.1, 1, 0.2), back)
    right /= np.linalg.norm(right)
    up = np.cross(back, right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack(
        [np.cos(roll) * right + np.sin(roll) * up, np.cos(roll) * up - np.sin(roll) * right, back], 1
    )
    pose[:3, 3] = eye
    return pose


def photo(points: Array, pose: Array, focal: float, noise: float = 0.0) -> Array:
    """Pixels [N, 2] from the upper left, one point at a time."""
    shots = []
    for point in np.asarray(points, float):
        x, y, z, _ = np.linalg.inv(pose) @ np.append(point, 1)
        shots.append((SIZE[0] / 2 + focal * x / -z, SIZE[1] / 2 - focal * y / -z))
    return np.array(shots) + np.random.default_rng(4).normal(scale=noise, size=(len(shots), 2))


def assert_same(fit: CameraFit, pose: Array, focal: float, share: float = 1e-5) -> None:
    distance = np.linalg.norm(pose[:3, 3] - (40, 25, 10))
    np.testing.assert_allclose(fit.pose[:3, 3], pose[:3, 3], atol=share * distance)
    np.testing.assert_allclose(fit.pose[:3, :3], pose[:3, :3], atol=share)
    assert fit.focal == pytest.approx(focal, rel=share)
    assert np.linalg.det(fit.pose[:3, :3]) == pytest.approx(1)


EYES = [(200, -150, 250), (40, 20, 300), (-100, 60, 90), (45, 300, 40), (50, 30, -280)]


@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize("roll", [0.0, 2.0, -1.3])
def test_points_in_space_give_pose_and_focal_length(eye: tuple[float, float, float], roll: float) -> None:
    pose = camera(eye, roll)
    fit = fit_camera(SPACE, photo(SPACE, pose, 2100), SIZE)
    assert_same(fit, pose, 2100)
    assert fit.rms < 1e-3 and not fit.ambiguous


@pytest.mark.parametrize("focal", [700.0, 1500.0, 5000.0])
def test_short_and_long_lenses(focal: float) -> None:
    pose = camera((120 * focal / 1000, -100 * focal / 1000, 130 * focal / 1000))
    assert_same(fit_camera(SPACE, photo(SPACE, pose, focal), SIZE), pose, focal)


def test_units_do_not_matter() -> None:
    pose = camera((200, -150, 250))
    pixels = photo(SPACE, pose, 2100)
    moved = pose.copy()
    moved[:3, 3] = pose[:3, 3] / 1000 + (5, -3, 2)
    fit = fit_camera(SPACE / 1000 + (5, -3, 2), pixels, SIZE)
    np.testing.assert_allclose(fit.pose, moved, atol=1e-5)


@pytest.mark.parametrize("count", [4, 5, 6])
def test_a_known_focal_length_needs_four_points(count: int) -> None:
    pose = camera((200, -150, 250), 0.5)
    for points in (SPACE[[0, 1, 2, 4, 5, 6]][:count], FLAT[:count]):
        assert_same(fit_camera(points, photo(points, pose, 2100), SIZE, 2100), pose, 2100)


def test_a_plane_seen_at_an_angle_gives_the_focal_length() -> None:
    pose = camera((200, -150, 150))
    assert_same(fit_camera(FLAT, photo(FLAT, pose, 2100), SIZE), pose, 2100)
    assert_same(fit_camera(FLAT[:4], photo(FLAT[:4], pose, 2100), SIZE), pose, 2100)


@pytest.mark.parametrize("eye", EYES[:3])
def test_noise_of_a_click_moves_the_camera_little(eye: tuple[float, float, float]) -> None:
    pose = camera(eye)
    fit = fit_camera(SPACE, photo(SPACE, pose, 2100, noise=1.0), SIZE)
    assert 0.2 < fit.rms < 2
    assert_same(fit, pose, 2100, share=0.1)
    assert abs(fit.focal / 2100 - 1) < 4 * fit.focal_error
    known = fit_camera(SPACE, photo(SPACE, pose, 2100, noise=1.0), SIZE, 2100)
    assert_same(known, pose, 2100, share=0.02)
    assert np.linalg.norm(project(known, SPACE, SIZE) - photo(SPACE, pose, 2100), axis=1).max() < 3


def test_residuals_name_the_wrong_pair() -> None:
    pose = camera((200, -150, 250))
    pixels = photo(SPACE, pose, 2100)
    pixels[5] += (60, -40)
    fit = fit_camera(SPACE, pixels, SIZE, 2100)
    assert fit.residuals.argmax() == 5 and fit.residuals[5] > 20


@pytest.mark.parametrize(("points", "pixels", "focal", "sentence"), [
    (SPACE[:3], None, 2100, "3 points are picked. Pick at least 4"),
    (SPACE[:5], None, None, "do not determine the focal length. Pick at least 6"),
    (np.array([(0, 0, 0), (1, 0, 0), (2, 0, 0), (5, 0, 0)]), None, 2100, "lie on a line"),
    (np.array([(0, 0, 0), (1, 0, 0), (2, 0, 0), (5, 0, 0), (0, 3, 0)]), None, 2100, "lie on a line"),
    (SPACE[[0, 1, 2, 3, 1]], None, 2100, "Points 2 and 5 are the same on the part"),
    (SPACE, np.zeros((8, 2)) + 100, 2100, "Points 1 and 2 are the same in the photo"),
])  # fmt: skip
def test_degenerate_input_is_refused(points: Array, pixels: Array | None, focal: float | None, sentence: str) -> None:
    if pixels is None:
        pixels = photo(points, camera((200, -150, 250)), 2100)
        if len(points) == 5 and sentence.startswith("Points"):
            pixels[4] += 10
    with pytest.raises(InputError, match=sentence):
        fit_camera(points, pixels, SIZE, focal)


def test_a_plane_from_straight_above_does_not_give_the_focal_length() -> None:
    pose = np.eye(4)
    pose[:3, 3] = 40, 25, 300
    with pytest.raises(InputError, match="do not determine the focal length, as with a flat part"):
        fit_camera(FLAT, photo(FLAT, pose, 2100), SIZE)
    assert_same(fit_camera(FLAT, photo(FLAT, pose, 2100), SIZE, 2100), pose, 2100)


def test_a_small_flat_part_far_away_leaves_two_cameras() -> None:
    pose = camera((900, -500, 2400))
    fit = fit_camera(FLAT, photo(FLAT, pose, 3000, noise=0.5), SIZE, 3000)
    assert fit.ambiguous
