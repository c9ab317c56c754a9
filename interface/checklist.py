# SPDX-License-Identifier: GPL-3.0-or-later
"""What a scene still needs, said as the next step: used by every operator's ``poll`` and by the panels."""

from pathlib import Path

import bpy
from mathutils import Vector

from ..inference.files import can_be_written, shown
from ..inference.output_folder import OutputFolder
from ..scene.parts import parts
from ..scene.read_settings import read_crop
from ..scene.rendered_objects import in_scene
from .translations import translated

STARTUP = {"Cube": "MESH", "Light": "LIGHT", "Camera": "CAMERA"}
"""What Blender's start-up scene holds. Its cube, two metres wide, hides most parts that are imported."""
STARTUP_CAMERA = Vector((7.358891, -6.925791, 4.958309))
"""Where the camera of the start-up scene stands, in metres."""

IMPORT = "Import CAD, or add an object"
ADD_CAMERA = "Add a camera: look at the part and press Camera from View"
MARK_REGION = "Mark a region: select what every photo shows and press Region from Selection"
ADD_CLASS = "Add a class: select what only it shows and press Class from Selection"


CLASS_LACKS = "The class {name} lacks a collection: select a part and press Add Collection, or remove the entry"
OUTPUT_CLOSED = 'Choose another output folder: "{name}" cannot be written to'
PHOTOS_GONE = 'Choose the folder of real photos again: "{name}" does not exist'
CAMERA_GONE = "The camera was deleted: look at the part and press Camera from View"
REGION_GONE = "The region was deleted: select what every photo shows and press Region from Selection"


def checklist(scene: bpy.types.Scene) -> list[tuple[str, str | None]]:
    """What references need, in working order: its name, and what to do where it is missing."""
    return [
        ("Parts", None if parts(scene) else IMPORT),
        ("Camera", camera_step(scene)),
        ("Region", region_step(scene)),
        ("Classes", classes_step(scene)),
        ("Output", folder_step(scene)),
    ]  # fmt: skip


def untouched_startup(scene: bpy.types.Scene) -> bool:
    """Whether the scene still holds what Blender starts with and nothing else, saved or not."""
    return {item.name: item.type for item in scene.objects} == STARTUP and is_startup_cube(scene.objects["Cube"])


def is_startup_cube(item: bpy.types.Object) -> bool:
    """Whether an object is the cube that Blender starts with, where it stood and as large as it was."""
    return (
        item.name == "Cube"
        and item.type == "MESH"
        and len(item.data.vertices) == 8
        and item.matrix_basis.is_identity
        and all(abs(abs(place) - 1) < 1e-6 for corner in item.bound_box for place in corner)
    )


def is_startup_camera(item: bpy.types.Object) -> bool:
    """Whether a camera still stands where Blender put it in its start-up scene."""
    return item.name == "Camera" and bool((item.location - STARTUP_CAMERA).length < 1e-3)


def next_step(scene: bpy.types.Scene) -> str | None:
    """The one thing to do next before references can be rendered, or ``None`` when everything is there."""
    return next((missing for _, missing in checklist(scene) if missing is not None), None)


def camera_step(scene: bpy.types.Scene) -> str | None:
    """The next step if there is no nominal camera."""
    camera = scene.simsearch.camera or scene.camera
    if camera is None:
        return ADD_CAMERA
    return None if in_scene(scene, camera) else CAMERA_GONE


def region_step(scene: bpy.types.Scene) -> str | None:
    """The next step if there is no region."""
    region = scene.simsearch.region
    if region is None:
        return MARK_REGION
    return None if in_scene(scene, region) else REGION_GONE


def classes_step(scene: bpy.types.Scene) -> str | None:
    """The next step if there are no classes, or if one lists a collection that was deleted or not chosen yet."""
    if not scene.simsearch.classes:
        return ADD_CLASS
    inside = {scene.collection, *scene.collection.children_recursive}
    for item in scene.simsearch.classes:
        if any(entry.collection not in inside for entry in item.collections):
            return translated(CLASS_LACKS).format(name=item.name)
    return None


def folder_step(scene: bpy.types.Scene) -> str | None:
    """The next step where the output folder is missing, cannot be written or is relative to a file never saved."""
    folder = scene.simsearch.output_directory
    if not folder:
        return "Choose an output folder"
    if folder.startswith("//") and not bpy.data.filepath:
        return "Save the .blend file first, or choose an output folder that does not start with //"
    if not can_be_written(absolute(folder)):
        return translated(OUTPUT_CLOSED).format(name=shown(absolute(folder).name))
    return None


def photos_step(scene: bpy.types.Scene) -> str | None:
    """The next step where the folder of real photos is not chosen or gone."""
    if not scene.simsearch.photos_directory:
        return "Choose the folder of real photos"
    folder = absolute(scene.simsearch.photos_directory)
    return None if folder.is_dir() else translated(PHOTOS_GONE).format(name=shown(folder.name))


def database_step(scene: bpy.types.Scene) -> str | None:
    """The next step if there is no reference database yet."""
    return folder_step(scene) or (None if database(scene).is_file() else "Build the reference database")


def output_folder(scene: bpy.types.Scene) -> OutputFolder:
    """The output folder, with an absolute path; see :func:`folder_step` for when there is none."""
    return OutputFolder(absolute(scene.simsearch.output_directory))


def give_own_folder(scene: bpy.types.Scene) -> None:
    """Give a scene without references another output folder than the other scenes of the file, so that none loses its own."""
    settings = scene.simsearch
    if settings.results.references or not scene.is_editable or not settings.output_directory:
        return
    others = {other.simsearch.output_directory for other in bpy.data.scenes if other != scene}
    if settings.output_directory in others:
        settings.output_directory = f"{settings.output_directory.rstrip('/')}_{bpy.path.clean_name(scene.name)}"


def database(scene: bpy.types.Scene) -> Path:
    """Where the scene's reference database is or will be."""
    return output_folder(scene).database


def reading_options(scene: bpy.types.Scene) -> list[str]:
    """The options that say how the scene's photos are read: what part of them counts, and what is white."""
    level = scene.simsearch.white_level
    return ["--crop", ",".join(map(str, read_crop(scene))), *(["--white-level", str(level)] if level else [])]


def absolute(path: str) -> Path:
    """A path as Blender writes it (``//`` beside the file) as an absolute one."""
    return Path(bpy.path.abspath(path)).resolve()


def allowed(operator: type[bpy.types.Operator], missing: str | None) -> bool:
    """For ``poll``: true when nothing is missing, else the next step becomes the disabled button's
    tooltip."""
    if missing is not None:
        operator.poll_message_set(translated(missing))
    return missing is None
