# SPDX-License-Identifier: GPL-3.0-or-later
"""Camera from View in an orthographic view from above: the camera stands over the part and shows what the view shows."""

from collections.abc import Iterator

import bpy
import driver
from bpy_extras.object_utils import world_to_camera_view
from bpy_extras.view3d_utils import region_2d_to_location_3d


def steps() -> Iterator[float]:
    yield from driver.open_sidebar()
    _, area, _ = driver.viewport()
    window = next(region for region in area.regions if region.type == "WINDOW")
    view = area.spaces.active.region_3d
    with driver.in_viewport():
        bpy.ops.view3d.view_axis(type="TOP")
    yield 1.0
    with driver.in_viewport():
        bpy.ops.view3d.view_all()
    yield 1.0
    assert view.view_perspective == "ORTHO"
    side, centre = min(window.width, window.height), (window.width / 2, window.height / 2)
    edges = [(centre[0] - side / 2, centre[1]), (centre[0] + side / 2, centre[1])]
    shown = [region_2d_to_location_3d(window, view, edge, view.view_location) for edge in edges]
    with driver.in_viewport():
        assert bpy.ops.simsearch.camera_from_view() == {"FINISHED"}
    yield 0.5
    scene = bpy.context.scene
    camera = scene.camera
    highest = max((item.matrix_world.translation.z for item in scene.objects if item.type == "MESH"), default=0.0)
    assert camera.matrix_world.translation.z > highest + 1, camera.matrix_world
    across = [world_to_camera_view(scene, camera, place).x for place in shown]
    assert abs(across[0]) < 0.01 and abs(across[1] - 1) < 0.01, across
    print("Camera from View from above shows what the view shows", flush=True)


driver.run(steps)
