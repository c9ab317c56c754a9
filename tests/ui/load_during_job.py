# SPDX-License-Identifier: GPL-3.0-or-later
"""Loading another file while a child Blender renders ends the child, and Blender goes on."""

from collections.abc import Iterator

import bpy
import driver
import station


def steps() -> Iterator[float]:
    driver.unfold("References")
    output = station.set_up()
    yield from driver.open_sidebar()
    job = driver.extension("interface.child_job")
    with driver.in_viewport():
        bpy.ops.simsearch.render("INVOKE_DEFAULT")
    yield 3.0
    render = job.latest
    assert render.running()
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    yield 1.0
    assert render.state is job.State.CANCELLED, render.state
    assert render.process.returncode is not None
    assert bpy.context.scene.simsearch.region is None
    with driver.in_viewport():
        bpy.ops.simsearch.mark_region()
    yield 1.0
    print("Blender goes on after loading a file during a job", flush=True)
    station.clean_up(output)


driver.run(steps)
