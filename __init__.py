# SPDX-License-Identifier: GPL-3.0-or-later
"""Synthetic Similarity Search: an image classifier for visual inspection, made from CAD without real photos."""

from types import ModuleType

_commands: list[object] = []


def modules() -> tuple[ModuleType, ...]:
    """What is registered, in this order; imported here, so that ``inference`` can be imported where no Blender is."""
    from . import operators, panels, preferences, properties

    return properties, preferences, operators, panels


def command(argv: list[str]) -> int:
    """``blender --command simsearch ARGUMENTS``; returns the exit status."""
    from . import batch  # here, since these bring what only a running job needs
    from .scene import command_line

    with batch.quiet_blender() as log:
        return command_line.main(argv, prog="blender --command simsearch", keep_log=log.keep if log else None)


def registered() -> bool:
    """Whether this extension is registered in this Blender now."""
    return bool(_commands)


def register() -> None:
    """Register everything; Blender calls this when the extension is enabled."""
    import bpy

    for module in modules():
        module.register()
    _commands.append(bpy.utils.register_cli_command("simsearch", command))


def unregister() -> None:
    """Take everything back, in the opposite order; Blender calls this when the extension is disabled."""
    import bpy

    bpy.utils.unregister_cli_command(_commands.pop())
    for module in reversed(modules()):
        module.unregister()
