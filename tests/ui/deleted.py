# SPDX-License-Identifier: GPL-3.0-or-later
"""A camera that the settings name is deleted with the key X: Camera from View makes a new one and leaves the old alone."""

from collections.abc import Iterator

import bpy
import driver


def steps() -> Iterator[float]:
    yield from driver.open_sidebar()
    scene = bpy.context.scene
    with driver.in_viewport():
        assert bpy.ops.simsearch.mark_region() == {"FINISHED"}
    old = scene.simsearch.camera = scene.camera
    place = old.matrix_world.copy()
    for item in bpy.context.view_layer.objects:
        item.select_set(item == old)
    _, area, _ = driver.viewport()
    driver.move(area.x + area.width // 3, area.y + area.height // 2)
    yield 0.3
    driver.xdotool("key", "x")
    yield 1.5
    driver.xdotool("key", "Return")
    yield from driver.wait_for(lambda: not old.users_scene, 10, "the deletion of the camera")
    overlay = driver.extension("interface.overlay")
    assert overlay.current(scene) is None
    yield from driver.click("simsearch.camera_from_view")
    assert scene.simsearch.camera != old and scene.camera == scene.simsearch.camera
    assert old.matrix_world == place and overlay.current(scene) is not None
    print("Camera from View makes a new camera where the old one was deleted", flush=True)


driver.run(steps)
