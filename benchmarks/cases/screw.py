# SPDX-License-Identifier: GPL-3.0-or-later
"""Presence check: a square-drive pan-head screw in a wooden block, or the hole it belongs in.

    python benchmarks/cases/screw.py screw.blend

The block is photographed with a phone, so white balance and exposure change from photo to photo: every class has
four variants, each with wood and metal in another tone, another turn of the screw and another torn rim of the hole.
"""

import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
import numpy as np
from stage import (
    Colour,
    add_camera,
    add_grain,
    add_sun,
    add_variant,
    mark_region,
    new_material,
    new_object,
    new_scene,
    ring,
    save,
    set_world,
    skin,
)  # fmt: skip

HEAD = 0.004  # metres, radius of the screw's head
BOARD = 12 * HEAD  # half the board's width
PILOT, CRATER = 0.30 * HEAD, 0.66 * HEAD  # radii of the hole's dark inside and of its torn rim

TONES: tuple[Colour, ...] = ((0.33, 0.145, 0.022), (0.20, 0.085, 0.015), (0.50, 0.30, 0.125), (0.27, 0.13, 0.025))
"""The same wood as phones see it: orange, brown, pale, yellow."""


def wood(
    name: str, tone: Colour, light: float, size: tuple[float, float, float], contrast: float
) -> bpy.types.Material:
    """Wood whose fibres run along Y."""
    material = new_material(name, tuple(light * channel for channel in tone), 0.5)
    material.node_tree.nodes["Principled BSDF"].inputs["Specular IOR Level"].default_value = 0.2
    add_grain(material, size, contrast, 0.1)
    return material


def board(inner: list[tuple[float, float, float]], material: bpy.types.Material) -> bpy.types.Object:
    """The block's upper side around a ring."""
    sides = len(inner)
    return skin("board", [ring(BOARD, 0, sides), inner], material, closed=False)


def chips(
    draw: np.random.Generator, count: int, inner: float, reach: float, material: bpy.types.Material
) -> bpy.types.Object:
    """Fibres that stand up around a circle, most of them along the grain."""
    points, faces = [], []
    for number in range(count):
        turn = draw.choice((1, -1)) * math.pi / 2 + draw.normal(0, 0.8)
        out, across = np.array([math.cos(turn), math.sin(turn)]), np.array([-math.sin(turn), math.cos(turn)])
        base = out * inner * draw.uniform(0.85, 1.0)
        lean = out + across * draw.uniform(-0.8, 0.8)
        tip = base + lean * reach * draw.uniform(0.2, 1.0)
        width = inner * draw.uniform(0.03, 0.12)
        rise = reach * draw.uniform(0.1, 0.5)
        points += [(*(base - across * width), 0.0), (*(base + across * width), 0.0), (*tip, rise)]
        faces.append((3 * number, 3 * number + 1, 3 * number + 2))
    return new_object("chips", points, faces, material)


def hole(
    draw: np.random.Generator,
    surface: bpy.types.Material,
    torn: bpy.types.Material,
    inside: bpy.types.Material,
    dark: bpy.types.Material,
) -> list[bpy.types.Object]:
    """A drilled hole with a torn crater; no two are alike."""
    sides = 96
    turns = np.linspace(0, 2 * math.pi, sides, endpoint=False)
    waves = sum(draw.normal(0, 1 / order) * np.cos(order * turns + draw.uniform(0, 6.3)) for order in range(2, 12))
    rim = CRATER * (1 + 0.07 * waves)
    centre = draw.uniform(-0.12, 0.12, 2) * HEAD

    def ragged(share: float, z: float, noise: float, fray: float) -> list[tuple[float, float, float]]:
        """A ring between pilot hole (0) and rim (1); `noise` in its height, `fray` in its radius."""
        radius = (PILOT + share * (rim - PILOT)) * (1 + fray * draw.normal(size=sides))
        height = z * HEAD + noise * HEAD * draw.normal(size=sides)
        x, y = radius * np.cos(turns) + (1 - share) * centre[0], radius * np.sin(turns) + (1 - share) * centre[1]
        return list(zip(x, y, height, strict=True))

    torn_rings = [ragged(*ring_) for ring_ in (
        (1.30, 0.0, 0.0, 0.06), (1.12, 0.05, 0.04, 0.05), (1.0, 0.06, 0.03, 0.03), (0.88, -0.02, 0.03, 0.0), (0.7, -0.16, 0.02, 0.0),
    )]  # fmt: skip
    threads = [ragged(*ring_) for ring_ in (
        (0.7, -0.16, 0.02, 0.0), (0.5, -0.24, 0.02, 0.0), (0.45, -0.36, 0.02, 0.0), (0.25, -0.42, 0.02, 0.0), (0.18, -0.56, 0.01, 0.0), (0.0, -0.6, 0.0, 0.0),
    )]  # fmt: skip
    throat = [ragged(share, z, 0.0, 0.0) for share, z in ((0.0, -0.6), (0.0, -1.0), (-0.2, -2.0), (-0.9, -2.0))]
    return [
        board(torn_rings[0], surface),
        skin("crater", torn_rings, torn, closed=False),
        skin("threads", threads, inside, closed=False),
        skin("throat", throat, dark, closed=False),
        chips(draw, 26, CRATER, 0.4 * HEAD, torn),
    ]


def screw(
    turn: float,
    draw: np.random.Generator,
    surface: bpy.types.Material,
    torn: bpy.types.Material,
    metal: bpy.types.Material,
    bare: bpy.types.Material,
) -> list[bpy.types.Object]:
    """A flat pan head, sharp at its edge, with a square recess whose floor is a shallow pyramid."""

    def square(half: float, z: float) -> list[tuple[float, float, float]]:
        points = ring(1.0, z)
        return [(half * x / max(abs(x), abs(y)), half * y / max(abs(x), abs(y)), z) for x, y, _ in points]

    outline = [ring(radius, z) for radius, z in ((1.0, 0.0), (1.0, 0.14), (0.985, 0.19), (0.94, 0.235), (0.88, 0.25))]
    recess = [square(half, z) for half, z in (
        (0.43, 0.265), (0.405, 0.29), (0.37, 0.26), (0.33, -0.12), (0.02, -0.35),
    )]  # fmt: skip
    head, drive = (
        skin(name, [[(HEAD * x, HEAD * y, HEAD * z) for x, y, z in points] for points in rings], material, closed=False)
        for name, rings, material in (("head", [*outline, recess[0]], metal), ("recess", recess, bare))
    )
    head.rotation_euler.z = drive.rotation_euler.z = turn
    return [board(ring(0.8 * HEAD, 0), surface), head, drive, chips(draw, 10, 1.0 * HEAD, 0.35 * HEAD, torn)]


def build(path: Path) -> None:
    """Save the case's scene as a .blend file."""
    scene = new_scene()
    draw = np.random.default_rng(1)
    dark = new_material("inside", (0.0, 0.0, 0.0), 1.0)
    dark.node_tree.nodes["Principled BSDF"].inputs["Specular IOR Level"].default_value = 0.0
    for number, tone in enumerate(TONES):
        surface = wood(f"wood {number}", tone, 1.0, (0.0004, 0.006, 0.002), 0.22)
        torn = wood(f"torn wood {number}", tone, 1.08, (0.0004, 0.001, 0.0005), 0.3)
        inside = wood(f"hole {number}", tone, 0.75, (0.0005, 0.001, 0.0005), 0.3)
        warm = 0.25 + 0.75 * np.array(tone) / max(tone)
        metal = new_material(
            f"zinc {number}", tuple((0.3, 0.25, 0.4, 0.3)[number] * (0.5 + 0.5 * warm)), 0.3, metallic=1.0
        )
        add_grain(metal, (0.0003, 0.0003, 0.0003), 0.2, 0.02)
        bare = new_material(f"bare metal {number}", tuple(0.8 * warm), 0.25, metallic=1.0)
        add_variant(scene, "screw", screw(number * math.pi / 8, draw, surface, torn, metal, bare))
        add_variant(scene, "hole", hole(draw, surface, torn, inside, dark))
    add_camera(scene, height=0.06, field=0.0205)
    add_sun(scene, 2.5, math.radians(38), math.radians(10), 1e-4).rotation_euler.z = math.pi / 2
    set_world(scene, zenith=0.25, horizon=0.5, window=1.2)
    mark_region(scene, (2 * HEAD, 2 * HEAD, 0.25 * HEAD), (0, 0, 0.125 * HEAD))

    jitter = scene.simsearch.jitter
    jitter.location = (0.006, 0.006, 0.004)
    jitter.rotation = (0.06, 0.06, 0.25)
    jitter.light_angle = 0.7
    jitter.light_strength = 0.6
    jitter.background = 0.5
    jitter.material = 0.3
    save(path)


if __name__ == "__main__":
    build(Path(sys.argv[1]))
