# SPDX-License-Identifier: GPL-3.0-or-later
"""What each class shows, and that the scene is left as it was found."""

import bpy
import pytest

from synthetic_similarity_search.scene.classes import layer_collections, objects_shown, render_layer, showing
from synthetic_similarity_search.scene.read_settings import read_settings
from synthetic_similarity_search.tests.tiny_scene import add_class, add_cube, new_collection


def shown(scene: bpy.types.Scene, label: str, variant: int = 0) -> set[str]:
    """Names of the meshes that Blender would render for a class, as its own render visibility says.

    Checks on the way that this is what ``objects_shown`` predicts without changing the scene.
    """
    settings = read_settings(scene)
    names = next(spec.variants[variant] for spec in settings.classes if spec.label == label)
    predicted = {item.name for item in objects_shown(scene, settings, names) if item.type == "MESH"}
    with showing(scene, settings, names):
        rendered = set(_rendered(render_layer(scene).layer_collection, hidden=False))
    assert rendered == predicted
    return rendered


def _rendered(layer: bpy.types.LayerCollection, hidden: bool) -> list[str]:
    """Blender's rule: an excluded layer takes no part, a hidden collection hides what is below it as well."""
    hidden = hidden or layer.collection.hide_render
    own = (
        []
        if hidden or layer.exclude
        else [o.name for o in layer.collection.objects if o.type == "MESH" and not o.hide_render]
    )
    return own + [name for child in layer.children for name in _rendered(child, hidden)]


def state(scene: bpy.types.Scene) -> object:
    """All that decides what is visible, selected and active."""
    layer = render_layer(scene)
    settings = read_settings(scene)
    layers = [child for child, _ in layer_collections(scene, settings, frozenset())]
    return (
        [(c.name, c.exclude, c.hide_viewport, c.collection.hide_viewport, c.collection.hide_render) for c in layers],
        {o.name: (o.select_get(), o.hide_get(), o.hide_viewport, o.hide_render) for o in layer.objects},
        layer.objects.active,
    )


def test_listed_collections_only_where_they_are_listed(scene: bpy.types.Scene) -> None:
    assert shown(scene, "present") == {"Table", "Cube"}
    assert shown(scene, "absent") == {"Table"}


def test_unlisted_collections_stay_as_the_user_left_them(scene: bpy.types.Scene) -> None:
    jig, spare = new_collection(scene, "Jig"), new_collection(scene, "Spare")
    add_cube("Clamp", (1, 0, 0), 0.1, jig)
    add_cube("Old", (1, 0, 0), 0.1, spare)
    spare.hide_render = True
    assert shown(scene, "absent") == {"Table", "Clamp"}
    spare.hide_render = False
    scene.view_layers[0].layer_collection.children["Spare"].exclude = True
    assert shown(scene, "absent") == {"Table", "Clamp"}


@pytest.mark.parametrize("how", ["hide_render", "exclude", "hide_viewport"])
def test_a_listed_collection_is_rendered_though_the_user_hid_it(scene: bpy.types.Scene, how: str) -> None:
    below = new_collection(scene, "Screws", bpy.data.collections["Part"])
    add_cube("Screw", (0, 0, 0.1), 0.02, below)
    owner = (
        bpy.data.collections["Part"] if how == "hide_render" else scene.view_layers[0].layer_collection.children["Part"]
    )
    setattr(owner, how, True)
    before = state(scene)
    assert shown(scene, "present") == {"Table", "Cube", "Screw"}
    assert shown(scene, "absent") == {"Table"}
    assert state(scene) == before


def test_a_collection_inside_another_listed_one(scene: bpy.types.Scene) -> None:
    part = bpy.data.collections["Part"]
    inner = new_collection(scene, "Inner", part)
    add_cube("Core", (0, 0, 0.1), 0.02, inner)
    add_class(scene, "core only", inner)
    add_class(scene, "both", part, inner)
    assert shown(scene, "core only") == {"Table", "Core"}
    assert shown(scene, "present") == {"Table", "Cube"}
    assert shown(scene, "both") == {"Table", "Cube", "Core"}
    part.hide_render = True
    assert shown(scene, "core only") == {"Table", "Core"}


def test_one_collection_in_two_places(scene: bpy.types.Scene) -> None:
    rack = new_collection(scene, "Rack")
    rack.children.link(bpy.data.collections["Part"])
    before = state(scene)
    assert shown(scene, "present") == {"Table", "Cube"}
    assert shown(scene, "absent") == {"Table"}
    assert state(scene) == before


def test_objects_that_are_hidden_one_by_one_stay_hidden(scene: bpy.types.Scene) -> None:
    add_cube("Helper", (0, 0, 0), 0.1, bpy.data.collections["Part"]).hide_render = True
    assert shown(scene, "present") == {"Table", "Cube"}


def test_the_region_is_never_rendered(scene: bpy.types.Scene) -> None:
    scene.simsearch.region = add_cube("Box", (0, 0, 0.05), 0.12, scene.collection)
    assert shown(scene, "present") == {"Table", "Cube"}
    assert not scene.simsearch.region.hide_render


def test_variants(scene: bpy.types.Scene) -> None:
    other = new_collection(scene, "Other side")
    add_cube("Turned", (0, 0, 0.05), 0.1, other)
    add_class(scene, "present", other)
    assert shown(scene, "present", 0) == {"Table", "Cube"}
    assert shown(scene, "present", 1) == {"Table", "Turned"}


def test_the_scene_is_left_as_it_was_even_after_an_error(scene: bpy.types.Scene) -> None:
    cube, table = bpy.data.objects["Cube"], bpy.data.objects["Table"]
    extra = add_cube("Extra", (0, 0, 0), 0.1, bpy.data.collections["Part"])
    bpy.context.view_layer.update()
    cube.select_set(True)
    table.select_set(False)
    extra.hide_set(True)
    table.hide_viewport = True
    scene.view_layers[0].objects.active = cube
    before = state(scene)
    settings = read_settings(scene)
    for in_viewport in (False, True):
        with pytest.raises(ZeroDivisionError), showing(scene, settings, frozenset(), in_viewport=in_viewport):
            scene.view_layers[0].update()
            assert "Cube" not in scene.view_layers[0].objects
            raise ZeroDivisionError
        assert state(scene) == before
