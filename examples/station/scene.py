# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's inspection station as a technician would set it up: CAD in, basic materials, camera, light, region, classes.

    python examples/station/scene.py station.blend

A monochrome camera looks down on a dark table where a pipe tee, a square plate or nothing lies, turned any way. The
station's lamp is fixed beside the camera, so the lamp is the camera's child: turning the camera then stands for
turning the part, and the shadows stay where the lamp throws them.
"""

import math
import os
import sys
from contextlib import redirect_stdout
from pathlib import Path

STATION = Path(__file__).resolve().parent
sys.path.insert(0, str(STATION.parents[1]))

import batch  # noqa: E402  the extension itself, as the command line loads it

batch.load_package()

import bpy  # noqa: E402
from mathutils import Euler, Vector  # noqa: E402

from synthetic_similarity_search.scene.cad_import import import_cad  # noqa: E402

CLASSES = {"t_joint": "pipe_tee.step", "metal_blank": "square_plate.step", "empty_table": None}
"""Class label → the CAD file that the class shows; the empty table lists nothing."""

CAMERA_HEIGHT = 0.6  # metres above the table
FIELD_OF_VIEW = 0.110  # metres of table that the frame shows from there
REGION_SIZE = (0.056, 0.056, 0.036)  # metres; holds either part, whichever way it is turned


def new_material(name: str, grey: float, roughness: float, metallic: float = 0.0) -> bpy.types.Material:
    """A plain principled material; the camera is monochrome, so one grey value stands for the colour."""
    material = bpy.data.materials.new(name)
    if material.node_tree is None:  # Blender 4.5; later versions always have one
        material.use_nodes = True
    shader = material.node_tree.nodes["Principled BSDF"]
    shader.inputs["Base Color"].default_value = (grey, grey, grey, 1.0)
    shader.inputs["Roughness"].default_value = roughness
    shader.inputs["Metallic"].default_value = metallic
    return material


def lay_on_table(objects: list[bpy.types.Object]) -> None:
    """Move the imported part so that it lies on Z = 0 with its middle on the station's axis."""
    bpy.context.view_layer.update()
    corners = [o.matrix_world @ Vector(c) for o in objects if o.type == "MESH" for c in o.bound_box]
    low, high = (Vector([choose(c[axis] for c in corners) for axis in range(3)]) for choose in (min, max))
    offset = Vector(((low.x + high.x) / 2, (low.y + high.y) / 2, low.z))
    for part in objects:
        if part.parent is None:
            part.location -= offset


def add_parts(scene: bpy.types.Scene) -> None:
    """Import the CAD; every part is a collection that its class lists."""
    finish = {
        "t_joint": new_material("grey plastic", 0.60, 0.45),
        "metal_blank": new_material("milled steel", 0.80, 0.30, metallic=1.0),
    }
    for label, file_name in CLASSES.items():
        entry = scene.simsearch.classes.add()
        entry.name = label
        if file_name is None:
            continue
        imported = import_cad(STATION / file_name)
        for part in imported.objects:
            if part.type == "MESH":
                part.data.materials.clear()
                part.data.materials.append(finish[label])
        lay_on_table(list(imported.objects))
        entry.collections.add().collection = imported.collection


def add_table(scene: bpy.types.Scene) -> None:
    """A table larger than the camera sees from any pose."""
    mesh = bpy.data.meshes.new("table")
    mesh.from_pydata([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)], [], [(0, 1, 2, 3)])
    mesh.materials.append(new_material("table", 0.04, 0.7))
    scene.collection.objects.link(bpy.data.objects.new("table", mesh))


def add_camera_and_lamp(scene: bpy.types.Scene) -> None:
    """The nominal camera looks straight down; the lamp shines from its left, 52 degrees above the table."""
    data = bpy.data.cameras.new("station camera")
    data.lens_unit = "FOV"
    data.angle = 2 * math.atan(FIELD_OF_VIEW / 2 / CAMERA_HEIGHT)
    camera = bpy.data.objects.new("station camera", data)
    camera.location = (0, 0, CAMERA_HEIGHT)
    scene.collection.objects.link(camera)
    scene.camera = scene.simsearch.camera = camera

    light = bpy.data.lights.new("lamp", "SUN")
    light.energy = 2.5
    light.angle = math.radians(3)
    lamp = bpy.data.objects.new("lamp", light)
    lamp.parent = camera
    lamp.rotation_euler = Euler((0, math.radians(-38), 0))
    scene.collection.objects.link(lamp)

    scene.world = bpy.data.worlds.new("hall")
    if scene.world.node_tree is None:  # Blender 4.5
        scene.world.use_nodes = True
    scene.world.node_tree.nodes["Background"].inputs["Color"].default_value = (0.08, 0.08, 0.08, 1)


def mark_region(scene: bpy.types.Scene) -> None:
    """An empty cube around the place where a part lies."""
    region = bpy.data.objects.new("region of interest", None)
    region.empty_display_type = "CUBE"
    region.location = (0, 0, REGION_SIZE[2] / 2)
    region.scale = [side / 2 for side in REGION_SIZE]
    scene.collection.objects.link(region)
    scene.simsearch.region = region


def set_jitter(scene: bpy.types.Scene) -> None:
    """Parts lie turned any way and anywhere on the table, so most see the camera from aside."""
    jitter = scene.simsearch.jitter
    jitter.location = (0.09, 0.09, 0.06)
    jitter.rotation = (0.16, 0.16, math.pi)
    jitter.light_angle = 0.2
    jitter.light_strength = 1.0
    jitter.background = 0.5
    jitter.material = 0.5


def build(path: Path) -> None:
    """Save the station as a .blend file."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    scene = bpy.context.scene
    add_parts(scene)
    add_table(scene)
    add_camera_and_lamp(scene)
    mark_region(scene)
    set_jitter(scene)
    path.parent.mkdir(parents=True, exist_ok=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(path.resolve()))


if __name__ == "__main__":
    with batch.quiet_blender(), redirect_stdout(sys.__stdout__):  # the importer's messages go to Blender's too
        build(Path(sys.argv[1]))
    sys.stdout.flush()
    os._exit(0)  # Blender as a module may wait for ever while it is taken down
