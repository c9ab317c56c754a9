# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: the same commands for every way to start the program.

:mod:`.framework` parses and runs commands. :mod:`.options` contains options that several commands share. Each command
has its own module. :mod:`...scene.command_line` adds the commands that need Blender, and runs them with the same
framework.
"""

from collections.abc import Sequence

from . import check, classify, edit, embed, export_onnx, framework, plant, validate, worker

COMMANDS = (
    check.COMMAND, embed.COMMAND, validate.COMMAND, classify.COMMAND, edit.COMMAND, export_onnx.COMMAND, plant.COMMAND,
    worker.COMMAND,
)  # fmt: skip
"""The commands that need no Blender."""


def main(argv: Sequence[str]) -> int:
    """Run ``python -m inference``, and return the exit status."""
    return framework.main(argv, COMMANDS, "python -m inference")
