# SPDX-License-Identifier: GPL-3.0-or-later
"""The tab "Similarity" of the 3D viewport's sidebar: the next step, then the sections in working order."""

import bpy

from .. import preferences
from ..interface import checklist
from ..interface.paragraph import paragraph
from ..interface.translations import CONTEXT, translated
from ..interface.way_to_f1 import way_to_f1
from ..operators import camera
from ..properties import SETTINGS_VERSION
from . import match, references, validation
from .progress import draw_job, draw_latest, draw_running


class Section:
    """What all sections share."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Similarity"
    bl_translation_context = CONTEXT
    page = "tutorial.html"
    """The manual's page on the section, below docs/."""

    def draw_header_preset(self, _context: bpy.types.Context) -> None:
        """Draw the link to the manual at the right of the header; Blender calls this."""
        row = self.layout.row()  # type: ignore[attr-defined]
        row.operator("simsearch.open_manual", text="", icon="HELP", emboss=False).page = self.page


class SIMSEARCH_UL_classes(bpy.types.UIList):
    def draw_item(
        self,
        _context: bpy.types.Context,
        layout: bpy.types.UILayout,
        _data: object,
        item: bpy.types.PropertyGroup,
        _icon: int,
        _active_data: object,
        _active_property: str,
        index: int,
    ) -> None:
        listed = [entry.collection.name for entry in item.collections if entry.collection]
        shows = ", ".join(listed) or translated("nothing")
        row = layout.row(align=True)
        name = row.split(factor=0.62, align=True) if shows != item.name else row
        name.prop(item, "name", text="", emboss=False, icon="BOOKMARKS")
        if shows != item.name:
            label = name.row()
            label.active = False
            label.label(text=shows)
        row.operator("simsearch.show_class", text="", icon="HIDE_OFF", emboss=False).index = index


BUTTONS = {
    "Parts": "import_cad", "Camera": "camera_from_view", "Region": "mark_region",
    "Classes": "class_from_selection", "Database": "build", "F1": "validate",
    "": "open_report",
}  # fmt: skip
"""The operator that does a step; the last is for when all are done."""
ALL_DONE = "Everything is there. Classify a photo under One Photo, or open the report."


def draw_step_button(layout: bpy.types.UILayout, scene: bpy.types.Scene, step: str) -> None:
    """The button or the field that does the step; where it cannot be pressed yet, its tooltip says why."""
    row = layout.row()
    if step == "F1" and checklist.photos_step(scene):
        row.prop(scene.simsearch, "photos_directory", text="")
    elif step == "Output" and scene.simsearch.output_directory.startswith("//"):
        row.operator("wm.save_mainfile", text="Save File", icon="FILE_TICK")
    elif step in BUTTONS:
        row.operator(f"simsearch.{BUTTONS[step]}")
        if step == "Parts":
            row.operator("simsearch.open_example")
    else:
        row.label()


class SIMSEARCH_PT_steps(Section, bpy.types.Panel):
    """The way from CAD to F1 and where the scene stands on it, above all sections and in sight whatever is folded."""

    bl_label = "Next Step"

    def draw(self, context: bpy.types.Context) -> None:
        layout, scene = self.layout, context.scene
        if scene.simsearch.settings_version > SETTINGS_VERSION:
            paragraph(
                layout,
                "This file was saved with a newer version of the extension; update it before you save.",
                context,
            )
        way = way_to_f1(scene)
        box = layout.box()
        grid = box.grid_flow(columns=2, even_columns=True, align=True)
        grid.scale_y = 0.8
        for name, missing in way:
            grid.label(text=name, icon="CHECKBOX_DEHLT" if missing else "CHECKBOX_HLT")
        if draw_running(box, context):
            return
        name, step = next(((name, missing) for name, missing in way if missing is not None), ("", None))
        # The same height at every step, so that no button moves away under the mouse.
        paragraph(box, f"{translated(step)}." if step else ALL_DONE, context, "FORWARD" if step else "NONE", least=3)
        draw_step_button(box, scene, name)


class SIMSEARCH_PT_cad(Section, bpy.types.Panel):
    bl_label = "CAD & Materials"
    page = "tutorial.html#1-cad"

    def draw(self, _context: bpy.types.Context) -> None:
        layout = self.layout
        column = layout.column(align=True)
        column.operator("simsearch.import_cad", icon="IMPORT")
        column.operator_menu_enum("simsearch.new_station", "kind", icon="OUTLINER_OB_CAMERA")
        column = layout.column(align=True)
        column.operator_menu_enum("simsearch.apply_material", "finish", text="Basic Material", icon="MATERIAL")
        column.operator("simsearch.choose_material_photo", icon="EYEDROPPER")
        column = layout.column(align=True)
        column.operator("simsearch.add_lighting", icon="LIGHT_AREA")
        column.operator("simsearch.set_background", icon="WORLD").table = False
        column.operator("simsearch.set_background", text="Background and Table", icon="MESH_PLANE").table = True
        column.operator("simsearch.lay_on_table", icon="ANCHOR_BOTTOM")


class SIMSEARCH_PT_camera(Section, bpy.types.Panel):
    bl_label = "Camera & Region"
    page = "tutorial.html#2-camera-and-region"

    def draw(self, context: bpy.types.Context) -> None:
        from ..scene.view import nominal_camera  # here, as it brings numpy

        layout, scene = self.layout, context.scene
        settings = scene.simsearch
        layout.use_property_split = True
        layout.use_property_decorate = False
        column = layout.column(align=True)
        column.prop(settings, "camera", placeholder=translated("Scene's" if scene.camera else "None yet"))
        column.operator("simsearch.camera_from_view", icon="VIEW_CAMERA")
        nominal = None if checklist.camera_step(scene) else nominal_camera(scene)
        backdrops = list(nominal.data.background_images) if nominal and nominal.type == "CAMERA" else []
        row = column.row(align=True)
        row.operator("simsearch.photo_backdrop", icon="IMAGE_BACKGROUND")
        if backdrops:
            row.operator("simsearch.remove_backdrop", text="", icon="X")
            column.prop(backdrops[0], "alpha", text="Opacity", slider=True)
            column.operator_menu_enum("simsearch.match_camera", "focal", icon="CON_CAMERASOLVER")
        column = layout.column(align=True)
        column.prop(settings, "region", text="Region")
        column.operator("simsearch.mark_region", icon="CUBE")

        row = layout.row(align=True)
        row.prop(settings, "show_overlay", text="Show Poses", toggle=True, icon="OUTLINER_OB_CAMERA")
        row.operator("simsearch.step_pose", text="", icon="TRIA_LEFT").step = -1
        row.operator("simsearch.step_pose", text="", icon="TRIA_RIGHT").step = 1
        row.operator("simsearch.leave_poses", text="", icon="LOOP_BACK")
        preview = camera.pose_camera(scene)
        if preview is not None:
            layout.label(
                text=translated(f"Pose {preview[camera.POSE_INDEX] + 1} of {settings.render.images_per_class}")
            )


class SIMSEARCH_PT_jitter(Section, bpy.types.Panel):
    bl_label = "Jitter"
    page = "tutorial.html#2-camera-and-region"
    bl_parent_id = "SIMSEARCH_PT_camera"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, jitter = self.layout, context.scene.simsearch.jitter
        row = layout.row(align=True)
        for amount, text in (("SMALL", "Small"), ("MEDIUM", "Medium"), ("LARGE", "Large")):
            row.operator("simsearch.set_jitter", text=text).amount = amount
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(jitter, "location")
        layout.prop(jitter, "rotation")
        column = layout.column(align=True)
        for name in ("light_angle", "light_strength", "background", "material"):
            column.prop(jitter, name)
        column = layout.column(align=True)
        column.prop(jitter, "min_visible")
        column.prop(jitter, "min_unoccluded", text="Least in Sight")
        column.prop(jitter, "seed")


class SIMSEARCH_PT_classes(Section, bpy.types.Panel):
    bl_label = "Classes"
    page = "tutorial.html#3-classes"

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.simsearch
        if not settings.classes:
            paragraph(
                layout,
                "A class is a label that photos get. Select a part and make a class of it; a class that "
                "shows nothing stands for the absent part.",
                context,
            )
        row = layout.row()
        row.template_list(
            "SIMSEARCH_UL_classes",
            "",
            settings,
            "classes",
            settings,
            "active_class_index",
            rows=4 if settings.classes else 2,
        )
        column = row.column(align=True)
        column.operator("simsearch.add_class", text="", icon="ADD")
        column.operator("simsearch.remove_class", text="", icon="REMOVE")
        column.separator()
        column.operator("simsearch.move_class", text="", icon="TRIA_UP").direction = "UP"
        column.operator("simsearch.move_class", text="", icon="TRIA_DOWN").direction = "DOWN"
        column = layout.column(align=True)
        column.operator("simsearch.class_from_selection", icon="OUTLINER_COLLECTION")
        column.operator("simsearch.add_pair", icon="MOD_BOOLEAN")
        if settings.classes:
            column.operator("simsearch.add_resting_positions", icon="RIGID_BODY")
        if settings.active_class_index < len(settings.classes):
            active = settings.classes[settings.active_class_index]
            box = layout.box()
            sentence = "{name} shows" if active.collections else "{name} shows nothing of its own"
            paragraph(box, translated(sentence).format(name=active.name), context)
            for index, entry in enumerate(active.collections):
                row = box.row(align=True)
                row.prop(entry, "collection", text="")
                row.operator("simsearch.remove_class_collection", text="", icon="REMOVE").index = index
            box.operator("simsearch.add_class_collection", icon="ADD")


class SIMSEARCH_PT_match(Section, bpy.types.Panel):
    bl_label = "Match Look"
    page = "accuracy.html"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.simsearch
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(settings, "match_directory", text="Photos", placeholder=translated("Validation's"))
        column.operator("simsearch.match_look", icon="SHADERFX")
        draw_job(layout, context, "Match Look")
        match.draw_match(layout, context)


class SIMSEARCH_PT_references(Section, bpy.types.Panel):
    bl_label = "References"
    page = "tutorial.html#4-references"

    def draw(self, context: bpy.types.Context) -> None:
        layout, scene = self.layout, context.scene
        settings = scene.simsearch
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(settings.render, "images_per_class", text="Images")
        column.prop(settings.render, "resolution")
        column.prop(settings.render, "samples")
        column.prop(settings, "output_directory")
        row = layout.row(align=True)
        row.operator("simsearch.check", icon="CHECKMARK")
        row.operator("simsearch.preview", icon="RENDER_STILL")
        references.draw_problems(layout, context)
        column = layout.column(align=True)
        main = column.row()
        main.scale_y = 1.5
        main.operator("simsearch.build", icon="FILE_CACHE")
        column.operator("simsearch.render", icon="RENDER_RESULT")
        draw_latest(layout, context)
        draw_job(layout, context, "Preview", "Render References", "Build Database")
        references.draw_preview(layout, context)
        references.draw_references(layout, context)


class SIMSEARCH_PT_validation(Section, bpy.types.Panel):
    bl_label = "Validation"
    page = "tutorial.html#5-f1"

    def draw(self, context: bpy.types.Context) -> None:
        layout, scene = self.layout, context.scene
        settings = scene.simsearch
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(settings, "photos_directory")
        column.prop(settings, "negatives_directory")
        column.prop(settings, "explain")
        row = layout.row()
        row.scale_y = 1.5
        row.operator("simsearch.validate", icon="VIEWZOOM")
        draw_job(layout, context, "Validate")
        preferences.draw_encoder(layout, context)


class SIMSEARCH_PT_result(Section, bpy.types.Panel):
    bl_label = "Result"
    page = "accuracy.html"
    bl_parent_id = "SIMSEARCH_PT_validation"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return bool(context.scene.simsearch.results.validation)

    def draw(self, context: bpy.types.Context) -> None:
        validation.draw_validation(self.layout, context)


class SIMSEARCH_PT_photo(Section, bpy.types.Panel):
    bl_label = "One Photo"
    page = "tutorial.html#5-f1"
    bl_parent_id = "SIMSEARCH_PT_validation"

    def draw(self, context: bpy.types.Context) -> None:
        layout, scene = self.layout, context.scene
        column = layout.column(align=True)
        column.prop(scene.simsearch, "photo", text="")
        column.prop(scene.simsearch, "reject")
        column.operator("simsearch.classify", icon="QUESTION")
        draw_job(layout, context, "Classify")
        validation.draw_classification(layout, context)


class SIMSEARCH_PT_comparison(Section, bpy.types.Panel):
    bl_label = "How Photos Are Compared"
    page = "accuracy.html"
    bl_parent_id = "SIMSEARCH_PT_validation"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.simsearch
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "model")
        layout.prop(settings, "precision")
        layout.prop(settings, "k")
        crop = layout.column(align=True)
        for index, side in enumerate(("Crop Left", "Top", "Width", "Height")):
            crop.prop(settings, "crop", index=index, text=side)
        crop.operator("simsearch.crop_from_region", icon="SELECT_SET")
        layout.prop(settings, "white_level")


CLASSES = (
    SIMSEARCH_UL_classes,
    SIMSEARCH_PT_steps,
    SIMSEARCH_PT_cad,
    SIMSEARCH_PT_camera,
    SIMSEARCH_PT_jitter,
    SIMSEARCH_PT_classes,
    SIMSEARCH_PT_match,
    SIMSEARCH_PT_references,
    SIMSEARCH_PT_validation,
    SIMSEARCH_PT_result,
    SIMSEARCH_PT_photo,
    SIMSEARCH_PT_comparison,
)
