# SPDX-License-Identifier: GPL-3.0-or-later
"""How a validation result and a classified photo are shown."""

from pathlib import Path

import bpy

from ..interface import checklist, stored_results, thumbnails
from ..interface.paragraph import paragraph
from ..operators.validation import evidence_folder
from .references import draw_outdated

MOST_NEIGHBOURS, MOST_CLASSES = 5, 6
GOOD, FAIR, POOR = (110, 200, 110), (230, 180, 70), (230, 95, 85)


def draw_validation(box: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Macro F1, one row per class, the confusion matrix and what could not be read."""
    scene = context.scene
    metrics = stored_results.load(scene, "validation")
    if metrics is None:
        return
    draw_outdated(box, scene, "validation")
    f1 = metrics["macro_f1"]
    colour = GOOD if f1 >= 0.95 else FAIR if f1 >= 0.8 else POOR
    row = box.row()
    row.template_icon(thumbnails.figure(f"{f1:.3f}", colour), scale=6)
    column = row.column()
    column.label(text="Macro F1")
    if "intervals" in metrics:
        low, high = metrics["intervals"]["macro_f1"]
        column.label(text=f"{low:.3f} to {high:.3f} (95 %)")
    column.label(text=f"{metrics['photos']} photos, k = {metrics['k']}")
    column.label(text=f"accuracy {metrics['accuracy']:.3f}")
    column.label(text=metrics["model"]["name"])
    if "provider" in metrics["model"]:  # results of older versions lack it
        column.label(text=metrics["model"]["provider"])
    paragraph(box, metrics["model"]["weights"], context)

    rows = [("Class", "F1", "Prec.", "Recall", "Photos")]
    for label, score in metrics["classes"].items():
        rows.append((label, *(f"{score[name]:.3f}" for name in ("f1", "precision", "recall")), str(score["support"])))
    column = box.column(align=True)
    for first, *others in rows:
        split = column.split(factor=0.36, align=True)
        split.label(text=first)
        cells = split.row(align=True)
        for text in others:
            cells.label(text=text)
    draw_confusion(box, metrics["confusion"]["labels"], metrics["confusion"]["matrix"])
    for gap in metrics.get("gap", {}).get("gaps", ()):
        for cause in gap["causes"]:
            paragraph(box, f"{gap['label']}: {cause}", context, icon="INFO")
    if metrics["unreadable"]:
        box.label(text=f"{len(metrics['unreadable'])} files could not be read", icon="ERROR")
        for item in metrics["unreadable"][:5]:
            box.label(text=f"{Path(item['path']).name}: {item['reason']}", icon="BLANK1")
    row = box.row(align=True)
    row.operator("simsearch.open_report", icon="URL")
    row.operator("simsearch.show_mistakes", icon="ZOOM_ALL")


def draw_confusion(layout: bpy.types.UILayout, labels: list[str], matrix: list[list[int]]) -> None:
    """The confusion matrix, with mistakes in red; a large one has room in the report only."""
    if len(labels) > MOST_CLASSES:
        layout.label(text="The confusion matrix is in the report")
        return
    layout.label(text="True class in rows, predicted in columns")
    grid = layout.grid_flow(row_major=True, columns=len(labels) + 1, even_columns=False, align=True)
    for label in ("", *labels):
        grid.label(text=label)
    for true, (label, counts) in enumerate(zip(labels, matrix, strict=True)):
        grid.label(text=label)
        for predicted, count in enumerate(counts):
            cell = grid.row()
            cell.alert = bool(count) and true != predicted
            cell.label(text=str(count))


def draw_classification(layout: bpy.types.UILayout, scene: bpy.types.Scene) -> None:
    """The photo, its verdict and votes, and its nearest references with their similarity."""
    found = stored_results.load(scene, "classification")
    if found is None:
        return
    box = layout.box()
    draw_outdated(box, scene, "classification")
    row = box.row()
    row.template_icon(thumbnails.icon(Path(found["path"])), scale=6)
    column = row.column()
    column.label(text=found["predicted"], icon="CHECKMARK")
    for label, votes in found["votes"].items():
        if votes:
            column.label(text=f"{label}: {votes} of {len(found['neighbours'])} votes")
    evidence = evidence_folder(scene) / f"{Path(found['path']).stem}.png"
    if evidence.is_file():
        box.label(text="Photo, nearest reference, and in red where they differ")
        box.template_icon(thumbnails.icon(evidence), scale=10)
    grid = box.grid_flow(row_major=True, columns=MOST_NEIGHBOURS, even_columns=True, align=True)
    for neighbour in found["neighbours"][:MOST_NEIGHBOURS]:
        cell = grid.column(align=True)
        image = checklist.output_folder(scene) / neighbour["reference"]
        cell.template_icon(thumbnails.icon(image), scale=3)
        cell.label(text=f"{neighbour['similarity']:.3f}")
