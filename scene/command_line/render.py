# SPDX-License-Identifier: GPL-3.0-or-later
"""``render``: render the references."""

import argparse
import time

import bpy

from ...inference.files import shown
from ...inference.job_results import RenderResult
from ...inference.progress import Progress
from .. import check, stills
from .options import add_output, output_folder, settings_of

add_arguments = add_output


def run(args: argparse.Namespace, progress: Progress) -> dict[str, object]:
    """``render``."""
    return render_references(args, progress).to_json()


def render_references(args: argparse.Namespace, progress: Progress) -> RenderResult:
    """Render the references that are missing or out of date."""
    started = time.monotonic()
    scene, settings, folder = bpy.context.scene, settings_of(args), output_folder(args).references.path
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
