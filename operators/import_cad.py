# SPDX-License-Identifier: GPL-3.0-or-later
# mypy: disable-error-code="valid-type"
"""Import CAD: one file dialog for all formats."""

from pathlib import Path

import bpy
from bpy.props import BoolProperty, CollectionProperty, EnumProperty, FloatProperty, StringProperty
from bpy_extras.io_utils import ImportHelper

from ..inference.errors import InputError
from ..interface import checklist
from ..interface.translations import translated
from ..interface.words import counted


class SIMSEARCH_OT_import_cad(bpy.types.Operator, ImportHelper):
    bl_idname = "simsearch.import_cad"
    bl_label = "Import CAD"
    bl_description = (
        "Bring in STEP, IGES, 3MF, STL, OBJ, PLY, glTF, FBX or USD files with their names, hierarchy and colours"
    )
    bl_options = {"REGISTER", "UNDO"}

    filter_glob: StringProperty(options={"HIDDEN", "SKIP_SAVE"})
    files: CollectionProperty(type=bpy.types.OperatorFileListElement, options={"HIDDEN", "SKIP_SAVE"})
    directory: StringProperty(subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"})
    tolerance: FloatProperty(
        name="Tolerance",
        description="STEP only: how far the triangles may lie off the true surface. Smaller is rounder and slower",
        default=0.0001,
        min=0.000001,
        soft_max=0.001,
        subtype="DISTANCE",
        precision=5,
        step=0.001,
    )

    unit: EnumProperty(
        name="Unit",
        description="STL, OBJ and PLY only, which do not say it: the length of one unit in the file",
        items=(
            ("0", "Usual for the Format", "Millimetres for STL, metres for OBJ and PLY"),
            ("0.001", "Millimetre", ""),
            ("0.01", "Centimetre", ""),
            ("0.0254", "Inch", ""),
            ("1", "Metre", ""),
        ),
    )

    up: EnumProperty(
        name="Up",
        description="STL, OBJ and PLY only, which do not say it: the axis of the file that points up",
        items=(
            ("USUAL", "Usual for the Format", "Y for OBJ, Z for STL and PLY"),
            ("X", "X", ""),
            ("Y", "Y", ""),
            ("Z", "Z", ""),
        ),
    )

    replace_startup: BoolProperty(
        name="Remove Start-up Objects",
        description="Take away the cube, camera and light that a new Blender file holds; the cube would hide the part",
        options={"SKIP_SAVE"},
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        from ..scene.cad_import import SUFFIXES  # here, as it brings what only an import needs

        self.replace_startup = checklist.untouched_startup(context.scene)
        self.filter_glob = ";".join(f"*{suffix}" for suffix in SUFFIXES)
        if self.properties.is_property_set("files"):  # dropped onto the viewport
            return set(self.invoke_popup(context))
        return set(ImportHelper.invoke(self, context, event))

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        if checklist.untouched_startup(context.scene):
            layout.prop(self, "replace_startup")
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(self, "tolerance")
        layout.prop(self, "unit")
        layout.prop(self, "up")

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..scene.cad_import import import_cad

        names = [item.name for item in self.files if item.name]
        paths = [Path(self.directory, name) for name in names] or [Path(self.filepath)]
        startup = (
            list(context.scene.objects) if self.replace_startup and checklist.untouched_startup(context.scene) else []
        )
        objects: list[bpy.types.Object] = []
        problems: list[str] = []
        notes: list[str] = []
        unit, up = float(self.unit) or None, None if self.up == "USUAL" else self.up
        for path in paths:
            try:
                imported = import_cad(path, tolerance=self.tolerance, unit=unit, up=up)
            except InputError as error:
                problems += error.problems
            else:
                objects += imported.objects
                notes += imported.notes
        if problems:
            self.report({"ERROR"}, translated("\n".join(problems)))
        if notes:
            self.report({"WARNING"}, translated("\n".join(notes)))
        if not objects:
            return {"CANCELLED"}
        if startup:
            bpy.data.batch_remove(startup)
            context.scene.unit_settings.length_unit = "MILLIMETERS"  # as it is shown; a Blender unit stays a metre
        for item in context.selected_objects:
            item.select_set(False)
        for item in objects:
            item.select_set(True)
        context.view_layer.objects.active = objects[0]
        show_selected(context)
        self.report(
            {"INFO"},
            translated(f"Imported {counted(len(objects), 'object')} from {', '.join(path.name for path in paths)}"),
        )
        return {"FINISHED"}


def show_selected(context: bpy.types.Context) -> None:
    """Bring what is selected into view where a 3D viewport asked for it: a part of some millimetres is a dot else."""
    if context.area is None or context.area.type != "VIEW_3D":
        return
    window = next(region for region in context.area.regions if region.type == "WINDOW")
    context.area.spaces.active.clip_start = 0.001  # Blender's centimetre would cut small parts open
    with context.temp_override(region=window):
        bpy.ops.view3d.view_selected()


CLASSES = (SIMSEARCH_OT_import_cad,)
