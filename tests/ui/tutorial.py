# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/tutorial.md by real mouse clicks, from Blender's start-up scene and two STEP files to F1; takes its pictures."""

import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import bpy
import driver
import station
from mathutils import Vector


def steps() -> Iterator[float]:
    folder = Path(tempfile.mkdtemp(prefix="simsearch_ui_")) / "station"
    shutil.copytree(driver.ROOT / "examples" / "station", folder)
    # No second window for the file dialog: that would need a window manager.
    bpy.context.preferences.view.filebrowser_display_type = "SCREEN"
    driver.unfold("CAD & Materials", "Camera & Region", "Classes")
    yield from driver.open_sidebar(None)
    yield from driver.photograph("empty-state.png")
    yield from import_parts(folder)
    yield from camera_and_region(folder)
    yield from classes()
    yield from references(folder)
    yield from validation(folder)
    shutil.rmtree(folder.parent)


def import_parts(folder: Path) -> Iterator[float]:
    """Each STEP file by the file dialog; Blender's cube has to give way to the first one."""
    yield from import_step(folder / "pipe_tee.step", "import.png")
    assert "Cube" not in bpy.data.objects and bpy.context.scene.camera is None
    bpy.ops.simsearch.apply_material(finish="GREY_PLASTIC")
    lie_down()
    yield from import_step(folder / "square_plate.step")
    bpy.ops.simsearch.apply_material(finish="ALUMINIUM")
    lie_down()
    driver.unfold("CAD & Materials")
    yield 0.5
    select("pipe_tee", "square_plate")
    yield from driver.click("simsearch.add_lighting")
    with driver.in_viewport():
        bpy.ops.simsearch.set_background(grey=0.2, table=True)
    plate = bpy.data.collections["square_plate"].all_objects
    move(plate, 0.06)  # beside the tee, to be seen
    show_materials(0.03)
    yield 0.5
    yield from driver.photograph("parts.png")
    move(plate, -0.06)
    show_materials()


def import_step(file: Path, picture: str | None = None) -> Iterator[float]:
    """Press Import CAD, choose the file in the dialog, and wait until it is there."""
    known = set(bpy.data.collections)
    yield from driver.click("simsearch.import_cad")
    yield 1.0
    window = bpy.context.window_manager.windows[0]
    area = next(area for area in window.screen.areas if area.type == "FILE_BROWSER")
    area.spaces.active.params.directory = str(file.parent).encode()
    yield 1.0
    area.spaces.active.params.filename = file.name
    if picture:
        yield 0.5
        yield from driver.photograph(picture, area)
    region = next(region for region in area.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=window, area=area, region=region):
        bpy.ops.file.execute()
    yield from driver.wait_for(lambda: set(bpy.data.collections) != known, 60, "the import")
    yield 1.0


def lie_down() -> None:
    """Move the imported part, which is selected, to where it lies at the station."""
    station.lay_down(list(bpy.context.selected_objects))


def move(objects: Iterable[bpy.types.Object], along: float) -> None:
    """Move a part along X, in metres."""
    for item in objects:
        if item.parent is None:
            item.location.x += along


def show_materials(beside: float = 0.0) -> None:
    """Look at the parts from the front and above, some metres beside the middle."""
    station.look_at(Vector((beside, 0, 0.012)), 0.3)


def show_only(collection: str | None) -> None:
    """Hide what other collections of parts hold, as their eyes in the outliner do."""
    for layer in bpy.context.view_layer.layer_collection.children:
        if layer.name in ("pipe_tee", "square_plate"):
            layer.hide_viewport = collection not in (None, layer.name)


def photo_of_the_station(folder: Path) -> Path:
    """What the station's camera sees now, turned a little, darkened and noisy: a stand-in for a real photo."""
    import numpy as np
    from PIL import Image

    scene, path = bpy.context.scene, folder / "photo.png"
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    pixels = np.asarray(Image.open(path).convert("RGB").rotate(3, Image.Resampling.BICUBIC), np.float32)
    noisy = 0.75 * pixels + np.random.default_rng(0).normal(0, 10, pixels.shape)
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(path)
    return path


def select(*collections: str) -> None:
    """Select what these collections hold, as a click in the viewport does."""
    for item in bpy.context.view_layer.objects:
        item.select_set(any(owner.name in collections for owner in item.users_collection))
        if item.select_get():
            bpy.context.view_layer.objects.active = item


def camera_and_region(folder: Path) -> Iterator[float]:
    """The camera stands where the view looks from, over a photo; the region encloses the parts; jitter to suit."""
    driver.unfold("Camera & Region", "Jitter")
    _, area, _ = driver.viewport()
    area.spaces.active.region_3d.view_rotation = Vector((-0.25, -0.35, 1)).to_track_quat("Z", "Y")
    area.spaces.active.region_3d.view_distance = 0.18
    yield 0.5
    yield from driver.click("simsearch.camera_from_view")
    camera = bpy.context.scene.camera
    assert camera is not None and area.spaces.active.region_3d.view_perspective == "CAMERA"
    select("pipe_tee", "square_plate")
    yield from driver.click("simsearch.mark_region")
    yield from driver.click("simsearch.set_jitter")
    show_only("pipe_tee")
    with driver.in_viewport():
        bpy.ops.simsearch.photo_backdrop(filepath=str(photo_of_the_station(folder)))
    select()
    yield 2.0  # until Blender has moved the sections
    yield from driver.photograph("through-the-camera.png")
    bpy.ops.simsearch.set_jitter(amount="LARGE")
    station.look_at(Vector((0.02, 0, 0.09)), 0.42)
    yield from driver.photograph("region-and-poses.png")
    show_only(None)


def classes() -> Iterator[float]:
    """A class of each part, and one that shows nothing."""
    driver.unfold("Classes")
    yield 0.5
    for part in ("pipe_tee", "square_plate"):
        select(part)
        yield from driver.click("simsearch.class_from_selection")
    with driver.in_viewport():
        bpy.ops.simsearch.add_class()
        bpy.ops.simsearch.show_class(index=0)
    settings = bpy.context.scene.simsearch
    settings.classes[-1].name = "empty table"
    settings.active_class_index = 0
    settings.show_overlay = False
    select()
    assert [[entry.collection.name for entry in item.collections] for item in settings.classes] == [
        ["pipe_tee"],
        ["square_plate"],
        [],
    ]
    show_materials()
    yield from driver.photograph("classes.png")


def references(folder: Path) -> Iterator[float]:
    """Check, preview and build; the file is saved first, as the panel asks."""
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "station.blend"))
    settings = bpy.context.scene.simsearch
    settings.render.images_per_class, settings.render.samples = 8, 4
    driver.unfold("References")
    yield 0.5
    bpy.ops.simsearch.check()  # its button shares a row with Preview, so the mouse finds only one of them
    yield from driver.click_and_wait("simsearch.preview")
    yield from driver.photograph("preview.png")
    settings.results.problems = settings.results.preview = ""  # what follows fits into one picture
    yield from driver.click("simsearch.build")
    rendered = (folder / "similarity_search" / "references").glob
    yield from driver.wait_for(lambda: len(list(rendered("*/*.png"))) >= 10, 600, "ten images")
    yield from driver.photograph("render-in-progress.png")
    yield from driver.wait_for_job()
    assert (folder / "similarity_search" / "references.safetensors").is_file()
    yield from driver.photograph("references.png")


def validation(folder: Path) -> Iterator[float]:
    """Photos are simulated: renders of another seed, darkened and noisy."""
    job, settings = driver.extension("interface.child_job"), bpy.context.scene.simsearch
    settings.jitter.seed = 1
    job.start(bpy.context, "Simulate", ["render", "--output", str(folder / "simulated"), "--images-per-class", "4"])
    yield from driver.wait_for_job()
    settings.jitter.seed = 0
    settings.photos_directory = str(station.simulated_photos(folder))
    driver.unfold("Validation", "Result")
    yield 0.5
    yield from driver.click_and_wait("simsearch.validate")
    metrics = json.loads((folder / "similarity_search" / "validation" / "metrics.json").read_text("utf-8"))
    print(f"macro F1 {metrics['macro_f1']:.3f} on {metrics['photos']} simulated photos", flush=True)
    assert metrics["photos"] == 12 and metrics["macro_f1"] > 0.8
    yield from driver.photograph("validation.png")

    driver.unfold("Validation", "One Photo")
    settings.photo = str(next((folder / "photos" / "pipe_tee").iterdir()))
    yield from driver.click_and_wait("simsearch.classify")
    yield from driver.scroll()
    yield from driver.photograph("classified-photo.png")


driver.run(steps)
