# SPDX-License-Identifier: GPL-3.0-or-later
"""What a scene still needs, said as the next step: used by every operator's ``poll`` and by the empty
panels."""

from pathlib import Path

import bpy

from ..inference.output_folder import OutputFolder
from ..scene.parts import parts
from ..scene.read_settings import read_crop

STARTUP = {"Cube": "MESH", "Light": "LIGHT", "Camera": "CAMERA"}
"""What Blender's start-up scene holds. Its cube, two metres wide, hides most parts that are imported."""

IMPORT = "Import CAD or add an object first"
ADD_CAMERA = "Add a camera first: look at the part and press Camera from View"
MARK_REGION = "Mark a region first: select what every photo shows and press Region from Selection"
ADD_CLASS = "Add a class first: select what only it shows and press Class from Selection"


def checklist(scene: bpy.types.Scene) -> list[tuple[str, str | None]]:
    """What references need, in working order: its name, and what to do where it is missing."""
    settings = scene.simsearch
    return [
        ("Parts", None if parts(scene) else IMPORT),
        ("Camera", camera_step(scene)),
        ("Region of interest", None if settings.region else MARK_REGION),
        ("Classes", None if settings.classes else ADD_CLASS),
        ("Output folder", folder_step(scene)),
    ]  # fmt: skip


def untouched_startup(scene: bpy.types.Scene) -> bool:
    """Whether the scene is still the one that Blender starts with."""
    return (
        not bpy.data.filepath
        and {item.name: item.type for item in scene.objects} == STARTUP
        and len(scene.objects["Cube"].data.vertices) == 8
        and scene.objects["Cube"].matrix_basis.is_identity
    )


def way_to_f1(scene: bpy.types.Scene) -> list[tuple[str, str | None]]:
    """The whole way, in working order: what references need, then the database and F1.

    The cube and the camera that Blender starts with are no part and no station.
    """
    needed, results = checklist(scene), scene.simsearch.results
    if untouched_startup(scene):
        needed[:2] = [("Parts", IMPORT), ("Camera", ADD_CAMERA)]
    photos = "Choose a folder of real photos, one sub-folder for each class, and validate against them"
    return [
        *needed,
        ("Database", database_step(scene)),
        ("F1", None if results.validation else photos),
    ]


def next_step(scene: bpy.types.Scene) -> str | None:
    """The one thing to do next before references can be rendered, or ``None`` when everything is there."""
    return next((missing for _, missing in checklist(scene) if missing is not None), None)


def camera_step(scene: bpy.types.Scene) -> str | None:
    """The next step if there is no nominal camera."""
    if scene.simsearch.camera is None and scene.camera is None:
        return ADD_CAMERA
    return None


def folder_step(scene: bpy.types.Scene) -> str | None:
    """The next step where the output folder is missing or relative to a file that was never saved."""
    folder = scene.simsearch.output_directory
    if not folder:
        return "Choose an output folder first"
    if folder.startswith("//") and not bpy.data.filepath:
        return "Save the .blend file first, or choose an output folder that does not start with //"
    return None


def database_step(scene: bpy.types.Scene) -> str | None:
    """The next step if there is no reference database yet."""
    return folder_step(scene) or (None if database(scene).is_file() else "Build the reference database first")


def output_folder(scene: bpy.types.Scene) -> OutputFolder:
    """The output folder, with an absolute path; see :func:`folder_step` for when there is none."""
    return OutputFolder(absolute(scene.simsearch.output_directory))


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
        operator.poll_message_set(missing)
    return missing is None
