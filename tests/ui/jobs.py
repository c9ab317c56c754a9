# SPDX-License-Identifier: GPL-3.0-or-later
"""The three main buttons by real mouse clicks: build, ESC during a render, validate; then one photo is
classified.

Measures how often the sidebar is redrawn while a child Blender renders, and sees that none is left after ESC.
"""

import os
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import bpy
import driver
import station

drawn: list[float] = []


def steps() -> Iterator[float]:
    driver.unfold("References")
    output = station.set_up()
    settings = bpy.context.scene.simsearch
    yield from driver.open_sidebar()
    job = driver.extension("operators.job")
    bpy.types.SpaceView3D.draw_handler_add(lambda: drawn.append(time.monotonic()), (), "UI", "POST_PIXEL")

    yield from driver.click("simsearch.render")
    yield from driver.wait_for(job.running, 10, "the render job")
    render = job.latest
    drawn.clear()
    yield from driver.wait_for(lambda: len(list(output.glob("references/*/*.png"))) >= 7, 600, "seven images")
    yield from driver.photograph("render-in-progress.png")
    driver.xdotool("key", "Escape")
    yield from driver.wait_for(lambda: not job.running(), 30, "the end of the render job")
    assert render.state is job.State.CANCELLED, render.state
    assert not alive(render.process.pid), "the child still runs"
    kept = len(list(output.glob("references/*/*.png")))
    gaps = [after - before for before, after in pairwise(drawn)]
    seconds = drawn[-1] - drawn[0]
    print(f"{len(drawn)} redraws in {seconds:.0f} s, longest gap {max(gaps):.2f} s; {kept} images kept", flush=True)
    assert len(drawn) > seconds, "the window is redrawn less than once a second"
    yield from driver.photograph("render-cancelled.png")

    yield from driver.click("simsearch.build")
    yield from driver.wait_for(lambda: not job.running(), 900, "the database")
    assert job.latest.state is job.State.DONE, job.latest.problems
    assert (output / "references.safetensors").is_file()
    yield from driver.photograph("references.png")

    # Photos to validate on: another seed, then made unlike renders.
    settings.jitter.seed = 1
    job.start(bpy.context, "Simulate", ["render", "--output", str(output / "simulated"), "--images-per-class", "3"])
    yield from driver.wait_for(lambda: not job.running(), 900, "the simulated photos")
    settings.jitter.seed = 0
    settings.photos_directory = str(station.simulated_photos(output))
    driver.unfold("Validation")
    yield 0.5
    yield from driver.click("simsearch.validate")
    yield from driver.wait_for(job.running, 10, "the validation")
    yield from driver.wait_for(lambda: not job.running(), 300, "the metrics")
    assert job.latest.state is job.State.DONE, job.latest.problems
    yield from driver.photograph("validation.png")

    settings.photo = str(next((output / "photos" / "pipe tee").iterdir()))
    yield from driver.click("simsearch.classify")
    yield from driver.wait_for(job.running, 10, "the classification")
    yield from driver.wait_for(lambda: not job.running(), 300, "the verdict")
    assert job.latest.state is job.State.DONE, job.latest.problems
    yield from driver.photograph("classified-photo.png")
    station.clean_up(output)


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


driver.run(steps)
