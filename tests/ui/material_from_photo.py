# SPDX-License-Identifier: GPL-3.0-or-later
"""Material from Photo: a click on the photo chooses the spot, and Adjust Last Operation moves it."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import bpy
import driver


def red(item: bpy.types.Object) -> bool:
    """Whether the object's material is red rather than blue."""
    colour = item.material_slots[0].material.diffuse_color
    return bool(colour[0] > colour[2])


def steps() -> Iterator[float]:
    from PIL import Image  # which comes with the extension

    yield from driver.open_sidebar()
    photo = Image.new("RGB", (400, 300), (20, 20, 200))
    photo.paste((200, 20, 20), (200, 0, 400, 300))  # the right half is red
    path = Path(tempfile.mkdtemp()) / "part.png"
    photo.save(path)
    _, area, _ = driver.viewport()
    cube = bpy.data.objects["Cube"]
    bpy.app.timers.register(lambda: invoke(path), first_interval=0.1)
    yield 1.0
    driver.move(area.x + area.width // 4, area.y + area.height // 2)
    yield 0.5
    driver.move(area.x + 3 * area.width // 5, area.y + area.height // 2)
    yield 0.5
    driver.xdotool("click", 1)
    yield 1.0
    assert red(cube), "the click was on the red half"
    last = bpy.context.window_manager.operators[-1]
    assert last.bl_idname == "SIMSEARCH_OT_material_from_photo", "it can be adjusted"
    print("Material from Photo takes the colour under the mouse", flush=True)


def invoke(path: Path) -> None:
    """Start as after the file dialog."""
    with driver.in_viewport():
        bpy.ops.simsearch.material_from_photo("INVOKE_DEFAULT", filepath=str(path))


driver.run(steps)
