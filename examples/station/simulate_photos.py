# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated photos of the demo station, for machines that have no real ones.

    python examples/station/simulate_photos.py station.blend simulated/photos

They are path traced (Cycles) with what the references lack: worn and grained surfaces, an area lamp, a camera that is
slightly out of focus, vignetting and sensor noise; parts are placed at random on the table. They are *not* real
photos, and F1 on them says less than F1 on real ones.
"""

import math
import os
import sys
import tempfile
from pathlib import Path

STATION = Path(__file__).resolve().parent
sys.path.insert(0, str(STATION.parents[1]))

import batch  # noqa: E402

batch.load_package()

import bpy  # noqa: E402
import numpy as np  # noqa: E402
from mathutils import Euler, Matrix, Vector  # noqa: E402
from PIL import Image  # noqa: E402

from synthetic_similarity_search.inference.files import replacing  # noqa: E402

PHOTOS_PER_CLASS = 8
SIZE = 256  # pixels
SEED = 1


def wear(material: bpy.types.Material, scale: float, amount: float) -> None:
    """Break up a plain material with grain in its colour and roughness, and a fine bump."""
    tree = material.node_tree
    shader = tree.nodes["Principled BSDF"]
    grey = shader.inputs["Base Color"].default_value[0]
    roughness = shader.inputs["Roughness"].default_value
    coordinates = tree.nodes.new("ShaderNodeTexCoord")
    noise = tree.nodes.new("ShaderNodeTexNoise")
    noise.inputs["Scale"].default_value = scale
    noise.inputs["Detail"].default_value = 6.0
    tree.links.new(coordinates.outputs["Object"], noise.inputs["Vector"])
    for socket, value in (("Base Color", grey), ("Roughness", roughness)):
        spread = tree.nodes.new("ShaderNodeMapRange")
        spread.inputs["From Min"].default_value, spread.inputs["From Max"].default_value = 0.3, 0.7
        spread.inputs["To Min"].default_value = value * (1 - amount)
        spread.inputs["To Max"].default_value = value * (1 + amount)
        tree.links.new(noise.outputs["Fac"], spread.inputs["Value"])
        tree.links.new(spread.outputs["Result"], shader.inputs[socket])
    bump = tree.nodes.new("ShaderNodeBump")
    bump.inputs["Strength"].default_value = 0.15
    bump.inputs["Distance"].default_value = 0.0005
    tree.links.new(noise.outputs["Fac"], bump.inputs["Height"])
    tree.links.new(bump.outputs["Normal"], shader.inputs["Normal"])


def replace_lamp(scene: bpy.types.Scene) -> bpy.types.Object:
    """A bar lamp of finite size instead of the references' parallel light."""
    bpy.data.objects.remove(bpy.data.objects["lamp"])
    light = bpy.data.lights.new("bar lamp", "AREA")
    light.shape = "RECTANGLE"
    light.size, light.size_y = 0.08, 0.3
    lamp = bpy.data.objects.new("bar lamp", light)
    scene.collection.objects.link(lamp)
    return lamp


def prepare(scene: bpy.types.Scene) -> bpy.types.Object:
    """Cycles, worn surfaces, bar lamp, a lens with depth of field. Returns the lamp."""
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 24
    scene.cycles.use_denoising = False
    scene.render.resolution_x = scene.render.resolution_y = SIZE
    scene.render.resolution_percentage = 100
    scene.view_settings.view_transform = "Standard"
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGB"
    wear(bpy.data.materials["grey plastic"], 900.0, 0.08)
    wear(bpy.data.materials["milled steel"], 400.0, 0.25)
    wear(bpy.data.materials["table"], 250.0, 0.12)
    lens = scene.camera.data
    lens.dof.use_dof = True
    lens.dof.aperture_fstop = 4.0
    lens.dof.focus_distance = scene.camera.location.z - 0.01
    return replace_lamp(scene)


def expose(rendered_png: Path, target: Path, noise: np.random.Generator) -> None:
    """What lens and sensor add: vignetting, shot and read noise, one grey channel, JPEG."""
    with Image.open(rendered_png) as image:
        grey = np.asarray(image.convert("L"), np.float64) / 255
    rows, columns = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
    grey *= 1 - 0.12 * (rows**2 + columns**2)
    grey += noise.normal(0, 1, grey.shape) * np.sqrt(0.006**2 + 0.0006 * grey)
    with replacing(target) as partial:
        Image.fromarray(np.uint8(np.clip(grey, 0, 1) * 255 + 0.5)).save(partial, format="JPEG", quality=92)


def simulate(folder: Path) -> None:
    """Render every photo that is missing."""
    scene = bpy.context.scene
    lamp = prepare(scene)
    parts = {entry.name: [c.collection for c in entry.collections] for entry in scene.simsearch.classes}
    for label, shown in parts.items():
        for collection in (c for collections in parts.values() for c in collections):
            collection.hide_render = collection not in shown
        roots = [o for collection in shown for o in collection.all_objects if o.parent is None]
        resting = [root.matrix_world.copy() for root in roots]
        for index in range(PHOTOS_PER_CLASS):
            draw = np.random.default_rng([SEED, index])
            x, y = draw.uniform(-0.012, 0.012, 2)
            placed = Matrix.Translation((x, y, 0)) @ Matrix.Rotation(draw.uniform(-math.pi, math.pi), 4, "Z")
            for root, matrix in zip(roots, resting, strict=True):
                root.matrix_world = placed @ matrix
            scene.camera.location.x, scene.camera.location.y = draw.uniform(-0.06, 0.06, 2)
            aim = Vector((x, y, 0.015)) - scene.camera.location
            scene.camera.rotation_euler = aim.to_track_quat("-Z", "Y").to_euler()
            lamp.location = Euler((0, 0, draw.uniform(-0.3, 0.3))).to_matrix() @ Vector((-0.4, 0, 0.5))
            lamp.rotation_euler = lamp.location.to_track_quat("Z", "Y").to_euler()
            lamp.data.energy = 5.0 * draw.uniform(0.6, 1.6)
            target = folder / label / f"simulated_{index:04d}.jpg"
            if target.exists():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            scene.cycles.seed = index
            with tempfile.TemporaryDirectory() as scratch:
                scene.render.filepath = str(Path(scratch) / "rendered.png")
                bpy.ops.render.render(write_still=True)
                expose(Path(scene.render.filepath), target, draw)
        for root, matrix in zip(roots, resting, strict=True):
            root.matrix_world = matrix


if __name__ == "__main__":
    with batch.quiet_blender():
        bpy.ops.wm.open_mainfile(filepath=str(Path(sys.argv[1]).resolve()))
        simulate(Path(sys.argv[2]))
    sys.stdout.flush()
    os._exit(0)  # Blender as a module may wait for ever while it is taken down
