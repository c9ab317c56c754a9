# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar and the viewport overlay."""

import bpy

from . import mistakes, overlay, sidebar, thumbnails

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
