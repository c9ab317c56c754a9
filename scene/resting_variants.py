# SPDX-License-Identifier: GPL-3.0-or-later
"""Variants of a class that show its part on every side on which it rests, and turned. They share the part's meshes."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from ..inference.errors import InputError
from .parts import is_part
from .poses import Array
from .rendered_objects import SHAPES
from .stable_poses import Indices, RestingPose, resting_poses
from .view import world_matrix

MADE_FROM = "simsearch_resting"
"""Custom property of a collection that was made here: the collection whose parts it lays down."""

STANDS = math.radians(1.0)
"""A part that is tilted by less lies as in a resting position."""


_last: dict[str, Any] = {}
"""The surface that was looked at last, and its poses; a finely tessellated part takes seconds."""


@dataclass(frozen=True)
class Part:
    """What a class shows of its own, as one rigid body.

    Attributes:
        entry: the place in the list of classes of the entry that shows the part itself.
        collections: that it lists.
        points: of the surface in the world, metres [N, 3].
        triangles: of the surface, indices of points [M, 3].
    """

    entry: int
    collections: tuple[bpy.types.Collection, ...]
    points: Array
    triangles: Indices


def part_of_class(scene: bpy.types.Scene, entry: int) -> Part:
    """The part of an entry of the list of classes; for a variant that was made here, of the one that it was made from.

    Raises:
        InputError: the entry lists no collection that shows a part.
    """
    classes = scene.simsearch.classes
    listed = [shown.collection for shown in classes[entry].collections if shown.collection]
    source = next((collection.get(MADE_FROM) for collection in listed), None)
    if source is not None:
        origin = [number for number, other in enumerate(classes) if source in _listed(other)]
        if not origin:
            raise InputError(
                f"The part that this variant of {classes[entry].name!r} was made from is in no class. Select a class that "
                "lists its collection."
            )
        entry, listed = origin[0], _listed(classes[origin[0]])
    found = [surface for item in _parts(scene, listed) for surface in surfaces(item, Matrix())]
    if not found:
        raise InputError(f"The class {classes[entry].name!r} shows no part of its own. Select a class that shows one.")
    starts = np.cumsum([0] + [len(points) for points, _ in found])
    return Part(
        entry,
        tuple(listed),
        np.concatenate([points for points, _ in found]),
        np.concatenate([triangles + start for (_, triangles), start in zip(found, starts, strict=False)]),
    )


def poses_of(part: Part, least_share: float) -> list[RestingPose]:
    """The resting positions of a part in at least this share of the drops, the most frequent first.

    Raises:
        InputError: the part has no volume.
    """
    content = part.points.tobytes(), part.triangles.tobytes()
    if _last.get("part") != content:  # a dialog asks first to offer them, then to make them
        _last.update(part=content, poses=resting_poses(part.points, part.triangles))
    return [pose for pose in _last["poses"] if pose.share >= least_share]


def lay_down(scene: bpy.types.Scene, part: Part, poses: Sequence[RestingPose], turns: int) -> int:
    """Make the variants of a class and take away those that were made before; returns how many the class has now.

    The part itself is one of them: it stays if it rests in one of the poses, and is laid down otherwise. All others are
    copies of its objects, with the same meshes, each variant in a collection of its own that is hidden in the viewport.
    The lowest point and the middle, seen from above, stay where they were.

    Args:
        scene: the scene.
        part: of one of its classes.
        poses: of the part, at least one.
        turns: about the vertical for each pose, evenly spread over a whole turn.
    """
    _remove_made(scene, part)
    classes, label = scene.simsearch.classes, scene.simsearch.classes[part.entry].name
    entry = next(number for number, other in enumerate(classes) if _listed(other) == list(part.collections))
    as_it_is = next((pose for pose in poses if stands_in(pose)), None)
    own = as_it_is or poses[0]
    moved = np.eye(4) if as_it_is else _motion(part.points, own.rotation())
    sources = _parts(scene, part.collections)
    places = {item: world_matrix(item) for item in sources}
    made = 0
    for number, pose in enumerate(poses, 1):
        for turn in range(turns):
            if pose is own and turn == 0:
                continue
            base = np.eye(3) if pose is as_it_is else pose.rotation()
            motion = Matrix(_motion(part.points, _about_vertical(2 * math.pi * turn / turns) @ base).tolist())
            suffix = f" resting {number}" + (f" turn {turn + 1}" if turns > 1 else "")
            collection = bpy.data.collections.new(part.collections[0].name + suffix)
            collection[MADE_FROM] = part.collections[0]
            _holder(scene, part.collections[0]).children.link(collection)
            for item in sources:
                collection.objects.link(_copy(item, motion @ places[item]))
            made += 1
            new = classes.add()
            new.name = label
            new.collections.add().collection = collection
            classes.move(len(classes) - 1, entry + made)
    if not as_it_is:
        _move(part, Matrix(moved.tolist()))
    for layer in scene.view_layers:
        for child in _layers(layer.layer_collection):
            if child.collection.get(MADE_FROM) == part.collections[0]:
                child.hide_viewport = True
    scene.simsearch.active_class_index = entry
    return made + 1


def stands_in(pose: RestingPose) -> bool:
    """Whether a part lies in a resting position as it is in the scene."""
    return bool(np.any(pose.side @ (0, 0, -1) > math.cos(STANDS)))


def _listed(entry: bpy.types.PropertyGroup) -> list[bpy.types.Collection]:
    return [shown.collection for shown in entry.collections if shown.collection]


def _parts(scene: bpy.types.Scene, collections: Sequence[bpy.types.Collection]) -> list[bpy.types.Object]:
    found = {item: None for collection in collections for item in collection.all_objects if is_part(scene, item)}
    return [item for item in found if not item.hide_render]


def surfaces(item: bpy.types.Object, above: Matrix) -> Iterator[tuple[Array, Indices]]:
    """Points [N, 3] in the world and triangles [M, 3] of an object, also of what it shows of a collection elsewhere."""
    world = above @ world_matrix(item)
    if item.instance_type == "COLLECTION" and item.instance_collection is not None:
        inside = world @ Matrix.Translation(-item.instance_collection.instance_offset)
        for shown in item.instance_collection.all_objects:
            yield from surfaces(shown, inside)
    elif item.type in SHAPES:
        evaluated = item.evaluated_get(bpy.context.evaluated_depsgraph_get())
        mesh = evaluated.to_mesh()
        if mesh is None:
            return
        mesh.calc_loop_triangles()
        points, triangles = (
            np.empty(3 * len(mesh.vertices), np.float32),
            np.empty(3 * len(mesh.loop_triangles), np.int32),
        )
        mesh.vertices.foreach_get("co", points)
        mesh.loop_triangles.foreach_get("vertices", triangles)
        evaluated.to_mesh_clear()
        matrix = np.array(world, dtype=np.float64)
        if len(points):
            yield points.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3], triangles.reshape(-1, 3).astype(np.int64)


def _about_vertical(turn: float) -> Array:
    cosine, sine = math.cos(turn), math.sin(turn)
    return np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])


def _motion(points: Array, rotation: Array) -> Array:
    """The motion [4, 4] that rotates points [N, 3] and puts them back on the table where they were."""
    turned = points @ rotation.T
    before, after = (np.array([one.min(axis=0), one.max(axis=0)]) for one in (points, turned))
    motion = np.eye(4)
    motion[:3, :3] = rotation
    motion[:2, 3] = (before - after).mean(axis=0)[:2]
    motion[2, 3] = before[0, 2] - after[0, 2]
    return motion


def _copy(item: bpy.types.Object, place: Matrix) -> bpy.types.Object:
    """A copy of an object that shares its data and stands by itself."""
    copy = item.copy()
    copy.animation_data_clear()
    copy.constraints.clear()
    copy.parent = None
    copy.matrix_world = place
    return copy


def _move(part: Part, motion: Matrix) -> None:
    """Move the part itself, with the empties that it hangs from."""
    items = {item for collection in part.collections for item in collection.all_objects}
    places = {item: world_matrix(item) for item in items if item.parent not in items}
    for item, place in places.items():
        item.matrix_world = motion @ place


def _remove_made(scene: bpy.types.Scene, part: Part) -> None:
    made = [found for found in bpy.data.collections if found.get(MADE_FROM) == part.collections[0]]
    classes = scene.simsearch.classes
    for number in reversed(range(len(classes))):
        if set(_listed(classes[number])) & set(made):
            classes.remove(number)
    for collection in made:
        for item in list(collection.objects):
            bpy.data.objects.remove(item)
        bpy.data.collections.remove(collection)


def _holder(scene: bpy.types.Scene, child: bpy.types.Collection) -> bpy.types.Collection:
    """The collection of the scene in which a collection stands."""
    every = (scene.collection, *scene.collection.children_recursive)
    return next((one for one in every if child.name in one.children), scene.collection)


def _layers(layer: bpy.types.LayerCollection) -> Iterator[bpy.types.LayerCollection]:
    for child in layer.children:
        yield child
        yield from _layers(child)
