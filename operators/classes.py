# SPDX-License-Identifier: GPL-3.0-or-later
# mypy: disable-error-code="valid-type"
"""The list of classes and what each shows."""

import bpy
from bpy.props import EnumProperty, IntProperty

from ..interface import checklist


def _active(context: bpy.types.Context) -> bpy.types.PropertyGroup | None:
    settings = context.scene.simsearch
    index = settings.active_class_index
    return settings.classes[index] if index < len(settings.classes) else None


def _class_step(context: bpy.types.Context) -> str | None:
    return None if _active(context) else "Add a class first"


def _part(context: bpy.types.Context) -> bpy.types.Collection | None:
    """The collection of the selected part, else the one that is active in the outliner."""
    active, root = context.view_layer.objects.active, context.scene.collection
    own = active.users_collection[0] if active and active.select_get() and active.users_collection else root
    chosen = context.collection if own == root else own
    return None if chosen == root else chosen


def _part_step(context: bpy.types.Context) -> str | None:
    return None if _part(context) else "Select an imported part first, or click its collection in the outliner"


def _free_name(context: bpy.types.Context, name: str) -> str:
    taken = {item.name for item in context.scene.simsearch.classes}
    number = 2
    free = name
    while free in taken:
        free, number = f"{name} {number}", number + 1
    return free


def _add(context: bpy.types.Context, name: str, *collections: bpy.types.Collection) -> None:
    settings = context.scene.simsearch
    item = settings.classes.add()
    item.name = _free_name(context, name)
    for collection in collections:
        item.collections.add().collection = collection
    settings.active_class_index = len(settings.classes) - 1


class SIMSEARCH_OT_add_class(bpy.types.Operator):
    bl_idname = "simsearch.add_class"
    bl_label = "Add Class"
    bl_description = "Add a class to tell apart; then choose the collections it shows"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        _add(context, "class")
        return {"FINISHED"}


class SIMSEARCH_OT_class_from_selection(bpy.types.Operator):
    bl_idname = "simsearch.class_from_selection"
    bl_label = "Class from Selection"
    bl_description = "Add a class that shows the collection of the selected part, and is named after it"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return checklist.allowed(cls, _part_step(context))

    def execute(self, context: bpy.types.Context) -> set[str]:
        part = _part(context)
        assert part is not None
        _add(context, part.name, part)
        return {"FINISHED"}


class SIMSEARCH_OT_add_pair(bpy.types.Operator):
    bl_idname = "simsearch.add_pair"
    bl_label = "Add Present and Absent"
    bl_description = (
        "For a presence check: one class that shows the collection of the selected part and one that does not"
    )
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return checklist.allowed(cls, _part_step(context))

    def execute(self, context: bpy.types.Context) -> set[str]:
        part = _part(context)
        assert part is not None
        _add(context, f"{part.name} present", part)
        _add(context, f"{part.name} absent")
        return {"FINISHED"}


class SIMSEARCH_OT_remove_class(bpy.types.Operator):
    bl_idname = "simsearch.remove_class"
    bl_label = "Remove Class"
    bl_description = "Take the class out of the list; its collections and rendered references stay"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return checklist.allowed(cls, _class_step(context))

    def execute(self, context: bpy.types.Context) -> set[str]:
        settings = context.scene.simsearch
        settings.classes.remove(settings.active_class_index)
        settings.active_class_index = max(0, min(settings.active_class_index, len(settings.classes) - 1))
        return {"FINISHED"}


class SIMSEARCH_OT_move_class(bpy.types.Operator):
    bl_idname = "simsearch.move_class"
    bl_label = "Move Class"
    bl_description = "Change the order of the classes, which is the order of every table"
    bl_options = {"REGISTER", "UNDO"}

    direction: EnumProperty(name="Direction", items=(("UP", "Up", ""), ("DOWN", "Down", "")))

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return checklist.allowed(cls, _class_step(context))

    def execute(self, context: bpy.types.Context) -> set[str]:
        settings = context.scene.simsearch
        old = settings.active_class_index
        new = max(0, min(old + (-1 if self.direction == "UP" else 1), len(settings.classes) - 1))
        settings.classes.move(old, new)
        settings.active_class_index = new
        return {"FINISHED"}


class SIMSEARCH_OT_add_class_collection(bpy.types.Operator):
    bl_idname = "simsearch.add_class_collection"
    bl_label = "Add Collection"
    bl_description = "Let the class show one more collection, starting with the selected part's"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return checklist.allowed(cls, _class_step(context))

    def execute(self, context: bpy.types.Context) -> set[str]:
        item = _active(context)
        assert item is not None
        entry = item.collections.add()
        part = _part(context)
        if part not in [other.collection for other in item.collections]:
            entry.collection = part
        return {"FINISHED"}


class SIMSEARCH_OT_remove_class_collection(bpy.types.Operator):
    bl_idname = "simsearch.remove_class_collection"
    bl_label = "Remove Collection"
    bl_description = "The class no longer shows this collection"
    bl_options = {"REGISTER", "UNDO"}

    index: IntProperty(name="Index", min=0)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return checklist.allowed(cls, _class_step(context))

    def execute(self, context: bpy.types.Context) -> set[str]:
        item = _active(context)
        assert item is not None
        item.collections.remove(self.index)
        return {"FINISHED"}


class SIMSEARCH_OT_show_class(bpy.types.Operator):
    bl_idname = "simsearch.show_class"
    bl_label = "Show Class"
    bl_description = "Show in the viewport what this class will render; press again to show everything"
    bl_options = {"REGISTER", "UNDO"}

    index: IntProperty(name="Index", description="Place of the class in the list", min=0)

    def execute(self, context: bpy.types.Context) -> set[str]:
        classes = context.scene.simsearch.classes
        if self.index >= len(classes):
            return {"CANCELLED"}
        own = {entry.collection for entry in classes[self.index].collections}
        listed = {entry.collection for item in classes for entry in item.collections} - {None}
        layers = [layer for layer in _layers(context.view_layer.layer_collection) if layer.collection in listed]
        shown_already = all(layer.hide_viewport == (layer.collection not in own) for layer in layers)
        for layer in layers:  # the outliner's eye, which no render looks at
            layer.hide_viewport = not shown_already and layer.collection not in own
            if layer.collection in own:
                layer.exclude = False  # references show a listed collection even where it is excluded
        return {"FINISHED"}


def _layers(layer: bpy.types.LayerCollection) -> list[bpy.types.LayerCollection]:
    return [layer, *(below for child in layer.children for below in _layers(child))]


CLASSES = (
    SIMSEARCH_OT_add_class,
    SIMSEARCH_OT_class_from_selection,
    SIMSEARCH_OT_add_pair,
    SIMSEARCH_OT_remove_class,
    SIMSEARCH_OT_move_class,
    SIMSEARCH_OT_add_class_collection,
    SIMSEARCH_OT_remove_class_collection,
    SIMSEARCH_OT_show_class,
)
