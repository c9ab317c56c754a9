# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of the objects that an importer made: parts alone, each instance an object, of the right size, near the origin."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import bpy
import numpy as np
from mathutils import Matrix, Vector

from .cad.notes import far_out, moved_note

LOST = "simsearch_lost"
"""Custom property of a collection: the sentences, a line each, that say what of its file did not come in."""

NOT_PARTS = {
    "LIGHT": "light", "CAMERA": "camera", "SPEAKER": "loudspeaker", "LIGHT_PROBE": "light probe", "WORLD": "background",
}  # fmt: skip
HOUSE, GRAIN = 20.0, 0.001
"""Metres: a part larger than one or smaller than the other has probably come in with the wrong unit."""


@contextmanager
def scene_kept() -> Iterator[None]:
    """Leave world, camera and frames of the current scene as they are, whatever an importer does to them."""
    scene = bpy.context.scene
    kept = {name: getattr(scene, name) for name in ("world", "camera", "frame_start", "frame_end", "frame_current")}
    rate = scene.render.fps, scene.render.fps_base
    try:
        yield
    finally:
        for name, value in kept.items():
            setattr(scene, name, value)
        scene.render.fps, scene.render.fps_base = rate


def only_parts(name: str, known: set[bpy.types.ID]) -> list[str]:
    """Remove what an importer brought besides parts.

    Args:
        name: of the file.
        known: the objects and worlds that were there before.

    Returns:
        A sentence about what was left out, or none.
    """
    bpy.context.view_layer.update()
    objects = [item for item in bpy.data.objects if item not in known]
    moving = [item for item in objects if _stilled(item)]
    worlds = [world for world in bpy.data.worlds if world not in known]
    left_out = [item for item in objects if item.type in NOT_PARTS]
    counts = Counter([NOT_PARTS[item.type] for item in left_out] + [NOT_PARTS["WORLD"]] * len(worlds))
    for item in left_out:
        _let_go(item)
    bpy.data.batch_remove([*left_out, *worlds, *{item.data for item in left_out}])
    told = [f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in counts.items()]
    if moving:
        told.append(f"the motion of {len(moving)} object{'s' if len(moving) > 1 else ''}")
    return [f"{name} also brings {_and(told)}; only the parts were imported."] if told else []


def _stilled(item: bpy.types.Object) -> bool:
    """Let an object stand where it stands now; returns whether it could move."""
    caches = [one for one in item.constraints if one.type == "TRANSFORM_CACHE"]
    modifiers = [one for one in item.modifiers if one.type == "MESH_SEQUENCE_CACHE"]
    animated = item.animation_data is not None and item.animation_data.action is not None
    if not (caches or modifiers or animated):
        return False
    world = item.matrix_world.copy()
    item.animation_data_clear()
    for cache in caches:
        item.constraints.remove(cache)
    for modifier in modifiers:
        item.modifiers.remove(modifier)
    item.matrix_world = world
    return True


def _let_go(item: bpy.types.Object) -> None:
    """Let the children of an object that is removed stay where they are."""
    for child in item.children:
        world = child.matrix_world.copy()
        child.parent = item.parent
        child.matrix_world = world


def instances_as_objects(known: set[bpy.types.ID]) -> None:
    """Put an object that shares the mesh in place of each instance that an importer made, then remove what it is made of.

    Collections that are instanced and point instancers of USD become this; ``known`` are the objects that were there before.
    """
    bpy.context.view_layer.update()
    objects = [item for item in bpy.data.objects if item not in known]
    found = [
        (instance.parent.original, instance.object.original, instance.matrix_world.copy())
        for instance in bpy.context.evaluated_depsgraph_get().object_instances
        if instance.is_instance and instance.parent.original not in known and instance.object.type == "MESH"
    ]
    prototypes = {
        item for holder in objects if holder.instance_collection for item in holder.instance_collection.all_objects
    } | {prototype for _, prototype, _ in found}
    pointers = {instancer for instancer, _, _ in found if instancer.type != "EMPTY"}
    for instancer, prototype, world in found:
        copy = prototype.copy()
        copy.parent = instancer.parent if instancer in pointers else instancer
        copy.hide_render = copy.hide_viewport = False
        bpy.context.scene.collection.objects.link(copy)
        _place(copy, world)
    collections = {item.instance_collection for item in objects if item.instance_collection}
    for item in objects:
        item.instance_type = "NONE"
    bpy.data.batch_remove([*prototypes, *pointers, *collections])


def _place(item: bpy.types.Object, world: Matrix) -> None:
    """Put an object at a place, which may be sheared: its mesh takes what location, rotation and scale cannot."""
    plain = Matrix.LocRotScale(*world.decompose())
    if not np.allclose(plain, world, rtol=1e-4, atol=1e-6 * max(map(abs, world.to_scale()))):
        item.data = item.data.copy()
        item.data.transform(plain.inverted_safe() @ world)
    item.matrix_world = plain


def bare_empties(objects: Iterable[bpy.types.Object]) -> list[bpy.types.Object]:
    """The empties that hold no part, themselves or below them."""

    def holds(item: bpy.types.Object) -> bool:
        return item.type != "EMPTY" or any(holds(child) for child in item.children)

    return [item for item in objects if not holds(item)]


def scale(objects: Iterable[bpy.types.Object], factor: float) -> None:
    """Make objects and their places larger or smaller."""
    _transform(objects, Matrix.Scale(factor, 4))


def _transform(objects: Iterable[bpy.types.Object], matrix: Matrix) -> None:
    for item in objects:
        if item.parent is None:
            item.matrix_world = matrix @ item.matrix_world
    bpy.context.view_layer.update()


def near_origin(name: str, objects: list[bpy.types.Object], metres: float) -> list[str]:
    """Move objects that lie too far out for single precision; returns a sentence if there was need.

    Args:
        name: of the file.
        objects: all that was imported.
        metres: length of a Blender unit.
    """
    bpy.context.view_layer.update()
    coarse = 0.0
    for mesh in {item.data for item in objects if item.type == "MESH" and item.data.vertices}:
        users = [item for item in objects if item.data == mesh]
        box = _box(Vector(corner) for corner in users[0].bound_box)
        if far_out(box):
            coarse = max(coarse, float(np.spacing(np.float32(np.abs(box).max()))) * users[0].matrix_world.median_scale)
            centre = Vector(box.mean(axis=0))
            mesh.transform(Matrix.Translation(-centre))
            for item in users:
                item.matrix_world = item.matrix_world @ Matrix.Translation(centre)
    bpy.context.view_layer.update()
    box = extent(objects)
    if not far_out(box):
        return []
    centre = np.round(box.mean(axis=0), 3)
    _transform(objects, Matrix.Translation(-Vector(centre)))
    note = moved_note(name, centre * metres)
    if coarse:
        note += (
            f" Its points lie on a grid of {coarse * metres * 1000:.2g} mm, as single precision is out there. Export it "
            "nearer to the origin."
        )
    return [note]


def extent(objects: Iterable[bpy.types.Object]) -> np.ndarray:
    """The lowest and highest world-space corner [2, 3] of the meshes among some objects, in Blender units."""
    return _box(
        item.matrix_world @ Vector(corner) for item in objects if item.type == "MESH" for corner in item.bound_box
    )


def _box(corners: Iterable[Vector]) -> np.ndarray:
    points = np.array([*corners], np.float64).reshape(-1, 3)
    return np.array([points.min(axis=0), points.max(axis=0)])


def size_hint(name: str, objects: Iterable[bpy.types.Object], metres: float, advice: str) -> list[str]:
    """A sentence where all parts together are larger than a house or smaller than a grain.

    Args:
        name: of the file.
        objects: all that was imported.
        metres: length of a Blender unit.
        advice: the sentence that says what to do.
    """
    size = float(np.ptp(extent(objects), axis=0).max()) * metres
    if size > HOUSE:
        return [f"{name} is {size:,.0f} m large, larger than a house. {advice}"]
    if size < GRAIN:
        return [f"{name} is {size * 1000:.2g} mm large, smaller than a grain of sand. {advice}"]
    return []


def _and(parts: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))
