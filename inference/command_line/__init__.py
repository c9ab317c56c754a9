# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: the same commands for every way to start the program.

:mod:`.framework` parses and runs commands. :mod:`.options` contains options that several commands share. Each command
has its own module. :mod:`...scene.command_line` adds the commands that need Blender, and runs them with the same
framework.
"""

from collections.abc import Sequence

from . import framework
from .framework import Command

COMMANDS = (
    Command("check", "Show how well the classes of a database can be told apart.", f"{__name__}.check", ("database",)),
    Command("embed", "Embed a folder of references into a reference database.", f"{__name__}.embed", ("references",)),
    Command(
        "validate",
        "Score a reference database on a folder of photos.",
        f"{__name__}.validate",
        ("database", "photos", "output"),
    ),
    Command("classify", "Classify photos.", f"{__name__}.classify", ("database",)),
    Command(
        "edit",
        "Remove or replace classes of a database, add references or verified photos.",
        f"{__name__}.edit",
        ("database",),
    ),
    Command(
        "export-onnx",
        "Write encoder, references and vote as one ONNX file.",
        f"{__name__}.export_onnx",
        ("database", "output"),
    ),
    Command("plant", "Check, build, validate or report many stations.", f"{__name__}.plant"),
    Command("worker", "Work for a Dask cluster on this machine.", f"{__name__}.worker"),
    Command(
        "embed-photos",
        "Embed photos for a validation elsewhere; started by plant --send-files.",
        f"{__name__}.embed_photos",
        ("database", "photos", "vectors"),
    ),
)
"""The commands that need no Blender."""


def main(argv: Sequence[str]) -> int:
    """Run ``python -m inference``, and return the exit status."""
    return framework.main(argv, COMMANDS, "python -m inference")
