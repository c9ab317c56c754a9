# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar and the viewport overlay."""

import bpy

from . import overlay, sidebar, thumbnails


def register() -> None:
    thumbnails.register()
    for cls in sidebar.CLASSES:
        bpy.utils.register_class(cls)
    overlay.register()


def unregister() -> None:
    overlay.unregister()
    for cls in reversed(sidebar.CLASSES):
        bpy.utils.unregister_class(cls)
    thumbnails.unregister()
