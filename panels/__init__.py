# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar and the viewport overlay."""

import bpy

from ..interface import overlay, thumbnails
from . import mistakes, sidebar

CLASSES = (*sidebar.CLASSES, *mistakes.CLASSES)


def register() -> None:
    thumbnails.register()
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    overlay.register()


def unregister() -> None:
    overlay.unregister()
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
    thumbnails.unregister()
