# SPDX-License-Identifier: GPL-3.0-or-later
"""``build``: render the references, and make the reference database."""

import argparse
import time
from dataclasses import replace
from pathlib import Path

import bpy

from ...inference.command_line.embed import build_database
from ...inference.command_line.options import (
    add_cluster_arguments,
    add_encoder_arguments,
    add_matched_photos_argument,
    add_photo_arguments,
    open_encoder,
)
from ...inference.errors import InputError
from ...inference.progress import Progress
from .options import add_output, matched_photos, output_folder, preprocessing_of
from .render import render_references


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``build``."""
    add_output(parser)
    add_matched_photos_argument(parser, "the scene's Photos to Match")
    add_cluster_arguments(parser)
    add_photo_arguments(parser)
    add_encoder_arguments(parser)


def run(args: argparse.Namespace, progress: Progress) -> dict[str, object]:
    """Render, then embed; a share of the job embeds only where it finds that no other one is missing."""
    if args.cluster:
        return _build_on_cluster(args, progress)
    started = time.monotonic()
    # First: a missing encoder should be known before hours of rendering.
    encoder = open_encoder(args, progress).with_foreground()
    preprocessing = preprocessing_of(args)
    rendered = render_references(args, progress)
    if rendered.left:  # the last share to end makes the database
        return rendered.to_json()
    folder = output_folder(args)
    built = build_database(
        folder.references.path, folder.database, encoder, preprocessing, progress, matched_photos(args)
    )
    return (
        built.to_json()
        | replace(
            rendered,
            warnings=[*rendered.warnings, *built.warnings],
            seconds=round(time.monotonic() - started, 3),
        ).to_json()
    )


def _build_on_cluster(args: argparse.Namespace, progress: Progress) -> dict[str, object]:
    """Have the scene, as it was saved, built by a cluster."""
    from ...inference.command_line.on_cluster import run_on_cluster

    if not bpy.data.filepath:
        raise InputError("Workers need the file of the scene. Save it first.")
    defaults = {"output": output_folder(args).path}
    content = run_on_cluster(args, progress, Path(bpy.data.filepath), "database", defaults, join=["--shard=1/1"])
    print(f"{content['images']} references in {content['database']}, {content['rendered']} of them rendered now")
    return content
