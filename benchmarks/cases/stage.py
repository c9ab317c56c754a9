# SPDX-License-Identifier: GPL-3.0-or-later
"""What the benchmark's scenes have in common: meshes by a few functions, plain materials, camera, lamp, region, classes.

Lengths are metres, angles radians; parts rest on Z = 0 and the camera looks down on them.
"""

import math
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NoReturn

from synthetic_similarity_search import batch

batch.load_package()

import bpy  # noqa: E402
import numpy as np  # noqa: E402
from mathutils import Euler  # noqa: E402

from synthetic_similarity_search.scene.look_controls import find_controls  # noqa: E402
from synthetic_similarity_search.scene.read_settings import read_settings  # noqa: E402

Colour = tuple[float, float, float]
"""Linear RGB."""


def new_scene() -> bpy.types.Scene:
    """An empty scene with the extension's default settings."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    return bpy.context.scene


def new_object(
    name: str, points: Sequence[Sequence[float]], faces: Sequence[Sequence[int]], material: bpy.types.Material
) -> bpy.types.Object:
    """An object of these points and faces, in no collection yet; edges sharper than 30 degrees stay sharp."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([tuple(map(float, point)) for point in points], [], [tuple(map(int, face)) for face in faces])
    mesh.shade_smooth()
    mesh.set_sharp_from_angle(angle=math.radians(30))
    mesh.materials.append(material)
    return bpy.data.objects.new(name, mesh)


def skin(
    name: str, rings: Sequence[Sequence[Sequence[float]]], material: bpy.types.Material, *, closed: bool = True
) -> bpy.types.Object:
    """A surface through rings of equally many points each, counter-clockwise seen from outside the first to the last;
    with ``closed`` the first and the last ring are filled."""
    count = len(rings[0])
    points = [point for ring in rings for point in ring]
    faces: list[Sequence[int]] = [
        (start + side, start + (side + 1) % count, start + count + (side + 1) % count, start + count + side)
        for start in range(0, len(points) - count, count)
        for side in range(count)
    ]
    if closed:
        faces += [range(count)[::-1], range(len(points) - count, len(points))]
    return new_object(name, points, faces, material)


def ring(radius: float, z: float, sides: int = 64) -> list[tuple[float, float, float]]:
    """The points of a circle about Z."""
    turns = [2 * math.pi * side / sides for side in range(sides)]
    return [(radius * math.cos(turn), radius * math.sin(turn), z) for turn in turns]


def new_material(name: str, colour: Colour, roughness: float, metallic: float = 0.0) -> bpy.types.Material:
    """A plain principled material."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    shader = material.node_tree.nodes["Principled BSDF"]
    shader.inputs["Base Color"].default_value = (*colour, 1.0)
    shader.inputs["Roughness"].default_value = roughness
    shader.inputs["Metallic"].default_value = metallic
    return material


def add_grain(material: bpy.types.Material, size: Sequence[float], contrast: float, relief: float) -> None:
    """Let a noise of grains this wide (metres along X, Y, Z) change colour and normal of a plain material."""
    tree = material.node_tree
    shader = tree.nodes["Principled BSDF"]
    red, green, blue, _ = shader.inputs["Base Color"].default_value
    coordinates = tree.nodes.new("ShaderNodeTexCoord")
    mapping = tree.nodes.new("ShaderNodeMapping")
    mapping.inputs["Scale"].default_value = [1 / width for width in size]
    noise = tree.nodes.new("ShaderNodeTexNoise")
    noise.inputs["Scale"].default_value = 1.0
    noise.inputs["Detail"].default_value = 4.0
    ramp = tree.nodes.new("ShaderNodeValToRGB")
    for element, position, share in zip(
        ramp.color_ramp.elements, (0.3, 0.7), (1 - contrast, 1 + contrast), strict=True
    ):
        element.position, element.color = position, (red * share, green * share, blue * share, 1)
    bump = tree.nodes.new("ShaderNodeBump")
    bump.inputs["Strength"].default_value = relief
    bump.inputs["Distance"].default_value = min(size)
    tree.links.new(coordinates.outputs["Object"], mapping.inputs["Vector"])
    tree.links.new(mapping.outputs["Vector"], noise.inputs["Vector"])
    tree.links.new(noise.outputs[0], ramp.inputs[0])
    tree.links.new(ramp.outputs["Color"], shader.inputs["Base Color"])
    tree.links.new(noise.outputs[0], bump.inputs["Height"])
    tree.links.new(bump.outputs["Normal"], shader.inputs["Normal"])


def swap_grain(scene: bpy.types.Scene) -> None:
    """Take the grain from materials that have any, or give the plain ones some, a hundredth of the region wide."""
    materials = [material for material in bpy.data.materials if material.use_nodes]
    links = [
        (material.node_tree.links, link)
        for material in materials
        for name in ("Base Color", "Normal")
        for link in material.node_tree.nodes["Principled BSDF"].inputs[name].links
    ]
    for owner, link in links:
        owner.remove(link)
    if not links:
        for material in materials:
            add_grain(material, [scene.simsearch.region.scale.x / 50] * 3, 0.2, 0.05)


def turn_knobs(scene: bpy.types.Scene, seed: int, spread: float) -> None:
    """Turn everything that a match turns at random: knobs' values of this standard deviation. The camera stays."""
    controls = find_controls(scene, read_settings(scene))
    controls.turn(np.random.default_rng(seed).normal(0, spread, len(controls.controls)).tolist())


def add_variant(scene: bpy.types.Scene, label: str, parts: Iterable[bpy.types.Object]) -> None:
    """A class, or one more variant of it, that shows these parts in a collection of its own; no parts: absent."""
    entry = scene.simsearch.classes.add()
    entry.name = label
    parts = list(parts)
    if parts:
        collection = bpy.data.collections.new(label)
        scene.collection.children.link(collection)
        for part in parts:
            collection.objects.link(part)
        entry.collections.add().collection = collection


def add_camera(scene: bpy.types.Scene, height: float, field: float) -> bpy.types.Object:
    """A camera that looks straight down from ``height`` on a square ``field`` wide, as the nominal camera."""
    data = bpy.data.cameras.new("camera")
    data.lens_unit = "FOV"
    data.angle = 2 * math.atan(field / 2 / height)
    data.clip_start = height / 10
    camera = bpy.data.objects.new("camera", data)
    camera.location = (0, 0, height)
    scene.collection.objects.link(camera)
    scene.camera = scene.simsearch.camera = camera
    return camera


def add_sun(scene: bpy.types.Scene, energy: float, tilt: float, softness: float, grain: float) -> bpy.types.Object:
    """A sun ``tilt`` from the zenith towards +X, ``softness`` wide; its shadows are ``grain`` metres fine."""
    light = bpy.data.lights.new("lamp", "SUN")
    light.energy, light.angle = energy, softness
    light.shadow_maximum_resolution = grain  # Blender's 1 mm blurs the shadows of small parts
    lamp = bpy.data.objects.new("lamp", light)
    lamp.rotation_euler = Euler((0, tilt, 0))
    scene.collection.objects.link(lamp)
    return lamp


def set_world(scene: bpy.types.Scene, zenith: float, horizon: float, window: float) -> None:
    """A grey surrounding of this brightness above and at the horizon, but ``window`` at the horizon towards +X."""
    world = scene.world = bpy.data.worlds.new("surrounding")
    world.use_nodes = True
    tree = world.node_tree
    direction = tree.nodes.new("ShaderNodeTexCoord")
    axes = tree.nodes.new("ShaderNodeSeparateXYZ")
    tree.links.new(direction.outputs["Generated"], axes.inputs[0])

    def ramp(axis: str, at_0: float, at_1: float) -> bpy.types.Node:
        node = tree.nodes.new("ShaderNodeMapRange")
        node.inputs["To Min"].default_value, node.inputs["To Max"].default_value = at_0, at_1
        tree.links.new(axes.outputs[axis], node.inputs["Value"])
        return node

    aside = ramp("X", horizon, window)
    upward = ramp("Z", horizon, zenith)
    tree.links.new(aside.outputs["Result"], upward.inputs["To Min"])
    tree.links.new(upward.outputs["Result"], tree.nodes["Background"].inputs["Color"])


def mark_region(scene: bpy.types.Scene, size: Sequence[float], centre: Sequence[float] = (0, 0, 0)) -> None:
    """An empty cube of this size (X, Y, Z) that must be in view."""
    region = bpy.data.objects.new("region of interest", None)
    region.empty_display_type = "CUBE"
    region.location = centre
    region.scale = [side / 2 for side in size]
    scene.collection.objects.link(region)
    scene.simsearch.region = region


def end() -> NoReturn:
    """End the script without taking Blender down, which, as a module, may wait for ever."""
    sys.stdout.flush()
    os._exit(0)


def save(path: Path) -> None:
    """Save the scene as a .blend file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(path.resolve()), compress=False)
