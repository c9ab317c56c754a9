# SPDX-License-Identifier: GPL-3.0-or-later
"""Light, background and materials: varied within their limits, the same for every class, undone afterwards."""

import math
from dataclasses import replace

import bpy
import numpy as np
import pytest
from mathutils import Matrix, Vector

from synthetic_similarity_search.scene.draws import draw, draw_material
from synthetic_similarity_search.scene.read_settings import read_settings
from synthetic_similarity_search.scene.settings import Jitter
from synthetic_similarity_search.scene.variation import varying

JITTER = Jitter(
    location=(0, 0, 0), rotation=(0, 0, 0), light_angle=0.3, light_strength=0.5, background=0.4, material=0.2, seed=0,
    min_visible=1, min_unoccluded=0,
)  # fmt: skip
OFF = replace(JITTER, light_angle=0, light_strength=0, background=0, material=0)
TEXTURES = ("ShaderNodeTexNoise", "ShaderNodeTexImage", "ShaderNodeTexWave")


def shader() -> bpy.types.Node:
    return bpy.data.materials["Cube"].node_tree.nodes["Principled BSDF"]


def nodes(material: str = "Cube") -> object:
    """A node tree's nodes, values and links."""
    tree = bpy.data.materials[material].node_tree
    values = {
        (node.name, socket.identifier): tuple(socket.default_value)
        if hasattr(socket.default_value, "__len__")
        else socket.default_value
        for node in tree.nodes
        for socket in node.inputs
        if hasattr(socket, "default_value")
    }
    links = {
        (link.from_node.name, link.from_socket.identifier, link.to_node.name, link.to_socket.identifier)
        for link in tree.links
    }
    return values, links


def test_draws_stay_within_their_limits_and_use_them() -> None:
    drawn = [draw(JITTER, index) for index in range(500)]
    turns = np.linalg.norm([variation.light_turn for variation in drawn], axis=1)
    assert 0.29 < turns.max() <= 0.3
    for name, limit in (("light_strength", 1.5), ("background", 1.4)):
        factors = np.array([getattr(variation, name) for variation in drawn])
        assert 1 / limit <= factors.min() < 1.02 / limit
        assert 0.98 * limit < factors.max() <= limit
        assert abs(np.log(factors).mean()) < 0.05
    assert draw(OFF, 3) == replace(draw(OFF, 3), light_turn=(0.0, 0.0, 0.0), light_strength=1.0, background=1.0)
    assert draw_material(OFF, 3, "Cube").colour == (1.0, 1.0, 1.0)


def test_draws_are_independent_of_each_other() -> None:
    assert draw(JITTER, 4) == draw(JITTER, 4)
    assert draw(JITTER, 4) != draw(JITTER, 5)
    assert draw_material(JITTER, 4, "A") != draw_material(JITTER, 4, "B")
    # Turning one variation off changes no other.
    assert draw(replace(JITTER, light_angle=0), 4).light_strength == draw(JITTER, 4).light_strength


def test_lights_turn_about_the_region(scene: bpy.types.Scene) -> None:
    spot = bpy.data.objects.new("Spot", bpy.data.lights.new("Spot", "SPOT"))
    spot.location = (0.5, 0, 0.55)
    spot.data.energy = 10
    scene.collection.objects.link(spot)
    bpy.context.view_layer.update()
    centre = Vector((0, 0, 0.05))
    with varying(scene, JITTER, scene.camera) as vary:
        doubles = [item for item in scene.objects if item.type == "LIGHT" and not item.hide_render]
        assert len(doubles) == 2
        assert spot.hide_render
        double = next(item for item in doubles if item.data.type == "SPOT")
        for index in range(3):
            vary(index)
            drawn = draw(JITTER, index)
            axis = Vector(drawn.light_turn)
            assert (double.matrix_world.translation - centre).length == pytest.approx(
                (spot.location - centre).length, rel=1e-5
            )
            expected = Matrix.Rotation(axis.length, 3, axis) @ (spot.location - centre)
            assert np.allclose(double.matrix_world.translation - centre, expected, atol=1e-5)
            assert double.data.energy == pytest.approx(10 * drawn.light_strength)
    assert not spot.hide_render
    assert [item.name for item in scene.objects if item.type == "LIGHT"] == ["Lamp", "Spot"]
    assert len(bpy.data.lights) == 2
    assert spot.data.energy == 10


def test_a_light_fixed_to_the_camera_follows_it(scene: bpy.types.Scene) -> None:
    lamp, camera = bpy.data.objects["Lamp"], scene.camera
    lamp.parent = camera
    bpy.context.view_layer.update()
    with varying(scene, replace(OFF, light_strength=0.1), camera) as vary:
        (double,) = (item for item in scene.objects if item.type == "LIGHT" and not item.hide_render)
        camera.matrix_world = Matrix.Translation((0.1, 0.2, 0.7)) @ Matrix.Rotation(1.0, 4, "Z")
        vary(0)
        assert np.allclose(double.matrix_world, camera.matrix_world @ lamp.matrix_basis, atol=1e-5)


def test_background(scene: bpy.types.Scene) -> None:
    strength = scene.world.node_tree.nodes["Background"].inputs["Strength"]
    strength.default_value = 0.7
    with varying(scene, JITTER, scene.camera) as vary:
        vary(3)
        assert strength.default_value == pytest.approx(0.7 * draw(JITTER, 3).background)
    assert strength.default_value == pytest.approx(0.7)


def test_plain_materials(scene: bpy.types.Scene) -> None:
    shader().inputs["Base Color"].default_value = (0.4, 0.3, 0.95, 1)
    shader().inputs["Roughness"].default_value = 0.5
    before = nodes()
    with varying(scene, JITTER, scene.camera) as vary:
        vary(1)
        drawn = draw_material(JITTER, 1, "Cube")
        colour = [min(base * factor, 1) for base, factor in zip((0.4, 0.3, 0.95), drawn.colour, strict=True)]
        assert tuple(shader().inputs["Base Color"].default_value) == pytest.approx((*colour, 1))
        assert shader().inputs["Roughness"].default_value == pytest.approx(0.5 * drawn.roughness)
    assert nodes() == before


def test_textured_materials_vary_without_new_nodes_per_image(scene: bpy.types.Scene) -> None:
    tree = bpy.data.materials["Cube"].node_tree
    for kind in TEXTURES:
        tree.nodes.new(kind)
    mapping = tree.nodes.new("ShaderNodeMapping")
    noise, wave = tree.nodes["Noise Texture"], tree.nodes["Wave Texture"]
    tree.links.new(mapping.outputs["Vector"], wave.inputs["Vector"])
    colour = next(socket for socket in noise.outputs if socket.name == "Color")
    tree.links.new(colour, shader().inputs["Base Color"])
    tree.links.new(colour, shader().inputs["Roughness"])
    before = nodes()
    with varying(scene, JITTER, scene.camera) as vary:
        vary(0)
        first = nodes()
        vary(1)
        second = nodes()
        assert first[1] == second[1] != before[1]
        assert first[0].keys() == second[0].keys()
        added = shader().inputs["Base Color"].links[0].from_node
        assert tuple(added.inputs[7].default_value)[:3] == pytest.approx(draw_material(JITTER, 1, "Cube").colour)
        for kind in TEXTURES:
            texture = next(node for node in tree.nodes if node.bl_idname == kind)
            shift = texture.inputs["Vector"].links[0].from_node
            assert tuple(shift.inputs[1].default_value) == pytest.approx(draw_material(JITTER, 1, "Cube").offset)
    assert nodes() == before


def test_everything_is_undone_after_an_error(scene: bpy.types.Scene) -> None:
    before = nodes(), nodes("Table"), len(bpy.data.objects), len(bpy.data.lights), bpy.data.objects["Lamp"].hide_render
    with pytest.raises(ZeroDivisionError), varying(scene, JITTER, scene.camera) as vary:
        vary(0)
        raise ZeroDivisionError
    assert (
        nodes(),
        nodes("Table"),
        len(bpy.data.objects),
        len(bpy.data.lights),
        bpy.data.objects["Lamp"].hide_render,
    ) == before


def test_off_touches_nothing(scene: bpy.types.Scene) -> None:
    before = nodes()
    with varying(scene, OFF, scene.camera) as vary:
        vary(0)
        assert nodes() == before
        assert len(bpy.data.lights) == 1
    assert math.isclose(read_settings(scene).jitter.material, 0)
