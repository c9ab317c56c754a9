# SPDX-License-Identifier: GPL-3.0-or-later
"""A camera that looks down on a part, as above a table or a conveyor."""

import bpy
from mathutils import Vector

from .rendered_objects import in_scene

FILLED = 0.5
"""Share of the picture's width that the part takes, so that it stays in frame while the camera moves."""
LENS, SENSOR = 50.0, 36.0
"""Millimetres."""


def camera_above(scene: bpy.types.Scene, low: Vector, high: Vector) -> bpy.types.Object:
    """The scene's nominal camera, or a new one where it has none, above a box and looking down on it.

    Args:
        scene: the scene.
        low: lowest corner of the box, in metres.
        high: highest corner.
    """
    camera = scene.simsearch.camera or scene.camera
    if camera is None or not in_scene(scene, camera) or camera.type != "CAMERA":
        camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
        scene.collection.objects.link(camera)
    across = max(high.x - low.x, high.y - low.y, 1e-3) / FILLED
    distance = across * LENS / SENSOR
    camera.data.type, camera.data.lens, camera.data.sensor_width, camera.data.sensor_fit = "PERSP", LENS, SENSOR, "AUTO"
    camera.data.clip_start = min(camera.data.clip_start, distance / 100)
    camera.data.display_size = distance / 10
    camera.parent, camera.rotation_mode, camera.rotation_euler = None, "XYZ", (0.0, 0.0, 0.0)
    camera.location = ((low.x + high.x) / 2, (low.y + high.y) / 2, high.z + distance)
    bpy.context.view_layer.update()
    return camera
