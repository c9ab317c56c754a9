# SPDX-License-Identifier: GPL-3.0-or-later
"""Where Blender's users look: File › Import, the search by F3, which finds what menus hold, and files that are dropped."""

import bpy

from ..interface import checklist
from ..operators.materials import PHOTO_GLOB

ENTRIES = (
    ("import_cad", ""), ("new_station", "New Similarity Station"), ("open_example", "Open Similarity Example"), ("choose_material_photo", ""), ("add_lighting", ""), ("set_background", ""), ("lay_on_table", ""),
    None,
    ("camera_from_view", "Similarity Camera from View"), ("photo_backdrop", "Photo Behind Similarity Camera"),
    ("mark_region", "Region of Interest from Selection"),
    None,
    ("class_from_selection", "Similarity Class from Selection"), ("add_pair", "Add Classes Present and Absent"),
    None,
    ("check", "Check Similarity Scene"), ("preview", "Preview Similarity References"), ("render", "Render Similarity References"),
    ("build", "Build Similarity Database"), ("validate", "Validate against Real Photos"), ("classify", "Classify Photo"),
    ("show_mistakes", "Show Misclassified Photos"), ("open_report", "Open Validation Report"),
)  # fmt: skip
"""Operators in working order, with what they are called where no panel's title stands above; empty: as they are."""


class SIMSEARCH_MT_operators(bpy.types.Menu):
    bl_label = "Similarity Search"

    def draw(self, _context: bpy.types.Context) -> None:
        for entry in ENTRIES:
            if entry is None:
                self.layout.separator()
            else:
                name, text = entry
                words = {"text": text} if text else {}
                self.layout.operator(f"simsearch.{name}", **words)


class SIMSEARCH_FH_cad(bpy.types.FileHandler):
    """CAD files dropped onto a 3D viewport; the other formats are Blender's own."""

    bl_label = "CAD for Similarity Search"
    bl_import_operator = "simsearch.import_cad"
    bl_file_extensions = ".step;.stp;.p21;.iges;.igs;.3mf"

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        """Blender asks this for each area."""
        return context.area is not None and context.area.type == "VIEW_3D"


class SIMSEARCH_FH_photo(bpy.types.FileHandler):
    """A photo dropped onto the view through the camera becomes its backdrop."""

    bl_label = "Photo Behind Similarity Camera"
    bl_import_operator = "simsearch.photo_backdrop"
    bl_file_extensions = PHOTO_GLOB.replace("*", "")

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        """Blender asks this for each area."""
        looks_through = context.region_data is not None and context.region_data.view_perspective == "CAMERA"
        return looks_through and checklist.camera_step(context.scene) is None


CLASSES = (SIMSEARCH_MT_operators, SIMSEARCH_FH_cad, SIMSEARCH_FH_photo)


def draw_import(self: bpy.types.Menu, _context: bpy.types.Context) -> None:
    """The entry of File › Import."""
    self.layout.operator("simsearch.import_cad", text="CAD for Similarity Search")


def draw_object(self: bpy.types.Menu, _context: bpy.types.Context) -> None:
    """The entry of the viewport's menu Object."""
    self.layout.separator()
    self.layout.menu("SIMSEARCH_MT_operators")


def register() -> None:
    """Add the entries to Blender's menus."""
    bpy.types.TOPBAR_MT_file_import.append(draw_import)
    bpy.types.VIEW3D_MT_object.append(draw_object)


def unregister() -> None:
    """Remove the entries from Blender's menus."""
    bpy.types.VIEW3D_MT_object.remove(draw_object)
    bpy.types.TOPBAR_MT_file_import.remove(draw_import)
