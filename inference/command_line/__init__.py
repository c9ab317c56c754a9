# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: one set of commands for every door.

:mod:`.framework` parses and runs commands; :mod:`.options` holds what several of them share; each command has a module.
:mod:`...scene.command_line` adds the commands that need Blender and runs them by the same framework.
"""

from collections.abc import Sequence

from . import check, classify, edit, embed, export_onnx, framework, plant, validate, worker

COMMANDS = (
    check.COMMAND, embed.COMMAND, validate.COMMAND, classify.COMMAND, edit.COMMAND, export_onnx.COMMAND, plant.COMMAND,
    worker.COMMAND,
)  # fmt: skip
"""The commands that need no Blender."""


def main(argv: Sequence[str]) -> int:
    """``python -m inference``; returns the exit status."""
    return framework.main(argv, COMMANDS, "python -m inference")
