# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands that need a scene, one module each. One :func:`main` serves all doors: ``batch.py`` and ``--command
simsearch``."""

from collections.abc import Callable

import bpy

from ...inference import command_line
from ...inference.command_line import framework
from ...inference.command_line.framework import Command

COMMANDS = (
    Command("check", "List every problem that would stop or spoil a render.", f"{__name__}.check"),
    Command("render", "Render the references of every class.", f"{__name__}.render"),
    Command("build", "Render the references and make the reference database.", f"{__name__}.build"),
    Command("match", "Match the scene's lamps, background and materials to photos.", f"{__name__}.match", ("photos",)),
    Command("pack", "Save a copy of the scene that needs no other file.", f"{__name__}.pack", ("save",)),
    Command(
        "render-share",
        "Render a share of a job's images; started by render and build.",
        f"{__name__}.render_share",
        ("output", "images"),
    ),
)


def main(argv: list[str], prog: str, keep_log: Callable[[], str] | None = None) -> int:
    """Run one command on the open scene; returns the exit status, as :func:`...inference.command_line.framework.main` does."""
    settings = bpy.context.scene.simsearch
    own = {command.name for command in COMMANDS}
    commands = (*COMMANDS, *(command for command in command_line.COMMANDS if command.name not in own))
    defaults = {"model": settings.model, "precision": settings.precision, "k": settings.k}
    return framework.main(argv, commands, prog, defaults, keep_log)
