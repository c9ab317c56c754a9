# SPDX-License-Identifier: GPL-3.0-or-later
"""How the match of the scene to photos is shown."""

import bpy

from ..interface import checklist, stored_results, thumbnails
from ..interface.paragraph import paragraph
from ..interface.translations import translated


def draw_match(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """What was changed, and photos beside references before and after."""
    scene = context.scene
    found = stored_results.load(scene, "match")
    if found is None or checklist.folder_step(scene):
        return
    box = layout.box()
    box.label(text=translated(f"Likeness {found.before:.2f} before, {found.after:.2f} after"))
    for sentence in found.changes or ["Nothing was found that makes the references clearly more like the photos."]:
        paragraph(box, sentence, context)
    for sentence in found.warnings:
        paragraph(box, sentence, context, icon="ERROR")
    comparison = checklist.output_folder(scene).comparison
    if comparison.is_file():
        box.template_icon(thumbnails.icon(comparison), scale=10)
        box.operator("wm.path_open", text="Open Picture", icon="IMAGE_DATA").filepath = str(comparison)
