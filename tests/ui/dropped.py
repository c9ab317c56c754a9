# SPDX-License-Identifier: GPL-3.0-or-later
"""A STEP file that is dropped onto the viewport is imported; a photo dropped onto the camera's view becomes its backdrop."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import bpy
import driver


def drop(path: Path) -> Iterator[float]:
    """What Blender does with a file from the system's file manager, in the middle of the viewport."""
    _, area, _ = driver.viewport()
    driver.move(area.x + area.width // 3, area.y + area.height // 2)
    yield 0.3

    def run() -> None:
        with driver.in_viewport():
            bpy.ops.wm.drop_import_file("INVOKE_DEFAULT", directory=str(path.parent), files=[{"name": path.name}])

    bpy.app.timers.register(run, first_interval=0.1)
    yield 1.0


def steps() -> Iterator[float]:
    from PIL import Image  # which comes with the extension

    yield from driver.open_sidebar(256)
    yield from drop(driver.ROOT / "examples" / "station" / "square_plate.step")
    yield from driver.snapshot("dropped-step")
    driver.xdotool("key", "Return")
    yield 2.0
    assert "square_plate" in bpy.data.collections and "Cube" not in bpy.data.objects
    with driver.in_viewport():
        bpy.ops.simsearch.camera_from_view()
    photo = Path(tempfile.mkdtemp()) / "photo.png"
    Image.new("RGB", (64, 48)).save(photo)
    yield from drop(photo)
    yield from driver.snapshot("dropped-photo")
    driver.xdotool("key", "p")  # Blender's own background image is the other choice
    yield 1.0
    (backdrop,) = bpy.context.scene.camera.data.background_images
    assert Path(backdrop.image.filepath) == photo
    print("Dropped files become parts and backdrops", flush=True)


driver.run(steps)
