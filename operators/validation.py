# SPDX-License-Identifier: GPL-3.0-or-later
"""Validation: score the references on real photos, classify one photo, open what was found."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ..inference.errors import InputError
from . import job, results, steps


class SIMSEARCH_OT_validate(job.JobOperator):
    bl_idname = "simsearch.validate"
    bl_label = "Validate against real images"
    bl_description = (
        "Classify every photo of the folder and compare with the sub-folder it lies in: F1 per class and macro F1"
    )
    title = "Validate"

    @classmethod
    def missing(cls, scene: bpy.types.Scene) -> str | None:
        if not scene.simsearch.photos_directory:
            return "Choose the folder of real photos first"
        return steps.database_step(scene)

    def arguments(self, context: bpy.types.Context) -> list[str]:
        scene = context.scene
        photos = steps.absolute(scene.simsearch.photos_directory)
        if not photos.is_dir():
            raise InputError(f"The folder of photos {photos} does not exist. Choose another one.")
        return [
            "validate",
            "--database",
            str(steps.database(scene)),
            "--photos",
            str(photos),
            "--output",
            str(validation_folder(scene)),
            "--k",
            str(scene.simsearch.k),
            "--model",
            scene.simsearch.model,
            "--precision",
            scene.simsearch.precision,
            "--crop",
            steps.crop(scene),
            *(["--explain"] if scene.simsearch.explain else []),
        ]

    def store(self, scene: bpy.types.Scene, result: dict[str, Any]) -> str:
        results.keep(scene, "validation", result, "database", "photos")
        return f"Macro F1 {result['macro_f1']:.3f} on {result['photos']} photos"


class SIMSEARCH_OT_classify(job.JobOperator):
    bl_idname = "simsearch.classify"
    bl_label = "Classify Photo"
    bl_description = "Say which class the photo shows, with the votes and the most similar references"
    title = "Classify"

    @classmethod
    def missing(cls, scene: bpy.types.Scene) -> str | None:
        return steps.database_step(scene) or (None if scene.simsearch.photo else "Choose a photo first")

    def arguments(self, context: bpy.types.Context) -> list[str]:
        scene = context.scene
        return [
            "classify",
            "--database",
            str(steps.database(scene)),
            "--k",
            str(scene.simsearch.k),
            "--model",
            scene.simsearch.model,
            "--precision",
            scene.simsearch.precision,
            "--crop",
            steps.crop(scene),
            "--evidence",
            str(evidence_folder(scene)),
            str(steps.absolute(scene.simsearch.photo)),
        ]

    def store(self, scene: bpy.types.Scene, result: dict[str, Any]) -> str:
        (verdict,) = result["photos"]
        results.keep(scene, "classification", verdict, "database")
        nearest = verdict["neighbours"][0]
        return f"{verdict['predicted']}; most like a reference of {nearest['label']}, {nearest['similarity']:.3f}"


class SIMSEARCH_OT_open_report(bpy.types.Operator):
    bl_idname = "simsearch.open_report"
    bl_label = "Open Report"
    bl_description = "Open the validation report in the web browser"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return steps.allowed(cls, _report_step(context.scene, "report.html"))

    def execute(self, context: bpy.types.Context) -> set[str]:
        bpy.ops.wm.path_open(filepath=str(validation_folder(context.scene) / "report.html"))
        return {"FINISHED"}


class SIMSEARCH_OT_show_mistakes(bpy.types.Operator):
    bl_idname = "simsearch.show_mistakes"
    bl_label = "Show Mistakes"
    bl_description = "Show the photos that were taken for another class, each beside its most similar reference"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return steps.allowed(cls, _report_step(context.scene, "predictions.csv"))

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
        from ..panels.validation import draw_mistakes

        draw_mistakes(self.layout, self.found)


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
    photos = steps.absolute(scene.simsearch.photos_directory)
    from ..inference.validation import FORMULA_STARTS

    def plain(cell: str) -> str:  # without the mark that keeps spreadsheets from taking it for a formula
        return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA_STARTS) else cell

    with (validation_folder(scene) / "predictions.csv").open(encoding="utf-8", newline="") as file:
        rows = [{name: plain(cell) for name, cell in row.items()} for row in csv.DictReader(file)]
    found = [
        Mistake(
            photos / row["path"],
            row["true"],
            row["predicted"],
            steps.output_folder(scene) / row["reference_1"],
            float(row["similarity_1"]),
        )
        for row in rows
        if row["true"] != row["predicted"]
    ]
    return sorted(found, key=lambda mistake: -mistake.similarity)


def evidence_folder(scene: bpy.types.Scene) -> Path:
    """Where pictures lie of what a classified photo and its nearest reference differ in, by the photo's name."""
    return steps.output_folder(scene) / "evidence"


def validation_folder(scene: bpy.types.Scene) -> Path:
    """Where the last validation's report lies."""
    return steps.output_folder(scene) / "validation"


def _report_step(scene: bpy.types.Scene, name: str) -> str | None:
    missing = steps.folder_step(scene)
    if missing is None and not (validation_folder(scene) / name).is_file():
        return "Validate against real images first"
    return missing


CLASSES = (SIMSEARCH_OT_validate, SIMSEARCH_OT_classify, SIMSEARCH_OT_open_report, SIMSEARCH_OT_show_mistakes)
