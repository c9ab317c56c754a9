# SPDX-License-Identifier: GPL-3.0-or-later
"""The paper's eight use cases, one of fine relief and one of sizes, as scenes of our own: simple parts, plain materials, one lamp.

    python benchmarks/cases/analogues.py fastening_plug fastening_plug.blend

Six ask whether a part is there, door_handle and engine_cover which of three variants it is. What surrounds the part is
always shown. Parts lie flat under the camera, as only their view matters.
"""

import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import bpy
from mathutils import Euler, Matrix, Vector

from synthetic_similarity_search.benchmarks.cases.stage import (
    add_camera,
    add_sun,
    add_variant,
    end,
    mark_region,
    new_material,
    new_scene,
    ring,
    save,
    set_world,
    skin,
)  # fmt: skip

Object = bpy.types.Object
Point = tuple[float, float, float]


def outline(width: float, depth: float, z: float, corner: float = 0.2) -> list[Point]:
    """The points of a rectangle about Z, `corner` of its shorter half rounded off."""
    radius = corner * min(width, depth) / 2
    points = []
    for x, y, _ in ring(radius, z):
        points.append((x + math.copysign(width / 2 - radius, x), y + math.copysign(depth / 2 - radius, y), z))
    return points


def slab(
    width: float,
    depth: float,
    height: float,
    material: bpy.types.Material,
    *,
    at: Point = (0, 0, 0),
    corner: float = 0.2,
    bevel: float = 0.15,
) -> Object:
    """A rounded, bevelled block that stands on `at`; corner 1 and equal sides make a disc."""
    edge = bevel * height
    rings = [
        outline(width, depth, 0, corner),
        outline(width, depth, height - edge, corner),
        outline(width - 2 * edge, depth - 2 * edge, height, corner),
    ]
    part = skin("slab", rings, material)
    part.location = at
    return part


def bar(start: Point, end: Point, radius: float, material: bpy.types.Material) -> Object:
    """A round bar between two points."""
    axis = Vector(end) - Vector(start)
    part = skin("bar", [ring(radius, 0, 24), ring(radius, axis.length, 24)], material)
    part.matrix_world = Matrix.Translation(start) @ axis.to_track_quat("Z", "Y").to_matrix().to_4x4()
    return part


def sheet(
    width: float,
    opening: tuple[float, float, float],
    depth: float,
    material: bpy.types.Material,
    inside: bpy.types.Material,
) -> list[Object]:
    """A square sheet at Z = 0 with a rounded opening (width, depth, corner) into a recess of this depth."""
    across, along, corner = opening
    surface = [outline(width, width, 0), outline(across, along, 0, corner)]
    wall = [outline(across, along, 0, corner), outline(across, along, -depth, corner)]
    floor = skin(
        "floor", [outline(across, along, -depth - 1e-4, corner), outline(across, along, -depth, corner)], inside
    )
    return [skin("sheet", surface, material, closed=False), skin("wall", wall, material, closed=False), floor]


def show_always(scene: bpy.types.Scene, parts: Sequence[Object]) -> None:
    """Link what every class shows."""
    for part in parts:
        scene.collection.objects.link(part)


def door_cover(scene: bpy.types.Scene) -> float:
    """The cover over the opening of a door's inner panel."""
    panel, dark = new_material("panel", (0.10, 0.10, 0.11), 0.6), new_material("door", (0.03, 0.03, 0.03), 0.5)
    cover = new_material("cover", (0.16, 0.16, 0.17), 0.5)
    show_always(scene, sheet(1.2, (0.16, 0.10, 0.3), 0.03, panel, dark))
    show_always(scene, [bar((-0.08, y, -0.022), (0.08, y + 0.02, -0.022), 0.005, dark) for y in (-0.03, 0.01)])
    grips = [slab(0.05, 0.006, 0.004, cover, at=(0, y, 0.008)) for y in (-0.02, 0.0, 0.02)]
    add_variant(scene, "cover", [slab(0.18, 0.12, 0.008, cover, corner=0.35, bevel=0.4), *grips])
    add_variant(scene, "no cover", [])
    return 0.20


def door_handle(scene: bpy.types.Scene) -> float:
    """Three handles of the same car."""
    paint, chrome = new_material("paint", (0.25, 0.03, 0.03), 0.3), new_material("chrome", (0.6, 0.6, 0.6), 0.2, 1.0)
    black = new_material("black plastic", (0.02, 0.02, 0.02), 0.4)
    show_always(scene, sheet(1.4, (0.12, 0.06, 0.8), 0.02, paint, paint))

    def pull(material: bpy.types.Material) -> list[Object]:
        feet = [slab(0.025, 0.03, 0.02, material, at=(x, 0, 0), corner=0.6) for x in (-0.09, 0.09)]
        return [slab(0.21, 0.028, 0.012, material, at=(0, 0, 0.02), corner=0.9, bevel=0.4), *feet]

    lock = slab(0.016, 0.016, 0.004, black, at=(0.09, 0, 0.031), corner=1, bevel=0.2)
    add_variant(scene, "painted with lock", [*pull(paint), lock])
    add_variant(scene, "chrome", pull(chrome))
    flap = slab(0.12, 0.062, 0.006, black, at=(0, 0, -0.004), corner=0.8)
    add_variant(scene, "flap", [flap, slab(0.10, 0.006, 0.003, chrome, at=(0, -0.02, 0.002))])
    return 0.26


def door_tray(scene: bpy.types.Scene) -> float:
    """The storage tray of a door, or its mounts."""
    panel, tray = new_material("panel", (0.12, 0.12, 0.12), 0.6), new_material("tray", (0.05, 0.05, 0.055), 0.5)
    show_always(scene, [slab(1.4, 1.4, 0.01, panel, at=(0, 0, -0.01))])
    mounts = [slab(0.02, 0.02, 0.012, panel, at=(x, y, 0), corner=1) for x in (-0.09, 0.09) for y in (-0.03, 0.03)]
    show_always(scene, mounts)
    shell = [outline(w, d, z, 0.4) for w, d, z in (
        (0.24, 0.11, 0), (0.25, 0.12, 0.05), (0.242, 0.112, 0.05), (0.23, 0.10, 0.014),
    )]  # fmt: skip
    divider = slab(0.006, 0.10, 0.03, tray, at=(0.05, 0, 0.014))
    add_variant(scene, "tray", [skin("tray", shell, tray), divider])
    add_variant(scene, "no tray", [])
    return 0.27


def license_plate(scene: bpy.types.Scene) -> float:
    """A license plate on its carrier."""
    paint, black = new_material("bumper", (0.20, 0.21, 0.23), 0.35), new_material("carrier", (0.02, 0.02, 0.02), 0.5)
    white, ink = new_material("plate", (0.75, 0.75, 0.72), 0.4), new_material("ink", (0.02, 0.02, 0.02), 0.5)
    show_always(scene, [slab(3.0, 3.0, 0.02, paint, at=(0, 0, -0.02)), slab(0.54, 0.13, 0.01, black)])
    show_always(scene, [slab(0.02, 0.02, 0.004, paint, at=(x, 0, 0.01), corner=1) for x in (-0.18, 0.18)])
    letters: list[Object] = []
    for number in range(7):  # strokes of seven-segment figures
        x = -0.19 + 0.065 * number
        for segment, (dx, dy, width, depth) in enumerate((
            (0, 0.034, 0.036, 0.009), (0, 0, 0.036, 0.009), (0, -0.034, 0.036, 0.009),
            (-0.016, 0.017, 0.009, 0.034), (0.016, 0.017, 0.009, 0.034), (-0.016, -0.017, 0.009, 0.034), (0.016, -0.017, 0.009, 0.034),
        )):  # fmt: skip
            if (37 * number + 11 * segment) % 5:
                letters.append(
                    slab(width, depth, 0.001, ink, at=(x, dy, 0.0125))
                    if not dx
                    else slab(width, depth, 0.001, ink, at=(x + dx, dy, 0.0125))
                )
    add_variant(scene, "plate", [slab(0.52, 0.11, 0.0025, white, at=(0, 0, 0.01), corner=0.15), *letters])
    add_variant(scene, "no plate", [])
    return 0.56


def fastening_plug(scene: bpy.types.Scene) -> float:
    """A plastic plug in a hole of sheet metal."""
    metal, dark = (
        new_material("sheet metal", (0.28, 0.29, 0.30), 0.45, 0.6),
        new_material("below", (0.01, 0.01, 0.01), 0.9),
    )
    plastic = new_material("plug", (0.03, 0.03, 0.03), 0.45)
    show_always(scene, sheet(0.2, (0.012, 0.012, 1.0), 0.01, metal, dark))
    profile = ((0.0095, 0.0), (0.0095, 0.001), (0.008, 0.0025), (0.0055, 0.0032), (0.005, 0.002), (0.001, 0.0018))
    add_variant(
        scene,
        "plug",
        [
            skin("plug", [ring(r, z) for r, z in profile], plastic),
            slab(0.007, 0.0018, 0.0014, plastic, at=(0, 0, 0.0019)),
        ],
    )
    add_variant(scene, "no plug", [])
    return 0.021


def underbody(scene: bpy.types.Scene) -> float:
    """A shield under a car, or the pipes and frame that it covers."""
    steel, pipe = (
        new_material("floor pan", (0.07, 0.07, 0.075), 0.6),
        new_material("pipe", (0.35, 0.35, 0.35), 0.4, 0.8),
    )
    shield = new_material("shield", (0.025, 0.025, 0.025), 0.65)
    show_always(scene, [slab(4.0, 4.0, 0.02, steel, at=(0, 0, -0.02))])
    show_always(scene, [slab(0.06, 1.6, 0.04, steel, at=(x, 0, 0)) for x in (-0.30, 0.30)])
    show_always(scene, [bar((x, -0.8, 0.02), (x + 0.02, 0.8, 0.02), 0.012, pipe) for x in (-0.15, -0.11, 0.12)])
    ribs = [slab(0.5, 0.015, 0.012, shield, at=(0, y, 0.055)) for y in (-0.15, -0.05, 0.05, 0.15)]
    bolts = [slab(0.03, 0.03, 0.01, pipe, at=(x, y, 0.055), corner=1) for x in (-0.29, 0.29) for y in (-0.19, 0.19)]
    add_variant(scene, "shield", [slab(0.66, 0.44, 0.015, shield, at=(0, 0, 0.04)), *ribs, *bolts])
    add_variant(scene, "no shield", [])
    return 0.70


def hexagon_screw(scene: bpy.types.Scene) -> float:
    """A hexagon flange screw, or the threaded hole that it belongs in."""
    cast, zinc = (
        new_material("casting", (0.22, 0.22, 0.22), 0.6, 0.5),
        new_material("zinc", (0.5, 0.5, 0.52), 0.35, 1.0),
    )
    dark = new_material("hole", (0.01, 0.01, 0.01), 0.9)
    show_always(scene, sheet(0.2, (0.0085, 0.0085, 1.0), 0.012, cast, dark))
    show_always(
        scene,
        [
            skin(
                "boss",
                [ring(0.011, 0), ring(0.0105, 0.0015), ring(0.0045, 0.0015), ring(0.00425, 0)],
                cast,
                closed=False,
            )
        ],
    )
    flange = skin("flange", [ring(0.0095, 0.0015), ring(0.0095, 0.0025), ring(0.007, 0.0035)], zinc)
    head = skin(
        "head", [ring(0.0075, 0.003, 6), ring(0.0075, 0.0085, 6), ring(0.0066, 0.009, 6), ring(0.005, 0.0085, 6)], zinc
    )
    add_variant(scene, "screw", [flange, head])
    add_variant(scene, "no screw", [])
    return 0.023


def engine_cover(scene: bpy.types.Scene) -> float:
    """Covers of three engines: four ribs, two ribs and a filler cap, or a smooth one with an emblem."""
    bay, cover = new_material("engine bay", (0.05, 0.05, 0.05), 0.6), new_material("cover", (0.04, 0.04, 0.045), 0.4)
    silver, cap = new_material("silver", (0.5, 0.5, 0.5), 0.3, 1.0), new_material("cap", (0.02, 0.02, 0.02), 0.5)
    show_always(scene, [slab(3.0, 3.0, 0.02, bay, at=(0, 0, -0.02))])
    show_always(scene, [bar((-0.9, y, 0.01), (0.9, y + 0.1, 0.01), 0.015, bay) for y in (-0.3, 0.28)])

    def body() -> Object:
        return slab(0.52, 0.36, 0.05, cover, corner=0.3, bevel=0.3)

    add_variant(
        scene,
        "four ribs",
        [body(), *(slab(0.4, 0.025, 0.012, cover, at=(0, y, 0.05)) for y in (-0.12, -0.04, 0.04, 0.12))],
    )
    filler = [
        slab(0.07, 0.07, 0.02, cap, at=(0.16, 0.07, 0.05), corner=1),
        slab(0.06, 0.012, 0.008, cap, at=(0.16, 0.07, 0.07)),
    ]
    add_variant(
        scene,
        "filler cap",
        [body(), *(slab(0.025, 0.28, 0.012, cover, at=(x, 0, 0.05)) for x in (-0.18, -0.1)), *filler],
    )
    add_variant(scene, "emblem", [body(), slab(0.14, 0.09, 0.006, silver, at=(0, 0, 0.05), corner=1)])
    return 0.54


def relief(scene: bpy.types.Scene) -> float:
    """No use case of the paper: stamped plates that differ in a relief of half a millimetre alone, as 1 part in 200."""
    steel = new_material("stamped sheet", (0.30, 0.30, 0.31), 0.5, 0.3)
    show_always(scene, [slab(0.6, 0.6, 0.01, steel, at=(0, 0, -0.01))])
    steps = (-0.03, -0.01, 0.01, 0.03)
    add_variant(scene, "ribs", [slab(0.08, 0.006, 0.0005, steel, at=(0, y, 0), bevel=0.3) for y in steps])
    add_variant(
        scene,
        "studs",
        [slab(0.01, 0.01, 0.0005, steel, at=(x, y, 0), corner=1, bevel=0.3) for x in steps for y in steps],
    )
    add_variant(scene, "frame", [
        slab(width, depth, 0.0005, steel, at=(x, y, 0), bevel=0.3)
        for width, depth, x, y in ((0.08, 0.006, 0, 0.037), (0.08, 0.006, 0, -0.037), (0.006, 0.08, 0.037, 0), (0.006, 0.08, -0.037, 0))
    ])  # fmt: skip
    return 0.1


def screw_sizes(scene: bpy.types.Scene) -> float:
    """Not a use case of the paper: hexagon screws M4, M5 and M6 (ISO 4017), each in a thread of its size."""
    cast, zinc = (
        new_material("casting", (0.22, 0.22, 0.22), 0.6, 0.5),
        new_material("zinc", (0.5, 0.5, 0.52), 0.35, 1.0),
    )
    show_always(scene, [slab(0.2, 0.2, 0.01, cast, at=(0, 0, -0.01))])
    for label, across_flats, height in (("M4", 0.007, 0.0028), ("M5", 0.008, 0.0035), ("M6", 0.010, 0.004)):
        corner = across_flats / math.sqrt(3)  # the circle through the hexagon's corners
        washer = skin("washer", [ring(1.25 * corner, 0), ring(1.25 * corner, 0.001), ring(corner, 0.001)], zinc)
        sides = [ring(corner, 0.001, 6), ring(corner, height, 6), ring(0.85 * corner, height + 0.001, 6)]
        add_variant(scene, label, [washer, skin("head", sides, zinc)])
    return 0.023


CASES: dict[str, Callable[[bpy.types.Scene], float]] = {
    case.__name__: case
    for case in (
        door_cover,
        door_handle,
        door_tray,
        license_plate,
        fastening_plug,
        underbody,
        hexagon_screw,
        engine_cover,
        relief,
        screw_sizes,
    )
}
"""Each adds its parts and classes to a scene and returns the width of what must be in view, in metres."""


def build(name: str, path: Path) -> None:
    """Save a case's scene as a .blend file."""
    scene = new_scene()
    width = CASES[name](scene)
    camera = add_camera(scene, height=3 * width, field=1.4 * width)
    lamp = add_sun(scene, 2.5, math.radians(38), math.radians(6), width / 500)
    lamp.parent = camera
    lamp.rotation_euler = Euler((0, math.radians(-38), 0))
    lamp.matrix_parent_inverse = Matrix.Identity(4)
    set_world(scene, zenith=0.3, horizon=0.3, window=1.0)
    depth = 0.7 * width
    mark_region(scene, (width, depth, width / 10), (0, 0, width / 20))
    jitter = scene.simsearch.jitter
    jitter.location = (0.25 * width, 0.25 * width, 0.3 * width)
    jitter.rotation = (0.10, 0.10, 0.10)
    jitter.light_angle, jitter.light_strength, jitter.background, jitter.material = 0.4, 0.5, 0.4, 0.3
    save(path)


if __name__ == "__main__":
    build(sys.argv[1], Path(sys.argv[2]))
    end()
