# SPDX-License-Identifier: GPL-3.0-or-later
"""Match Look to Photos: started by a mouse click, stopped by ESC with the scene as it was; then a whole search, which one
undo takes back.

    tests/ui/run match_look.py EXTENSION.zip

The search renders some 700 images, which takes about eight minutes without a graphics card.
"""

from collections.abc import Iterator

import bpy
import driver


def looks() -> tuple[float, ...]:
    """Strength, colour and place of the lamps, as the scene has them now."""
    lamps = [item for item in bpy.context.scene.objects if item.type == "LIGHT"]
    return tuple(
        value for item in lamps for value in (item.data.energy, *item.data.color, *item.matrix_world.translation)
    )


def spoil() -> None:
    """Dim the lamps and make everything red: the example fits its photos, so a match would leave it as it is."""
    for lamp in bpy.data.lights:
        lamp.energy *= 0.1
    for material in bpy.data.materials:
        for node in material.node_tree.nodes if material.node_tree else ():
            if node.type == "BSDF_PRINCIPLED":
                node.inputs["Base Color"].default_value = (0.7, 0.03, 0.03, 1.0)


def steps() -> Iterator[float]:
    yield from driver.open_sidebar(None)
    bpy.app.timers.register(lambda: bpy.ops.simsearch.open_example() and None, first_interval=0.1)
    yield 3.0
    driver.unfold("Match Look")
    yield 0.5
    scene, job = bpy.context.scene, driver.extension("interface.child_job")
    spoil()
    bpy.ops.ed.undo_push(message="Spoil the look")
    before = looks()
    yield from driver.click("simsearch.match_look")
    yield from driver.snapshot("match-starting")
    yield from driver.wait_for(lambda: " of " in job.latest.progress()[1] or not job.running(), 300, "progress")
    yield 5.0
    yield from driver.snapshot("match-running")
    driver.xdotool("key", "Escape")
    yield from driver.wait_for(lambda: not job.running(), 60, "the end of the job")
    assert job.latest.state is job.State.CANCELLED, job.latest.problems
    assert looks() == before, "a match that was cancelled changes nothing"
    yield 1.0
    yield from driver.snapshot("match-cancelled")
    yield from driver.click("simsearch.match_look")
    yield from driver.wait_for(lambda: not job.running(), 3000, "the whole search")
    assert job.latest.state is job.State.DONE, job.latest.problems
    stored_results = driver.extension("interface.stored_results")
    yield from driver.wait_for(lambda: stored_results.load(scene, "match") is not None, 60, "the result")
    found = stored_results.load(scene, "match")
    assert found.after > found.before and found.changes, "the photos are brighter and not red"
    yield from driver.park_mouse(driver.viewport()[1])
    yield 2.0
    yield from driver.snapshot("match-result")
    matched = looks()
    print(f"likeness {found.before} before, {found.after} after: {' '.join(found.changes)}", flush=True)
    assert matched != before
    yield from driver.park_mouse(driver.viewport()[1])
    driver.xdotool("key", "ctrl+z")
    yield from driver.wait_for(lambda: looks() == before, 20, "the undone look")
    yield from driver.snapshot("match-undone")
    print("Match Look starts, stops, shows its result and is undone", flush=True)


driver.run(steps)
