# SPDX-License-Identifier: GPL-3.0-or-later
"""How a validation result and a classified photo are shown."""

from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ..inference.files import shown

if TYPE_CHECKING:
    from ..inference.validation_result import ValidationResult
    from ..inference.verdicts import Verdict
from ..interface import checklist, stored_results, thumbnails
from ..interface.paragraph import paragraph
from ..interface.translations import translated
from ..interface.words import RUNS_ON, counted
from .references import draw_outdated

PICTURES = 3
"""Photo, nearest reference and difference, side by side in the picture of a verdict's evidence."""
ROOMY = 340
"""Width of the sidebar, at scale 1, from which on a table has room for five columns."""
MOST_NEIGHBOURS, MOST_CLASSES, MOST_UNREADABLE = 5, 6, 5
ON_DARK = (110, 200, 110), (230, 180, 70), (230, 95, 85)
ON_LIGHT = (0, 90, 25), (105, 65, 0), (150, 15, 10)
"""Colours of a good, a fair and a poor F1, on the background of a dark and a light theme."""


def draw_validation(box: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Macro F1, one row per class, the confusion matrix and what could not be read."""
    scene = context.scene
    result = stored_results.load(scene, "validation")
    if result is None:
        return
    draw_outdated(box, context, "validation")
    draw_scores(box, result, context)
    paragraph(box, f"{result.model.name}: {result.model.weights}", context)
    draw_classes(box, result, context)
    draw_confusion(box, result, context)
    if result.unknown:
        rejected, unknown = sum(result.unknown.rejected.values()), result.unknown
        paragraph(
            box,
            f"Unknown are {unknown.negatives_rejected} of {unknown.negatives} photos of no class, and {rejected} of "
            f"{result.photos} photos of the classes.",
            context,
            icon="INFO",
        )
    for cause in result.gap.causes if result.gap else ():
        paragraph(box, cause.sentence, context, icon="INFO")
    if result.matched and result.matched.macro_f1_without is not None:
        count, without = result.matched.photos, result.matched.macro_f1_without
        paragraph(box, f"{without:.3f} without the {count} photos that the scene was matched to", context, icon="INFO")
    draw_notes(box, result, context)
    draw_unreadable(box, result, context)
    column = box.column(align=True)
    column.operator("simsearch.open_report", icon="URL")
    column.operator("simsearch.show_mistakes", icon="ZOOM_ALL")


def draw_scores(layout: bpy.types.UILayout, result: "ValidationResult", context: bpy.types.Context) -> None:
    """Macro F1 as a large figure, and what it was measured on."""
    text = context.preferences.themes[0].user_interface.wcol_box.text
    good, fair, poor = ON_DARK if sum(text) > 1.5 else ON_LIGHT
    colour = good if result.macro_f1 >= 0.95 else fair if result.macro_f1 >= 0.8 else poor
    row = layout.row()
    row.template_icon(thumbnails.figure(f"{result.macro_f1:.3f}", colour), scale=6)
    column = row.column()
    column.label(text="Macro F1")
    if result.macro_f1_interval:
        low, high = result.macro_f1_interval
        column.label(text=translated(f"{low:.3f} to {high:.3f} (95 %)"))
    column.label(text=translated(counted(result.photos, "photo")))
    column.label(text=translated(counted(result.k, "neighbour")))
    column.label(text=translated(f"accuracy {result.accuracy:.3f}"))
    if result.model.provider:
        column.label(text=translated(f"ran on {RUNS_ON[result.model.provider]}"))


def draw_classes(layout: bpy.types.UILayout, result: "ValidationResult", context: bpy.types.Context) -> None:
    """A row of scores for each class; precision and recall where there is room."""
    wide = context.region.width / context.preferences.system.ui_scale > ROOMY
    rows: list[tuple[str, ...]] = [("Class", "F1", *(("Prec.", "Recall") if wide else ()), "Photos")]
    for label, score in result.classes.items():
        figures = (score.f1, score.precision, score.recall) if wide else (score.f1,)
        rows.append((label, *(f"{figure:.3f}" for figure in figures), str(score.support)))
    column = layout.column(align=True)
    for first, *others in rows:
        split = column.split(factor=0.36, align=True)
        split.label(text=first)
        cells = split.row(align=True)
        for text in others:
            cells.label(text=text)


def draw_notes(layout: bpy.types.UILayout, result: "ValidationResult", context: bpy.types.Context) -> None:
    """What had to be assumed to read the photos: the white level, and the first of the other notes."""
    if result.white_level:
        paragraph(layout, f"White in photos that do not state it: {result.white_level}", context, icon="INFO")
    for note in result.notes[:MOST_UNREADABLE]:
        paragraph(layout, f"{shown(Path(note.path).name)}: {note.note}.", context, icon="INFO")


def draw_unreadable(layout: bpy.types.UILayout, result: "ValidationResult", context: bpy.types.Context) -> None:
    """The first of the files that were left out, and why."""
    if not result.unreadable:
        return
    count = len(result.unreadable)
    layout.label(text=translated(f"{counted(count, 'file')} could not be read"), icon="ERROR")
    for file in result.unreadable[:MOST_UNREADABLE]:
        paragraph(layout, f"{shown(Path(file.path).name)}: {file.reason}.", context, "BLANK1")


def draw_confusion(layout: bpy.types.UILayout, result: "ValidationResult", context: bpy.types.Context) -> None:
    """The confusion matrix, with misclassified photos in red; a large one has room in the report only."""
    labels = result.labels
    if len(labels) > MOST_CLASSES:
        layout.label(text="The confusion matrix is in the report")
        return
    paragraph(layout, "True class in rows, predicted in columns", context)
    grid = layout.grid_flow(row_major=True, columns=len(labels) + 1, even_columns=False, align=True)
    for label in ("", *labels):
        grid.label(text=label)
    for true, (label, counts) in enumerate(zip(labels, result.confusion, strict=True)):
        grid.label(text=label)
        for predicted, count in enumerate(counts):
            cell = grid.row()
            cell.alert = bool(count) and true != predicted
            cell.label(text=str(count))


def meaning(verdict: "Verdict") -> str:
    """What a verdict means, in a sentence."""
    if verdict.familiarity is None:
        return (
            "Every photo gets one of the classes, even of another object. Validate with photos of no class, and such "
            "photos become unknown."
        )
    if verdict.predicted == verdict.voted:
        return f"The photo looks familiar enough to the references ({verdict.familiarity:.3f}) to belong to a class."
    return f"The photo looks too unfamiliar ({verdict.familiarity:.3f}) to belong to a class; the nearest is {verdict.voted}."


def draw_classification(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The photo, its verdict and votes, and its nearest references with their similarity."""
    scene = context.scene
    photo = stored_results.load(scene, "classification")
    if photo is None:
        return
    verdict = photo.verdict
    box = layout.box()
    draw_outdated(box, context, "classification")
    row = box.row()
    row.template_icon(thumbnails.icon(verdict.photo), scale=6)
    column = row.column()
    column.label(text=verdict.predicted)  # no tick: the class says nothing of whether the part is good
    for label, votes in verdict.votes.items():
        if votes:
            column.label(text=translated(f"{label}: {votes} of {len(verdict.neighbours)}"))
    paragraph(box, meaning(verdict), context)
    for note in photo.notes:
        paragraph(box, f"{note[0].upper()}{note[1:].removesuffix('.')}.", context, icon="INFO")
    evidence = checklist.output_folder(scene).evidence / f"{verdict.photo.stem}.png"
    if evidence.is_file():
        paragraph(box, "Photo, nearest reference, and in red where they differ", context)
        icons = thumbnails.side_by_side(evidence, PICTURES)
        row = box.row(align=True)
        for icon in icons:
            row.template_icon(icon, scale=thumbnails.full_width(context) / PICTURES)
        box.operator("simsearch.open_picture", icon="ZOOM_IN").path = str(evidence)
    grid = box.grid_flow(row_major=True, columns=MOST_NEIGHBOURS, even_columns=True, align=True)
    for near in verdict.neighbours[:MOST_NEIGHBOURS]:
        cell = grid.column(align=True)
        reference = checklist.output_folder(scene).path / near.reference
        cell.template_icon(thumbnails.icon(reference), scale=3)
        cell.operator("simsearch.open_picture", text=f"{near.similarity:.3f}", emboss=False).path = str(reference)
