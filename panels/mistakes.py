# SPDX-License-Identifier: GPL-3.0-or-later
"""The popup of photos that were taken for another class."""

from dataclasses import dataclass
from pathlib import Path

import bpy

from ..interface import checklist, thumbnails
from ..operators.validation import report_step, validation_folder

MOST = 8
"""Mistakes that the popup has room for."""


@dataclass(frozen=True)
class Mistake:
    """A photo that was taken for another class, and its most similar reference."""

    photo: Path
    true: str
    predicted: str
    reference: Path
    similarity: float


def mistakes(scene: bpy.types.Scene) -> list[Mistake]:
    """The wrong verdicts of the last validation, the most certain first."""
    from ..inference.validation import read_predictions

    photos = checklist.absolute(scene.simsearch.photos_directory)
    found = [
        Mistake(
            photos / row["path"],
            row["true"],
            row["predicted"],
            checklist.output_folder(scene) / row["reference_1"],
            float(row["similarity_1"]),
        )
        for row in read_predictions(validation_folder(scene) / "predictions.csv")
        if row["true"] != row["predicted"]
    ]
    return sorted(found, key=lambda mistake: -mistake.similarity)


class SIMSEARCH_OT_show_mistakes(bpy.types.Operator):
    bl_idname = "simsearch.show_mistakes"
    bl_label = "Show Mistakes"
    bl_description = "Show the photos that were taken for another class, each beside its most similar reference"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return checklist.allowed(cls, report_step(context.scene, "predictions.csv"))

    def execute(self, context: bpy.types.Context) -> set[str]:
        self.found = mistakes(context.scene)
        if not self.found:
            self.report({"INFO"}, "There are no mistakes to show")
            return {"FINISHED"}
        if bpy.app.background:
            for mistake in self.found:
                self.report({"INFO"}, f"{mistake.photo}: {mistake.true} taken for {mistake.predicted}")
            return {"FINISHED"}
        return set(context.window_manager.invoke_popup(self, width=460))

    def draw(self, _context: bpy.types.Context) -> None:
        self.layout.label(
            text=f"{len(self.found)} photos were taken for another class"
            if len(self.found) > 1
            else "One photo was taken for another class"
        )
        grid = self.layout.grid_flow(row_major=True, columns=2, even_columns=True)
        for mistake in self.found[:MOST]:
            cell = grid.box()
            row = cell.row(align=True)
            row.template_icon(thumbnails.icon(mistake.photo), scale=4)
            row.template_icon(thumbnails.icon(mistake.reference), scale=4)
            cell.label(text=f"{mistake.true}, taken for {mistake.predicted}")
            cell.label(text=f"{mistake.photo.name}, similarity {mistake.similarity:.3f}")
        if len(self.found) > MOST:
            self.layout.label(text=f"and {len(self.found) - MOST} more in the report")


CLASSES = (SIMSEARCH_OT_show_mistakes,)
