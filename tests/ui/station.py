# SPDX-License-Identifier: GPL-3.0-or-later
"""The scene of the pictures, set up with the extension's own buttons: a pipe tee, a square plate, an empty
table."""

import shutil
import tempfile
from pathlib import Path

import bpy
import driver
from mathutils import Vector

PARTS = {"pipe tee": ("pipe_tee.step", "GREY_PLASTIC"), "square plate": ("square_plate.step", "ALUMINIUM")}


def set_up() -> Path:
    """Build the scene with all its settings; returns the folder for its results."""
    for item in list(bpy.data.objects):
        bpy.data.objects.remove(item)
    for collection in list(bpy.data.collections):
        bpy.data.collections.remove(collection)
    scene, ops = bpy.context.scene, bpy.ops.simsearch
    settings = scene.simsearch
    output = Path(tempfile.mkdtemp(prefix="simsearch_ui_"))
    settings.output_directory = str(output)
    with driver.in_viewport():
        for label, (file, finish) in PARTS.items():
            before = set(bpy.data.collections)
            ops.import_cad(filepath=str(driver.ROOT / "examples" / "station" / file))
            (collection,) = set(scene.collection.children) - before
            collection.name = label
            lay_down(list(collection.all_objects))
            ops.apply_material(finish=finish)
            ops.add_class()
            settings.classes[-1].name = label
            settings.classes[-1].collections.add().collection = collection
        ops.add_class()
        settings.classes[-1].name = "empty table"
        settings.active_class_index = 0
        for item in scene.objects:
            item.select_set(True)
        ops.mark_region(margin=0.1)
        ops.set_background(grey=0.2, table=True)
        ops.add_lighting()
    camera = bpy.data.objects.new("Station Camera", bpy.data.cameras.new("Station Camera"))
    camera.data.lens = 85
    scene.collection.objects.link(camera)
    camera.location = (-0.12, -0.05, 0.3)
    camera.rotation_euler = (Vector((0, 0, 0.012)) - camera.location).to_track_quat("-Z", "Y").to_euler()
    scene.camera = settings.camera = camera
    camera.data.clip_start, camera.data.display_size = 0.01, 0.03
    bpy.context.view_layer.update()
    with driver.in_viewport():
        ops.set_jitter(amount="MEDIUM")
        ops.show_class(index=0)
    settings.jitter.location = (0.02, 0.02, 0.02)
    settings.render.images_per_class, settings.render.samples = 4, 2
    look_at(Vector((0.04, 0, 0.13)), 0.6)
    return output


def lay_down(objects: list[bpy.types.Object]) -> None:
    """Move a part so that it lies on the middle of the table, and select it."""
    bpy.context.view_layer.update()
    corners = [
        item.matrix_world @ Vector(corner) for item in objects if item.type == "MESH" for corner in item.bound_box
    ]
    low, high = (Vector(pick(corner[axis] for corner in corners) for axis in range(3)) for pick in (min, max))
    for item in objects:
        if item.parent is None:
            item.location -= Vector(((low.x + high.x) / 2, (low.y + high.y) / 2, low.z))
        item.select_set(True)
    bpy.context.view_layer.update()


def look_at(point: Vector, distance: float) -> None:
    """Turn the viewport to a point, from the front and above, with materials shown."""
    _, area, _ = driver.viewport()
    space = area.spaces.active
    space.clip_start = 0.001
    space.region_3d.view_perspective = "PERSP"
    space.region_3d.view_location = point
    space.region_3d.view_distance = distance
    space.region_3d.view_rotation = Vector((-0.5, -1, 0.55)).to_track_quat("Z", "Y")
    space.shading.type = "SOLID"
    space.shading.color_type = "MATERIAL"


def simulated_photos(output: Path) -> Path:
    """Stand-ins for real photos: other renders of the same scene, darkened and noisy. Needs the
    references."""
    import numpy as np
    from PIL import Image

    photos = output / "photos"
    generator = np.random.default_rng(0)
    for image in sorted(output.glob("simulated/references/*/*.png")):
        pixels = np.asarray(Image.open(image).convert("RGB"), np.float32)
        noisy = 0.75 * pixels + generator.normal(0, 14, pixels.shape) + 10
        target = photos / image.parent.name / f"simulated_{image.stem}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(target, quality=85)
    return photos


def clean_up(output: Path) -> None:
    """Remove what the script made."""
    shutil.rmtree(output, ignore_errors=True)
