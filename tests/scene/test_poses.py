# SPDX-License-Identifier: GPL-3.0-or-later
"""Poses: drawn within the limits, kept only if the region is in view, the same whatever is rendered."""

from dataclasses import replace
from itertools import islice

import bpy
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Matrix, Vector

from synthetic_similarity_search.inference.errors import InputError
from synthetic_similarity_search.scene import frustum, poses
from synthetic_similarity_search.scene.jitter_presets import jitter_preset
from synthetic_similarity_search.scene.poses import CORNERS, View
from synthetic_similarity_search.scene.read_settings import read_settings
from synthetic_similarity_search.scene.settings import Jitter
from synthetic_similarity_search.scene.view import nominal_view, projection, region_box
from synthetic_similarity_search.scene.visibility import unoccluded_share
from synthetic_similarity_search.tests.tiny_scene import add_class, add_cube, new_collection

JITTER = Jitter(
    location=(0.1, 0.2, 0.3), rotation=(0.1, 0.2, 3.0), light_angle=0, light_strength=0, background=0, material=0, seed=5,
    min_visible=0, min_unoccluded=0,
)  # fmt: skip


def view_of(extent: float, centre: tuple[float, float, float] = (0, 0, 0), height: float = 1.0) -> View:
    """A 90 degree camera at ``height`` above the origin, looking down on a cubic region."""
    nominal, region = np.eye(4), np.eye(4)
    nominal[2, 3] = height
    region[:3, :3] *= extent
    region[:3, 3] = np.array(centre) - extent / 2
    near, far = 0.01, 100.0
    clip = np.diag([1.0, 1.0, -(far + near) / (far - near), 0.0])
    clip[2, 3], clip[3, 2] = -2 * far * near / (far - near), -1.0
    return View(nominal, clip, region)


def test_limits_are_along_and_about_the_cameras_own_axes() -> None:
    nominal = np.eye(4)
    nominal[:3, :3] = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]])  # looks along -X of the world
    nominal[:3, 3] = 1, 2, 3
    moved = poses.displace(nominal, np.array([0.1, 0.2, 0.3]), np.zeros(3))
    assert moved[:3, 3] == pytest.approx(np.array([1.3, 2.1, 3.2]))
    assert moved[:3, :3] == pytest.approx(nominal[:3, :3])

    for axis in range(3):
        angles = np.zeros(3)
        angles[axis] = 0.4
        turned = Matrix(poses.displace(nominal, np.zeros(3), angles).tolist())
        expected = Matrix(nominal.tolist()) @ Matrix.Rotation(0.4, 4, "XYZ"[axis])
        assert np.allclose(turned, expected, atol=1e-6)


def test_roll_never_tilts_the_view_direction() -> None:
    tilted = poses.displace(np.eye(4), np.zeros(3), np.array([0.1, 0.2, 0.0]))
    rolled = poses.displace(np.eye(4), np.zeros(3), np.array([0.1, 0.2, 3.0]))
    assert rolled[:3, 2] == pytest.approx(tilted[:3, 2])


def test_draws_fill_the_limits_evenly_and_never_exceed_them() -> None:
    drawn = [c.pose for c in islice(poses.candidates(view_of(0.1), JITTER, 0), 4000)]
    offsets = np.array([pose[:3, 3] - (0, 0, 1) for pose in drawn]) / JITTER.location
    angles = np.array([Matrix(pose[:3, :3].tolist()).to_euler("ZYX") for pose in drawn]) / JITTER.rotation
    for values in (offsets, angles):
        assert np.abs(values).max() <= 1 + 1e-5
        counts = [np.histogram(values[:, axis], bins=8, range=(-1, 1))[0] for axis in range(3)]
        # A fair count of 500 has a standard deviation of 21.
        assert np.abs(np.array(counts) - 500).max() < 110


def test_poses_depend_on_seed_and_index_alone() -> None:
    view = view_of(0.3)
    jitter = replace(JITTER, min_visible=1.0)
    few, many = poses.sample(view, jitter, 4), poses.sample(view, jitter, 9)
    assert all(np.array_equal(a, b) for a, b in zip(few, many, strict=False))
    other = poses.sample(view, replace(jitter, seed=6), 4)
    assert not any(np.array_equal(a, b) for a, b in zip(few, other, strict=True))
    assert len({pose.tobytes() for pose in many}) == 9
    varied = replace(jitter, light_angle=0.5, material=0.3)
    assert all(np.array_equal(a, b) for a, b in zip(few, poses.sample(view, varied, 4), strict=True))


@pytest.mark.parametrize("kind", ["PERSP", "ORTHO"])
@pytest.mark.parametrize("fit", ["AUTO", "HORIZONTAL", "VERTICAL"])
def test_projection_agrees_with_blender(scene: bpy.types.Scene, kind: str, fit: str) -> None:
    camera = scene.camera
    camera.data.type, camera.data.sensor_fit = kind, fit
    camera.data.lens, camera.data.sensor_width, camera.data.sensor_height, camera.data.ortho_scale = 40, 30, 20, 0.7
    camera.data.shift_x, camera.data.shift_y = 0.13, -0.21
    camera.rotation_euler = (0.2, -0.3, 0.5)
    scene.render.resolution_x = scene.render.resolution_y = 64
    bpy.context.view_layer.update()
    ours = projection(camera.data)
    theirs = camera.calc_matrix_camera(bpy.context.evaluated_depsgraph_get(), x=64, y=64)
    assert np.allclose(ours, theirs, atol=1e-5)
    to_camera = np.linalg.inv(np.array(camera.matrix_world))
    for point in np.random.default_rng(0).uniform(-0.2, 0.2, (20, 3)):
        clip = ours @ to_camera @ (*point, 1)
        expected = world_to_camera_view(scene, camera, Vector(point))
        assert clip[:2] / clip[3] / 2 + 0.5 == pytest.approx(np.array(expected)[:2], abs=1e-4)


def test_share_of_a_region_half_out_of_frame() -> None:
    # A flat square at distance 1 fills the 90 degree view; moved by half its width, half of it is outside.
    view = view_of(2.0, centre=(1, 0, 0))
    view.region[2] = 0
    assert poses.in_frame_share(view, view.nominal) == pytest.approx(0.5)


def test_share_agrees_with_counting_points() -> None:
    from scipy.spatial import Delaunay

    generator = np.random.default_rng(1)
    compared = 0
    for _ in range(30):
        view = view_of(generator.uniform(0.3, 0.6), tuple(generator.uniform(-0.7, 0.7, 3) * (1, 1, 0.2)))
        pose = poses.displace(view.nominal, np.zeros(3), generator.uniform(-0.2, 0.2, 3))
        share = poses.in_frame_share(view, pose)
        corners = np.column_stack([view.region_points(CORNERS), np.ones(8)]) @ (view.projection @ np.linalg.inv(pose)).T
        assert share is not None
        seen = corners[:, :2] / corners[:, 3:]
        frame = generator.uniform(-1, 1, (20000, 2))
        covered = (Delaunay(seen).find_simplex(frame) >= 0).mean()
        assert poses.covered_share(view, pose) == pytest.approx(covered, abs=0.02)
        points = generator.uniform(seen.min(axis=0), seen.max(axis=0), (20000, 2))
        points = points[Delaunay(seen).find_simplex(points) >= 0]
        assert share == pytest.approx(np.all(np.abs(points) < 1, axis=1).mean(), abs=0.02)
        compared += 0 < share < 1
    assert compared > 5


@pytest.mark.parametrize("height", [0.0, -1.0, 0.4])
def test_a_region_behind_or_beside_the_camera_is_rejected(height: float) -> None:
    view = view_of(1.0, height=height)
    candidate = poses.judge(view, JITTER, view.nominal)
    assert not candidate.accepted
    assert candidate.reason == poses.BEHIND


def test_a_region_beyond_the_clip_end_is_rejected() -> None:
    assert poses.in_frame_share(view_of(1.0, height=200.0), view_of(1.0, height=200.0).nominal) is None


def test_accepted_poses_have_the_whole_region_in_frame(scene: bpy.types.Scene) -> None:
    scene.simsearch.jitter.location = (0.3, 0.3, 0.2)
    scene.simsearch.jitter.rotation = (0.3, 0.3, 3.1)
    settings = read_settings(scene)
    view = nominal_view(scene)
    drawn = list(islice(poses.candidates(view, settings.jitter, 0), 300))
    assert {candidate.reason for candidate in drawn} == {None, poses.OUTSIDE}
    scene.render.resolution_x = scene.render.resolution_y = 64
    for candidate in drawn:
        scene.camera.matrix_world = Matrix(candidate.pose.tolist())
        bpy.context.view_layer.update()
        seen = [world_to_camera_view(scene, scene.camera, Vector(corner)) for corner in view.region_points(CORNERS)]
        inside = all(0 <= x <= 1 and 0 <= y <= 1 for x, y, _ in seen)
        assert inside == candidate.accepted


@pytest.mark.parametrize(
    ("limits", "named"),
    [
        ({"location": (0.1, 30.0, 0.0)}, "location Y"),
        ({"rotation": (0.1, 0.1, 0.5), "location": (60, 0, 0)}, "location X"),
    ],
)
def test_too_large_a_limit_is_named(limits: dict[str, tuple[float, ...]], named: str) -> None:
    jitter = replace(JITTER, min_visible=1.0, **limits)
    with pytest.raises(InputError, match=named) as error:
        poses.sample(view_of(0.6), jitter, 24)
    assert len(error.value.problems) == 1


def test_an_unusable_nominal_camera_is_named() -> None:
    with pytest.raises(InputError, match="Even from the nominal camera"):
        poses.sample(view_of(3.0, height=2.0), replace(JITTER, min_visible=1.0), 2)


def test_the_region_is_the_objects_own_bounding_box(scene: bpy.types.Scene) -> None:
    cube = bpy.data.objects["Cube"]
    cube.rotation_euler, cube.scale = (0.1, 0.2, 0.7), (1, 2, 3)
    bpy.context.view_layer.update()
    expected = sorted(tuple(cube.matrix_world @ Vector(corner)) for corner in cube.bound_box)
    box = region_box(cube)
    ours = sorted(map(tuple, CORNERS @ box[:3, :3].T + box[:3, 3]))
    assert np.allclose(ours, expected, atol=1e-6)


def test_region_and_camera_are_found_though_hidden_and_moved(scene: bpy.types.Scene) -> None:
    base = bpy.data.objects.new("Base", None)
    base.location, base.rotation_euler = (0.1, 0, 0), (0, 0, 0.5)
    scene.collection.objects.link(base)
    region = scene.simsearch.region
    region.parent = scene.camera.parent = base
    bpy.context.view_layer.update()
    expected = nominal_view(scene)
    assert expected.nominal == pytest.approx(np.array(scene.camera.matrix_world), abs=1e-6)
    base.location.x = 0.3
    region.hide_viewport = scene.camera.hide_viewport = True
    moved = nominal_view(scene)
    assert moved.nominal[0, 3] == pytest.approx(expected.nominal[0, 3] + 0.2)
    assert moved.region[:3, 3] == pytest.approx(expected.region[:3, 3] + (0.2, 0, 0))


class TestHiding:
    """What hides the region from the camera."""

    def share(self, scene: bpy.types.Scene) -> float:
        view = nominal_view(scene)
        return unoccluded_share(scene, read_settings(scene), view)(view.nominal)

    def wall(self, scene: bpy.types.Scene, collection: bpy.types.Collection, x: float = 0.25) -> bpy.types.Object:
        """A wall between camera and region that begins at the region's middle for the default ``x``."""
        return add_cube("Wall", (x, 0, 0.3), 0.5 if x else 0.3, collection)

    def test_nothing_in_between(self, scene: bpy.types.Scene) -> None:
        assert self.share(scene) == 1.0

    @pytest.mark.parametrize("kind", ["PERSP", "ORTHO"])
    def test_half_covered(self, scene: bpy.types.Scene, kind: str) -> None:
        scene.camera.data.type = kind
        wall = self.wall(scene, scene.collection)
        wall.scale.z = 0.1
        # Five columns of samples: the middle one lies exactly at the wall's edge.
        assert 0.4 <= self.share(scene) <= 0.6

    def test_before_the_clip_start_nothing_hides(self, scene: bpy.types.Scene) -> None:
        self.wall(scene, scene.collection, x=0).scale.z = 0.1
        assert self.share(scene) == 0.0
        scene.camera.data.clip_start = 0.4
        assert self.share(scene) == 1.0

    def test_every_class_counts(self, scene: bpy.types.Scene) -> None:
        lid = new_collection(scene, "Lid")
        self.wall(scene, lid).scale.z = 0.1
        assert self.share(scene) < 1.0
        add_class(scene, "covered", lid)
        assert self.share(scene) <= 0.6

    def test_hidden_in_the_viewport_but_rendered(self, scene: bpy.types.Scene) -> None:
        wall = self.wall(scene, scene.collection)
        wall.scale.z = 0.1
        wall.hide_viewport = True
        assert self.share(scene) <= 0.6
        assert wall.hide_viewport

    def test_not_rendered(self, scene: bpy.types.Scene) -> None:
        self.wall(scene, scene.collection).hide_render = True
        assert self.share(scene) == 1.0

    def test_instanced(self, scene: bpy.types.Scene) -> None:
        stock = bpy.data.collections.new("Stock")
        self.wall(scene, stock, x=0).scale.z = 0.1
        instancer = bpy.data.objects.new("Instancer", None)
        instancer.instance_type, instancer.instance_collection = "COLLECTION", stock
        scene.collection.objects.link(instancer)
        assert self.share(scene) == 0.0

    def test_poses_that_hide_the_region_are_rejected(self, scene: bpy.types.Scene) -> None:
        self.wall(scene, scene.collection, x=0.22).scale.z = 0.1
        settings = scene.simsearch
        settings.jitter.location, settings.jitter.min_visible, settings.jitter.min_unoccluded = (0.3, 0, 0), 0.0, 0.9
        frozen, view = read_settings(scene), nominal_view(scene)
        unoccluded = unoccluded_share(scene, frozen, view)
        drawn = list(islice(poses.candidates(view, frozen.jitter, 0, unoccluded), 60))
        assert {None, poses.HIDDEN} <= {candidate.reason for candidate in drawn}
        assert all(unoccluded(pose) >= 0.9 for pose in poses.sample(view, frozen.jitter, 5, unoccluded))


def test_jitter_presets_follow_the_field_of_view() -> None:
    wide = replace(view_of(0.1), projection=frustum.perspective(50, 36, (0, 0), 0.1, 100))
    assert jitter_preset("MEDIUM", wide)[0] == pytest.approx((0.03, 0.03, 0.03))
    assert jitter_preset("MEDIUM", wide)[1] == pytest.approx(np.radians((3, 3, 5)))
    narrow = replace(wide, projection=frustum.perspective(200, 36, (0, 0), 0.1, 100))
    offsets, turns = jitter_preset("MEDIUM", narrow)
    assert offsets == pytest.approx((0.0075, 0.0075, 0.03))
    assert np.tan(turns[0]) == pytest.approx(np.tan(np.radians(3)) / 4)
    assert turns[2] == pytest.approx(np.radians(5))
    parallel = replace(wide, projection=frustum.orthographic(0.18, (0, 0), 0.1, 100))
    assert jitter_preset("MEDIUM", parallel)[0] == pytest.approx(offsets)
    fish = replace(wide, projection=frustum.perspective(5, 36, (0, 0), 0.1, 100))
    assert jitter_preset("LARGE", fish)[1][0] < np.radians(18)
