# SPDX-License-Identifier: GPL-3.0-or-later
"""From Blender's start-up scene and STEP files to F1 on real photos as a technician goes, by mouse and keyboard alone.

    tests/ui/run walk.py EXTENSION.zip

Prints the inputs that it takes: clicks, keys and typed values. Nothing is done through Python; it is only used
to see, as the technician's eyes do: where a button is, and whether a job is done. The mouse moves and the Ctrl+C by which a
button is found are not counted. Parts are read from the folder that ``SIMSEARCH_CAD`` names, or ../shared/cad, photos from
``SIMSEARCH_PHOTOS`` or ../shared/photos.
"""

import json
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import bpy
import driver

CAD = Path(os.environ.get("SIMSEARCH_CAD") or driver.ROOT.parent / "shared" / "cad")
PHOTOS = Path(os.environ.get("SIMSEARCH_PHOTOS") or driver.ROOT.parent / "shared" / "photos") / "t_joint"
PARTS = {"T_Joint.stp": 8, "Metal_Blank.stp": 2}
"""The STEP files, and their places in the menu of materials: grey plastic and aluminium."""
BASIC_MATERIAL = ("material", -20)
NEW_STATION = ("import_cad", 20)
"""Where the menus stand: beside the button of which operator, and how many pixels below it."""
MOST = 60
"""Inputs that the way may take."""
COPY_PATH = "ctrl+alt+shift+c"
"""Copies the full path of the property under the mouse."""

inputs: Counter[str] = Counter()
mouse_y = 0


def click() -> Iterator[float]:
    """Click where the mouse is."""
    inputs["clicks"] += 1
    driver.xdotool("click", 1)
    yield 0.6


def key(name: str) -> Iterator[float]:
    """Press a key, or keys together."""
    inputs["keys"] += 1
    driver.xdotool("key", name)
    yield 0.6


def typed(text: str) -> Iterator[float]:
    """Type a value into the field that is open."""
    inputs["typed values"] += 1
    driver.xdotool("type", "--delay", 8, text)
    yield 0.5 + 0.02 * len(text)


def look_for(found: Callable[[str], bool], keys: str = "ctrl+c", top: int = 0) -> Iterator[float]:
    """Put the mouse on a button of the sidebar, told by what Blender copies there."""
    global mouse_y
    manager = bpy.context.window_manager
    _, _, region = driver.viewport()
    for y in range(top or region.y + region.height - 10, region.y + 5, -9):
        mouse_y = y
        driver.move(region.x + region.width // 2 + 20, y)
        yield 0.1
        manager.clipboard = ""
        driver.xdotool("key", keys)
        yield 0.15
        if found(manager.clipboard):
            return
    raise AssertionError("not in sight")


def press(operator: str) -> Iterator[float]:
    """Click the uppermost button in the sidebar that runs an operator."""
    yield from look_for(lambda text: f"simsearch.{operator}" in text)
    yield from click()


def menu(button: str, below: int, entry: int) -> Iterator[float]:
    """Choose an entry of a menu that stands some pixels below a button of CAD & Materials; a menu has no operator to copy."""
    _, _, region = driver.viewport()
    yield from look_for(lambda text: button in text, top=region.y + region.height - 200)
    x, y = region.x + region.width // 2 + 20, mouse_y - 6 - below
    driver.move(x, y)
    yield 0.3
    yield from click()
    driver.move(x, y - 25 - 23 * entry)
    yield 0.5
    yield from click()


def enter(name: str, value: str) -> Iterator[float]:
    """Write into a field of the sidebar."""
    yield from look_for(lambda text: text.endswith(f"simsearch.{name}"), COPY_PATH)
    inputs["clicks"] += 1  # a double click opens a field for writing
    driver.xdotool("click", "--repeat", 2, "--delay", 60, 1)
    yield 0.6
    driver.xdotool("key", "ctrl+a")
    yield 0.3
    yield from typed(value)
    yield from key("Return")


def browser(part: str) -> bpy.types.Region:
    """A region of the file dialog."""
    screen = bpy.context.window_manager.windows[0].screen
    area = next(area for area in screen.areas if area.type == "FILE_BROWSER")
    return next(region for region in area.regions if region.type == part)


def fill(part: str, share: int, text: str) -> Iterator[float]:
    """Type into the field that lies a ``share`` of a part's width, such as a third, from the left of the file dialog."""
    bar = browser(part)
    driver.move(bar.x + bar.width // share, bar.y + bar.height // 2)
    yield 0.3
    yield from click()
    driver.xdotool("key", "ctrl+a")
    yield 0.3
    yield from typed(text)


def go_to(folder: Path) -> Iterator[float]:
    """Type a folder into the file dialog."""
    yield from fill("UI", 3, f"{folder}/")
    yield from key("Return")  # shows the folder
    yield from key("Return")  # leaves the field


def imported(file: str) -> bool:
    """Whether a file has become a collection."""
    return file.removesuffix(".stp") in bpy.data.collections


def choose(name: str, folder: Path) -> Iterator[float]:
    """Click a file of the folder that the file dialog shows, and confirm."""
    listed = sorted((path.name for path in folder.iterdir() if path.suffix in {".obj", ".stp"}), key=str.casefold)
    shown = browser("WINDOW")
    driver.move(shown.x + 60, shown.y + shown.height - 39 - 22 * listed.index(name))
    yield 0.3
    yield from click()
    confirm = browser("EXECUTE")
    driver.move(confirm.x + confirm.width - 70, confirm.y + confirm.height // 2)
    yield 0.3
    yield from click()


def save(folder: Path, name: str) -> Iterator[float]:
    """Save the file by the button of the next step."""
    yield from look_for(lambda text: "wm.save_mainfile" in text)
    yield from click()
    yield 1.0
    yield from go_to(folder)
    yield from fill("EXECUTE", 4, name)
    yield from key("Return")
    yield from key("Return")
    yield from driver.wait_for(lambda: bool(bpy.data.filepath), 10, "the saved file")
    yield 1.0


def steps() -> Iterator[float]:
    # No second window for the file dialog: that would need a window manager.
    bpy.context.preferences.view.filebrowser_display_type = "SCREEN"
    folder = Path(tempfile.mkdtemp(prefix="simsearch_walk_"))
    try:
        yield from way(folder)
    except AssertionError as problem:
        print(f"Stopped: {problem}", flush=True)
    finally:
        print(", ".join(f"{count} {kind}" for kind, count in inputs.items()), f"= {inputs.total()} inputs", flush=True)
    assert inputs.total() <= MOST


def way(folder: Path) -> Iterator[float]:
    """The whole way; everything is written below a folder."""
    results = folder / "similarity_search"
    driver.move(400, 400)
    yield from key("Escape")  # the splash screen
    yield from key("n")
    yield from key("ctrl+space")
    yield from open_tab()
    for part, finish in PARTS.items():
        yield from press("import_cad")
        yield 1.0
        if part == next(iter(PARTS)):  # Blender remembers the folder
            yield from go_to(CAD)
        yield from choose(part, CAD)
        yield from driver.wait_for(partial(imported, part), 60, "the part")
        yield 1.0
        yield from menu(*BASIC_MATERIAL, finish)
    assert "new_station" in dir(bpy.ops.simsearch), "there is no New Station"
    yield from menu(*NEW_STATION, 0)
    yield 2.0
    yield from driver.snapshot("walk-station")
    yield from save(folder, "station.blend")
    yield from press("build")
    database = results / "references.safetensors"
    yield from driver.wait_for(database.is_file, 3000, "the database")
    built = database.stat().st_mtime_ns
    yield 5.0
    yield from driver.snapshot("walk-built")
    yield from enter("photos_directory", str(PHOTOS))
    yield from press("validate")
    yield from driver.snapshot("walk-names")
    yield from key("a")  # all classes are renamed after the folders of photos
    yield 15.0  # until the next step is to build again
    yield from press("build")
    yield from driver.wait_for(lambda: database.stat().st_mtime_ns != built, 600, "the database with the new names")
    yield 15.0
    yield from driver.snapshot("walk-renamed")
    yield from press("validate")
    metrics = results / "validation" / "metrics.json"
    yield from driver.wait_for(metrics.is_file, 600, "the validation")
    yield 5.0
    yield from driver.snapshot("walk-f1")
    found = json.loads(metrics.read_text("utf-8"))
    print(f"macro F1 {found['macro_f1']:.3f} on {found['photos']} photos", flush=True)


def open_tab() -> Iterator[float]:
    """Click the tab of the sidebar, wherever it is."""
    _, _, region = driver.viewport()
    before = inputs["clicks"]
    for y in range(region.y + region.height - 40, region.y, -30):
        driver.move(region.x + region.width - 8, y)
        yield 0.2
        if region.active_panel_category != "Similarity":
            yield from click()  # the first ones are the script's search
    inputs["clicks"] = before + 1
    assert region.active_panel_category == "Similarity"


driver.run(steps)
