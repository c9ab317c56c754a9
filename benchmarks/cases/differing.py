# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene, and photographs of it that differ from its references in one known respect.

    python benchmarks/cases/differing.py 3 build/advice/3

The first argument is the seed of the scene: three similar classes, their size, colours, gloss and light. The scene and a
folder of photographs for each respect are written below the second one. The photographs of ``nothing`` differ only as all
photographs do: they are path traced, with another pose, strength of the light, white balance and noise. What is there
already is kept.
"""

import math
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np
from mathutils import Euler, Matrix, Vector
from PIL import Image

from synthetic_similarity_search.benchmarks.cases.alike import UNIT, Parts, brackets, plates
from synthetic_similarity_search.benchmarks.cases.photographs import SIZE, expose
from synthetic_similarity_search.benchmarks.cases.stage import (
    add_camera,
    add_grain,
    add_sun,
    add_variant,
    end,
    mark_region,
    new_material,
    new_scene,
    save,
)
from synthetic_similarity_search.scene.classes import showing
from synthetic_similarity_search.scene.lighting import add_table, set_background
from synthetic_similarity_search.scene.read_settings import read_settings

CLASSES, REFERENCES, PHOTOS = 3, 8, 2
"""Classes of a scene; references and photographs of each."""
RENDERED, SAMPLES, BOUNCES = 192, 6, 2
"""Pixels and settings of the path tracer. It is the larger part of the noise in the photographs."""
HEIGHT, FIELD = 0.18, 0.075
"""Metres from the camera to the table, and how much of it is seen."""

Scene = bpy.types.Scene
Draw = np.random.Generator


def shader(name: str) -> bpy.types.Node:
    """The principled shader of a material."""
    return bpy.data.materials[name].node_tree.nodes["Principled BSDF"]


def lamp() -> bpy.types.Object:
    """The scene's only lamp."""
    return bpy.data.objects["lamp"]


def background_node(scene: Scene) -> bpy.types.Node:
    """The node that makes the world bright."""
    return scene.world.node_tree.nodes["Background"]


def light_up(scene: Scene, by_lamp: float, by_world: float) -> None:
    """Multiply the strength of the lamp and of the surroundings."""
    lamp().data.energy *= by_lamp
    background_node(scene).inputs["Strength"].default_value *= by_world


def lit_by_lamp() -> float:
    """How bright the lamp makes a white table."""
    return lamp().data.energy * math.cos(lamp().rotation_euler.y) / math.pi


def lit_by_world(scene: Scene) -> float:
    """How bright the surroundings make a white table."""
    return background_node(scene).inputs["Color"].default_value[0]


def aim(azimuth: float, tilt: float) -> None:
    """Let the lamp shine from this direction: radians about Z, and from the zenith."""
    lamp().rotation_euler = Euler((0, tilt, azimuth))


def brightness(scene: Scene, draw: Draw) -> None:
    """All light much weaker or much stronger."""
    factor = draw.choice((0.4, 0.5, 2.0, 2.5))
    light_up(scene, factor, factor)


def contrast(scene: Scene, draw: Draw) -> None:
    """Most light from all around, or most of it from the lamp; the table is as bright as before."""
    by_lamp, by_world = lit_by_lamp(), lit_by_world(scene)
    if draw.random() < 0.5:
        light_up(scene, 0.15, 1 + 0.85 * by_lamp / by_world)
    else:
        light_up(scene, 1 + 0.85 * by_world / by_lamp, 0.15)


def colour(scene: Scene, draw: Draw) -> None:
    """Warm or cold light."""
    tint = ((1.4, 1.0, 0.55), (0.6, 1.0, 1.5))[int(draw.integers(2))]
    lamp().data.color = tint
    socket = background_node(scene).inputs["Color"]
    socket.default_value = (*np.multiply(socket.default_value[:3], tint), 1)


def larger(scene: Scene, _draw: Draw) -> None:
    """The camera closer to the parts."""
    scene.camera.location.z *= 0.77


def smaller(scene: Scene, _draw: Draw) -> None:
    """The camera farther from the parts."""
    scene.camera.location.z *= 1.3


def position(scene: Scene, draw: Draw) -> None:
    """The camera beside its place."""
    turn = draw.uniform(0, 2 * math.pi)
    scene.camera.location.x += 0.17 * FIELD * math.cos(turn)
    scene.camera.location.y += 0.17 * FIELD * math.sin(turn)


def background(_scene: Scene, _draw: Draw) -> None:
    """A table with a coarse texture, of the same mean colour."""
    add_grain(bpy.data.materials["table"], [0.006, 0.006, 0.006], 0.9, 0.0)


def glare(scene: Scene, draw: Draw) -> None:
    """Glossy parts in which a small lamp is mirrored."""
    plastic = shader("plastic")
    plastic.inputs["Roughness"].default_value = 0.22
    data = bpy.data.lights.new("mirrored", "AREA")
    data.energy, data.size = 0.2, 0.03
    mirrored = bpy.data.objects.new("mirrored", data)
    mirrored.visible_diffuse = False  # it is too small to light anything
    turn = draw.uniform(0, 2 * math.pi)
    toward = Vector((0.12 * math.cos(turn), 0.12 * math.sin(turn), 1)).normalized()
    mirrored.location = HEIGHT * toward
    mirrored.rotation_euler = toward.to_track_quat("Z", "Y").to_euler()
    scene.collection.objects.link(mirrored)


def relief(_scene: Scene, _draw: Draw) -> None:
    """A lamp just above the table, which is as bright as before."""
    before = lit_by_lamp()
    aim(lamp().rotation_euler.z, math.radians(80))
    lamp().data.energy *= before / lit_by_lamp()


def direction(_scene: Scene, draw: Draw) -> None:
    """The lamp on another side."""
    aim(lamp().rotation_euler.z + math.radians(draw.choice((90, 135, 180, 225, 270))), lamp().rotation_euler.y)


def turn(scene: Scene, draw: Draw) -> None:
    """The parts turned on the table."""
    turned = Matrix.Rotation(math.radians(draw.choice((50, 90, 130, 270))), 4, "Z")
    for entry in scene.simsearch.classes:
        for item in entry.collections[0].collection.objects:
            item.matrix_world = turned @ item.matrix_world


def side(scene: Scene, _draw: Draw) -> None:
    """The parts on another side; see :func:`build`."""
    for entry in scene.simsearch.classes:
        entry.collections[0].collection.hide_render = True
        entry.collections[0].collection = bpy.data.collections[f"{entry.name} other side"]


def nothing(_scene: Scene, _draw: Draw) -> None:
    """No change."""


RESPECTS: dict[str, Callable[[Scene, Draw], None]] = {
    change.__name__: change
    for change in (
        nothing, brightness, contrast, colour, larger, smaller, position, background, glare, relief, direction, turn, side,
    )
}  # fmt: skip
"""What photographs may differ in: by name, what changes the scene so."""


def build(seed: int, path: Path) -> None:
    """Save the scene of this seed as a .blend file."""
    draw, scene = np.random.default_rng(seed), new_scene()
    hue = draw.uniform(0.05, 0.6, 3)
    plastic = new_material("plastic", tuple(hue * draw.uniform(0.4, 1.0) / hue.max()), draw.uniform(0.3, 0.6))
    classes = (plates, brackets)[seed % 2](plastic)
    size = draw.uniform(0.8, 1.1)
    for label in draw.permutation(list(classes))[:CLASSES].tolist():
        shown, other = classes[label]
        add_variant(scene, label, resized(shown, size))
        hidden = bpy.data.collections.new(f"{label} other side")
        for part in resized(lying_on_its_back(shown) if seed % 2 else other, size):
            hidden.objects.link(part)
        hidden.hide_render = True
        scene.collection.children.link(hidden)
    bpy.context.view_layer.update()
    add_camera(scene, height=HEIGHT, field=FIELD)
    mark_region(scene, (6 * UNIT, 6 * UNIT, 0.008), (0, 0, 0.004))
    tilt, world = math.radians(draw.uniform(35, 55)), draw.uniform(0.2, 0.5)
    sun = add_sun(scene, draw.uniform(1.8, 3.0), tilt, math.radians(5), 0.0002)
    sun.rotation_euler.z = draw.uniform(0, 2 * math.pi)
    set_background(scene, world)
    grey = draw.uniform(0.1, 0.5)
    add_table(scene).data.materials.append(new_material("table", (grey, grey, grey * draw.uniform(0.8, 1.1)), 1.0))
    render, jitter = scene.simsearch.render, scene.simsearch.jitter
    render.samples, render.images_per_class = 4, REFERENCES
    jitter.location, jitter.rotation = (0.003, 0.003, 0.006), (0.04, 0.04, 0.08)
    jitter.light_angle, jitter.light_strength, jitter.background, jitter.material = 0.2, 0.2, 0.2, 0.15
    jitter.seed = seed
    save(path)


def resized(parts: Parts, size: float) -> Parts:
    """The same parts in another size."""
    for part in parts:
        part.matrix_world = Matrix.Scale(size, 4) @ part.matrix_basis
    return parts


def lying_on_its_back(parts: Parts) -> Parts:
    """The same parts upside down on the table."""
    doubles = [part.copy() for part in parts]
    for double in doubles:
        double.matrix_world = Matrix.Translation((0, 0, 0.017)) @ Matrix.Rotation(math.pi, 4, "X") @ double.matrix_basis
    return doubles


def photograph(path: Path, folder: Path, respect: str, seed: int) -> None:
    """Render a scene's photographs that differ from its references in one respect."""
    bpy.ops.wm.open_mainfile(filepath=str(path))
    scene = bpy.context.scene
    RESPECTS[respect](scene, np.random.default_rng([seed, list(RESPECTS).index(respect)]))
    bpy.context.view_layer.update()
    settings, nominal, energy = read_settings(scene), scene.camera.matrix_world.copy(), lamp().data.energy
    render = scene.render
    render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", SAMPLES, False
    scene.cycles.max_bounces, render.use_persistent_data = BOUNCES, True
    render.resolution_x = render.resolution_y = RENDERED
    render.resolution_percentage = 100
    scene.view_settings.view_transform = "Standard"
    with tempfile.TemporaryDirectory() as scratch:
        render.filepath = str(Path(scratch) / "rendered.png")
        for number, spec in enumerate(settings.classes):
            with showing(scene, settings, spec.variants[0]):
                for index in range(PHOTOS):
                    draw = np.random.default_rng([seed, number, index])
                    offset, turned = (
                        draw.uniform(-1, 1, 3) * limits
                        for limits in (settings.jitter.location, settings.jitter.rotation)
                    )
                    scene.camera.matrix_world = nominal @ Matrix.LocRotScale(Vector(offset), Euler(turned), None)
                    lamp().data.energy = energy * draw.uniform(0.85, 1.15)
                    scene.cycles.seed = index
                    bpy.ops.render.render(write_still=True)
                    with Image.open(render.filepath) as picture:
                        picture.resize((SIZE, SIZE), Image.Resampling.BICUBIC).save(render.filepath)
                    expose(Path(render.filepath), folder / spec.label / f"{index:04}.jpg", draw)


if __name__ == "__main__":
    seed, output = int(sys.argv[1]), Path(sys.argv[2]).resolve()
    scene_file = output / "scene.blend"
    if not scene_file.exists():
        build(seed, scene_file)
    for respect in RESPECTS:
        if not (output / respect).exists():
            photograph(scene_file, output / respect, respect, seed)
    end()
