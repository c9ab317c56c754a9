# SPDX-License-Identifier: GPL-3.0-or-later
"""How another Blender is started on a copy of the scene: for a job beside the window, or to share the rendering."""

import sys
from contextlib import redirect_stdout
from pathlib import Path

import bpy

BATCH = Path(__file__).parents[1] / "batch.py"
UNTITLED = "untitled.blend"
"""What the copy of a file that was never saved is called."""


def save_copy(folder: Path) -> Path:
    """Save a copy of the file as it is now, unsaved changes included; image and library paths hold from there too."""
    scene_file = folder / (Path(bpy.data.filepath).name or UNTITLED)  # the recipe names it
    with redirect_stdout(sys.__stdout__):  # where Blender's other messages go; stdout is for ours
        bpy.ops.wm.save_as_mainfile(filepath=str(scene_file), copy=True)
    return scene_file


def child_command(scene_file: Path, arguments: list[str]) -> list[str]:
    """The command line of the child: Blender itself, or this Python where Blender is the ``bpy`` module.

    Factory settings keep other add-ons out of the result, and the module path is handed down because the
    extension's wheels are otherwise found only where it is enabled.
    """
    if not bpy.app.binary_path:
        return [sys.executable, str(BATCH), "--scene", str(scene_file), *arguments]
    paths = f"import sys; sys.path.extend(path for path in {sys.path!r} if path not in sys.path)"
    return [
        bpy.app.binary_path,
        "--background",
        "--factory-startup",
        "--python-exit-code",
        "1",
        str(scene_file),
        "--python-expr",
        paths,
        "--python",
        str(BATCH),
        "--",
        *arguments,
    ]
