# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of the region is hidden by geometry outside it, found with ray casts."""

from dataclasses import dataclass

import bmesh
import bpy
import numpy as np
from mathutils import Matrix, Vector
from mathutils.bvhtree import BVHTree

from .classes import objects_shown, render_layer, showing
from .poses import Array, UnoccludedShare, View
from .rays import entry_share, meets_box
from .rendered_objects import SURFACES
from .settings import Settings

SAMPLES_PER_AXIS = 5
"""The region's box is sampled by a grid of 5 x 5 x 5 points."""


@dataclass(frozen=True)
class _Occluder:
    """One placed mesh: world to local matrix, search tree in local coordinates, corners of its bounds in the world
    [2, 3], and the variants (by index) that show it."""

    to_local: Matrix
    tree: BVHTree
    bounds: Array
    shown_for: list[int]


def unoccluded_share(scene: bpy.types.Scene, settings: Settings, view: View) -> UnoccludedShare:
    """A function from a pose [4, 4] to the smallest share (0..1), over all classes, of the region that is not hidden.

    A sample point counts as hidden where the ray from the camera to it hits a surface before it enters the region's
    box. What lies inside the box, the part itself above all, hides nothing.
    """
    variants = list(dict.fromkeys(variant for spec in settings.classes for variant in spec.variants))
    occluders = _occluders(scene, settings, variants)
    steps = (np.arange(SAMPLES_PER_AXIS) + 0.5) / SAMPLES_PER_AXIS
    points = view.region_points(np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3))
    to_unit = np.linalg.inv(view.region)
    orthographic = view.projection[3, 3] == 1
    # Nothing nearer than the clip start is rendered: the depth where clip z = -w, camera z = -depth.
    near = (view.projection[2, 3] + view.projection[3, 3]) / (view.projection[2, 2] + view.projection[3, 2])

    def share(pose: Array) -> float:
        forward = -pose[:3, 2]
        rays = points - pose[:3, 3]
        depth = rays @ forward
        if orthographic:
            rays = depth[:, None] * forward
        starts = points - rays * (1 - near / depth)[:, None]
        ends = points - rays * (1 - entry_share(to_unit, points, rays))[:, None]
        hidden = np.zeros((len(variants), len(points)), dtype=bool)
        for occluder in occluders:
            for index in np.flatnonzero(meets_box(occluder.bounds, starts, ends)):
                if _hits(occluder, starts[index], ends[index]):
                    hidden[occluder.shown_for, index] = True
        return float(1 - np.max(hidden.mean(axis=1)))

    return share


def _hits(occluder: _Occluder, start: Array, end: Array) -> bool:
    """Whether the segment between two world-space points [3] meets the mesh."""
    first, last = occluder.to_local @ Vector(start), occluder.to_local @ Vector(end)
    direction = last - first
    # A part that lies on the box's face is part of the region, so the segment ends a little before it.
    return occluder.tree.ray_cast(first, direction, direction.length * (1 - 1e-5))[0] is not None


def _occluders(scene: bpy.types.Scene, settings: Settings, variants: list[frozenset[str]]) -> list[_Occluder]:
    """Every mesh that some variant shows, instances and modifiers included."""
    shown = [objects_shown(scene, settings, variant) for variant in variants]
    trees: dict[int, BVHTree | None] = {}
    occluders = []
    with showing(scene, settings, settings.listed, in_viewport=True):
        layer = render_layer(scene)
        layer.update()
        for instance in layer.depsgraph.object_instances:
            source = instance.parent.original if instance.is_instance else instance.object.original
            shown_for = [number for number, objects in enumerate(shown) if source in objects]
            if not shown_for or instance.object.original.hide_render or not instance.show_self:
                continue
            key = instance.object.data.as_pointer() if instance.object.data else 0
            if key not in trees:
                trees[key] = _tree(instance.object)
            tree = trees[key]
            if tree is not None:
                matrix = instance.matrix_world.copy()
                corners = np.array([matrix @ Vector(corner) for corner in instance.object.bound_box])
                bounds = np.array([corners.min(axis=0), corners.max(axis=0)])
                occluders.append(_Occluder(matrix.inverted_safe(), tree, bounds, shown_for))
    return occluders


def _tree(item: bpy.types.Object) -> BVHTree | None:
    """The search tree of an evaluated object's surface in its own coordinates; ``None`` where it has none."""
    if item.type not in SURFACES:
        return None
    mesh = item.to_mesh()
    surface = bmesh.new()
    surface.from_mesh(mesh)
    item.to_mesh_clear()
    tree = BVHTree.FromBMesh(surface) if surface.faces else None
    surface.free()
    return tree
