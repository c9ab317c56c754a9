# SPDX-License-Identifier: GPL-3.0-or-later
"""Which objects of a scene are parts to photograph, what they occupy, and which of them a class is made of."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import bpy
from mathutils import Euler, Matrix, Vector

from .rendered_objects import SHAPES

TABLE_MARK = "simsearch_table"
"""Custom property that tells our table from a user's object of that name."""


@dataclass(frozen=True)
class Group:
    """Parts that a class shows together, and the collection that already holds them and nothing else, if there is one."""

    name: str
    parts: tuple[bpy.types.Object, ...]
    collection: bpy.types.Collection | None = None


def is_part(scene: bpy.types.Scene, item: bpy.types.Object) -> bool:
    """Whether an object has a shape to photograph: no light, camera, plain empty, region or table."""
    if item == scene.simsearch.region or TABLE_MARK in item:
        return False
    if item.instance_type == "COLLECTION" and item.instance_collection is not None:
        return any(is_part(scene, shown) for shown in item.instance_collection.all_objects)
    return item.type in SHAPES


def parts(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """The objects of a scene that are parts."""
    return [item for item in scene.objects if is_part(scene, item)]


def parts_among(scene: bpy.types.Scene, objects: Iterable[bpy.types.Object]) -> list[bpy.types.Object]:
    """The parts among objects, and those below their empties, which hold the levels of an assembly; each once."""
    found: dict[bpy.types.Object, None] = {}
    for item in objects:
        below = item.children_recursive if item.type == "EMPTY" and item != scene.simsearch.region else ()
        found.update((one, None) for one in (item, *below) if is_part(scene, one) and one.name in scene.objects)
    return list(found)


def bounding_box(objects: Iterable[bpy.types.Object]) -> tuple[Vector, Vector]:
    """Lowest and highest world-space corner (metres) of what the objects occupy; a unit cube for nothing."""
    corners = [corner for item in objects for corner in _corners(item, Matrix())]
    if not corners:
        return Vector((-0.5, -0.5, -0.5)), Vector((0.5, 0.5, 0.5))
    low, high = (Vector(pick(corner[axis] for corner in corners) for axis in range(3)) for pick in (min, max))
    return low, high


def box_of_classes(
    scene: bpy.types.Scene, objects: Sequence[bpy.types.Object], axis: int
) -> tuple[Vector, Vector, list[str]]:
    """The bounding box of objects, but along one axis only as long as that of a typical class, and the names of the
    classes that reach out of it.

    The entries of the list of classes are shown one at a time, so a box around all of them is empty at most of its
    corners, and a single part that stands on edge would push the camera away from all others. Along ``axis`` (0 to 2,
    the world's axis along which the camera looks) each end of the box is therefore the median of the entries'; with two
    entries it is the outer one. Objects that no class lists are shown always and are always inside.
    """
    from statistics import median_high, median_low  # late: Blender starts without them

    low, high = bounding_box(objects)
    ends: list[tuple[str, float, float]] = []
    listed: set[bpy.types.Object] = set()
    for entry in scene.simsearch.classes:
        collections = [shown.collection for shown in entry.collections if shown.collection]
        own = [item for item in objects if any(item in {*collection.all_objects} for collection in collections)]
        listed.update(own)
        if own:
            box = bounding_box(own)
            ends.append((entry.name, box[0][axis], box[1][axis]))
    if not ends:
        return low, high, []
    always = [item for item in objects if item not in listed]
    lowest, highest = (bound[axis] for bound in bounding_box(always)) if always else (math.inf, -math.inf)
    low[axis] = min(lowest, median_low(start for _, start, _ in ends))
    high[axis] = max(highest, median_high(end for _, _, end in ends))
    # A tenth is within the margin that a region usually has.
    slack = 0.1 * (high[axis] - low[axis])
    outside = [name for name, start, end in ends if start < low[axis] - slack or end > high[axis] + slack]
    return low, high, list(dict.fromkeys(outside))


def _corners(item: bpy.types.Object, above: Matrix) -> Iterator[Vector]:
    """The corners of what an object occupies, also where it shows a collection that stands elsewhere."""
    world = above @ item.matrix_world
    if item.instance_type == "COLLECTION" and item.instance_collection is not None:
        inside = world @ Matrix.Translation(-item.instance_collection.instance_offset)
        for shown in item.instance_collection.all_objects:
            yield from _corners(shown, inside)
    elif item.type in SHAPES:
        yield from (world @ Vector(corner) for corner in item.bound_box)


def lay_on_table(objects: Sequence[bpy.types.Object], rotation: Euler, height: float) -> None:
    """Turn parts together about the middle of what they occupy, and set them down.

    Args:
        objects: parts of one scene.
        rotation: about the world's axes.
        height: Z of the table, in metres.
    """
    tops = list(dict.fromkeys(_root(item) for item in objects))
    low, high = bounding_box(objects)
    middle = Matrix.Translation((low + high) / 2)
    for item in tops:
        item.matrix_world = middle @ rotation.to_matrix().to_4x4() @ middle.inverted() @ item.matrix_world
    bpy.context.view_layer.update()
    drop = Vector((0.0, 0.0, height - bounding_box(objects)[0].z))
    for item in tops:
        item.matrix_world = Matrix.Translation(drop) @ item.matrix_world
    bpy.context.view_layer.update()


def table_height(scene: bpy.types.Scene) -> float:
    """Z of the table, in metres; 0 without one."""
    return next((float(item.matrix_world.translation.z) for item in scene.objects if TABLE_MARK in item), 0.0)


def _root(item: bpy.types.Object) -> bpy.types.Object:
    """The object that an object hangs from in the end."""
    while item.parent is not None:
        item = item.parent
    return item


def shares_collection(scene: bpy.types.Scene, selected: Sequence[bpy.types.Object]) -> bool:
    """Whether a collection of parts also holds some that are not selected, so that a class may mean either."""
    return any(set(_content(scene, home)) - {*selected} for home in _homes_of_parts(scene, selected))


def groups(scene: bpy.types.Scene, selected: Sequence[bpy.types.Object], *, whole: bool) -> list[Group]:
    """What the selected parts are to a class, in the order of selection.

    A collection of parts is one group if all of them are taken; each other part is one with the parts below it.

    Args:
        scene: the scene.
        selected: parts of the scene.
        whole: take all parts of a collection of parts where one of them is selected.
    """
    homes = _homes_of_parts(scene, selected)
    found: dict[object, Group] = {}
    for item in selected:
        home = _home(scene, item)
        content = _content(scene, home)
        if home in homes and (whole or set(content) <= set(selected)):
            found[home] = Group(home.name, tuple(content), home)
        else:
            top = _highest(item, selected)
            found[top] = Group(top.name, tuple(one for one in (top, *top.children_recursive) if one in selected))
    return list(found.values())


def own_collections(scene: bpy.types.Scene, chosen: Iterable[Group]) -> list[bpy.types.Collection]:
    """The collections that hold the parts of these groups and nothing else.

    Parts that have none are moved to a new one, inside the collection that holds the first of them now.
    """
    collections = []
    loose: list[Group] = []
    for group in chosen:
        if group.collection is None:
            loose.append(group)
        else:
            collections.append(group.collection)
    if loose:
        collections.append(_moved(scene, loose[0].name, [part for group in loose for part in group.parts]))
    return collections


def _moved(scene: bpy.types.Scene, name: str, objects: Sequence[bpy.types.Object]) -> bpy.types.Collection:
    """Move objects of a scene to a new collection."""
    collection = bpy.data.collections.new(name)
    _home(scene, objects[0]).children.link(collection)
    of_scene = {scene.collection, *scene.collection.children_recursive}
    for item in objects:
        for holder in of_scene.intersection(item.users_collection):
            holder.objects.unlink(item)
        collection.objects.link(item)
    return collection


def _home(scene: bpy.types.Scene, item: bpy.types.Object) -> bpy.types.Collection:
    """The collection of the scene that holds an object; the scene's own one if no other does."""
    inside = set(scene.collection.children_recursive)
    return next((holder for holder in item.users_collection if holder in inside), scene.collection)


def _homes_of_parts(scene: bpy.types.Scene, selected: Iterable[bpy.types.Object]) -> set[bpy.types.Collection]:
    """The collections that hold the selected parts and nothing that is no part: light, camera, region or table."""
    homes = {_home(scene, item) for item in selected} - {scene.collection}
    return {
        home
        for home in homes
        if all(
            is_part(scene, item) or (item.type == "EMPTY" and item != scene.simsearch.region)
            for item in home.all_objects
        )
    }


def _content(scene: bpy.types.Scene, home: bpy.types.Collection) -> list[bpy.types.Object]:
    """The parts in a collection, less those in collections inside it that a class lists already."""
    listed = {entry.collection for item in scene.simsearch.classes for entry in item.collections}
    others = [child for child in home.children_recursive if child in listed]
    elsewhere = {item for child in others for item in child.all_objects}
    return [item for item in home.all_objects if is_part(scene, item) and item not in elsewhere]


def _highest(item: bpy.types.Object, among: Sequence[bpy.types.Object]) -> bpy.types.Object:
    """The object itself, or the highest one of those that it hangs from."""
    while item.parent is not None and item.parent in among:
        item = item.parent
    return item
