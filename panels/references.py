# SPDX-License-Identifier: GPL-3.0-or-later
"""How the check's problems, the preview and the rendered references are shown."""

import json
from functools import lru_cache
from pathlib import Path

import bpy

from ..inference.output_folder import ReferencesFolder
from ..interface import checklist, stored_results, thumbnails
from ..interface.paragraph import paragraph
from ..interface.translations import translated

SHOWN = 5
"""So many references of each class are shown."""


def draw_outdated(layout: bpy.types.UILayout, context: bpy.types.Context, name: str) -> None:
    """Say that a result no longer holds, and why."""
    for sentence in stored_results.outdated(context.scene, name):
        paragraph(
            layout, translated("Out of date: {reason}.").format(reason=translated(sentence)), context, "FILE_REFRESH"
        )


def draw_problems(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """What the last check found, each with a button that selects the culprit."""
    found = stored_results.load(context.scene, "problems")
    if found is None:
        return
    box = layout.box()
    if not found.problems:
        box.label(text="No problems found", icon="CHECKMARK")
    for problem in found.problems:
        row = box.row()
        paragraph(
            row.column(align=True),
            problem.sentence,
            context,
            "ERROR" if problem.severity == "error" else "INFO",
        )
        if problem.culprit:
            row.operator("simsearch.select_culprit", text="", icon="RESTRICT_SELECT_OFF").culprit = problem.culprit


def draw_preview(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """A contact sheet: one reference of each class."""
    scene = context.scene
    if stored_results.load(scene, "preview") is None or checklist.folder_step(scene):
        return
    planned = planned_images(checklist.output_folder(scene).preview.references)
    box = layout.box()
    box.label(text="Preview")
    draw_outdated(box, context, "preview")
    grid = box.grid_flow(row_major=True, columns=min(3, max(1, len(planned))), even_columns=True)
    for label, images in planned.items():
        cell = grid.column(align=True)
        cell.template_icon(thumbnails.icon(images[0]), scale=5)
        cell.label(text=label)


def draw_references(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The first references of each class, as soon as they are rendered, and what the last job warned of."""
    scene = context.scene
    planned = {} if checklist.folder_step(scene) else planned_images(checklist.output_folder(scene).references)
    if not planned:
        return
    box = layout.box()
    draw_outdated(box, context, "references")
    result = stored_results.load(scene, "references")
    for warning in result.warnings if result else ():
        paragraph(box, warning, context, icon="ERROR")
    for label, images in planned.items():
        box.label(text=f"{label} ({len(images)})")
        row = box.row(align=True)
        for image in images[:SHOWN]:
            row.template_icon(thumbnails.icon(image), scale=2.4)


def planned_images(folder: ReferencesFolder) -> dict[str, list[Path]]:
    """The images of a folder's recipe by class; empty where there is none."""
    try:
        return _read_plan(folder.recipe, folder.recipe.stat().st_mtime_ns)
    except (OSError, ValueError, KeyError):
        return {}


@lru_cache(maxsize=4)
def _read_plan(recipe: Path, _changed: int) -> dict[str, list[Path]]:
    planned: dict[str, list[Path]] = {}
    for image in json.loads(recipe.read_text("utf-8"))["images"]:
        planned.setdefault(image["class"], []).append(recipe.parent / image["path"])
    return planned
