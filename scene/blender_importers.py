# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's own importers, in this Blender for files that we made and in another one for files of strangers.

They are C++ that some damaged files crash. What the other Blender imported is appended here, so that this one lives.
"""

import json
import subprocess
import sys
from pathlib import Path

import bpy

from ..inference.errors import InputError
from .cad.limited_process import run_limited

IMPORT_SECONDS = 300
IMPORT_BYTES = 16 * 2**30


def python_command() -> tuple[str, ...]:
    """The command that runs a piece of Python, given as the next argument, where Blender can be imported."""
    if Path(sys.executable).name.lower().startswith("python"):
        return sys.executable, "-c"
    return bpy.app.binary_path, "--background", "--factory-startup", "--python-exit-code", "1", "--python-expr"


def import_here(path: Path) -> None:
    """Import a glTF file that we made."""
    enable_gltf()
    bpy.ops.import_scene.gltf(filepath=str(path))


def enable_gltf() -> None:
    """Enable Blender's add-on for glTF for this session.

    Raises:
        InputError: this Blender has none.
    """
    import addon_utils

    name = "io_scene_gltf2"
    if name not in bpy.context.preferences.addons and addon_utils.enable(name, default_set=False) is None:
        raise InputError(f"Blender's add-on {name} is missing. Use a complete Blender installation.")


def import_apart(path: Path, scratch: Path, operator: str, **options: object) -> None:
    """Import a file in another Blender and append all objects and worlds that it made.

    Args:
        path: of the file, as it is called in messages.
        scratch: a folder to work in.
        operator: of ``bpy.ops``, with its module.
        options: its arguments.

    Raises:
        InputError: the importer crashed or took longer than `IMPORT_SECONDS`.
        RuntimeError: the importer refused the file; with what it reported.
    """
    enable_gltf()  # so that its absence is told from here
    target, refused = scratch / "imported.blend", scratch / "refused.txt"
    task = {
        "operator": operator.split("."), "options": options, "metres": bpy.context.scene.unit_settings.scale_length,
        "target": str(target), "refused": str(refused),
    }  # fmt: skip
    try:
        run_limited(python_command(), _IMPORT, [json.dumps(task)], seconds=IMPORT_SECONDS, memory=IMPORT_BYTES)
    except subprocess.TimeoutExpired as error:
        raise InputError(f"{path.name} was not imported within {IMPORT_SECONDS} s. Export fewer parts.") from error
    if refused.is_file():
        raise RuntimeError(refused.read_text("utf-8"))
    if not target.is_file():
        raise InputError(f"{path.name} makes Blender's importer crash. Export it from the CAD program again.")
    with bpy.data.libraries.load(str(target)) as (held, wanted):
        wanted.objects, wanted.worlds = held.objects, held.worlds
    for item in wanted.objects:
        bpy.context.scene.collection.objects.link(item)


_IMPORT = """
import json, os
import bpy
task = json.loads(arguments[0])
bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
bpy.context.scene.unit_settings.scale_length = task["metres"]
if "gltf" in task["operator"]:
    import addon_utils
    addon_utils.enable("io_scene_gltf2", default_set=False)
module, name = task["operator"]
try:
    getattr(getattr(bpy.ops, module), name)(**task["options"])
except RuntimeError as error:
    with open(task["refused"], "w", encoding="utf-8") as file:
        file.write(str(error))
else:
    bpy.data.libraries.write(task["target"], {*bpy.data.objects, *bpy.data.worlds})
os._exit(0)  # Blender as a module may wait for ever while Python ends
"""
