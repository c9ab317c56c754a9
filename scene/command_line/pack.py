# SPDX-License-Identifier: GPL-3.0-or-later
"""``pack``: save a copy of the scene that needs no other file."""

import argparse
import shutil
from pathlib import Path

import bpy

from ...inference.errors import InputError
from ...inference.files import shown
from ...inference.progress import Progress


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``pack``."""
    parser.add_argument("--save", type=Path, metavar="FILE", help="the .blend file to write")


def run(args: argparse.Namespace, _progress: Progress) -> dict[str, object]:
    """Save a copy that contains all images, fonts and libraries; the same bytes where the scene needs no other file.

    Raises:
        InputError: a file is missing, or is of a kind that Blender cannot pack.
    """
    args.save.parent.mkdir(parents=True, exist_ok=True)
    files = _needed_files()
    if not files:
        shutil.copyfile(bpy.data.filepath, args.save)
        return {"packed": 0}
    try:
        bpy.ops.file.pack_all()
        bpy.ops.file.pack_libraries()
    except RuntimeError as error:
        why = str(error).strip().partition("Error: ")[2]
        raise InputError(f"{why}. Put it there, or remove it from the scene.") from None
    if left := _needed_files():
        names = ", ".join(shown(path) for path in left)
        raise InputError(f"{names} cannot be packed into the scene. Give all machines a shared folder instead.")
    bpy.ops.wm.save_as_mainfile(filepath=str(args.save.absolute()), copy=True)
    return {"packed": len(files)}


def _needed_files() -> list[str]:
    """Files that the scene needs, without those that come with Blender."""
    own = Path(bpy.utils.system_resource("DATAFILES")).resolve()
    paths = dict.fromkeys(bpy.utils.blend_paths(absolute=True, packed=False, local=False))
    return [path for path in paths if not Path(path).resolve().is_relative_to(own)]
