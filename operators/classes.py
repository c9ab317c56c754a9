# SPDX-License-Identifier: GPL-3.0-or-later
# mypy: disable-error-code="valid-type"
"""The list of classes and what each shows."""

from collections.abc import Sequence

import bpy
from bpy.props import EnumProperty, IntProperty, StringProperty

from ..interface import checklist
from ..interface.translations import translated
from ..scene import parts


def _active(context: bpy.types.Context) -> bpy.types.PropertyGroup | None:
    settings = context.scene.simsearch
    index = settings.active_class_index
    return settings.classes[index] if index < len(settings.classes) else None


def _class_step(context: bpy.types.Context) -> str | None:
    return None if _active(context) else "Add a class first"


def _selected_parts(context: bpy.types.Context) -> list[bpy.types.Object]:
    """The selected parts, the active one first; else those of the collection that is active in the outliner."""
    scene, active = context.scene, context.view_layer.objects.active
    chosen = parts.parts_among(scene, sorted(context.selected_objects, key=lambda item: item != active))
    if chosen or context.collection == scene.collection:
        return chosen
    return parts.parts_among(scene, context.collection.all_objects)


def _part_step(context: bpy.types.Context) -> str | None:
    return None if _selected_parts(context) else "Select a part first, or click its collection in the outliner"


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


class ClassFromParts(bpy.types.Operator):
    """Base of the operators that make classes of the selected parts; they ask where either of two things can be meant."""

    bl_options = {"REGISTER", "UNDO"}
    asked: Sequence[str] = ()

    extent: EnumProperty(
        name="Show",
        description="What of a collection that also holds parts which are not selected",
        items=(
            ("COLLECTION", "The Whole Collection", "All parts of the collection in which one is selected"),
            ("SELECTED", "Selected Parts Only", "The other parts of the collection stay in sight for every class"),
        ),
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return checklist.allowed(cls, _part_step(context))

    def chosen(self, context: bpy.types.Context) -> list[parts.Group]:
        """The selected parts, in groups that belong together."""
        return parts.groups(context.scene, _selected_parts(context), whole=self.extent == "COLLECTION")

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        self.asked = self.questions(context)
        if bpy.app.background or not self.asked:
            return set(self.execute(context))
        return set(context.window_manager.invoke_props_dialog(self))

    def questions(self, context: bpy.types.Context) -> list[str]:
        """The properties that make a difference to what is selected."""
        return ["extent"] if parts.shares_collection(context.scene, _selected_parts(context)) else []

    def draw(self, _context: bpy.types.Context) -> None:
        for name in self.asked:
            self.layout.label(text=self.rna_type.properties[name].name)
            self.layout.column().prop(self, name, expand=True)


class SIMSEARCH_OT_class_from_selection(ClassFromParts):
    bl_idname = "simsearch.class_from_selection"
    bl_label = "Class from Selection"
    bl_description = "Add a class that shows the selected part and is named after it, or a class for each selected part"

    count: EnumProperty(
        name="Classes",
        description="What several parts become",
        items=(
            ("EACH", "A Class for Each Part", "The parts are to be told apart"),
            ("ONE", "One Class", "The parts are seen together"),
        ),
    )

    def questions(self, context: bpy.types.Context) -> list[str]:
        several = len(parts.groups(context.scene, _selected_parts(context), whole=False)) > 1
        return [*super().questions(context), *(["count"] if several else [])]

    def execute(self, context: bpy.types.Context) -> set[str]:
        chosen = self.chosen(context)
        for groups in [chosen] if self.count == "ONE" else [[group] for group in chosen]:
            _add(context, groups[0].name, *parts.own_collections(context.scene, groups))
        return {"FINISHED"}


class SIMSEARCH_OT_add_pair(ClassFromParts):
    bl_idname = "simsearch.add_pair"
    bl_label = "Add Present and Absent"
    bl_description = "For a presence check: one class that shows the selected part and one that does not"

    extent: EnumProperty(
        name="Comes and Goes",
        description="What of a collection that also holds parts which are not selected",
        items=(
            ("SELECTED", "Selected Parts Only", "The other parts of the collection, such as the body, stay in sight"),
            ("COLLECTION", "The Whole Collection", "All parts of the collection in which one is selected"),
        ),
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        chosen = self.chosen(context)
        _add(context, f"{chosen[0].name} present", *parts.own_collections(context.scene, chosen))
        _add(context, f"{chosen[0].name} absent")
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


class SIMSEARCH_OT_rename_classes(bpy.types.Operator):
    bl_idname = "simsearch.rename_classes"
    bl_label = "Rename Classes"
    bl_description = "Give classes, with all their variants, other names. Their references are kept under the new ones"
    bl_options = {"REGISTER", "UNDO"}

    old: StringProperty(name="From", description="The names of the classes now, a line each")
    new: StringProperty(name="To", description="Their names from now on, in the same order")

    def execute(self, context: bpy.types.Context) -> set[str]:
        names = dict(zip(self.old.split("\n"), self.new.split("\n"), strict=True))
        for item in context.scene.simsearch.classes:
            item.name = names.get(item.name, item.name)
        changes = ", ".join(translated(f"{old} is {new} now") for old, new in names.items())
        self.report({"INFO"}, translated(f"{changes}. Build the database again; no reference is rendered anew"))
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
        listed = [other.collection for other in item.collections]
        found = parts.groups(context.scene, _selected_parts(context), whole=True)
        there = {context.scene.collection, *context.scene.collection.children_recursive}
        entry = next((other for other in item.collections if other.collection not in there), None)
        if entry is None:  # else the collection of this entry was deleted
            entry = item.collections.add()
        entry.collection = next((group.collection for group in found if group.collection not in listed), None)
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
    SIMSEARCH_OT_rename_classes,
    SIMSEARCH_OT_move_class,
    SIMSEARCH_OT_add_class_collection,
    SIMSEARCH_OT_remove_class_collection,
    SIMSEARCH_OT_show_class,
)
