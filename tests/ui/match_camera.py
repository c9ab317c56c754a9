# SPDX-License-Identifier: GPL-3.0-or-later
"""Match Camera to Photo: each corner is clicked in the viewport and in the photo."""

import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import bpy
import driver
from bpy_extras.object_utils import world_to_camera_view
from bpy_extras.view3d_utils import location_3d_to_region_2d
from mathutils import Matrix, Vector

SIDE = 600
CORNERS = [Vector(corner) for corner in product((-1, 1), repeat=3) if corner != (-1, 1, -1)]
"""Those of Blender's cube that are seen from where the viewport looks."""


def steps() -> Iterator[float]:
    from PIL import Image  # which comes with the extension

    yield from driver.open_sidebar()
    scene = bpy.context.scene
    scene.render.resolution_x = scene.render.resolution_y = SIDE
    station = bpy.data.objects.new("Station", bpy.data.cameras.new("Station"))
    scene.collection.objects.link(station)
    eye = Vector((4, -5, 6))
    station.matrix_world = Matrix.LocRotScale(eye, eye.to_track_quat("Z", "Y"), None)
    bpy.context.view_layer.update()
    path = Path(tempfile.mkdtemp()) / "part.png"
    Image.new("RGB", (SIDE, SIDE), (90, 90, 90)).save(path)
    with driver.in_viewport():
        bpy.ops.simsearch.photo_backdrop(filepath=str(path))
    _, area, _ = driver.viewport()
    view = area.spaces.active.region_3d
    view.view_perspective, view.view_location, view.view_distance = "PERSP", (0, 0, 0), 9
    view.view_rotation = Vector((1, -1, 0.8)).to_track_quat("Z", "Y")
    region = next(region for region in area.regions if region.type == "WINDOW")
    yield 1.0
    bpy.app.timers.register(start, first_interval=0.1)
    yield 1.0
    fitted = driver.extension("interface.photo_picker").fitted  # type: ignore[attr-defined]
    for corner in CORNERS:
        place = location_3d_to_region_2d(region, view, corner)
        driver.move(round(region.x + place.x) + 4, round(region.y + place.y) - 3)
        yield 0.4
        driver.xdotool("click", 1)
        yield 0.8
        seen = world_to_camera_view(scene, station, corner)
        left, bottom, width, height = fitted((SIDE, SIDE), (region.width, region.height))
        driver.move(round(region.x + left + seen.x * width), round(region.y + bottom + seen.y * height))
        yield 0.4
        driver.xdotool("click", 1)
        yield 0.8
    yield from driver.snapshot("picked")
    driver.xdotool("key", "Return")
    yield 1.5
    last = bpy.context.window_manager.operators[-1]
    assert last.bl_idname == "SIMSEARCH_OT_match_camera", "it can be adjusted"
    assert len(last.properties.pairs) == len(CORNERS), "every click was taken"
    assert (scene.camera.matrix_world.translation - eye).length < 0.4, scene.camera.matrix_world
    assert abs(scene.camera.data.lens / station.data.lens - 1) < 0.03, scene.camera.data.lens
    print("Match Camera to Photo puts the camera where the photo was taken", flush=True)


def start() -> None:
    """As the button's menu does."""
    with driver.in_viewport():
        bpy.ops.simsearch.match_camera("INVOKE_DEFAULT", focal="FIND")


driver.run(steps)
