# SPDX-License-Identifier: GPL-3.0-or-later
# mypy: disable-error-code="valid-type"
"""Basic materials, lighting and background in one click each."""

from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, FloatVectorProperty, StringProperty
from bpy_extras.io_utils import ImportHelper
from mathutils import Euler

from ..interface import checklist
from ..interface.translations import translated
from ..interface.words import counted
from ..scene import lighting, materials
from ..scene.parts import groups, lay_on_table, parts, parts_among, table_height

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
    own: BoolProperty(
        name="Own Colour and Gloss",
        description="Choose how the finish looks; it becomes a material of its own",
        options={"SKIP_SAVE"},
    )
    colour: FloatVectorProperty(
        name="Colour",
        description="Colour of the surface; metals, wood and glass keep theirs",
        subtype="COLOR",
        size=3,
        default=(0.33, 0.02, 0.015),
        min=0.0,
        max=1.0,
    )
    gloss: FloatProperty(
        name="Gloss",
        description="0 is matt, 1 like a mirror",
        default=0.55,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return checklist.allowed(cls, _selection_step(context))

    def execute(self, context: bpy.types.Context) -> set[str]:
        own = (tuple(self.colour), self.gloss) if self.own else (None, None)
        material = materials.finish_material(self.finish, *own)
        count = materials.assign(material, context.selected_objects)
        self.report({"INFO"}, translated(f"{material.name} on {counted(count, 'object')}"))
        return {"FINISHED"}

    def draw(self, _context: bpy.types.Context) -> None:
        column = self.layout.column(align=True)
        column.use_property_split = True
        column.prop(self, "finish")
        column.prop(self, "own")
        if self.own:
            if materials.FINISHES[self.finish].tintable:
                column.prop(self, "colour")
            column.prop(self, "gloss")


class SIMSEARCH_OT_choose_material_photo(bpy.types.Operator, ImportHelper):
    bl_idname = "simsearch.choose_material_photo"
    bl_label = "Material from Photo"
    bl_description = (
        "Give the selected objects the colour of a spot in a real photo: choose the photo, then click the spot. A photo "
        "does not tell the gloss, as it does not tell the lamps; set it in Adjust Last Operation"
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
        "Give the selected objects the colour of a spot in a real photo. A photo does not tell the gloss; move the spot and "
        "set the gloss in Adjust Last Operation"
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
    gloss: FloatProperty(
        name="Gloss",
        description="0 is matt, 1 like a mirror. It is not taken from the photo, which would need known lamps",
        default=0.5,
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
        context.workspace.status_text_set(translated("Click the surface in the photo   (Esc cancels)"))
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
            material = materials.photo_material(Path(self.filepath), tuple(self.centre), self.size, self.gloss)
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
        column.prop(self, "gloss")

    def _refuse(self, error: Exception) -> set[str]:
        self.report({"ERROR"}, translated(f"{self.filepath} could not be read: {error}. Choose another photo."))
        return {"CANCELLED"}


class SIMSEARCH_OT_add_lighting(bpy.types.Operator):
    bl_idname = "simsearch.add_lighting"
    bl_label = "Basic Lighting"
    bl_description = (
        "Lamps around the parts, sized to them; choose soft, hard, low or near the camera's axis in Adjust Last Operation. "
        "Pressing again replaces them"
    )
    bl_options = {"REGISTER", "UNDO"}

    arrangement: EnumProperty(
        name="Lamps",
        description="Where the lamps stand and how large they are",
        items=[(key, found.name, found.description) for key, found in lighting.ARRANGEMENTS.items()],
        default="SOFT",
    )

    strength: FloatProperty(
        name="Strength",
        description="1 shows a white surface that faces the soft key lamp about 60 % bright",
        default=1.0,
        min=0.0,
        soft_max=4.0,
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return checklist.allowed(cls, None if parts(context.scene) else checklist.IMPORT)

    def execute(self, context: bpy.types.Context) -> set[str]:
        if lighting.ARRANGEMENTS[self.arrangement].on_axis and (step := checklist.camera_step(context.scene)):
            self.report({"ERROR"}, translated(f"{step}: these lamps stand around the camera."))
            return {"CANCELLED"}
        lighting.add_basic_lighting(context.scene, self.strength, self.arrangement)
        return {"FINISHED"}


class SIMSEARCH_OT_set_background(bpy.types.Operator):
    bl_idname = "simsearch.set_background"
    bl_label = "Plain Background"
    bl_description = (
        "Make the background one even grey or colour, as in the paper, with a light of its own if wanted; and put a table "
        "under the parts if wanted"
    )
    bl_options = {"REGISTER", "UNDO"}

    grey: FloatProperty(
        name="Brightness",
        description="What the camera sees behind the parts: 0 black, 1 white (linear light)",
        default=0.3,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )
    tint: FloatVectorProperty(
        name="Colour",
        description="What the camera sees behind the parts is this colour times the brightness",
        subtype="COLOR",
        size=3,
        default=(1.0, 1.0, 1.0),
        min=0.0,
        max=1.0,
    )
    apart: BoolProperty(
        name="Light Apart",
        description="Light the parts differently from what the camera sees, for example dimly before a white backdrop",
    )
    light: FloatProperty(
        name="Light",
        description="How brightly the background lights the parts from all sides; they also mirror it",
        default=0.3,
        min=0.0,
        soft_max=1.0,
        subtype="FACTOR",
    )
    light_tint: FloatVectorProperty(
        name="Light Colour",
        description="Colour of the light that the background gives",
        subtype="COLOR",
        size=3,
        default=(1.0, 1.0, 1.0),
        min=0.0,
        max=1.0,
    )
    table: BoolProperty(
        name="Table",
        description="A plane under the parts that takes their shadows; give it a material like any object",
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        seen = tuple(self.grey * channel for channel in self.tint)
        light = tuple(self.light * channel for channel in self.light_tint) if self.apart else None
        lighting.set_background(context.scene, seen, light)
        if self.table:
            lighting.add_table(context.scene)
        return {"FINISHED"}

    def draw(self, _context: bpy.types.Context) -> None:
        column = self.layout.column(align=True)
        column.use_property_split = True
        for name in ("grey", "tint", "apart", *(("light", "light_tint") if self.apart else ()), "table"):
            column.prop(self, name)


class SIMSEARCH_OT_lay_on_table(bpy.types.Operator):
    bl_idname = "simsearch.lay_on_table"
    bl_label = "Lay on Table"
    bl_description = "Turn the selected parts as they lie at the station, and set them down on the table or on height 0"
    bl_options = {"REGISTER", "UNDO"}

    rotation: FloatVectorProperty(
        name="Rotation",
        description="Turn about the world's axes; a quarter turn lays a standing part on its side",
        subtype="EULER",
        unit="ROTATION",
        size=3,
        step=9000,
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        there = parts_among(context.scene, context.selected_objects)
        return checklist.allowed(cls, None if there else "Select the parts to lay on the table")

    def execute(self, context: bpy.types.Context) -> set[str]:
        scene = context.scene
        chosen = parts_among(scene, context.selected_objects)
        for group in groups(scene, chosen, whole=False):
            lay_on_table(group.parts, Euler(self.rotation), table_height(scene))
        return {"FINISHED"}


CLASSES = (
    SIMSEARCH_OT_apply_material,
    SIMSEARCH_OT_choose_material_photo,
    SIMSEARCH_OT_material_from_photo,
    SIMSEARCH_OT_add_lighting,
    SIMSEARCH_OT_set_background,
    SIMSEARCH_OT_lay_on_table,
)
