# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole way from CAD to F1 and where a scene stands on it: the list at the top of the sidebar."""

import bpy

from ..scene.parts import parts
from . import checklist, stored_results
from .translations import translated

PHOTOS = "Choose a folder of real photos, one sub-folder for each class, and validate against them"
STARTUP_CUBE = "Delete {name}, the cube that Blender starts with: it hides the part"
SECOND_CLASS = "Add a second class, or one that shows nothing, so that there is something to tell apart"


def way_to_f1(scene: bpy.types.Scene) -> list[tuple[str, str | None]]:
    """What references need, the database and F1, in working order: the name of each, and what to do where it is not done.

    What is out of date is not done. The cube and the camera that Blender starts with are no part and no station.
    """
    steps = dict(checklist.checklist(scene))
    cube = next((item for item in scene.objects if checklist.is_startup_cube(item)), None)
    if checklist.untouched_startup(scene):
        steps["Parts"] = checklist.IMPORT
    elif cube is not None and len(parts(scene)) > 1:
        steps["Parts"] = translated(STARTUP_CUBE).format(name=cube.name)
    camera = scene.simsearch.camera or scene.camera
    if camera is not None and checklist.is_startup_camera(camera):
        steps["Camera"] = checklist.ADD_CAMERA
    if steps["Classes"] is None and len({item.name for item in scene.simsearch.classes}) == 1:
        steps["Classes"] = SECOND_CLASS
    steps["Database"] = checklist.database_step(scene) or _again(
        scene, "references", "Build the database again: {reasons}"
    )
    # An F1 of references that no longer show the scene says nothing about it.
    steps["F1"] = (
        checklist.photos_step(scene)
        or _again(scene, "validation", "Validate again: {reasons}")
        or (steps["Database"] if scene.simsearch.results.validation else PHOTOS)
    )
    return list(steps.items())


def _again(scene: bpy.types.Scene, name: str, step: str) -> str | None:
    """The next step where a stored result no longer holds, with the reason."""
    reasons = stored_results.outdated(scene, name)
    return translated(step).format(reasons=", ".join(map(translated, reasons))) if reasons else None
