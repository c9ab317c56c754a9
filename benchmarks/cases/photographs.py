# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated photographs of a case's scene.

    python benchmarks/cases/photographs.py fastening_plug.blend photos 20

They are path traced (Cycles) with what the references lack: worn surfaces in slightly other colours, a lamp of finite
size, clutter, defocus, vignetting, sensor noise, white balance and JPEG. The camera stands as on a line: around its
nominal place, mostly near to it. They are *not* real photographs, and F1 on them says less than F1 on real ones.
"""

import math
import sys
import tempfile
from pathlib import Path

import bpy
import numpy as np
from mathutils import Euler, Matrix, Vector
from PIL import Image

from synthetic_similarity_search.benchmarks.cases.stage import add_grain, end, new_material, ring, skin
from synthetic_similarity_search.inference.files import replacing
from synthetic_similarity_search.scene.classes import showing
from synthetic_similarity_search.scene.read_settings import read_settings

SIZE = 256  # pixels
SAMPLES, BOUNCES = 8, 3
CLUTTER = 5
SEED = 4711


def wear(width: float) -> None:
    """Give every material grain, and a colour and roughness slightly off the nominal ones, the same in all photographs."""
    draw = np.random.default_rng(SEED)
    for material in bpy.data.materials:
        shader = material.node_tree.nodes["Principled BSDF"]
        red, green, blue, _ = shader.inputs["Base Color"].default_value
        factors = draw.uniform(0.75, 1.3) * draw.uniform(0.97, 1.03, 3)
        shader.inputs["Base Color"].default_value = (*np.minimum((red, green, blue) * factors, 1), 1)
        shader.inputs["Roughness"].default_value *= draw.uniform(0.8, 1.2)
        add_grain(material, np.full(3, width * draw.uniform(0.004, 0.03)), 0.2, 0.05)


def replace_lamp(scene: bpy.types.Scene, width: float) -> bpy.types.Object:
    """A bar lamp of finite size instead of the references' parallel light."""
    for light in list(bpy.data.lights):
        bpy.data.lights.remove(light)
    light = bpy.data.lights.new("bar lamp", "AREA")
    light.shape, light.size, light.size_y = "RECTANGLE", width, 3 * width
    lamp = bpy.data.objects.new("bar lamp", light)
    scene.collection.objects.link(lamp)
    return lamp


def add_clutter(scene: bpy.types.Scene, width: float) -> list[bpy.types.Object]:
    """Small things that do not belong there: washers, swarf, pieces of tape."""
    things = []
    for number, shade in enumerate(np.linspace(0.02, 0.6, CLUTTER)):
        material = new_material(f"clutter {number}", (shade, shade, shade * (1 - 0.1 * number)), 0.5, float(number % 2))
        size, sides = width * 0.02 * (1 + number % 3), (3, 4, 32, 6, 5)[number]
        things.append(skin("clutter", [ring(size, 0, sides), ring(size, size / 4, sides)], material))
        scene.collection.objects.link(things[-1])
    return things


def expose(rendered_png: Path, target: Path, draw: np.random.Generator) -> None:
    """What lens and sensor add: vignetting, white balance, shot and read noise, JPEG."""
    with Image.open(rendered_png) as image:
        pixels = np.asarray(image.convert("RGB"), np.float64) / 255
    rows, columns = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
    pixels *= (1 - 0.12 * (rows**2 + columns**2))[:, :, None] * draw.uniform(0.94, 1.06, 3)
    pixels += draw.normal(0, 1, pixels.shape) * np.sqrt(0.02**2 + 0.0015 * pixels)
    with replacing(target) as partial:
        Image.fromarray(np.uint8(np.clip(pixels, 0, 1) * 255 + 0.5)).save(partial, format="JPEG", quality=90)


def vary(
    scene: bpy.types.Scene,
    nominal: Matrix,
    lamp: bpy.types.Object,
    clutter: list[bpy.types.Object],
    width: float,
    draw: np.random.Generator,
) -> None:
    """Place camera, lamp and clutter for one photograph."""
    jitter, camera = scene.simsearch.jitter, scene.camera
    offset, turn = (np.clip(draw.normal(0, 0.4, 3), -1, 1) * limits for limits in (jitter.location, jitter.rotation))
    camera.matrix_world = nominal @ Matrix.Translation(offset * (1, 1, 0.6)) @ Euler(turn).to_matrix().to_4x4()
    camera.data.dof.focus_distance = camera.location.z * draw.uniform(0.97, 1.03)
    around, up = math.pi + draw.normal(0, 0.4), draw.uniform(0.7, 1.1)
    toward = Vector((math.cos(up) * math.cos(around), math.cos(up) * math.sin(around), math.sin(up)))
    lamp.location = 4 * width * toward
    lamp.rotation_euler = toward.to_track_quat("Z", "Y").to_euler()
    lamp.data.energy = 150 * width**2 * draw.uniform(0.6, 1.7)
    for thing in clutter:
        place = draw.uniform(-0.75, 0.75, 2) * width
        outside = np.max(np.abs(place)) > 0.55 * width
        thing.location = (*place, 0)
        thing.hide_render = not outside or bool(draw.random() < 0.4)


def simulate(scene: bpy.types.Scene, folder: Path, count: int) -> None:
    """Render `count` photographs of each class; what is there already is kept."""
    settings = read_settings(scene)
    width = 2 * scene.simsearch.region.scale.x
    wear(width)
    lamp, clutter = replace_lamp(scene, width), add_clutter(scene, width)
    render, lens, nominal = scene.render, scene.camera.data, scene.camera.matrix_world.copy()
    render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", SAMPLES, False
    scene.cycles.max_bounces, render.use_persistent_data = BOUNCES, True
    render.resolution_x = render.resolution_y = SIZE
    render.resolution_percentage = 100
    scene.view_settings.view_transform = "Standard"
    lens.dof.use_dof = True
    lens.dof.aperture_fstop = lens.lens / 1000 / (0.02 * 3 * width)  # the opening is 2 % of the distance wide
    with tempfile.TemporaryDirectory() as scratch:
        render.filepath = str(Path(scratch) / "rendered.png")
        for number, spec in enumerate(settings.classes):
            for index in range(count):
                target = folder / spec.label / f"simulated_{index:04d}.jpg"
                if target.exists():
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                draw = np.random.default_rng([SEED, number, index])
                vary(scene, nominal, lamp, clutter, width, draw)
                with showing(scene, settings, spec.variants[index % len(spec.variants)]):
                    scene.cycles.seed = index
                    bpy.ops.render.render(write_still=True)
                expose(Path(render.filepath), target, draw)


if __name__ == "__main__":
    bpy.ops.wm.open_mainfile(filepath=str(Path(sys.argv[1]).resolve()))
    simulate(bpy.context.scene, Path(sys.argv[2]), int(sys.argv[3]))
    end()
