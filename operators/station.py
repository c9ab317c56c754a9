# SPDX-License-Identifier: GPL-3.0-or-later
# mypy: disable-error-code="valid-type"
"""A station to start from: lamps, background, camera, region, jitter and classes for the imported parts at once."""

import shutil
from pathlib import Path

import bpy
from bpy.props import EnumProperty

from ..interface import checklist
from ..interface.translations import translated
from ..scene.parts import bounding_box, parts, parts_among
from ..scene.view_from_above import camera_above
from .camera import square_frame

EXAMPLE = Path(__file__).resolve().parents[1] / "example"
PRESENCE = "Select the part that may be absent, and not the body that it sits on"


class SIMSEARCH_OT_new_station(bpy.types.Operator):
    bl_idname = "simsearch.new_station"
    bl_label = "New Station"
    bl_description = (
        "Set up lamps, background, a camera above, the region, jitter and classes for the parts at once. Change each of them "
        "afterwards"
    )
    bl_options = {"REGISTER", "UNDO"}

    kind: EnumProperty(
        name="Station",
        description="What the station does",
        items=(
            (
                "TABLE",
                "Parts on a Table",
                "Tell apart parts that lie on a table: a class for each, and one for the empty table",
            ),
            (
                "PRESENCE",
                "Presence Check",
                "Tell whether the selected part is there: the other parts are always in sight",
            ),
        ),
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return checklist.allowed(cls, None if parts(context.scene) else checklist.IMPORT)

    def execute(self, context: bpy.types.Context) -> set[str]:
        scene, ops = context.scene, bpy.ops.simsearch
        if self.kind == "PRESENCE":
            selected = parts_among(scene, context.selected_objects)
            if not selected or len(selected) == len(parts(scene)):
                self.report({"ERROR"}, translated(f"{PRESENCE}."))
                return {"CANCELLED"}
        else:
            selected = parts(scene)  # also those that were imported before the one that is selected
            for item in selected:
                item.select_set(True)
            ops.lay_on_table()
        if not scene.simsearch.classes:
            self._classes(scene)
        ops.add_lighting()
        ops.set_background(table=self.kind == "TABLE")
        scene.camera = scene.simsearch.camera = camera_above(scene, *bounding_box(selected))
        square_frame(scene)
        ops.mark_region()
        ops.set_jitter(amount="MEDIUM")
        if context.region_data:
            context.region_data.view_perspective = "CAMERA"
        return {"FINISHED"}

    def _classes(self, scene: bpy.types.Scene) -> None:
        if self.kind == "PRESENCE":
            bpy.ops.simsearch.add_pair()
        else:
            bpy.ops.simsearch.class_from_selection(count="EACH")
            bpy.ops.simsearch.add_class()
            scene.simsearch.classes[-1].name = "empty table"


class SIMSEARCH_OT_open_example(bpy.types.Operator):
    bl_idname = "simsearch.open_example"
    bl_label = "Open Example"
    bl_description = (
        "Open a station that is set up, with simulated photos, to try the whole way: then press Build Database and Validate. "
        "Your copy of it is kept with your Blender settings"
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask first where changes would be lost."""
        if bpy.data.is_dirty:
            return set(context.window_manager.invoke_confirm(self, event, message="Unsaved changes will be lost"))
        return self.execute(context)

    def execute(self, _context: bpy.types.Context) -> set[str]:
        folder = Path(bpy.utils.user_resource("DATAFILES", path="similarity_search_example"))
        if not (folder / "station.blend").is_file():
            shutil.copytree(EXAMPLE, folder, dirs_exist_ok=True)
        bpy.ops.wm.open_mainfile(filepath=str(folder / "station.blend"), load_ui=False)
        for window in bpy.context.window_manager.windows:
            for area in window.screen.areas:
                if area.type == "VIEW_3D":
                    area.spaces.active.region_3d.view_perspective = "CAMERA"
        return {"FINISHED"}


CLASSES = (SIMSEARCH_OT_new_station, SIMSEARCH_OT_open_example)
