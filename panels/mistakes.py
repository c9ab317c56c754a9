# SPDX-License-Identifier: GPL-3.0-or-later
"""The popup of misclassified photos."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ..inference.errors import InputError
from ..inference.files import shown
from ..inference.output_folder import PREDICTIONS
from ..interface import checklist, thumbnails
from ..interface.translations import translated
from ..interface.words import counted
from ..operators.validation import result_step

if TYPE_CHECKING:
    from ..inference.predictions import Prediction

MOST = 8
"""Misclassified photos that the popup has room for."""


@dataclass(frozen=True)
class Mistake:
    """A misclassified photo with its prediction, and the image of its most similar reference."""

    photo: Path
    reference: Path
    prediction: "Prediction"


def mistakes(scene: bpy.types.Scene) -> list[Mistake]:
    """The misclassified photos of the last validation, the most similar to a reference first."""
    from ..inference.predictions import read_predictions  # late, so that Blender starts fast

    photos, folder = checklist.absolute(scene.simsearch.photos_directory), checklist.output_folder(scene)
    wrong = [
        prediction
        for prediction in read_predictions(folder.validation.predictions)
        if prediction.true != prediction.predicted
    ]
    wrong.sort(key=lambda prediction: -prediction.similarity)
    return [Mistake(photos / one.photo, folder.path / one.nearest, one) for one in wrong]


def described(prediction: "Prediction") -> str:
    """True and predicted class in words."""
    return translated(f"{prediction.true}, classified as {prediction.predicted}")


class SIMSEARCH_OT_show_mistakes(bpy.types.Operator):
    bl_idname = "simsearch.show_mistakes"
    bl_label = "Show Mistakes"
    bl_description = "Show the misclassified photos, each beside its most similar reference"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return checklist.allowed(cls, result_step(context.scene, PREDICTIONS))

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            self.found = mistakes(context.scene)
        except InputError as error:
            self.report({"ERROR"}, translated(str(error)))
            return {"CANCELLED"}
        if not self.found:
            self.report({"INFO"}, translated("No photo was misclassified"))
            return {"FINISHED"}
        if bpy.app.background:
            for mistake in self.found:
                self.report({"INFO"}, translated(f"{shown(mistake.photo)}: {described(mistake.prediction)}"))
            return {"FINISHED"}
        return set(context.window_manager.invoke_popup(self, width=460))

    def draw(self, _context: bpy.types.Context) -> None:
        self.layout.label(
            text=translated(
                f"{counted(len(self.found), 'photo')} {'was' if len(self.found) == 1 else 'were'} misclassified"
            )
        )
        grid = self.layout.grid_flow(row_major=True, columns=2, even_columns=True)
        for mistake in self.found[:MOST]:
            cell = grid.box()
            row = cell.row(align=True)
            row.template_icon(thumbnails.icon(mistake.photo), scale=4)
            row.template_icon(thumbnails.icon(mistake.reference), scale=4)
            cell.label(text=described(mistake.prediction))
            cell.label(text=translated(f"{shown(mistake.photo.name)}, similarity {mistake.prediction.similarity:.3f}"))
        if len(self.found) > MOST:
            self.layout.label(text=translated(f"and {len(self.found) - MOST} more in the report"))


CLASSES = (SIMSEARCH_OT_show_mistakes,)
