# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene that renders in a fraction of a second, and what to build others from."""

from pathlib import Path

import bpy

ROOT = Path(__file__).resolve().parents[1]


def add_cube(
    name: str, location: tuple[float, float, float], size: float, collection: bpy.types.Collection, grey: float = 0.5
) -> bpy.types.Object:
    """A cube with a material of its own in one collection only."""
    half = size / 2
    corners = [(x, y, z) for x in (-half, half) for y in (-half, half) for z in (-half, half)]
    faces = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(corners, [], faces)
    material = bpy.data.materials.new(name)
    if material.node_tree is None:  # Blender 4.5
        material.use_nodes = True
    material.node_tree.nodes["Principled BSDF"].inputs["Base Color"].default_value = (grey, grey, grey, 1)
    mesh.materials.append(material)
    cube = bpy.data.objects.new(name, mesh)
    cube.location = location
    collection.objects.link(cube)
    return cube


def add_class(scene: bpy.types.Scene, label: str, *collections: bpy.types.Collection) -> None:
    """A class, or one more variant of it, that shows these collections."""
    entry = scene.simsearch.classes.add()
    entry.name = label
    for collection in collections:
        entry.collections.add().collection = collection


def new_collection(
    scene: bpy.types.Scene, name: str, parent: bpy.types.Collection | None = None
) -> bpy.types.Collection:
    """A new collection in the scene or in another collection."""
    collection = bpy.data.collections.new(name)
    (parent or scene.collection).children.link(collection)
    return collection


WARNING = (
    "No light casts a shadow, and some classes differ in little else. Turn shadows on in the render settings and in the "
    "light."
)
"""What is rightly said of the tiny scene, whose shadows are off so that it is quick to render."""


def build_scene() -> bpy.types.Scene:
    """A cube on a table under a lamp, seen from above; classes ``present`` and ``absent``; quick to render."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    add_cube("Table", (0, 0, -0.5), 1.0, scene.collection, 0.2)
    part = new_collection(scene, "Part")
    add_cube("Cube", (0, 0, 0.05), 0.1, part)
    lamp = bpy.data.objects.new("Lamp", bpy.data.lights.new("Lamp", "SUN"))
    lamp.data.energy = 2.0
    lamp.rotation_euler = (0.5, 0.3, 0.0)
    scene.collection.objects.link(lamp)
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.location = (0, 0, 0.6)
    scene.collection.objects.link(camera)
    scene.camera = camera
    scene.world = bpy.data.worlds.new("World")
    if scene.world.node_tree is None:  # Blender 4.5
        scene.world.use_nodes = True
    scene.eevee.use_shadows = False
    region = bpy.data.objects.new("Region", None)
    region.empty_display_type, region.empty_display_size = "CUBE", 0.06
    region.location = (0, 0, 0.05)
    scene.collection.objects.link(region)
    settings = scene.simsearch
    settings.region = region
    settings.render.resolution, settings.render.samples, settings.render.images_per_class = 32, 1, 2
    add_class(scene, "present", part)
    add_class(scene, "absent")
    bpy.context.view_layer.update()
    return scene
