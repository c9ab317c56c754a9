# SPDX-License-Identifier: GPL-3.0-or-later
"""``render-share``: render the images that a job assigned to this process."""

import argparse
import json
from pathlib import Path

import bpy

from ...inference.errors import InputError
from ...inference.files import shown, stays_below
from ...inference.progress import Progress
from .. import stills, workers
from ..planned_image import PlannedImage
from ..read_settings import read_settings
from .options import add_overrides


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``render-share``."""
    parser.add_argument("--output", type=Path, help="folder of the references")
    parser.add_argument("--images", type=Path, help="entries of the recipe, as JSON")
    parser.add_argument("--scene-name")
    add_overrides(parser)


def run(args: argparse.Namespace, _progress: Progress) -> dict[str, object]:
    """Render the images that a job assigned to this process; the job holds the lock of the folder."""
    try:
        scene = bpy.data.scenes[args.scene_name]
        images = [PlannedImage.from_entry(entry) for entry in json.loads(args.images.read_text("utf-8"))]
        if not all(stays_below(image.path) for image in images):
            raise ValueError
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        raise InputError(
            f"{shown(args.images)} is not a share of a job on this scene. Start render or build."
        ) from None
    for _ in stills.render(scene, read_settings(scene, vars(args)), args.output, workers.announced(images)):
        pass
    return {}
