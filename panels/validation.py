# SPDX-License-Identifier: GPL-3.0-or-later
"""How a validation result and a classified photo are shown."""

from pathlib import Path

import bpy

from ..operators import results, steps
from . import thumbnails

GOOD, FAIR, POOR = (110, 200, 110), (230, 180, 70), (230, 95, 85)


def draw_outdated(layout: bpy.types.UILayout, scene: bpy.types.Scene, name: str) -> None:
    """Say that a result no longer holds, and why."""
    for sentence in results.outdated(scene, name):
        layout.label(text=f"Out of date: {sentence[0].lower()}{sentence[1:]}", icon="FILE_REFRESH")


def draw_validation(layout: bpy.types.UILayout, scene: bpy.types.Scene) -> None:
    """Macro F1, one row per class, the confusion matrix and what could not be read."""
    metrics = results.load(scene, "validation")
    if metrics is None:
        return
    box = layout.box()
    draw_outdated(box, scene, "validation")
    f1 = metrics["macro_f1"]
    colour = GOOD if f1 >= 0.95 else FAIR if f1 >= 0.8 else POOR
    row = box.row()
    row.template_icon(thumbnails.figure(f"{f1:.3f}", colour), scale=5)
    column = row.column()
    column.label(text="Macro F1")
    column.label(text=f"{metrics['photos']} photos, k = {metrics['k']}")
    column.label(text=f"accuracy {metrics['accuracy']:.3f}")
    column.label(text=str(model_name(metrics["model"])))

    grid = box.grid_flow(row_major=True, columns=5, even_columns=False, align=True)
    for heading in ("Class", "F1", "Precision", "Recall", "Photos"):
        grid.label(text=heading)
    for label, row_ in metrics["classes"].items():
        grid.label(text=label)
        for value in (row_["f1"], row_["precision"], row_["recall"]):
            grid.label(text=f"{value:.3f}")
        grid.label(text=str(row_["support"]))

    labels, matrix = metrics["confusion"]["labels"], metrics["confusion"]["matrix"]
    box.label(text="True class in rows, predicted in columns")
    grid = box.grid_flow(row_major=True, columns=len(labels) + 1, even_columns=False, align=True)
    grid.label(text="")
    for label in labels:
        grid.label(text=label)
    for true, (label, counts) in enumerate(zip(labels, matrix, strict=True)):
        grid.label(text=label)
        for predicted, count in enumerate(counts):
            cell = grid.row()
            cell.alert = bool(count) and true != predicted
            cell.label(text=str(count))
    if metrics["unreadable"]:
        box.label(text=f"{len(metrics['unreadable'])} files could not be read", icon="ERROR")
        for item in metrics["unreadable"][:5]:
            box.label(text=f"{Path(item['path']).name}: {item['reason']}", icon="BLANK1")
    box.operator("simsearch.open_report", icon="URL")


def model_name(model: object) -> object:
    """The encoder's own name, which says whether it is a stand-in."""
    return model.get("name") if isinstance(model, dict) else model


def draw_classification(layout: bpy.types.UILayout, scene: bpy.types.Scene) -> None:
    """The photo, its verdict and votes, and its nearest references with their similarity."""
    found = results.load(scene, "classification")
    if found is None:
        return
    box = layout.box()
    row = box.row()
    row.template_icon(thumbnails.icon(Path(found["path"])), scale=6)
    column = row.column()
    column.label(text=found["predicted"], icon="CHECKMARK")
    for label, votes in found["votes"].items():
        if votes:
            column.label(text=f"{votes} × {label}")
    grid = box.grid_flow(row_major=True, columns=len(found["neighbours"]), even_columns=True, align=True)
    for neighbour in found["neighbours"]:
        cell = grid.column(align=True)
        image = steps.output_folder(scene) / neighbour["reference"]
        cell.template_icon(thumbnails.icon(image), scale=3)
        cell.label(text=f"{neighbour['similarity']:.3f}")


