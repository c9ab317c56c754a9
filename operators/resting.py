# SPDX-License-Identifier: GPL-3.0-or-later
# mypy: disable-error-code="valid-type"
"""Variants of a class for the sides on which its part rests."""

import bpy
from bpy.props import BoolVectorProperty, FloatProperty, IntProperty

from ..inference.errors import InputError
from ..interface import checklist, thumbnails
from ..interface.translations import translated

MOST_POSES = 16
"""Of the list: parts with more sides than these rest on the others rarely."""
PICTURE = 64

_offered: list[tuple[str, int]] = []
"""Text and icon of each pose that was found last, for the dialog and for Adjust Last Operation."""


class SIMSEARCH_OT_add_resting_positions(bpy.types.Operator):
    bl_idname = "simsearch.add_resting_positions"
    bl_label = "Add Resting Positions"
    bl_description = (
        "Make variants of the class that show its part on every side on which it rests on a table, and turned if wanted. "
        "They share its meshes; pressing again replaces them"
    )
    bl_options = {"REGISTER", "UNDO"}

    least_share: FloatProperty(
        name="Least Share",
        description="Leave out positions in which fewer of the dropped parts come to rest. The shares are estimates: a part "
        "that bounces finds its deepest position more often",
        default=0.02,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )
    chosen: BoolVectorProperty(
        name="Positions",
        description="The positions that become variants, the most frequent first",
        size=MOST_POSES,
        default=(True,) * MOST_POSES,
        options={"SKIP_SAVE"},
    )
    turns: IntProperty(
        name="Turns",
        description="Directions in which each position is shown, evenly spread: 4 are 90° apart, 6 are 60°. Where the camera "
        "looks from above, a roll of the camera (Jitter, Z) turns the part by any angle at no cost",
        default=1,
        min=1,
        soft_max=12,
        max=360,
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        settings = context.scene.simsearch
        there = settings.active_class_index < len(settings.classes)
        return checklist.allowed(cls, None if there else "Add a class first")

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Offer the positions with pictures."""
        if bpy.app.background:
            return self.execute(context)
        from ..scene import resting_variants
        from ..scene.part_picture import picture

        try:
            part = resting_variants.part_of_class(context.scene, context.scene.simsearch.active_class_index)
            poses = resting_variants.poses_of(part, 0.0)[:MOST_POSES]
        except InputError as error:
            return self._refuse(error)
        _offered.clear()
        for pose in poses:
            pixels = picture(part.points, part.triangles, pose.rotation(), PICTURE)
            text = translated(f"{pose.share:.0%}, on a round side") if pose.rolls else f"{pose.share:.0%}"
            _offered.append((text, thumbnails.picture(pixels)))
        return set(context.window_manager.invoke_props_dialog(self, width=340))

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..scene import resting_variants

        scene = context.scene
        try:
            part = resting_variants.part_of_class(scene, scene.simsearch.active_class_index)
            found = resting_variants.poses_of(part, self.least_share)[:MOST_POSES]
            poses = [pose for pose, wanted in zip(found, self.chosen, strict=False) if wanted]
            if not poses:
                raise InputError("No resting position is chosen. Choose at least one, or lower the least share.")
        except InputError as error:
            return self._refuse(error)
        count = resting_variants.lay_down(scene, part, poses, self.turns)
        name = scene.simsearch.classes[scene.simsearch.active_class_index].name
        covered = sum(pose.share for pose in poses)
        text = f"{name} has {count} variants, which show about {covered:.0%} of the ways in which it falls"
        if count > scene.simsearch.render.images_per_class:
            self.report(
                {"WARNING"},
                translated(f"{text}. Raise the images per class to at least {count}, so that each is shown."),
            )
        else:
            self.report({"INFO"}, translated(text))
        return {"FINISHED"}

    def draw(self, _context: bpy.types.Context) -> None:
        column = self.layout.column()
        column.use_property_split = True
        column.prop(self, "turns")
        column.prop(self, "least_share")
        grid = self.layout.grid_flow(columns=2, even_columns=True)
        for index, (text, icon) in enumerate(_offered):
            row = grid.box().row()
            row.template_icon(icon_value=icon, scale=3)
            row.prop(self, "chosen", index=index, text=text)

    def _refuse(self, error: InputError) -> set[str]:
        self.report({"ERROR"}, translated("\n".join(error.problems)))
        return {"CANCELLED"}


CLASSES = (SIMSEARCH_OT_add_resting_positions,)
