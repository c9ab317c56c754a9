# SPDX-License-Identifier: GPL-3.0-or-later
# mypy: disable-error-code="valid-type"
"""Stop the running job, and open the log of the last one and pictures that jobs made."""

import bpy
from bpy.props import StringProperty

from ..interface import checklist, child_job


class SIMSEARCH_OT_cancel_job(bpy.types.Operator):
    bl_idname = "simsearch.cancel_job"
    bl_label = "Cancel"
    bl_description = "Stop the running job; what was finished stays, and the next run goes on from there"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        return checklist.allowed(cls, None if child_job.running() else "No job is running")

    def execute(self, _context: bpy.types.Context) -> set[str]:
        assert child_job.latest is not None
        child_job.latest.ask_to_stop()
        return {"FINISHED"}


class SIMSEARCH_OT_show_log(bpy.types.Operator):
    bl_idname = "simsearch.show_log"
    bl_label = "Open Log"
    bl_description = "Open what the last job wrote, to find out why it failed"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        there = child_job.latest is not None and child_job.latest.log.is_file()
        return checklist.allowed(cls, None if there else "No job has run since Blender was started")

    def execute(self, _context: bpy.types.Context) -> set[str]:
        assert child_job.latest is not None
        bpy.ops.wm.path_open(filepath=str(child_job.latest.log))
        return {"FINISHED"}


class SIMSEARCH_OT_open_picture(bpy.types.Operator):
    bl_idname = "simsearch.open_picture"
    bl_label = "Open Picture"
    bl_description = "Open the picture in the system's image viewer"

    path: StringProperty(name="Picture", description="The file", subtype="FILE_PATH", options={"SKIP_SAVE"})

    def execute(self, _context: bpy.types.Context) -> set[str]:
        bpy.ops.wm.path_open(filepath=self.path)
        return {"FINISHED"}


CLASSES = (SIMSEARCH_OT_cancel_job, SIMSEARCH_OT_show_log, SIMSEARCH_OT_open_picture)
