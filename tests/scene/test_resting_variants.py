# SPDX-License-Identifier: GPL-3.0-or-later
"""Variants for the sides on which a part rests: where they lie, what they share, and that they are replaced."""

import math
from pathlib import Path

import bpy
import numpy as np
import pytest
from mathutils import Matrix

from synthetic_similarity_search.scene import parts
from synthetic_similarity_search.scene.read_settings import read_settings
from synthetic_similarity_search.scene.resting_variants import MADE_FROM
from synthetic_similarity_search.tests.rendering import contents, render
from synthetic_similarity_search.tests.tiny_scene import add_cube, build_scene


@pytest.fixture
def scene() -> bpy.types.Scene:
    """The tiny scene with a block of 4 x 2 x 1 cm that lies flat at a height of 3 cm."""
    scene = build_scene()
    block = bpy.data.objects["Cube"]
    block.data.transform(Matrix.Diagonal((0.4, 0.2, 0.1, 1)))
    block.location = (0.01, 0, 0.035)
    bpy.context.view_layer.update()
    return scene


def made() -> list[bpy.types.Collection]:
    return [collection for collection in bpy.data.collections if MADE_FROM in collection]


def box(collection: bpy.types.Collection) -> np.ndarray:
    return np.array(parts.bounding_box(collection.objects))


def test_each_side_is_a_variant_of_the_same_class_and_mesh(scene: bpy.types.Scene) -> None:
    meshes = len(bpy.data.meshes)
    bpy.ops.simsearch.add_resting_positions(least_share=0.0)
    assert [entry.name for entry in scene.simsearch.classes] == ["present"] * 6 + ["absent"]
    assert len(read_settings(scene).classes[0].variants) == 6
    assert len(bpy.data.meshes) == meshes
    block = bpy.data.objects["Cube"]
    assert all(item.data == block.data for collection in made() for item in collection.objects)
    assert tuple(block.location) == pytest.approx((0.01, 0, 0.035)), "it rests already"
    heights = []
    for collection in [bpy.data.collections["Part"], *made()]:
        low, high = box(collection)
        assert low[2] == pytest.approx(0.03, abs=1e-6)
        np.testing.assert_allclose((low + high)[:2] / 2, (0.01, 0), atol=1e-6)
        heights.append(round(high[2] - low[2], 6))
    assert sorted(heights) == [0.01, 0.01, 0.02, 0.02, 0.04, 0.04]


def test_turns_multiply_the_sides(scene: bpy.types.Scene) -> None:
    bpy.ops.simsearch.add_resting_positions(least_share=0.25, turns=4)  # the two largest sides
    assert len(made()) == 7
    extents = sorted(tuple(np.ptp(box(collection), axis=0).round(6)) for collection in made())
    assert extents == [(0.02, 0.04, 0.01)] * 4 + [(0.04, 0.02, 0.01)] * 3


def test_pressing_again_replaces_also_after_renaming_and_from_a_variant(scene: bpy.types.Scene) -> None:
    bpy.ops.simsearch.add_resting_positions(least_share=0.0)
    objects, places = len(bpy.data.objects), [box(one) for one in made()]
    bpy.ops.simsearch.rename_classes(old="present", new="block")
    scene.simsearch.active_class_index = 3
    bpy.ops.simsearch.add_resting_positions(least_share=0.0)
    assert len(bpy.data.objects) == objects
    np.testing.assert_allclose([box(one) for one in made()], places, atol=1e-6)
    assert [entry.name for entry in scene.simsearch.classes] == ["block"] * 6 + ["absent"]
    bpy.ops.simsearch.add_resting_positions(least_share=0.25)
    assert len(made()) == 1


def test_a_part_that_leans_is_laid_down(scene: bpy.types.Scene) -> None:
    block = bpy.data.objects["Cube"]
    block.rotation_euler.x = math.radians(30)
    bpy.context.view_layer.update()
    lowest = box(bpy.data.collections["Part"])[0, 2]
    bpy.ops.simsearch.add_resting_positions(least_share=0.25)
    bpy.context.view_layer.update()
    low, high = box(bpy.data.collections["Part"])
    assert low[2] == pytest.approx(lowest, abs=1e-6)
    assert high[2] - low[2] == pytest.approx(0.01, abs=1e-6)


def test_unchosen_positions_are_left_out(scene: bpy.types.Scene) -> None:
    bpy.ops.simsearch.add_resting_positions(least_share=0.0, chosen=(True,) * 2 + (False,) * 14)
    assert len(made()) == 1
    with pytest.raises(RuntimeError, match="No resting position is chosen"):
        bpy.ops.simsearch.add_resting_positions(least_share=0.0, chosen=(False,) * 16)


def test_an_assembly_is_laid_down_as_one(scene: bpy.types.Scene) -> None:
    part, block = bpy.data.collections["Part"], bpy.data.objects["Cube"]
    root = bpy.data.objects.new("Root", None)
    part.objects.link(root)
    root.location = (0.5, 0.5, 0)
    bpy.context.view_layer.update()
    block.parent, block.matrix_parent_inverse = root, root.matrix_world.inverted()
    add_cube("Knob", (0.01, 0, 0.045), 0.01, part)
    root.rotation_euler.y = 0.3
    bpy.context.view_layer.update()
    bpy.ops.simsearch.add_resting_positions(least_share=0.0)
    bpy.context.view_layer.update()

    def apart(collection: bpy.types.Collection) -> float:
        one, other = (item for item in collection.objects if item.type == "MESH")
        return (one.matrix_world.translation - other.matrix_world.translation).length

    assert {round(apart(collection), 6) for collection in [part, *made()]} == {round(apart(part), 6)}


def test_the_references_show_every_variant(scene: bpy.types.Scene, tmp_path: Path) -> None:
    scene.simsearch.jitter.location = scene.simsearch.jitter.rotation = (0, 0, 0)
    scene.simsearch.render.images_per_class = 3
    bpy.ops.simsearch.add_resting_positions(least_share=0.0, chosen=(True, False, True, False, True) + (False,) * 11)
    scene.simsearch.classes.remove(len(scene.simsearch.classes) - 1)
    render(scene, tmp_path)
    images = {data for path, data in contents(tmp_path).items() if path.endswith(".png")}
    assert len(images) == 3


@pytest.mark.parametrize("index", [1])
def test_a_class_without_a_part_is_refused(scene: bpy.types.Scene, index: int) -> None:
    scene.simsearch.active_class_index = index
    with pytest.raises(RuntimeError, match="'absent' shows no part of its own"):
        bpy.ops.simsearch.add_resting_positions()
    scene.simsearch.classes.clear()
    with pytest.raises(RuntimeError, match="Add a class first"):
        bpy.ops.simsearch.add_resting_positions()
