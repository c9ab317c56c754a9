# SPDX-License-Identifier: GPL-3.0-or-later
# mypy: disable-error-code="valid-type"
"""References: check the scene, preview each class, render, build the database."""

from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import BoolProperty, StringProperty

from ..inference.errors import InputError
from ..interface import checklist, stored_results
from ..interface.job_operator import JobOperator
from ..interface.translations import translated
from ..interface.words import counted

if TYPE_CHECKING:
    from ..inference.job_results import RenderResult


def run_check(scene: bpy.types.Scene) -> list[str]:
    """List all problems with the scene's results; returns the sentences of those that stop a render."""
    from ..scene import check
    from ..scene.read_settings import read_settings

    try:
        found = check.CheckResult(tuple(check.problems(scene, read_settings(scene))))
    except InputError as error:
        found = check.CheckResult(tuple(check.Problem(sentence) for sentence in error.problems))
    stored_results.keep(scene, "problems", found)
    return found.errors()


class SIMSEARCH_OT_check(bpy.types.Operator):
    bl_idname = "simsearch.check"
    bl_label = "Check"
    bl_description = "List everything that would stop or spoil a render, all at once"
    bl_options = {"UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        errors = run_check(context.scene)
        if errors:
            self.report(
                {"WARNING"},
                translated(f"{counted(len(errors), 'problem')} to solve before rendering; see the References panel"),
            )
        else:
            self.report({"INFO"}, translated("Ready to render"))
        return {"FINISHED"}


class SIMSEARCH_OT_select_culprit(bpy.types.Operator):
    bl_idname = "simsearch.select_culprit"
    bl_label = "Select"
    bl_description = "Select the object, the collection's objects or the class that this problem is about"
    bl_options = {"UNDO"}

    culprit: StringProperty(name="Object, class or collection")

    def execute(self, context: bpy.types.Context) -> set[str]:
        item = context.scene.objects.get(self.culprit)
        labels = [entry.name for entry in context.scene.simsearch.classes]
        if item is None and self.culprit in labels:
            context.scene.simsearch.active_class_index = labels.index(self.culprit)
            return {"FINISHED"}
        collection = bpy.data.collections.get(self.culprit)
        objects = [item] if item else list(collection.all_objects) if collection else []
        shown = [one for one in objects if one.name in context.view_layer.objects]
        if not shown:
            self.report({"WARNING"}, translated(f"{self.culprit} is no longer in this view layer; check again"))
            return {"CANCELLED"}
        for one in context.view_layer.objects:
            one.select_set(False)
        for one in shown:
            one.hide_set(False)
            one.select_set(True)
        context.view_layer.objects.active = shown[0]
        return {"FINISHED"}


class RenderJob(JobOperator):
    """Base of the jobs that render: the scene is checked first, so that problems show at once."""

    def arguments(self, context: bpy.types.Context) -> list[str]:
        problems = run_check(context.scene)
        if problems:
            raise InputError(*problems)
        return self.command(context.scene)

    def command(self, scene: bpy.types.Scene) -> list[str]:
        """The command once the scene is known to be fit to render."""
        raise NotImplementedError

    def read(self, content: dict[str, Any]) -> Any:
        from ..inference.job_results import RenderResult  # late, so that Blender starts fast

        return RenderResult.from_json(content)


class OwnedFolderJob(RenderJob):
    """Base of the jobs that write references: they ask before they replace those of another scene or file."""

    replace: BoolProperty(
        name="Replace",
        description="Replace references of another scene or file that the output folder holds",
        options={"SKIP_SAVE"},
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask first where the folder belongs to another scene."""
        from ..scene.recipe import other_owner

        owner = other_owner(checklist.output_folder(context.scene).references.path, context.scene)
        if owner is None or self.replace or bpy.app.background:
            return set(super().invoke(context, event))

        def draw(menu: bpy.types.Menu, _context: bpy.types.Context) -> None:
            menu.layout.operator_context = "INVOKE_DEFAULT"
            menu.layout.operator(self.bl_idname, text="Replace them").replace = True
            menu.layout.label(text="Or choose another output folder")

        context.window_manager.popup_menu(
            draw, title=translated(f"The folder holds references of {owner}"), icon="QUESTION"
        )
        return {"CANCELLED"}


class SIMSEARCH_OT_preview(RenderJob):
    bl_idname = "simsearch.preview"
    bl_label = "Preview"
    bl_description = "Render one reference per class and show them side by side"
    title = "Preview"

    def command(self, scene: bpy.types.Scene) -> list[str]:
        return ["render", "--output", str(checklist.output_folder(scene).preview.path), "--images-per-class", "1"]

    def store(self, scene: bpy.types.Scene, result: "RenderResult") -> str:
        stored_results.keep(scene, "preview", result, "scene")
        return "Preview rendered"


class SIMSEARCH_OT_render(OwnedFolderJob):
    bl_idname = "simsearch.render"
    bl_label = "Render References"
    bl_description = (
        "Render the references of every class in the background. What is already rendered and unchanged is kept"
    )
    title = "Render References"

    def command(self, scene: bpy.types.Scene) -> list[str]:
        return ["render", "--output", str(checklist.output_folder(scene).path)]

    def store(self, scene: bpy.types.Scene, result: "RenderResult") -> str:
        stored_results.keep(scene, "references", result, "scene")
        return f"{result.rendered} references rendered, {result.images - result.rendered} kept; build the database next"


class SIMSEARCH_OT_build(OwnedFolderJob):
    bl_idname = "simsearch.build"
    bl_label = "Build Database"
    bl_description = "Render what is missing, turn every reference into a vector and save the reference database"
    title = "Build Database"

    def command(self, scene: bpy.types.Scene) -> list[str]:
        matched = scene.simsearch.match_directory
        photos = ["--matched-photos", str(checklist.absolute(matched))] if matched else []
        return ["build", "--output", str(checklist.output_folder(scene).path), *photos]

    def store(self, scene: bpy.types.Scene, result: "RenderResult") -> str:
        stored_results.keep(scene, "references", result, "scene")
        return f"Reference database built: {checklist.database(scene)}"


CLASSES = (
    SIMSEARCH_OT_check,
    SIMSEARCH_OT_select_culprit,
    SIMSEARCH_OT_preview,
    SIMSEARCH_OT_render,
    SIMSEARCH_OT_build,
)
