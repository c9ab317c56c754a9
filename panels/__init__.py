# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar, the entries of Blender's menus and the viewport overlay."""

import bpy

from ..interface import overlay, thumbnails, translations
from . import menus, mistakes, sidebar

CLASSES = (*sidebar.CLASSES, *mistakes.CLASSES, *menus.CLASSES)


def register() -> None:
    translations.register()
    thumbnails.register()
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    menus.register()
    overlay.register()


def unregister() -> None:
    overlay.unregister()
    menus.unregister()
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
    thumbnails.unregister()
    translations.unregister()
