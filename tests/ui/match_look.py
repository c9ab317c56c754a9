# SPDX-License-Identifier: GPL-3.0-or-later
"""Match Look to Photos: started by a mouse click, stopped by ESC with the scene as it was; then how a result is shown.

    tests/ui/run match_look.py EXTENSION.zip

The result is made up, as a whole search takes long; tests/scene/test_match.py makes real ones.
"""

from collections.abc import Iterator
from pathlib import Path

import bpy
import driver


def steps() -> Iterator[float]:
    from PIL import Image  # which comes with the extension

    yield from driver.open_sidebar(None)
    bpy.app.timers.register(lambda: bpy.ops.simsearch.open_example() and None, first_interval=0.1)
    yield 3.0
    driver.unfold("Match Look")
    yield 0.5
    scene, job = bpy.context.scene, driver.extension("interface.child_job")
    lamp = scene.objects["lamp"].data
    before = lamp.energy, tuple(lamp.color)
    yield from driver.click("simsearch.match_look")
    yield from driver.snapshot("match-starting")
    yield from driver.wait_for(lambda: " of " in job.latest.progress()[1] or not job.running(), 300, "progress")
    yield 5.0
    yield from driver.snapshot("match-running")
    driver.xdotool("key", "Escape")
    yield from driver.wait_for(lambda: not job.running(), 60, "the end of the job")
    assert job.latest.state is job.State.CANCELLED, job.latest.problems
    assert (lamp.energy, tuple(lamp.color)) == before, "a match that was cancelled changes nothing"
    yield 1.0
    yield from driver.snapshot("match-cancelled")
    result = driver.extension("inference.job_results").MatchResult(
        knobs=[["lamp", "strength"]],
        values=[0.5],
        changes=["The lamp 'lamp' is 1.6 times as strong.", "The background is half as bright."],
        before=0.41,
        after=0.87,
        photos={"0" * 64: "photo.jpg"},
        comparison="match.png",
        warnings=["The photos are of another station. Choose photos of this one."],
        seconds=1.0,
    )
    driver.extension("interface.stored_results").keep(scene, "match", result)
    folder = driver.extension("interface.checklist").output_folder(scene)
    folder.path.mkdir(parents=True, exist_ok=True)
    photo = next(Path(bpy.path.abspath("//photos/t_joint")).iterdir())
    sheet = Image.new("RGB", (600, 600), (40, 40, 40))
    for place in range(9):
        sheet.paste(Image.open(photo).resize((190, 190)), (place % 3 * 200, place // 3 * 200))
    sheet.save(folder.comparison)
    yield from driver.park_mouse(driver.viewport()[1])
    yield from driver.snapshot("match-result")
    print("Match Look starts, stops and shows its result", flush=True)


driver.run(steps)
