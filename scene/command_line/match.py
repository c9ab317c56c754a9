# SPDX-License-Identifier: GPL-3.0-or-later
"""``match``: match the look of the scene to photos."""

import argparse
import shutil
import time
from pathlib import Path

import bpy

from ...inference.command_line.options import add_encoder_arguments, add_photo_arguments, open_encoder
from ...inference.files import shown
from ...inference.job_results import MatchResult
from ...inference.likeness import read_station_photos
from ...inference.progress import Progress
from .. import check, match
from ..look import describe
from ..look_controls import VARIED, apply_match, missing_variation
from .options import add_overrides, jobs, output_folder, preprocessing_of, settings_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``match``."""
    parser.add_argument(
        "--photos", type=Path, metavar="DIR", help="folder with some dozens of photos; no labels needed"
    )
    parser.add_argument("--output", type=Path, help="folder for the results; default: the scene's output folder")
    parser.add_argument("--save", type=Path, metavar="FILE", help="save the matched scene as this .blend file")
    parser.add_argument(
        "--candidates",
        type=jobs,
        default=match.CANDIDATES,
        metavar="N",
        help=f"how many looks are tried; default: {match.CANDIDATES}",
    )
    parser.add_argument("--jobs", type=jobs, metavar="N", help="processes that render; default: from cores and memory")
    add_overrides(parser)
    add_photo_arguments(parser)
    add_encoder_arguments(parser)


def run(args: argparse.Namespace, progress: Progress) -> dict[str, object]:
    """Match the scene to photos."""
    started = time.monotonic()
    scene, settings, folder = bpy.context.scene, settings_of(args), output_folder(args)
    encoder = open_encoder(args, progress)
    warnings = check.refuse_errors(scene, settings, folder.match)
    warnings += match.refuse_dark(scene)
    progress.warn(warnings)
    preprocessing = preprocessing_of(args)
    photos = read_station_photos(args.photos, encoder, preprocessing, progress)
    found = match.match(
        scene, settings, folder.match, photos.seen, encoder, progress, candidates=args.candidates, jobs=args.jobs
    )
    comparison = match.write_comparison(folder.comparison, photos.paths, preprocessing, found)
    shutil.rmtree(folder.match, ignore_errors=True)
    varied = missing_variation(settings.jitter) if any(found.values) else {}
    result = MatchResult(
        knobs=[[knob.subject, knob.quantity] for knob in found.knobs],
        values=list(found.values),
        varied=varied,
        changes=[*describe(found.knobs, found.values), *([VARIED] if varied else [])],
        before=round(found.before.total, 4),
        after=round(found.after.total, 4),
        photos={digest: path.name for digest, path in zip(photos.hashes, photos.paths, strict=True)},
        comparison=shown(comparison),
        warnings=[*warnings, *found.locked, *match.unlike(found.after)],
        seconds=round(time.monotonic() - started, 3),
    )
    progress.warn(result.warnings[len(warnings) :])
    print(*(result.changes or ["Nothing was found that makes the references clearly more like the photos."]), sep="\n")
    print(
        f"Likeness to {len(photos.paths)} photos: {result.before:.3f} before, {result.after:.3f} after; see {result.comparison}"
    )
    if args.save:
        apply_match(scene, settings, result)
        scene.simsearch.match_directory = str(args.photos.absolute())
        bpy.ops.wm.save_as_mainfile(filepath=str(args.save.absolute()), copy=True)
        print(f"{shown(args.save)} holds the matched scene; build its database next")
    return result.to_json()
