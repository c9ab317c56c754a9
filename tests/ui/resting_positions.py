# SPDX-License-Identifier: GPL-3.0-or-later
"""Add Resting Positions: the dialog offers the positions with pictures, and OK makes the variants."""

from collections.abc import Iterator

import bpy
import driver


def steps() -> Iterator[float]:
    yield from driver.open_sidebar()
    scene = bpy.context.scene
    scene.objects["Cube"].scale = (1, 0.5, 0.3)
    for item in scene.objects:
        item.select_set(item.name == "Cube")
    with driver.in_viewport():
        bpy.ops.simsearch.class_from_selection()
    bpy.app.timers.register(start, first_interval=0.1)
    yield 2.0
    yield from driver.snapshot("positions")
    driver.xdotool("key", "Return")
    yield 1.5
    assert len(scene.simsearch.classes) > 1, "the dialog's OK makes the variants"
    yield from driver.snapshot("laid_down")
    print("Add Resting Positions offers what it makes", flush=True)


def start() -> None:
    """Press the button of the sidebar."""
    with driver.in_viewport():
        bpy.ops.simsearch.add_resting_positions("INVOKE_DEFAULT")


driver.run(steps)
