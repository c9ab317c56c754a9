# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface in the user's language, where Blender's own dictionary has no words for it."""

import bpy

from .german import GERMAN


def translated(text: str) -> str:
    """A sentence of the interface in the user's language; as it is where there is none."""
    return str(bpy.app.translations.pgettext_iface(text))


def register() -> None:
    """Add the words to Blender's."""
    german = {(context, text): words for text, words in GERMAN.items() for context in ("*", "Operator")}
    bpy.app.translations.register(__package__, {"de_DE": german, "de": german})


def unregister() -> None:
    """Remove the words from Blender's."""
    bpy.app.translations.unregister(__package__)
