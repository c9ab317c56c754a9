# SPDX-License-Identifier: GPL-3.0-or-later
# mypy: disable-error-code="valid-type"
"""Validation: score the references on real photos, classify one photo, open the report."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import BoolProperty

from ..inference.errors import InputError
from ..inference.files import meant_class, shown, stray_folders
from ..inference.output_folder import REPORT
from ..interface import checklist, stored_results
from ..interface.job_operator import JobOperator
from ..interface.translations import translated
from ..interface.words import counted

if TYPE_CHECKING:
    from ..inference.job_results import ClassifyResult
    from ..inference.validation_result import ValidationResult

MOST_STRAYS = 5
"""So many folders of no class are named."""


class SIMSEARCH_OT_validate(JobOperator):
    bl_idname = "simsearch.validate"
    bl_label = "Validate against real images"
    bl_description = (
        "Classify every photo of the folder and compare with the sub-folder it lies in: F1 per class and macro F1"
    )
    title = "Validate"

    leave_out: BoolProperty(
        name="Leave Out Other Folders",
        description="Leave out the sub-folders that bear the name of no class",
        options={"SKIP_SAVE"},
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask about sub-folders of no class first."""
        photos, labels = (
            checklist.absolute(context.scene.simsearch.photos_directory),
            [item.name for item in context.scene.simsearch.classes],
        )
        try:
            strays = [] if self.leave_out or bpy.app.background else stray_folders(photos, labels)
        except InputError:  # the job tells it
            strays = []
        if not strays:
            return set(super().invoke(context, event))

        def draw(menu: bpy.types.Menu, _context: bpy.types.Context) -> None:
            column = menu.layout.column()
            column.operator_context = "INVOKE_DEFAULT"
            meant = {stray: found for stray in strays if (found := meant_class(stray, photos, labels)) is not None}
            for stray, found in list(meant.items())[:MOST_STRAYS]:
                rename = column.operator(
                    "simsearch.rename_classes", text=translated(f"Rename the class {found} to {stray}")
                )
                rename.old, rename.new = found, stray
            if len(meant) > 1:
                rename = column.operator(
                    "simsearch.rename_classes", text=translated(f"Rename all {len(meant)} classes")
                )
                rename.old, rename.new = "\n".join(meant.values()), "\n".join(meant)
            column.operator("simsearch.validate", text="Leave them out and validate").leave_out = True

        names = ", ".join(map(shown, strays[:MOST_STRAYS])) + (", …" if len(strays) > MOST_STRAYS else "")
        context.window_manager.popup_menu(draw, title=translated(f"Folders of no class: {names}"), icon="QUESTION")
        return {"CANCELLED"}

    @classmethod
    def missing(cls, scene: bpy.types.Scene) -> str | None:
        return checklist.photos_step(scene) or checklist.database_step(scene)

    def arguments(self, context: bpy.types.Context) -> list[str]:
        scene = context.scene
        return [
            "validate",
            "--database",
            str(checklist.database(scene)),
            "--photos",
            str(checklist.absolute(scene.simsearch.photos_directory)),
            "--output",
            str(validation_folder(scene)),
            "--k",
            str(scene.simsearch.k),
            "--model",
            scene.simsearch.model,
            "--precision",
            scene.simsearch.precision,
            *checklist.reading_options(scene),
            "--fresh",  # the folder is the sidebar's own, which says what result it shows
            *(["--negatives", negatives] if (negatives := _negatives(scene)) else []),
            *(["--leave-out"] if self.leave_out else []),
            *(["--explain"] if scene.simsearch.explain else []),
        ]

    def read(self, content: dict[str, Any]) -> Any:
        from ..inference.validation_result import ValidationResult  # late, so that Blender starts fast

        return ValidationResult.from_json(content)

    def store(self, scene: bpy.types.Scene, result: "ValidationResult") -> str:
        stored_results.keep(scene, "validation", result, "database", "photos")
        return f"Macro F1 {result.macro_f1:.3f} on {counted(result.photos, 'photo')}"


class SIMSEARCH_OT_classify(JobOperator):
    bl_idname = "simsearch.classify"
    bl_label = "Classify Photo"
    bl_description = "Say which class the photo shows, with the votes and the most similar references"
    title = "Classify"

    @classmethod
    def missing(cls, scene: bpy.types.Scene) -> str | None:
        return checklist.database_step(scene) or (None if scene.simsearch.photo else "Choose a photo first")

    def arguments(self, context: bpy.types.Context) -> list[str]:
        scene = context.scene
        return [
            "classify",
            "--database",
            str(checklist.database(scene)),
            "--k",
            str(scene.simsearch.k),
            "--model",
            scene.simsearch.model,
            "--precision",
            scene.simsearch.precision,
            *checklist.reading_options(scene),
            "--evidence",
            str(checklist.output_folder(scene).evidence),
            *(["--threshold", str(threshold)] if (threshold := rejection_threshold(scene)) is not None else []),
            str(checklist.absolute(scene.simsearch.photo)),
        ]

    def read(self, content: dict[str, Any]) -> Any:
        from ..inference.job_results import ClassifyResult  # late, so that Blender starts fast

        return ClassifyResult.from_json(content)

    def store(self, scene: bpy.types.Scene, result: "ClassifyResult") -> str:
        (photo,) = result.photos
        stored_results.keep(scene, "classification", photo, "database")
        nearest = photo.verdict.neighbours[0]
        return f"{photo.verdict.predicted}; most like a reference of {nearest.label}, {nearest.similarity:.3f}"


class SIMSEARCH_OT_open_report(bpy.types.Operator):
    bl_idname = "simsearch.open_report"
    bl_label = "Open Report"
    bl_description = "Open the validation report in the web browser"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return checklist.allowed(cls, result_step(context.scene, REPORT))

    def execute(self, context: bpy.types.Context) -> set[str]:
        bpy.ops.wm.path_open(filepath=str(validation_folder(context.scene) / REPORT))
        return {"FINISHED"}


def _negatives(scene: bpy.types.Scene) -> str | None:
    """The folder of photos of no class, if there is one."""
    folder = scene.simsearch.negatives_directory
    return str(checklist.absolute(folder)) if folder else None


def rejection_threshold(scene: bpy.types.Scene) -> float | None:
    """The familiarity below which one photo is unknown, where that is wanted and a validation has chosen it from negatives."""
    validation = stored_results.load(scene, "validation") if scene.simsearch.reject else None
    unknown = validation.unknown if validation else None
    return unknown.threshold if unknown and unknown.source == "negatives" else None


def validation_folder(scene: bpy.types.Scene) -> Path:
    """Where the results of the last validation lie."""
    return checklist.output_folder(scene).validation.path


def result_step(scene: bpy.types.Scene, name: str) -> str | None:
    """What must be done before this file of the last validation can be shown."""
    missing = checklist.folder_step(scene)
    if missing is None and not (validation_folder(scene) / name).is_file():
        return "Validate against real images first"
    return missing


CLASSES = (SIMSEARCH_OT_validate, SIMSEARCH_OT_classify, SIMSEARCH_OT_open_report)
