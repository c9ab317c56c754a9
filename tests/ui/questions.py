# SPDX-License-Identifier: GPL-3.0-or-later
"""What the buttons ask: one class or two, what to do with a misspelt folder of photos, whether to replace references."""

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import bpy
import driver

STATION = driver.ROOT / "examples" / "station"


def press(operator: Callable[..., object], **options: object) -> Iterator[float]:
    """Run an operator as its button does, with the mouse in the middle of the viewport, where what it asks appears."""
    _, area, _ = driver.viewport()
    driver.move(area.x + area.width // 3, area.y + area.height // 2)
    yield 0.3

    def run() -> None:
        with driver.in_viewport():
            operator("INVOKE_DEFAULT", **options)

    bpy.app.timers.register(run, first_interval=0.1)
    yield 1.0


def steps() -> Iterator[float]:
    ops, scene = bpy.ops.simsearch, bpy.context.scene
    yield from driver.open_sidebar()
    parts = [STATION / "pipe_tee.step", STATION / "square_plate.step"]
    with driver.in_viewport():
        ops.import_cad(directory=str(STATION), files=[{"name": path.name} for path in parts], replace_startup=True)
    yield 1.0
    yield from press(ops.class_from_selection)
    yield from driver.snapshot("question-classes")
    driver.xdotool("key", "Return")
    yield 1.0
    assert [item.name for item in scene.simsearch.classes] == ["pipe_tee", "square_plate"]

    with driver.in_viewport():
        ops.camera_from_view()
        ops.mark_region()
    folder = Path(tempfile.mkdtemp())
    scene.simsearch.output_directory, scene.simsearch.photos_directory = str(folder / "out"), str(folder / "photos")
    for name in ("pipe-tee", "square_plate", "notes"):
        (folder / "photos" / name).mkdir(parents=True)
        (folder / "photos" / name / "0.jpg").touch()
    (folder / "out" / "references").mkdir(parents=True)
    (folder / "out" / "references.safetensors").touch()
    yield from press(ops.validate)
    yield from driver.snapshot("question-folders")
    driver.xdotool("key", "r")
    yield 1.0
    assert [item.name for item in scene.simsearch.classes] == ["pipe-tee", "square_plate"]

    (folder / "out" / "references" / "recipe.json").write_text(json.dumps({"scene": "x.blend", "scene_name": "Scene"}))
    yield from press(ops.build)
    yield from driver.snapshot("question-folder")
    driver.xdotool("key", "Escape")
    yield 0.5
    assert driver.extension("interface.child_job").latest is None, "nothing is replaced unasked"
    print("The buttons ask before they guess or replace", flush=True)


driver.run(steps)
