# SPDX-License-Identifier: GPL-3.0-or-later
"""The nominal camera stands where a photo was taken from: checked with Blender's own projection."""

from itertools import product
from pathlib import Path

import bpy
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Matrix, Vector
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from synthetic_similarity_search.scene.photo_lens import focal_length, photo_size
from synthetic_similarity_search.tests.tiny_scene import build_scene

CORNERS = [Vector(corner) for corner in product((-0.05, 0.05), (-0.05, 0.05), (0.0, 0.1))]


@pytest.fixture
def scene(tmp_path: Path) -> bpy.types.Scene:
    """The tiny scene with an empty photo of 800 x 800 as its backdrop."""
    scene = build_scene()
    backdrop(tmp_path, (800, 800))
    return scene


def backdrop(folder: Path, size: tuple[int, int]) -> None:
    Image.new("RGB", size).save(folder / "photo.png")
    bpy.ops.simsearch.photo_backdrop(filepath=str(folder / "photo.png"))


def photographed(size: tuple[int, int]) -> tuple[bpy.types.Object, list[dict[str, object]]]:
    """Another camera, and the cube's corners as Blender projects them into its photo."""
    scene = bpy.context.scene
    camera = bpy.data.objects.new("Station", bpy.data.cameras.new("Station"))
    scene.collection.objects.link(camera)
    camera.data.lens, camera.data.sensor_fit = 70, "HORIZONTAL"
    eye = Vector((0.3, -0.25, 0.4))
    camera.matrix_world = Matrix.LocRotScale(eye, eye.to_track_quat("Z", "Y"), None)
    scene.render.resolution_x, scene.render.resolution_y = size
    bpy.context.view_layer.update()
    seen = [world_to_camera_view(scene, camera, corner) for corner in CORNERS]
    pixels = [(place.x * size[0], (1 - place.y) * size[1]) for place in seen]
    return camera, [{"name": "", "point": tuple(p), "pixel": q} for p, q in zip(CORNERS, pixels, strict=True)]


def test_the_camera_stands_where_the_photo_was_taken(scene: bpy.types.Scene) -> None:
    station, pairs = photographed((800, 800))
    bpy.ops.simsearch.match_camera(pairs=pairs)
    bpy.context.view_layer.update()
    np.testing.assert_allclose(scene.camera.matrix_world, station.matrix_world, atol=1e-3)
    assert scene.camera.data.lens == pytest.approx(70, rel=1e-3)
    for corner, pair in zip(CORNERS, pairs, strict=True):
        place = world_to_camera_view(scene, scene.camera, corner)
        assert (place.x * 800, (1 - place.y) * 800) == pytest.approx(pair["pixel"], abs=0.1)
    assert scene.camera.data.clip_start < 0.3


def test_four_points_are_enough_for_a_known_lens(scene: bpy.types.Scene) -> None:
    station, pairs = photographed((800, 800))
    bpy.ops.simsearch.match_camera(pairs=pairs[1:5], focal="LENS", lens=70, sensor=36)
    bpy.context.view_layer.update()
    np.testing.assert_allclose(scene.camera.matrix_world, station.matrix_world, atol=1e-3)


def test_a_cropped_photo_gives_the_camera_that_sees_the_crop(scene: bpy.types.Scene, tmp_path: Path) -> None:
    backdrop(tmp_path, (1200, 800))
    _, pairs = photographed((1200, 800))
    scene.simsearch.crop = (0.25, 0.125, 0.5, 0.75)  # 600 x 600 pixels from (300, 100)
    bpy.ops.simsearch.match_camera(pairs=pairs)
    bpy.context.view_layer.update()
    for corner, pair in zip(CORNERS, pairs, strict=True):
        place = world_to_camera_view(scene, scene.camera, corner)
        assert (300 + place.x * 600, 100 + (1 - place.y) * 600) == pytest.approx(pair["pixel"], abs=0.1)
    shown = scene.camera.data.background_images[0]  # values that were seen to fit in Blender's window
    assert (shown.scale, *shown.offset) == pytest.approx((2, 0, 0))
    scene.simsearch.crop = (0.35, 0.1, 0.6, 0.9)
    bpy.ops.simsearch.match_camera(pairs=pairs)
    assert (shown.scale, *shown.offset) == pytest.approx((1200 / 720, -0.25, 1 / 12))


def test_what_cannot_be_matched_is_said_in_a_sentence(scene: bpy.types.Scene) -> None:
    _, pairs = photographed((800, 800))
    before = scene.camera.matrix_world.copy()
    for wrong, sentence in (
        ({"pairs": pairs[:3]}, "3 points are picked. Pick at least 4"),
        ({"pairs": pairs[:5]}, "Pick at least 6, or choose From Photo or Known Lens"),
        ({"pairs": pairs, "focal": "EXIF"}, "does not state its focal length. Choose Find or Known Lens"),
    ):
        with pytest.raises(RuntimeError, match=sentence):
            bpy.ops.simsearch.match_camera(**wrong)
    assert scene.camera.matrix_world == before
    bpy.ops.simsearch.remove_backdrop()
    with pytest.raises(RuntimeError, match="Set a photo as the backdrop"):
        bpy.ops.simsearch.match_camera(pairs=pairs)


@pytest.mark.parametrize(("tags", "expected"), [
    ({0xA405: 50}, 50 / 43.2666 * np.hypot(600, 400)),
    ({0x920A: IFDRational(16), 0xA20E: IFDRational(5000), 0xA210: 3, 0xA002: 1200, 0xA003: 800}, 16 * 500 / 2),
    ({0x920A: IFDRational(16)}, None),
    ({0xA405: 0}, None),
    ({0xA405: 60000}, None),
    ({}, None),
])  # fmt: skip
def test_exif_data_give_the_focal_length(tmp_path: Path, tags: dict[int, object], expected: float | None) -> None:
    image = Image.new("RGB", (600, 400))
    exif = image.getexif()
    exif.get_ifd(0x8769).update(tags)
    exif[0x0112] = 6  # stored on its side
    image.save(tmp_path / "photo.jpg", exif=exif)
    assert focal_length(tmp_path / "photo.jpg") == (expected and pytest.approx(expected, rel=1e-4))
    assert photo_size(tmp_path / "photo.jpg") == (400, 600)


def test_a_file_that_is_no_photo_states_nothing(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"no photo")
    assert focal_length(tmp_path / "photo.jpg") is None
