# SPDX-License-Identifier: GPL-3.0-or-later
"""The main buttons by real mouse clicks: render, cancelled by a real ESC key; build, validate and classify.

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
    bpy.types.SpaceView3D.draw_handler_add(lambda: drawn.append(time.monotonic()), (), "UI", "POST_PIXEL")
    yield from cancel_a_render(output)

    yield from click_and_wait("simsearch.build")
    assert (output / "references.safetensors").is_file()
    yield from driver.photograph("references.png")

    # Photos to validate on: another seed, then made unlike renders.
    job = driver.extension("operators.job")
    settings.jitter.seed = 1
    job.start(bpy.context, "Simulate", ["render", "--output", str(output / "simulated"), "--images-per-class", "2"])
    yield from wait_for_job()
    settings.jitter.seed = 0
    settings.photos_directory = str(station.simulated_photos(output))
    settings.show_overlay = False
    driver.unfold("Validation", "Result")
    yield 0.5
    yield from click_and_wait("simsearch.validate")
    yield from driver.photograph("validation.png")

    driver.unfold("Validation", "One Photo")
    settings.photo = str(next((output / "photos" / "pipe tee").iterdir()))
    yield from click_and_wait("simsearch.classify")
    yield from driver.photograph("classified-photo.png")
    station.clean_up(output)


def cancel_a_render(output: Path) -> Iterator[float]:
    """Start with the mouse, measure, stop with the keyboard."""
    job = driver.extension("operators.job")

    def images() -> int:
        return len(list(output.glob("references/*/*.png")))

    yield from driver.click("simsearch.render")
    yield from driver.wait_for(job.running, 10, "the render job")
    render = job.latest
    drawn.clear()
    yield from driver.wait_for(lambda: images() >= 5 or not job.running(), 600, "five images")
    yield from driver.photograph("render-in-progress.png")
    driver.xdotool("key", "Escape")
    yield from driver.wait_for(lambda: not job.running(), 30, "the end of the render job")
    gaps = [after - before for before, after in pairwise(drawn)]
    seconds = drawn[-1] - drawn[0]
    print(f"{len(drawn)} redraws in {seconds:.0f} s, longest gap {max(gaps):.2f} s; {images()} images kept", flush=True)
    assert render.state is job.State.CANCELLED, render.problems
    assert not alive(render.process.pid), "the child still runs"
    assert len(drawn) > seconds, "the window is redrawn less than once a second"
    yield from driver.photograph("render-cancelled.png")


def click_and_wait(call: str) -> Iterator[float]:
    """Click the button of a job and wait for its result."""
    before = driver.extension("operators.job").latest
    yield from driver.click(call)
    yield from driver.wait_for(lambda: driver.extension("operators.job").latest is not before, 10, call)
    yield from wait_for_job()


def wait_for_job() -> Iterator[float]:
    job = driver.extension("operators.job")
    yield from driver.wait_for(lambda: not job.running(), 900, "the job")
    yield 0.5
    assert job.latest.state is job.State.DONE, job.latest.problems


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


driver.run(steps)
