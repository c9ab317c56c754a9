# SPDX-License-Identifier: GPL-3.0-or-later
"""What each class shows.

A collection that some class lists is rendered only for the classes that list it, even where the user has excluded or
hidden it. All other collections are rendered as the user left them.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import bpy

from .settings import Settings


def render_layer(scene: bpy.types.Scene) -> bpy.types.ViewLayer:
    """The view layer that is rendered: the first one that the user renders, else the first."""
    return next((layer for layer in scene.view_layers if layer.use), scene.view_layers[0])


def layer_collections(
    scene: bpy.types.Scene, settings: Settings, variant: frozenset[str]
) -> Iterator[tuple[bpy.types.LayerCollection, bool]]:
    """Every layer collection of the scene, parents first, and whether a variant of a class shows it."""

    def walk(
        parent: bpy.types.LayerCollection, parent_shown: bool, revived: bool
    ) -> Iterator[tuple[bpy.types.LayerCollection, bool]]:
        for layer in parent.children:
            if layer.collection.name_full in settings.listed:
                shown = layer.collection.name_full in variant
                # Excluding a collection excludes all below it, so nothing is known of what the user wants there.
                below = layer.exclude
            else:
                shown = parent_shown and not layer.collection.hide_render and (revived or not layer.exclude)
                below = revived
            # Walk first: showing a layer, as the caller does with each one, overwrites what is below it.
            rest = list(walk(layer, shown, below))
            yield layer, shown
            yield from rest

    return walk(render_layer(scene).layer_collection, True, False)


def objects_shown(scene: bpy.types.Scene, settings: Settings, variant: frozenset[str]) -> set[bpy.types.Object]:
    """The objects that a variant of a class renders, read without changing the scene."""
    shown = set(scene.collection.objects)
    for layer, visible in layer_collections(scene, settings, variant):
        if visible:
            shown.update(layer.collection.objects)
    return {item for item in shown if not item.hide_render and item != scene.simsearch.region}


@contextmanager
def showing(
    scene: bpy.types.Scene, settings: Settings, variant: frozenset[str], *, in_viewport: bool = False
) -> Iterator[None]:
    """Let the scene render what a variant of a class shows; everything is put back by name afterwards.

    Args:
        scene: the scene.
        settings: its settings.
        variant: names of the collections that the variant shows.
        in_viewport: whether to show it in the viewport, too, which is what Blender evaluates outside of a render.
    """
    layer = render_layer(scene)
    before = _Visibility(layer, scene.simsearch.region)
    try:
        for child, shown in layer_collections(scene, settings, variant):
            child.exclude = not shown
            # Also where the collection itself is not shown: a hidden parent would hide the children that are.
            child.collection.hide_render = False
            if in_viewport:
                child.hide_viewport = child.collection.hide_viewport = False
        scene.simsearch.region.hide_render = True
        if in_viewport:
            for item in layer.objects:
                item.hide_viewport = False
                item.hide_set(False, view_layer=layer)
        yield
    finally:
        before.restore()


class _Visibility:
    """The visibility of a view layer's collections and objects, kept by name.

    Excluding a collection makes Blender forget which of its objects are selected, active and hidden.
    """

    def __init__(self, layer: bpy.types.ViewLayer, region: bpy.types.Object) -> None:
        self.layer, self.scene = layer.name, layer.id_data.name
        self.collections = [
            (path, child.exclude, child.hide_viewport, child.collection.hide_viewport, child.collection.hide_render)
            for path, child in _paths(layer.layer_collection)
        ]
        self.objects = [
            (_name(item), item.select_get(view_layer=layer), item.hide_get(view_layer=layer), item.hide_viewport)
            for item in layer.objects
        ]
        self.active = _name(layer.objects.active) if layer.objects.active else None
        self.region = _name(region), region.hide_render

    def restore(self) -> None:
        """Put everything back."""
        layer = bpy.data.scenes[self.scene].view_layers[self.layer]
        present = dict(_paths(layer.layer_collection))
        for path, excluded, hidden, hidden_everywhere, hide_render in self.collections:
            child = present[path]  # parents come first: excluding one excludes all below it
            child.exclude, child.hide_viewport = excluded, hidden
            child.collection.hide_viewport, child.collection.hide_render = hidden_everywhere, hide_render
        layer.update()  # so that the objects are back in it
        for name, selected, hidden, hidden_everywhere in self.objects:
            item = bpy.data.objects[name]
            item.hide_viewport = hidden_everywhere
            item.hide_set(hidden, view_layer=layer)
            item.select_set(selected, view_layer=layer)
        layer.objects.active = bpy.data.objects[self.active] if self.active else None
        region, hide_render = self.region
        bpy.data.objects[region].hide_render = hide_render


def _name(item: bpy.types.Object) -> tuple[str, str | None]:
    """What finds an object in ``bpy.data.objects`` even where a library has one of the same name."""
    return item.name, item.library.filepath if item.library else None


def _paths(
    parent: bpy.types.LayerCollection, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], bpy.types.LayerCollection]]:
    """Every layer collection below one, parents first, with its path of names: one collection may stand twice."""
    for child in parent.children:
        below = (*path, child.collection.name_full)
        yield below, child
        yield from _paths(child, below)
