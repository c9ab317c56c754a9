# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences in panels and preferences."""

import textwrap

import bpy

from .translations import translated


def paragraph(
    layout: bpy.types.UILayout, text: str, context: bpy.types.Context, icon: str = "NONE", least: int = 1
) -> None:
    """A sentence over as many lines as the region's width needs, as labels do not wrap by themselves, and ``least`` at least."""
    width = context.region.width / context.preferences.system.ui_scale if context.region else 260
    characters = max(20, int((width - 76) / 6.5))
    lines = textwrap.wrap(translated(text), characters, break_on_hyphens=False)
    lines += [""] * (least - len(lines))
    column = layout.column(align=True)
    column.scale_y = 0.8
    for number, line in enumerate(lines):
        column.label(text=line, icon=icon if number == 0 or icon == "NONE" else "BLANK1")
