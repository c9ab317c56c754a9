# SPDX-License-Identifier: GPL-3.0-or-later
"""Backdrop and light, lamps, finishes: what the rendered pixels show."""

from pathlib import Path

import bpy
import numpy as np
import pytest
from mathutils import Vector

from synthetic_similarity_search.scene import lighting, materials
from synthetic_similarity_search.scene.check import problems, shines
from synthetic_similarity_search.scene.read_settings import read_settings
from synthetic_similarity_search.scene.settings import Jitter
from synthetic_similarity_search.scene.variation import background_nodes, varying
from synthetic_similarity_search.tests.tiny_scene import add_cube, build_scene, new_collection


@pytest.fixture
def scene() -> bpy.types.Scene:
    """The tiny scene without its table, so that the backdrop is seen around the cube."""
    scene = build_scene()
    bpy.data.objects.remove(bpy.data.objects["Table"])
    scene.view_settings.view_transform = "Standard"
    return scene


def pixels(scene: bpy.types.Scene, folder: Path) -> np.ndarray:
    """What the camera sees, linear light [32, 32, 3]."""
    render = scene.render
    render.resolution_x = render.resolution_y = 32
    render.engine = "BLENDER_EEVEE_NEXT" if bpy.app.version < (5, 0) else "BLENDER_EEVEE"
    scene.eevee.taa_render_samples = 1
    render.image_settings.file_format, render.image_settings.color_depth = "OPEN_EXR", "32"
    render.filepath = str(folder / "still.exr")
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(render.filepath)
    found = np.array(image.pixels[:]).reshape(32, 32, 4)[..., :3]
    bpy.data.images.remove(image)
    return found


def backdrop_and_part(scene: bpy.types.Scene, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    seen = pixels(scene, folder)
    return seen[1, 1], seen[14:18, 14:18].mean(axis=(0, 1))


def test_backdrop_and_light_are_independent(scene: bpy.types.Scene, tmp_path: Path) -> None:
    bpy.data.objects["Lamp"].hide_render = True
    shown = {}
    for seen, light in ((1.0, 0.2), (0.0, 0.2), (1.0, 0.8), (0.5, None)):
        lighting.set_background(scene, seen, light)
        shown[seen, light] = backdrop_and_part(scene, tmp_path)
    for (seen, _), (backdrop, _) in shown.items():
        np.testing.assert_allclose(backdrop, seen, atol=0.01)
    dim, dim_before_black, bright, even = (part for _, part in shown.values())
    np.testing.assert_allclose(dim, dim_before_black, atol=0.005)
    np.testing.assert_allclose(bright, 4 * dim, rtol=0.05)
    np.testing.assert_allclose(even, 2.5 * dim, rtol=0.05)


def test_backdrop_and_light_have_colours_of_their_own(scene: bpy.types.Scene, tmp_path: Path) -> None:
    bpy.data.objects["Lamp"].hide_render = True
    lighting.set_background(scene, (0.0, 1.0, 0.0), (0.8, 0.1, 0.1))
    backdrop, part = backdrop_and_part(scene, tmp_path)
    np.testing.assert_allclose(backdrop, (0, 1, 0), atol=0.01)
    assert part[0] > 4 * part[1] > 0


def test_only_what_lights_the_parts_counts_as_light(scene: bpy.types.Scene) -> None:
    bpy.data.objects["Lamp"].hide_render = True
    lighting.set_background(scene, 0.0, 0.5)
    assert shines(scene.world)
    lighting.set_background(scene, 1.0, 0.0)
    assert not shines(scene.world)
    assert any(
        "no light and the background is dark" in found.sentence for found in problems(scene, read_settings(scene))
    )
    lighting.set_background(scene, 0.5)
    assert shines(scene.world)


def test_backdrop_and_light_vary_together(scene: bpy.types.Scene) -> None:
    lighting.set_background(scene, 1.0, 0.5)
    jitter = Jitter((0, 0, 0), (0, 0, 0), 0, 0, 0.4, 0, 0, 1, 0)
    with varying(scene, jitter, scene.camera) as vary:
        vary(3)
        first, second = (node.inputs["Strength"].default_value for node in background_nodes(scene.world))
        assert first == second != 1.0
    assert [node.inputs["Strength"].default_value for node in background_nodes(scene.world)] == [1.0, 1.0]


@pytest.mark.parametrize("arrangement", lighting.ARRANGEMENTS)
def test_every_arrangement_lights_what_the_camera_sees(
    scene: bpy.types.Scene, tmp_path: Path, arrangement: str
) -> None:
    bpy.data.objects["Lamp"].hide_render = True
    lighting.set_background(scene, 0.0)
    for _ in range(2):  # again replaces
        lighting.add_basic_lighting(scene, 1.0, arrangement)
    bpy.context.view_layer.update()
    lamps = [item for item in scene.objects if item.type == "LIGHT" and item.name != "Lamp"]
    assert len(lamps) == len(lighting.ARRANGEMENTS[arrangement].lamps) or len(lamps) == lighting.RING_LAMPS
    _, part = backdrop_and_part(scene, tmp_path)
    assert 0.05 < part.mean() < 0.6  # of a grey of 0.5
    if arrangement == "RING":
        for lamp in lamps:
            axis, toward = scene.camera.matrix_world.translation, lamp.matrix_world.translation
            assert lamp.parent == scene.camera
            assert abs(axis.z - toward.z) < 1e-5 and 0.05 < (axis - toward).length < 0.1  # beside the camera
            np.testing.assert_allclose(lamp.matrix_world.col[2].xyz, (toward - _centre()).normalized(), atol=1e-5)


def _centre() -> Vector:
    return bpy.data.objects["Cube"].matrix_world.translation


def test_low_lamps_make_sides_stand_out_and_hard_ones_cast_small_lights(scene: bpy.types.Scene) -> None:
    low = lighting.add_basic_lighting(scene, 1.0, "LOW").objects["Key"]
    above = low.location - Vector((0, 0, 0.1))  # the middle of the cube's top
    assert 0 < above.z < 0.25 * above.length
    hard = lighting.add_basic_lighting(scene, 1.0, "HARD").objects["Key"].data.size
    assert hard < 0.1 * lighting.add_basic_lighting(scene).objects["Key"].data.size


def test_a_finish_takes_a_colour_and_a_gloss_of_its_own() -> None:
    build_scene()
    plain = materials.finish_material("PLASTIC")
    green = materials.finish_material("PLASTIC", (0.0, 1.0, 0.0), 0.9)
    assert plain != green == materials.finish_material("PLASTIC", (0.0, 1.0, 0.0), 0.9)
    assert green.name == "Plastic 00FF00, gloss 90%"
    shader = green.node_tree.nodes["Principled BSDF"]
    assert tuple(shader.inputs["Base Color"].default_value) == pytest.approx((0, 1, 0, 1))
    assert shader.inputs["Roughness"].default_value == pytest.approx(0.1)
    chrome = materials.finish_material("CHROME", (0.0, 1.0, 0.0))
    assert chrome.name == "Chrome", "metals keep their colour"
    red, _, blue = materials.FINISHES["RED_RUBBER"].colour
    assert red > 10 * blue


def test_one_part_on_edge_does_not_force_the_region_of_all() -> None:
    scene = build_scene()
    classes = scene.simsearch.classes
    classes.clear()
    for number, height in enumerate((0.02, 0.02, 0.02, 0.2)):
        collection = new_collection(scene, f"Part {number}")
        part = add_cube(f"Part {number}", (0, 0, height / 2), 1.0, collection)
        part.scale = (0.1, 0.1, height)
        entry = classes.add()
        entry.name = f"part {number}"
        entry.collections.add().collection = collection
    bpy.context.view_layer.update()

    def height() -> float:
        for item in scene.objects:
            item.select_set(item.name.startswith("Part "))
        bpy.ops.simsearch.mark_region(margin=0.0, whole=whole)
        return 2 * scene.simsearch.region.scale.z

    whole = True
    assert height() == pytest.approx(0.2)
    whole = False
    assert height() == pytest.approx(0.02)
    assert scene.simsearch.region.scale.x == pytest.approx(0.05)
    classes.remove(1)
    classes.remove(1)  # of two, neither is typical
    assert height() == pytest.approx(0.2)
