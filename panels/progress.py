# SPDX-License-Identifier: GPL-3.0-or-later
"""How a running job is shown, and how the last one ended."""

import bpy

from ..interface import child_job, thumbnails
from ..interface.child_job import State
from ..interface.paragraph import paragraph
from ..interface.translations import translated


def draw_running(layout: bpy.types.UILayout, context: bpy.types.Context) -> bool:
    """Progress of the scene's running job, with the time that is left; returns whether one runs."""
    latest = child_job.latest
    if latest is None or latest.scene_name != context.scene.name or not latest.running():
        return False
    share, text = latest.progress()
    paragraph(layout, text, context, least=3)
    row = layout.row(align=True)
    row.progress(factor=share, text=f"{share:.0%}")
    row.operator("simsearch.cancel_job", text="", icon="X")
    return True


def draw_latest(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The reference that the scene's running job rendered last."""
    latest = child_job.latest
    if latest is not None and latest.scene_name == context.scene.name and latest.running():
        image = latest.latest_image()
        if image is not None:
            layout.template_icon(thumbnails.icon(image), scale=6)


def draw_job(layout: bpy.types.UILayout, context: bpy.types.Context, *titles: str) -> None:
    """How the last job ended, where it failed or was cancelled and is one of ``titles``."""
    latest = child_job.latest
    if latest is None or latest.title not in titles or latest.scene_name != context.scene.name:
        return
    if latest.state in (State.FAILED, State.CANCELLED):
        box = layout.box()
        if latest.state is State.CANCELLED:
            paragraph(
                box,
                f"{translated(latest.title)} was cancelled. What was finished is kept; the next run continues from there.",
                context,
                "CANCEL",
            )
        else:
            for problem in latest.problems:
                paragraph(box, problem, context, "ERROR")
            box.operator("simsearch.show_log", icon="TEXT")
