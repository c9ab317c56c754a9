# SPDX-License-Identifier: GPL-3.0-or-later
"""``check``: list the problems of the scene, or of a database."""

import argparse
from pathlib import Path

import bpy

from ...inference.command_line.options import add_k_argument, add_similarity_argument
from ...inference.progress import Progress
from .options import add_overrides, settings_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``check``."""
    parser.add_argument(
        "--database", type=Path, metavar="FILE", help="check this reference database instead of the scene"
    )
    add_k_argument(parser)
    add_similarity_argument(parser)
    add_overrides(parser)


def run(args: argparse.Namespace, progress: Progress) -> dict[str, object]:
    """List all problems: errors are raised, warnings returned."""
    if args.database:
        from ...inference.command_line import check as check_database  # late: a scene needs no database

        return check_database.run(args, progress)
    from .. import check  # late: the help needs none of it

    warnings = check.refuse_errors(bpy.context.scene, settings_of(args))
    progress.warn(warnings)
    return {"warnings": warnings}
