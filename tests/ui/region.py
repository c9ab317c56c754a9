# SPDX-License-Identifier: GPL-3.0-or-later
"""Stepping through the poses in the viewport, and the camera from the view."""

from collections.abc import Iterator

import bpy
import driver
import station


def steps() -> Iterator[float]:
    driver.unfold("Camera & Region", "Jitter")
    output = station.set_up()
    yield from driver.open_sidebar()

    scene = bpy.context.scene
    with driver.in_viewport():
        bpy.ops.simsearch.step_pose(step=1)
        view = bpy.context.space_data
        assert view.use_local_camera
        assert view.camera != scene.camera
        assert view.region_3d.view_perspective == "CAMERA"
        bpy.ops.simsearch.leave_poses()
        view.region_3d.view_perspective = "PERSP"
        before = view.region_3d.view_matrix.copy()
        bpy.ops.simsearch.camera_from_view()
    yield 0.5
    assert view.region_3d.view_perspective == "CAMERA"
    difference = scene.camera.matrix_world.inverted() - before
    assert max(abs(value) for row in difference for value in row) < 1e-4, "the camera stands elsewhere"
    station.clean_up(output)


driver.run(steps)
