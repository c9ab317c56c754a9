# SPDX-License-Identifier: GPL-3.0-or-later
# mypy: disable-error-code="valid-type"
"""Mark the region of interest."""

import bpy
from bpy.props import FloatProperty

from ..scene import lighting
from . import steps


class SIMSEARCH_OT_mark_region(bpy.types.Operator):
    bl_idname = "simsearch.mark_region"
    bl_label = "Region from Selection"
    bl_description = (
        "Mark what every photo shows: a box around the selected objects that is never rendered. Move and "
        "scale it like any object"
    )
    bl_options = {"REGISTER", "UNDO"}

    margin: FloatProperty(
        name="Margin",
        description="How much larger than the selection the box is",
        default=0.1,
        min=0.0,
        soft_max=1.0,
        subtype="FACTOR",
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return steps.allowed(
            cls, None if context.selected_objects else "Select the objects that every photo shows first"
        )

    def execute(self, context: bpy.types.Context) -> set[str]:
        scene = context.scene
        old = scene.simsearch.region
        low, high = lighting.bounding_box(item for item in context.selected_objects if item != old)
        region = old
        if region is None or region.type != "EMPTY" or region.name not in scene.objects:
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


CLASSES = (SIMSEARCH_OT_mark_region,)
