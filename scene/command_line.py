# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands that need a scene. One ``main`` serves all doors: ``batch.py`` and ``--command simsearch``."""

import argparse
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import bpy

from ..inference import command_line
from ..inference.command_line import framework
from ..inference.command_line.check import check_database
from ..inference.command_line.embed import build_database
from ..inference.command_line.framework import Command
from ..inference.command_line.options import (
    add_cluster_arguments,
    add_encoder_arguments,
    add_k_argument,
    add_photo_arguments,
    add_shard_argument,
    add_similarity_argument,
    open_encoder,
)
from ..inference.errors import InputError
from ..inference.files import shown, stays_below
from ..inference.job_results import MatchResult, RenderResult
from ..inference.likeness import read_station_photos
from ..inference.output_folder import OutputFolder
from ..inference.preprocessing import Preprocessing, crop_problem
from ..inference.progress import Progress
from . import check, stills, workers
from .look import describe
from .look_controls import apply_match
from .planned_image import PlannedImage
from .read_settings import read_crop, read_settings
from .settings import Settings


def main(argv: list[str], prog: str, keep_log: Callable[[], str] | None = None) -> int:
    """Run one command on the open scene; returns the exit status, as :func:`..inference.command_line.framework.main` does."""
    settings = bpy.context.scene.simsearch
    own = {command.name for command in COMMANDS}
    commands = (*COMMANDS, *(command for command in command_line.COMMANDS if command.name not in own))
    defaults = {"model": settings.model, "precision": settings.precision, "k": settings.k}
    return framework.main(argv, commands, prog, defaults, keep_log)


def _add_overrides(parser: argparse.ArgumentParser) -> None:
    """Options that replace a setting of the scene for this run."""
    parser.add_argument("--samples", type=int, help="EEVEE samples per reference")
    parser.add_argument("--images-per-class", type=int, help="references per class")
    parser.add_argument("--resolution", type=int, help="width and height of a reference in pixels")
    parser.add_argument("--seed", type=int, help="another seed gives other poses and variations")
    parser.add_argument("--classes", type=lambda text: tuple(text.split(",")), metavar="A,B", help="render only these")


def _jobs(text: str) -> int:
    """At least one process."""
    if int(text) < 1:
        raise ValueError
    return int(text)


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", type=Path, help="folder for the results; default: the scene's output folder")
    parser.add_argument("--fresh", action="store_true", help="render everything again")
    parser.add_argument("--jobs", type=_jobs, metavar="N", help="processes that render; default: from cores and memory")
    add_shard_argument(parser)
    _add_overrides(parser)


def _settings(args: argparse.Namespace) -> Settings:
    return read_settings(bpy.context.scene, vars(args))


def _output(args: argparse.Namespace) -> OutputFolder:
    """The folder for the results, from the command line or the scene."""
    if args.output:
        return OutputFolder(args.output.absolute())
    directory = bpy.context.scene.simsearch.output_directory
    if not directory or (directory.startswith("//") and not bpy.data.filepath):
        raise InputError("There is no output folder. Give one with --output, or save the scene first.")
    return OutputFolder(Path(bpy.path.abspath(directory)).absolute())


def _add_check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--database", type=Path, metavar="FILE", help="check this reference database instead of the scene"
    )
    add_k_argument(parser)
    add_similarity_argument(parser)
    _add_overrides(parser)


def _check(args: argparse.Namespace, progress: Progress) -> dict[str, object]:
    """List all problems: errors are raised, warnings returned."""
    if args.database:
        return check_database(args, progress)
    warnings = check.refuse_errors(bpy.context.scene, _settings(args))
    progress.warn(warnings)
    return {"warnings": warnings}


def _render(args: argparse.Namespace, progress: Progress) -> dict[str, object]:
    """``render``."""
    return render_references(args, progress).to_json()


def render_references(args: argparse.Namespace, progress: Progress) -> RenderResult:
    """Render the references that are missing or out of date."""
    started = time.monotonic()
    scene, settings, folder = bpy.context.scene, _settings(args), _output(args).references.path
    warnings = check.refuse_errors(scene, settings, folder)
    progress.warn(warnings)
    began = time.monotonic()
    result = stills.render_references(
        scene, settings, folder, progress, fresh=args.fresh, jobs=args.jobs, shard=args.shard
    )
    progress.warn(result.warnings)
    each = f", {(time.monotonic() - began) / result.rendered:.2f} s each" if result.rendered else ""
    left = f"; {result.left} are left to the other shares" if result.left else ""
    there = result.images - result.left
    print(f"{there} references in {shown(folder)}, {result.rendered} of them rendered now{each}{left}")
    return RenderResult(
        references=shown(folder),
        images=result.images,
        rendered=result.rendered,
        warnings=[*warnings, *result.warnings],
        seconds=round(time.monotonic() - started, 3),
        left=result.left,
    )


def _add_share(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", type=Path, help="folder of the references")
    parser.add_argument("--images", type=Path, help="entries of the recipe, as JSON")
    parser.add_argument("--scene-name")
    _add_overrides(parser)


def _share(args: argparse.Namespace, _progress: Progress) -> dict[str, object]:
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


def _add_build(parser: argparse.ArgumentParser) -> None:
    _add_output(parser)
    add_cluster_arguments(parser)
    add_photo_arguments(parser)
    add_encoder_arguments(parser)


def _build(args: argparse.Namespace, progress: Progress) -> dict[str, object]:
    """Render, then embed; a share of the job embeds only where it finds that no other one is missing."""
    if args.cluster:
        return _build_on_cluster(args, progress)
    started = time.monotonic()
    encoder = open_encoder(args, progress)  # first: a missing encoder should be known before hours of rendering
    crop = args.crop or read_crop(bpy.context.scene)
    if problem := crop_problem(crop):
        raise InputError(f"{problem} The scene's is {','.join(map(str, crop))}.")
    rendered = render_references(args, progress)
    if rendered.left:  # the last share to end makes the database
        return rendered.to_json()
    folder = _output(args)
    white_level = args.white_level or bpy.context.scene.simsearch.white_level or None
    preprocessing = Preprocessing(crop=crop, white_level=white_level)
    built = build_database(folder.references.path, folder.database, encoder, preprocessing, progress)
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
    from ..inference.command_line.on_cluster import run_on_cluster

    if not bpy.data.filepath:
        raise InputError("Workers need the file of the scene. Save it first.")
    defaults = {"output": _output(args).path}
    content = run_on_cluster(args, progress, Path(bpy.data.filepath), "database", defaults, join=["--shard=1/1"])
    print(f"{content['images']} references in {content['database']}, {content['rendered']} of them rendered now")
    return content


def _add_match(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--photos", type=Path, metavar="DIR", help="folder with some dozens of photos; no labels needed"
    )
    parser.add_argument("--output", type=Path, help="folder for the results; default: the scene's output folder")
    parser.add_argument("--save", type=Path, metavar="FILE", help="save the matched scene as this .blend file")
    parser.add_argument(
        "--candidates", type=_jobs, default=64, metavar="N", help="how many looks are tried; default: 64"
    )
    parser.add_argument("--jobs", type=_jobs, metavar="N", help="processes that render; default: from cores and memory")
    _add_overrides(parser)
    add_photo_arguments(parser)
    add_encoder_arguments(parser)


def _match(args: argparse.Namespace, progress: Progress) -> dict[str, object]:
    """Match the scene to photos."""
    from . import match  # late, as the other commands need none of this

    started = time.monotonic()
    scene, settings, folder = bpy.context.scene, _settings(args), _output(args)
    encoder = open_encoder(args, progress)
    warnings = check.refuse_errors(scene, settings, folder.match)
    warnings += match.refuse_dark(scene)
    progress.warn(warnings)
    preprocessing = Preprocessing(
        crop=args.crop or read_crop(scene), white_level=args.white_level or scene.simsearch.white_level or None
    )
    photos = read_station_photos(args.photos, encoder, preprocessing, progress)
    found = match.match(
        scene, settings, folder.match, photos.seen, encoder, progress, candidates=args.candidates, jobs=args.jobs
    )
    comparison = match.write_comparison(folder.comparison, photos.paths, preprocessing, found)
    shutil.rmtree(folder.match, ignore_errors=True)
    result = MatchResult(
        knobs=[[knob.subject, knob.quantity] for knob in found.knobs],
        values=list(found.values),
        changes=describe(found.knobs, found.values),
        before=round(found.before.total, 4),
        after=round(found.after.total, 4),
        photos={digest: path.name for digest, path in zip(photos.hashes, photos.paths, strict=True)},
        comparison=shown(comparison),
        warnings=[*warnings, *found.locked, *match.unlike(found.after)],
        seconds=round(time.monotonic() - started, 3),
    )
    progress.warn(result.warnings[len(warnings) :])
    print(*(result.changes or ["Nothing was found that makes the references more like the photos."]), sep="\n")
    print(
        f"Likeness to {len(photos.paths)} photos: {result.before:.3f} before, {result.after:.3f} after; see {result.comparison}"
    )
    if args.save:
        apply_match(scene, settings, result)
        bpy.ops.wm.save_as_mainfile(filepath=str(args.save.absolute()), copy=True)
        print(f"{shown(args.save)} holds the matched scene; build its database next")
    return result.to_json()


COMMANDS = (
    Command("check", "List every problem that would stop or spoil a render.", _add_check, _check),
    Command("render", "Render the references of every class.", _add_output, _render),
    Command("build", "Render the references and make the reference database.", _add_build, _build),
    Command("match", "Match the scene's lamps, background and materials to photos.", _add_match, _match, ("photos",)),
    Command(
        "render-share",
        "Render a share of a job's images; started by render and build.",
        _add_share,
        _share,
        ("output", "images"),
    ),
)
