# SPDX-License-Identifier: GPL-3.0-or-later
# mypy: disable-error-code="valid-type"
"""Mark the region of interest, in the scene and in photos."""

import bpy
from bpy.props import BoolProperty, FloatProperty

from ..interface import checklist
from ..interface.translations import translated
from ..scene import parts
from ..scene.rendered_objects import in_scene


class SIMSEARCH_OT_mark_region(bpy.types.Operator):
    bl_idname = "simsearch.mark_region"
    bl_label = "Region from Selection"
    bl_description = (
        "Mark what every photo shows: a box around the selected parts that is never rendered. Move and "
        "scale it like any object"
    )
    bl_options = {"REGISTER", "UNDO"}

    margin: FloatProperty(
        name="Margin",
        description="How much larger than the selected parts the box is",
        default=0.1,
        min=0.0,
        soft_max=1.0,
        subtype="FACTOR",
    )
    whole: BoolProperty(
        name="Deepest Class",
        description="Along the camera's view, make the box as deep as the deepest class, so that no part is ever cut off. "
        "Otherwise it is as deep as the typical class, and one part that stands on edge does not make all others small",
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return checklist.allowed(
            cls,
            None
            if parts.parts_among(context.scene, context.selected_objects)
            else "Select the parts that every photo shows first",
        )

    def execute(self, context: bpy.types.Context) -> set[str]:
        scene = context.scene
        region = scene.simsearch.region
        selected = parts.parts_among(scene, context.selected_objects)
        low, high = parts.bounding_box(selected)
        camera = scene.simsearch.camera or scene.camera
        if camera is not None and not self.whole:
            toward = camera.matrix_world.col[2]
            axis = max(range(3), key=lambda index: abs(toward[index]))
            low, high, outside = parts.box_of_classes(scene, selected, axis)
            if outside:
                self.report(
                    {"INFO"},
                    translated(
                        f"{', '.join(outside)}: deeper than the typical class and may be cut off at the edge of the picture. "
                        "Choose Deepest Class in Adjust Last Operation to prevent it."
                    ),
                )
        if not in_scene(scene, region) or region.type != "EMPTY":
            region = bpy.data.objects.new("Region of Interest", None)
            scene.collection.objects.link(region)
        region.empty_display_type, region.empty_display_size = "CUBE", 1.0
        region.parent, region.rotation_euler = None, (0.0, 0.0, 0.0)
        region.location = (low + high) / 2
        # A flat selection still gets a box with a volume.
        thinnest = 0.01 * (high - low).length
        region.scale = [max(extent, thinnest) / 2 * (1 + self.margin) for extent in high - low]
        scene.simsearch.region = region
        return {"FINISHED"}


class SIMSEARCH_OT_crop_from_region(bpy.types.Operator):
    bl_idname = "simsearch.crop_from_region"
    bl_label = "Crop from Render Region"
    bl_description = (
        "Use the render region, drawn with Ctrl B in the camera view over a photo behind it, as the part of every "
        "photo that counts"
    )
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        drawn = context.scene.render.use_border
        return checklist.allowed(
            cls, None if drawn else "Draw a region first: Ctrl B in the camera view, over the photo"
        )

    def execute(self, context: bpy.types.Context) -> set[str]:
        render = context.scene.render
        width, height = render.border_max_x - render.border_min_x, render.border_max_y - render.border_min_y
        if width <= 0 or height <= 0:
            self.report({"ERROR"}, translated("The render region is empty. Draw it again with Ctrl B."))
            return {"CANCELLED"}
        # Blender counts from below, photos from above.
        context.scene.simsearch.crop = (render.border_min_x, 1 - render.border_max_y, width, height)
        render.use_border = False
        return {"FINISHED"}


CLASSES = (SIMSEARCH_OT_mark_region, SIMSEARCH_OT_crop_from_region)
