# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sidebar says stays true: parts made by hand, deleted things, a saved start-up file, results and undo.

tests/ui/run truth.py EXTENSION.zip
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import bpy
import driver

STATION = driver.ROOT / "examples" / "station"


def steps() -> Iterator[float]:
    yield from driver.open_sidebar(None)
    yield from saved_start_up_file()
    yield from part_made_by_hand()
    yield from deleted_region()
    yield from results_and_undo()


def ticks() -> dict[str, bool]:
    """Whether each step to F1 is ticked."""
    way = driver.extension("interface.way_to_f1").way_to_f1(bpy.context.scene)  # type: ignore[attr-defined]
    return {name: missing is None for name, missing in way}


def over_viewport() -> Iterator[float]:
    """Put the mouse where keys go to the viewport."""
    _, area, _ = driver.viewport()
    driver.move(area.x + area.width // 3, area.y + area.height // 2)
    yield 0.3


def keys(*names: str) -> Iterator[float]:
    """Press keys in the viewport."""
    yield from over_viewport()
    for name in names:
        driver.xdotool("key", name)
        yield 0.7


def saved_start_up_file() -> Iterator[float]:
    """The cube gives way to an import although the file was saved before."""
    bpy.ops.wm.save_as_mainfile(filepath=str(Path(tempfile.mkdtemp()) / "station.blend"))
    yield 0.5

    def run() -> None:
        with driver.in_viewport():
            bpy.ops.wm.drop_import_file("INVOKE_DEFAULT", directory=str(STATION), files=[{"name": "square_plate.step"}])

    yield from over_viewport()
    bpy.app.timers.register(run, first_interval=0.1)
    yield 1.0
    yield from keys("Return")
    yield 2.0
    assert "Cube" not in bpy.data.objects and "square_plate" in bpy.data.collections
    assert bpy.context.scene.unit_settings.length_unit == "MILLIMETERS"
    print("7: a start-up file that was saved gives way", flush=True)


def part_made_by_hand() -> Iterator[float]:
    """A cylinder in the scene's own collection becomes a class with a collection of its own."""
    with driver.in_viewport():
        bpy.ops.mesh.primitive_cylinder_add(radius=0.01, depth=0.02)
    scene, part = bpy.context.scene, bpy.context.object
    for holder in part.users_collection:
        holder.objects.unlink(part)
    scene.collection.objects.link(part)
    part.select_set(True)
    driver.unfold("Classes")
    yield 0.5
    yield from driver.click("simsearch.class_from_selection")
    (entry,) = scene.simsearch.classes
    (listed,) = (one.collection for one in entry.collections)
    assert list(listed.objects) == [part] and scene.collection not in part.users_collection
    print("3: a part made by hand gets a class and a collection", flush=True)


def deleted_region() -> Iterator[float]:
    """The tick and the drawing go with a region that is deleted; the button makes a new one."""
    scene = bpy.context.scene
    with driver.in_viewport():
        bpy.ops.simsearch.camera_from_view()
        bpy.ops.simsearch.mark_region()
    region = scene.simsearch.region
    overlay = driver.extension("interface.overlay")
    assert ticks()["Region"] and overlay.current(scene) is not None  # type: ignore[attr-defined]
    for item in bpy.context.view_layer.objects:
        item.select_set(item == region)
    bpy.context.view_layer.objects.active = region
    yield from keys("x", "Return")
    yield from driver.snapshot("deleted-region")
    yield from driver.wait_for(lambda: not region.users_scene, 10, "the deletion")
    assert not ticks()["Region"] and overlay.current(scene) is None  # type: ignore[attr-defined]
    scene.objects["Cylinder"].select_set(True)
    yield from driver.click("simsearch.mark_region")
    assert ticks()["Region"] and overlay.current(scene) is not None  # type: ignore[attr-defined]
    print("4: a deleted region loses its tick and its drawing, and the button repairs it", flush=True)


def results_and_undo() -> Iterator[float]:
    """Out of date is not done, a visit to Edit Mode changes nothing, undo keeps what files say, a verdict is no pass."""
    bpy.app.timers.register(lambda: bpy.ops.simsearch.open_example() and None, first_interval=0.1)
    yield 3.0
    scene = bpy.context.scene
    scene.simsearch.render.images_per_class = 2
    driver.unfold("Validation")
    yield 0.5
    yield from driver.click_and_wait("simsearch.build")
    yield from driver.click_and_wait("simsearch.validate")
    yield 4.0
    assert all(ticks().values()), ticks()
    part = next(item for item in bpy.data.collections["pipe_tee"].all_objects if item.type == "MESH")
    for item in bpy.context.view_layer.objects:
        item.select_set(item == part)
    bpy.context.view_layer.objects.active = part
    yield from keys("Tab", "Tab")
    yield 5.0
    assert all(ticks().values()), "a visit to Edit Mode changes nothing"
    found = scene.simsearch.results.validation
    yield from keys("g", "x", "1", "Return")
    yield 5.0
    assert not ticks()["Database"], "a part that was moved makes the database out of date"
    yield from driver.snapshot("out-of-date")
    yield from keys("ctrl+z")
    yield 5.0
    scene = bpy.context.scene
    assert all(ticks().values()) and scene.simsearch.results.validation == found, "undo keeps what the files say"
    print("5: ticks tell the truth after Edit Mode, a change and undo", flush=True)
    scene.simsearch.photo = str(next(Path(bpy.path.abspath("//photos/t_joint")).iterdir()))
    driver.unfold("Validation", "One Photo")
    yield 0.5
    yield from driver.click_and_wait("simsearch.classify")
    yield from driver.scroll()
    yield from driver.snapshot("verdict")
    print("11: the verdict was photographed", flush=True)


driver.run(steps)
