# SPDX-License-Identifier: GPL-3.0-or-later
# mypy: disable-error-code="valid-type"
"""Basic materials, lighting and background in one click each."""

from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, FloatVectorProperty, StringProperty
from bpy_extras.io_utils import ImportHelper

from ..interface import checklist
from ..interface.words import counted
from ..scene import lighting, materials
from ..scene.parts import parts

PHOTO_GLOB = "*.png;*.jpg;*.jpeg;*.tif;*.tiff;*.bmp;*.webp"


def _selection_step(context: bpy.types.Context) -> str | None:
    return None if context.selected_objects else "Select the objects that get the material first"


class SIMSEARCH_OT_apply_material(bpy.types.Operator):
    bl_idname = "simsearch.apply_material"
    bl_label = "Apply Material"
    bl_description = "Give the selected objects a basic material; edit it afterwards like any other"
    bl_options = {"REGISTER", "UNDO"}

    finish: EnumProperty(
        name="Finish",
        description="Surface finish; about the right brightness, gloss and grain is what the encoder needs",
        items=[
            (key, finish.name, f"{finish.name}, sized in millimetres" if finish.grain else finish.name)
            for key, finish in materials.FINISHES.items()
        ],
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return checklist.allowed(cls, _selection_step(context))

    def execute(self, context: bpy.types.Context) -> set[str]:
        material = materials.finish_material(self.finish)
        count = materials.assign(material, context.selected_objects)
        self.report({"INFO"}, f"{material.name} on {counted(count, 'object')}")
        return {"FINISHED"}


class SIMSEARCH_OT_choose_material_photo(bpy.types.Operator, ImportHelper):
    bl_idname = "simsearch.choose_material_photo"
    bl_label = "Material from Photo"
    bl_description = (
        "Give the selected objects the colour of a spot in a real photo: choose the photo, then click the spot"
    )

    filter_glob: StringProperty(default=PHOTO_GLOB, options={"HIDDEN"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return checklist.allowed(cls, _selection_step(context))

    def execute(self, _context: bpy.types.Context) -> set[str]:
        # An operator with a file dialog has no Adjust Last Operation, so another one does the work.
        bpy.ops.simsearch.material_from_photo("INVOKE_DEFAULT", filepath=self.filepath)
        return {"FINISHED"}


class SIMSEARCH_OT_material_from_photo(bpy.types.Operator):
    bl_idname = "simsearch.material_from_photo"
    bl_label = "Material from Photo"
    bl_description = (
        "Give the selected objects the colour of a spot in a real photo; move the spot in Adjust Last Operation"
    )
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(name="Photo", description="The photo", subtype="FILE_PATH", options={"SKIP_SAVE"})
    centre: FloatVectorProperty(
        name="Spot",
        description="Middle of the spot, from the photo's left and lower edge",
        size=2,
        default=(0.5, 0.5),
        min=0.0,
        max=1.0,
        subtype="NONE",
        step=1,
    )
    size: FloatProperty(
        name="Spot Size",
        description="Width of the spot as a share of the photo; its median colour is used",
        default=0.05,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return checklist.allowed(cls, _selection_step(context))

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Show the photo and wait for a click on the spot."""
        if context.area is None or context.area.type != "VIEW_3D":
            return self.execute(context)
        from ..inference.preprocessing import UnreadablePhoto
        from ..interface.photo_picker import PhotoPicker

        try:
            self.picker = PhotoPicker(Path(self.filepath), context.area, self.size)
        except UnreadablePhoto as error:
            return self._refuse(error)
        context.workspace.status_text_set("Click the surface in the photo   (Esc cancels)")
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Follow the mouse until a spot is clicked."""
        self.picker.move(event)
        if event.type in {"ESC", "RIGHTMOUSE"}:
            self.cancel(context)
            return {"CANCELLED"}
        spot = self.picker.spot()
        if event.type == "LEFTMOUSE" and event.value == "PRESS" and spot is not None:
            self.cancel(context)
            self.centre = spot
            return self.execute(context)
        return {"RUNNING_MODAL"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Take the photo away; Blender calls this where the window closes."""
        self.picker.close()
        context.workspace.status_text_set(None)

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..inference.preprocessing import UnreadablePhoto

        try:
            material = materials.photo_material(Path(self.filepath), tuple(self.centre), self.size)
        except UnreadablePhoto as error:
            return self._refuse(error)
        materials.assign(material, context.selected_objects)
        return {"FINISHED"}

    def draw(self, _context: bpy.types.Context) -> None:
        column = self.layout.column(align=True)
        column.use_property_split = True
        column.prop(self, "centre", index=0, text="Spot from Left")
        column.prop(self, "centre", index=1, text="From Below")
        column.prop(self, "size")

    def _refuse(self, error: Exception) -> set[str]:
        self.report({"ERROR"}, f"{self.filepath} could not be read: {error}. Choose another photo.")
        return {"CANCELLED"}


class SIMSEARCH_OT_add_lighting(bpy.types.Operator):
    bl_idname = "simsearch.add_lighting"
    bl_label = "Basic Lighting"
    bl_description = "Three soft lights around the parts, sized to them; pressing again replaces them"
    bl_options = {"REGISTER", "UNDO"}

    strength: FloatProperty(
        name="Strength",
        description="1 shows a white surface about 60 % bright",
        default=1.0,
        min=0.0,
        soft_max=4.0,
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return checklist.allowed(cls, None if parts(context.scene) else checklist.IMPORT)

    def execute(self, context: bpy.types.Context) -> set[str]:
        lighting.add_basic_lighting(context.scene, self.strength)
        return {"FINISHED"}


class SIMSEARCH_OT_set_background(bpy.types.Operator):
    bl_idname = "simsearch.set_background"
    bl_label = "Plain Background"
    bl_description = "Make the background one even grey, as in the paper, and if wanted put a table under the parts"
    bl_options = {"REGISTER", "UNDO"}

    grey: FloatProperty(
        name="Brightness",
        description="0 black, 1 white (linear light)",
        default=0.3,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )
    table: BoolProperty(
        name="Table",
        description="A plane under the parts that takes their shadows; give it a material like any object",
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        lighting.set_background(context.scene, self.grey)
        if self.table:
            lighting.add_table(context.scene)
        return {"FINISHED"}


CLASSES = (
    SIMSEARCH_OT_apply_material,
    SIMSEARCH_OT_choose_material_photo,
    SIMSEARCH_OT_material_from_photo,
    SIMSEARCH_OT_add_lighting,
    SIMSEARCH_OT_set_background,
)
