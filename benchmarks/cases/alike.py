# SPDX-License-Identifier: GPL-3.0-or-later
"""Eight classes of similar parts in any right-angle turn on either side, as the extension's buttons set the scene up or as
an expert would who knows the photographs.

    python benchmarks/cases/alike.py plates naive plates.blend

``naive`` has parts without material, Basic Lighting, Plain Background and its table, all with their defaults. ``expert`` has
the colours and the gloss of the photographed parts, one hard lamp beside the camera and dim surroundings; photographs are
simulated from it. Geometry, camera and limits are the same in both.
"""

import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import bpy
from mathutils import Matrix

from synthetic_similarity_search.benchmarks.cases.analogues import slab
from synthetic_similarity_search.benchmarks.cases.stage import (
    add_camera,
    add_sun,
    end,
    mark_region,
    new_material,
    new_scene,
    ring,
    save,
    set_world,
    skin,
)
from synthetic_similarity_search.scene.lighting import add_basic_lighting, add_table, set_background

TURNS = 4
UNIT = 0.008
"""Distance of two studs in metres."""

Object = bpy.types.Object
Parts = list[Object]


def plate(material: bpy.types.Material, length: int, *, studs: bool) -> list[Parts]:
    """A plate two units wide, seen from above and from below: with studs and tubes, or smooth and with ribs."""
    width, depth, height = length * UNIT, 2 * UNIT, 0.0032
    body = [slab(width, depth, height, material, corner=0.02, bevel=0.08)]
    below = [
        slab(width, 0.0012, height, material, at=(0, side * (depth - 0.0012) / 2, 0), corner=0.02, bevel=0.05)
        for side in (-1, 1)
    ]
    below += [
        slab(0.0012, depth, height, material, at=(side * (width - 0.0012) / 2, 0, 0), corner=0.02, bevel=0.05)
        for side in (-1, 1)
    ]
    below.append(slab(width, depth, 0.001, material, corner=0.02, bevel=0.05))
    columns = [(column + 0.5 - length / 2) * UNIT for column in range(length)]
    if studs:
        body += [
            slab(0.0048, 0.0048, 0.0018, material, at=(x, row * UNIT / 2, height), corner=1)
            for x in columns
            for row in (-1, 1)
        ]
        for x in columns[:-1]:
            rings = [
                ring(0.0032, 0.001, 32),
                ring(0.0032, height, 32),
                ring(0.0024, height, 32),
                ring(0.0024, 0.001, 32),
            ]
            below.append(skin("tube", rings, material, closed=False))
            below[-1].location.x = x + UNIT / 2
    else:
        below += [slab(0.001, depth, height, material, at=(x, 0, 0), corner=0.02, bevel=0.05) for x in columns]
    return [body, below]


def bracket(material: bpy.types.Material, feature: Callable[[bpy.types.Material], Parts]) -> list[Parts]:
    """A flat bracket with an upright edge and one feature, lying flat or leaning on its edge."""

    def parts() -> Parts:
        base = slab(0.044, 0.03, 0.003, material, corner=0.2, bevel=0.15)
        return [base, edge(-0.0205)(material), *feature(material)]

    leaning = parts()
    for part in leaning:
        part.matrix_world = Matrix.Rotation(math.radians(-20), 4, "Y") @ part.matrix_basis
        part.location.z += 0.008
    return [parts(), leaning]


def edge(x: float, y: float = 0, depth: float = 0.03) -> Callable[[bpy.types.Material], Object]:
    """An upright edge across a bracket."""
    return lambda material: slab(0.003, depth, 0.014, material, at=(x, y, 0), corner=0.1, bevel=0.05)


def boss(y: float, size: float, corner: float = 1.0) -> Callable[[bpy.types.Material], Object]:
    """A stud on a bracket."""
    return lambda material: slab(size, size, 0.008, material, at=(0.004, y, 0.003), corner=corner, bevel=0.2)


def rib(y: float) -> Callable[[bpy.types.Material], Object]:
    """A bar along a bracket, which starts at its upright edge."""
    return lambda material: slab(0.034, 0.003, 0.009, material, at=(-0.003, y, 0.003), corner=0.1)


FEATURES: dict[str, Sequence[Callable[[bpy.types.Material], Object]]] = {
    "plain": (),
    "stud": (boss(0, 0.015),),
    "square stud": (boss(0, 0.015, corner=0.1),),
    "two studs": (boss(-0.008, 0.01), boss(0.008, 0.01)),
    "rib": (rib(0),),
    "two ribs": (rib(-0.0135), rib(0.0135)),
    "far edge": (edge(0.0205),),
    "half edge": (edge(0.0205, y=0.0075, depth=0.015),),
}


def plates(material: bpy.types.Material) -> dict[str, list[Parts]]:
    """Plates of four lengths, with studs or smooth; by class, what each side shows."""
    return {
        f"{'plate' if studs else 'tile'} {length}": plate(material, length, studs=studs)
        for length in (2, 3, 4, 6)
        for studs in (True, False)
    }


def brackets(material: bpy.types.Material) -> dict[str, list[Parts]]:
    """Brackets that differ in one feature; by class, what each side shows."""
    return {
        name: bracket(material, lambda own, makers=makers: [make(own) for make in makers])
        for name, makers in FEATURES.items()
    }


CASES = {
    "plates": (plates, (0.50, 0.03, 0.02), 0.15, (0.25, 0.22, 0.17)),
    "brackets": (brackets, (0.03, 0.10, 0.28), 0.25, (0.30, 0.29, 0.26)),
}
"""By name: what makes the parts, colour and roughness of the parts, colour of the table."""

WIDTH = 0.05
"""Metres of what must be in view."""


def add_turned(scene: bpy.types.Scene, label: str, sides: Sequence[Parts]) -> None:
    """Variants of a class, each side in four turns; they share their meshes."""
    for side in sides:
        for turn in range(TURNS):
            entry = scene.simsearch.classes.add()
            entry.name = label
            collection = bpy.data.collections.new(f"{label} {turn}")
            scene.collection.children.link(collection)
            for part in side:
                double = bpy.data.objects.new(part.name, part.data)
                double.matrix_world = Matrix.Rotation(turn * math.pi / 2, 4, "Z") @ part.matrix_basis
                collection.objects.link(double)
            entry.collections.add().collection = collection


def build(name: str, look: str, path: Path) -> None:
    """Save a case's scene as a .blend file."""
    scene, expert = new_scene(), look == "expert"
    make, colour, roughness, table_colour = CASES[name]
    material = new_material("plastic", colour, roughness)
    for label, sides in make(material).items():
        add_turned(scene, label, sides)
    bpy.context.view_layer.update()
    add_camera(scene, height=3 * WIDTH, field=1.5 * WIDTH)
    mark_region(scene, (WIDTH, WIDTH, 0.008), (0, 0, 0.004))
    jitter = scene.simsearch.jitter
    jitter.location, jitter.rotation = (0.006, 0.006, 0.01), (0.05, 0.05, 0.10)
    table = add_table(scene)
    if expert:
        table.data.materials.append(new_material("table", table_colour, 0.7))
        lamp = add_sun(scene, 2.5, math.radians(50), math.radians(4), WIDTH / 500)
        lamp.rotation_euler = (0, math.radians(-50), 0)
        set_world(scene, zenith=0.15, horizon=0.15, window=0.5)
        jitter.light_angle, jitter.light_strength, jitter.background, jitter.material = 0.4, 0.5, 0.4, 0.3
    else:
        for mesh in bpy.data.meshes:
            mesh.materials.clear()
        bpy.data.materials.remove(material)
        add_basic_lighting(scene)
        set_background(scene, 0.3)
    save(path)


if __name__ == "__main__":
    build(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
    end()
