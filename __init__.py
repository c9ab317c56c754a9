# SPDX-License-Identifier: GPL-3.0-or-later
"""Synthetic Similarity Search: an image classifier for visual inspection, made from CAD without real photos."""

import bpy

from . import operators, panels, preferences, properties

MODULES = (properties, preferences, operators, panels)
"""Registered in this order; each has ``register`` and ``unregister``."""

_commands: list[object] = []


def command(argv: list[str]) -> int:
    """``blender --command simsearch ARGUMENTS``; returns the exit status."""
    from . import batch  # here, since these bring what only a running job needs
    from .scene import command_line

    batch.claim_stdout()
    return command_line.main(argv, prog="blender --command simsearch")


def register() -> None:
    for module in MODULES:
        module.register()
    _commands.append(bpy.utils.register_cli_command("simsearch", command))


def unregister() -> None:
    bpy.utils.unregister_cli_command(_commands.pop())
    for module in reversed(MODULES):
        module.unregister()
