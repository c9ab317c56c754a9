# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that several commands share, and what they stand for in the open scene."""

import argparse
from pathlib import Path

import bpy

from ...inference.command_line.options import add_shard_argument
from ...inference.errors import InputError
from ...inference.output_folder import OutputFolder
from ...inference.preprocessing import Preprocessing, crop_problem
from ..read_settings import read_crop, read_settings
from ..settings import Settings


def add_overrides(parser: argparse.ArgumentParser) -> None:
    """Add options that replace a setting of the scene for this run."""
    parser.add_argument("--samples", type=int, help="EEVEE samples per reference")
    parser.add_argument("--images-per-class", type=int, help="references per class")
    parser.add_argument("--resolution", type=int, help="width and height of a reference in pixels")
    parser.add_argument("--seed", type=int, help="another seed gives other poses and variations")
    parser.add_argument("--classes", type=lambda text: tuple(text.split(",")), metavar="A,B", help="render only these")


def jobs(text: str) -> int:
    """Return a number of processes, which is at least one."""
    if int(text) < 1:
        raise ValueError
    return int(text)


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add the options of a command that renders."""
    parser.add_argument("--output", type=Path, help="folder for the results; default: the scene's output folder")
    parser.add_argument("--fresh", action="store_true", help="render everything again")
    parser.add_argument("--jobs", type=jobs, metavar="N", help="processes that render; default: from cores and memory")
    add_shard_argument(parser)
    add_overrides(parser)


def settings_of(args: argparse.Namespace) -> Settings:
    """Return the scene's settings, with those that the command line replaces."""
    return read_settings(bpy.context.scene, vars(args))


def preprocessing_of(args: argparse.Namespace) -> Preprocessing:
    """Return how photos are read, from the command line or the scene.

    Raises:
        InputError: the scene's crop is not part of a photo.
    """
    scene = bpy.context.scene
    crop = args.crop or read_crop(scene)
    if problem := crop_problem(crop):
        raise InputError(f"{problem} The scene's is {','.join(map(str, crop))}.")
    return Preprocessing(crop=crop, white_level=args.white_level or scene.simsearch.white_level or None)


def output_folder(args: argparse.Namespace) -> OutputFolder:
    """Return the folder for the results, from the command line or the scene.

    Raises:
        InputError: neither names a folder.
    """
    if args.output:
        return OutputFolder(args.output.absolute())
    directory = bpy.context.scene.simsearch.output_directory
    if not directory or (directory.startswith("//") and not bpy.data.filepath):
        raise InputError("There is no output folder. Give one with --output, or save the scene first.")
    return OutputFolder(Path(bpy.path.abspath(directory)).absolute())


def matched_photos(args: argparse.Namespace) -> Path | None:
    """Return the folder of the photos that the scene was matched to, from the command line or the scene."""
    directory = bpy.context.scene.simsearch.match_directory
    return args.matched_photos or (Path(bpy.path.abspath(directory)) if directory else None)
