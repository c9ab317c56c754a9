# SPDX-License-Identifier: GPL-3.0-or-later
"""A render started by a real mouse click and cancelled by a real ESC key.

Measures how often the sidebar is redrawn while a child Blender renders, and sees that none is left after ESC.
"""

import os
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import bpy
import driver
import station

drawn: list[float] = []


def steps() -> Iterator[float]:
    driver.unfold("References")
    output = station.set_up()
    yield from driver.open_sidebar()
    bpy.types.SpaceView3D.draw_handler_add(lambda: drawn.append(time.monotonic()), (), "UI", "POST_PIXEL")
    yield from cancel_a_render(output)
    station.clean_up(output)


def cancel_a_render(output: Path) -> Iterator[float]:
    """Start with the mouse, measure, stop with the keyboard."""
    job = driver.extension("interface.child_job")

    def images() -> int:
        return len(list(output.glob("references/*/*.png")))

    yield from driver.click("simsearch.render")
    yield from driver.wait_for(job.running, 10, "the render job")
    render = job.latest
    drawn.clear()
    yield from driver.wait_for(lambda: images() >= 5 or not job.running(), 600, "five images")
    driver.xdotool("key", "Escape")
    yield from driver.wait_for(lambda: not job.running(), 30, "the end of the render job")
    gaps = [after - before for before, after in pairwise(drawn)]
    seconds = drawn[-1] - drawn[0]
    print(f"{len(drawn)} redraws in {seconds:.0f} s, longest gap {max(gaps):.2f} s; {images()} images kept", flush=True)
    assert render.state is job.State.CANCELLED, render.problems
    assert not alive(render.process.pid), "the child still runs"
    assert len(drawn) > seconds, "the window is redrawn less than once a second"


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


driver.run(steps)
