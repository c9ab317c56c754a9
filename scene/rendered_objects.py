# SPDX-License-Identifier: GPL-3.0-or-later
"""Which objects can be seen in a render."""

import bpy

SURFACES = frozenset({"MESH", "CURVE", "SURFACE", "META", "FONT"})
"""Types of objects that Blender can turn into a mesh."""

SHAPES = SURFACES | {"CURVES", "POINTCLOUD", "VOLUME", "GREASEPENCIL"}
"""Types of objects that have a shape."""

RENDERED_TYPES = SHAPES | {"LIGHT", "LIGHT_PROBE"}
"""Types of objects that have part in a picture, if only by their light."""


def has_part(item: bpy.types.Object) -> bool:
    """Whether an object has part in a picture where it is shown: by itself or by what it places."""
    return item.type in RENDERED_TYPES or item.instance_type != "NONE"


def rendered_lights(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """The lights that shine in renders."""
    return [item for item in scene.objects if item.type == "LIGHT" and not item.hide_render]


def in_scene(scene: bpy.types.Scene, item: bpy.types.Object | None) -> bool:
    """Whether an object is in a scene. The settings keep a camera or region that was deleted from it alive."""
    return item is not None and scene in item.users_scene
