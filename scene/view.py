# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the nominal camera and the region are, read from the scene without changing it."""

import bpy
import numpy as np
from mathutils import Matrix

from . import frustum
from .poses import Array, View


def nominal_camera(scene: bpy.types.Scene) -> bpy.types.Object | None:
    """The camera of the settings, or the camera of the scene if they name none; ``None`` if there is neither."""
    return scene.simsearch.camera or scene.camera


def nominal_view(scene: bpy.types.Scene) -> View:
    """The view from the nominal camera. The scene must have a camera and a region."""
    camera = nominal_camera(scene)
    assert camera is not None
    # Blender ignores a camera's scale when it renders.
    location, rotation, _ = world_matrix(camera).decompose()
    nominal = np.array(Matrix.LocRotScale(location, rotation, None), dtype=np.float64)
    return View(nominal, projection(camera.data), region_box(scene.simsearch.region))


def world_matrix(item: bpy.types.Object) -> Matrix:
    """An object's matrix, object to world, also where Blender has not evaluated it.

    ``matrix_world`` is stale for objects that are hidden in the viewport or were just moved, and region and camera
    are often hidden. Only constraints and uncommon parenting need Blender's own evaluation.
    """
    if item.constraints or (item.parent and item.parent_type != "OBJECT"):
        return item.matrix_world.copy()
    if item.parent is None:
        return item.matrix_basis.copy()
    return world_matrix(item.parent) @ item.matrix_parent_inverse @ item.matrix_basis


def region_box(item: bpy.types.Object) -> Array:
    """The matrix [4, 4] that takes the unit cube 0..1 to an object's bounding box in the world."""
    if item.type == "EMPTY":  # Blender gives empties no bounding box, though it draws one
        low, high = _empty_extent(item)
    else:
        corners = np.array(item.bound_box)
        low, high = corners.min(axis=0), corners.max(axis=0)
    # A flat object gets a little thickness, so that every box has a volume.
    extent = np.maximum(high - low, 1e-6 * max(float(np.max(high - low)), 1e-9))
    unit = np.eye(4)
    unit[:3, :3], unit[:3, 3] = np.diag(extent), low
    return np.asarray(np.array(world_matrix(item), dtype=np.float64) @ unit)


def _empty_extent(item: bpy.types.Object) -> tuple[Array, Array]:
    """Lowest and highest local corner of what Blender draws for an empty."""
    size = item.empty_display_size
    extents = {
        "CIRCLE": ((-1, 0, -1), (1, 0, 1)),
        "CONE": ((-1, 0, -1), (1, 2, 1)),
        "ARROWS": ((0, 0, 0), (1, 1, 1)),
        "SINGLE_ARROW": ((0, 0, 0), (0, 0, 1)),
        "IMAGE": ((0, 0, 0), (1, 1, 0)),
    }
    low, high = extents.get(item.empty_display_type, ((-1, -1, -1), (1, 1, 1)))
    return np.array(low, dtype=np.float64) * size, np.array(high, dtype=np.float64) * size


def projection(camera: bpy.types.Camera) -> Array:
    """Camera to clip coordinates [4, 4] for a square picture, as OpenGL defines them.

    The same as ``Object.calc_matrix_camera`` but for needing no evaluated scene.
    """
    shift, near, far = (camera.shift_x, camera.shift_y), camera.clip_start, camera.clip_end
    if camera.type == "ORTHO":
        return frustum.orthographic(camera.ortho_scale, shift, near, far)
    sensor = camera.sensor_height if camera.sensor_fit == "VERTICAL" else camera.sensor_width
    return frustum.perspective(camera.lens, sensor, shift, near, far)
