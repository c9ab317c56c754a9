# SPDX-License-Identifier: GPL-3.0-or-later
"""Basic lighting and a monochrome background, as in the paper's references."""

import math

import bpy
from mathutils import Vector

from .parts import TABLE_MARK, bounding_box, parts

LIGHTS_COLLECTION = "Basic Lighting"


def add_basic_lighting(scene: bpy.types.Scene, strength: float = 1.0) -> bpy.types.Collection:
    """Three soft area lights around the scene's parts, sized and placed by the parts' extent.

    The lights are kept in one collection; calling again replaces them. ``strength`` 1 makes a white surface
    that faces the key light about 60 % bright.
    """
    old = next((child for child in scene.collection.children if child.name.startswith(LIGHTS_COLLECTION)), None)
    if old is not None:
        for item in list(old.objects):
            bpy.data.lights.remove(item.data)
        bpy.data.collections.remove(old)
    collection = bpy.data.collections.new(LIGHTS_COLLECTION)
    scene.collection.children.link(collection)

    low, high = bounding_box(parts(scene))
    centre, distance = (low + high) / 2, 2.5 * max((high - low).length / 2, 1e-3)
    for name, azimuth, elevation, share in (
        ("Key", -40, 50, 1.0),
        ("Fill", 60, 35, 0.3),
        ("Rim", 160, 55, 0.5),
    ):
        light = bpy.data.lights.new(name, "AREA")
        light.shape, light.size = "DISK", distance / 2
        # On its axis an area light of P watts gives P / (pi d^2) W/m^2; a matt white surface shows 1 / pi.
        light.energy = 0.6 * strength * share * math.pi**2 * distance**2
        item = bpy.data.objects.new(name, light)
        collection.objects.link(item)
        around, up = math.radians(azimuth - 90), math.radians(elevation)
        toward = Vector((math.cos(up) * math.cos(around), math.cos(up) * math.sin(around), math.sin(up)))
        item.location = centre + distance * toward
        item.rotation_euler = toward.to_track_quat("Z", "Y").to_euler()
    return collection


def set_background(scene: bpy.types.Scene, grey: float) -> None:
    """Make the scene's world one even grey of linear brightness ``grey`` (0 black, 1 white)."""
    world = scene.world or bpy.data.worlds.new("World")
    scene.world = world
    if world.node_tree is None:  # Blender 4.5
        world.use_nodes = True
    world.color = (grey, grey, grey)
    tree = world.node_tree
    tree.nodes.clear()
    background = tree.nodes.new("ShaderNodeBackground")
    background.inputs["Color"].default_value = (grey, grey, grey, 1.0)
    background.inputs["Strength"].default_value = 1.0
    output = tree.nodes.new("ShaderNodeOutputWorld")
    output.location.x = 200
    tree.links.new(background.outputs["Background"], output.inputs["Surface"])


def add_table(scene: bpy.types.Scene) -> bpy.types.Object:
    """A square plane under the parts, ten times their width; calling again moves the same one."""
    low, high = bounding_box(parts(scene))
    half = 5 * max(high.x - low.x, high.y - low.y)
    table = next((item for item in scene.objects if TABLE_MARK in item), None)
    if table is None:
        table = bpy.data.objects.new("Table", bpy.data.meshes.new("Table"))
        table[TABLE_MARK] = True
        scene.collection.objects.link(table)
    table.data.clear_geometry()
    table.data.from_pydata([(-half, -half, 0), (half, -half, 0), (half, half, 0), (-half, half, 0)], [], [(0, 1, 2, 3)])
    table.location = ((low.x + high.x) / 2, (low.y + high.y) / 2, low.z)
    return table
