# SPDX-License-Identifier: GPL-3.0-or-later
# mypy: disable-error-code="valid-type"
"""The manual, which lies in the extension's folder and needs no network."""

from pathlib import Path

import bpy
from bpy.props import StringProperty

from ..interface import checklist

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = (ROOT / "manual", ROOT / "build" / "documentation" / "site")
"""Where the pages lie: in the extension, and in a clone where ``make docs`` was run."""
ABSENT = "This copy of the extension came without its manual"


class SIMSEARCH_OT_open_manual(bpy.types.Operator):
    bl_idname = "simsearch.open_manual"
    bl_label = "Manual"
    bl_description = "Open the manual's page on this in the web browser. No network is needed"

    page: StringProperty(
        name="Page", description="File of the page below docs/, and a heading after #", default="tutorial.html"
    )

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        return checklist.allowed(cls, None if any(folder.is_dir() for folder in FOLDERS) else ABSENT)

    def execute(self, _context: bpy.types.Context) -> set[str]:
        folder = next(folder for folder in FOLDERS if folder.is_dir())
        page, _, heading = self.page.partition("#")
        bpy.ops.wm.url_open(url=f"{(folder / 'docs' / page).as_uri()}#{heading}")
        return {"FINISHED"}


CLASSES = (SIMSEARCH_OT_open_manual,)
