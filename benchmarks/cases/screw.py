# SPDX-License-Identifier: GPL-3.0-or-later
"""Presence check: a square-drive pan-head screw in a wooden block, or the hole it belongs in.

    python benchmarks/cases/screw.py screw.blend

The block is photographed with a phone, so white balance and exposure change from photo to photo: every class has
a variant for each reference, with wood and metal in another tone, another turn of the screw and another torn rim of the
hole.
"""

import math
import sys
from pathlib import Path

import bpy
import numpy as np

from synthetic_similarity_search.benchmarks.cases.stage import (
    Colour,
    add_camera,
    add_grain,
    add_sun,
    add_variant,
    end,
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
PILOT, CRATER = 0.34 * HEAD, 0.74 * HEAD  # radii of the hole's dark inside and of its torn rim

TONES: tuple[Colour, ...] = (
    (0.33, 0.17, 0.025), (0.16, 0.07, 0.014), (0.55, 0.28, 0.10), (0.25, 0.13, 0.022),
    (0.42, 0.24, 0.05), (0.30, 0.29, 0.24), (0.20, 0.09, 0.02), (0.36, 0.16, 0.055),
)  # fmt: skip
"""The same wood as phones see it: ochre, brown, pale, olive, yellow, blueish, dark, orange."""
VARIANTS = 24  # as many as references of a class


def wood(
    name: str, tone: Colour, light: float, size: tuple[float, float, float], contrast: float
) -> bpy.types.Material:
    """Wood whose fibres run along Y."""
    material = new_material(name, tuple(light * channel for channel in tone), 0.5)
    material.node_tree.nodes["Principled BSDF"].inputs["Specular IOR Level"].default_value = 0.2
    add_grain(material, size, contrast, 0.05)
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
        turn = draw.choice((1, -1)) * math.pi / 2 + draw.normal(0, 0.9)
        out, across = np.array([math.cos(turn), math.sin(turn)]), np.array([-math.sin(turn), math.cos(turn)])
        base = out * inner * draw.uniform(0.9, 1.05)
        lean = out + across * draw.uniform(-0.9, 0.9)
        tip = base + lean * reach * draw.uniform(0.2, 1.0)
        width = inner * draw.uniform(0.04, 0.16)
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
    waves = sum(draw.normal(0, 1 / order) * np.cos(order * turns + draw.uniform(0, 6.3)) for order in range(2, 14))
    pilot, rim = PILOT * draw.uniform(0.85, 1.15), CRATER * (1 + 0.10 * waves) * draw.uniform(0.85, 1.15)
    centre, frayed = draw.uniform(-0.2, 0.2, 2) * HEAD, draw.uniform(0.02, 0.07)

    def ragged(share: float, z: float, noise: float, fray: float) -> list[tuple[float, float, float]]:
        """A ring between pilot hole (0) and rim (1); `noise` in its height, `fray` in its radius."""
        radius = (pilot + share * (rim - pilot)) * (1 + fray * draw.normal(size=sides))
        height = z * HEAD + noise * HEAD * draw.normal(size=sides)
        x, y = radius * np.cos(turns) + (1 - share) * centre[0], radius * np.sin(turns) + (1 - share) * centre[1]
        return list(zip(x, y, height, strict=True))

    torn_rings = [ragged(*ring_) for ring_ in (
        (1.35, 0.0, 0.0, frayed), (1.12, 0.06, 0.04, frayed), (1.0, 0.05, 0.03, 0.03), (0.88, -0.06, 0.03, 0.0), (0.7, -0.22, 0.02, 0.0),
    )]  # fmt: skip
    threads = [ragged(*ring_) for ring_ in (
        (0.7, -0.22, 0.02, 0.0), (0.5, -0.28, 0.02, 0.0), (0.42, -0.45, 0.02, 0.0), (0.2, -0.5, 0.02, 0.0), (0.13, -0.66, 0.01, 0.0), (0.0, -0.7, 0.0, 0.0),
    )]  # fmt: skip
    throat = [ragged(share, z, 0.0, 0.0) for share, z in ((0.0, -0.7), (0.0, -1.1), (-0.2, -2.0))]
    throat.append([(0.0, 0.0, -2.0 * HEAD)] * sides)
    return [
        board(torn_rings[0], surface),
        skin("crater", torn_rings, torn, closed=False),
        skin("threads", threads, inside, closed=False),
        skin("throat", throat, dark, closed=False),
        chips(draw, int(draw.integers(8, 32)), 1.1 * CRATER, draw.uniform(0.25, 0.45) * HEAD, torn),
    ]


def screw(
    turn: float,
    draw: np.random.Generator,
    surface: bpy.types.Material,
    torn: bpy.types.Material,
    metal: bpy.types.Material,
    bare: bpy.types.Material,
    dark: bpy.types.Material,
) -> list[bpy.types.Object]:
    """A flat pan head, bright at its edge and around the square recess, whose floor is a shallow pyramid."""

    def square(half: float, z: float, horns: float = 0.0) -> list[tuple[float, float, float]]:
        """A square ring; `horns` draws its corners out."""
        points = []
        for x, y, _ in ring(1.0, z):
            longer, shorter = sorted((abs(x), abs(y)), reverse=True)
            reach = half / longer * (1 + horns * (shorter / longer) ** 4)
            points.append((reach * x, reach * y, z))
        return points

    def part(
        name: str, rings: list[list[tuple[float, float, float]]], material: bpy.types.Material
    ) -> bpy.types.Object:
        item = skin(
            name, [[(HEAD * x, HEAD * y, HEAD * z) for x, y, z in points] for points in rings], material, closed=False
        )
        item.rotation_euler.z = turn
        return item

    side = [ring(radius, z) for radius, z in ((1.0, 0.0), (1.0, 0.16), (0.98, 0.22), (0.93, 0.25))]
    half, depth = draw.uniform(0.36, 0.40), draw.uniform(-0.35, -0.1)
    burr = [
        square(half + wider, z, horns) for wider, z, horns in ((0.07, 0.25, 0.12), (0.04, 0.30, 0.16), (0.0, 0.25, 0.1))
    ]
    return [
        board(ring(0.8 * HEAD, 0), surface),
        part("edge", side, bare),
        part("head", [side[-1], burr[0]], metal),
        part("burr", burr, bare),
        part("wall", [burr[-1], square(half - 0.03, depth)], dark),
        part("floor", [square(half - 0.04, depth), square(0.01, depth - draw.uniform(0.1, 0.25))], bare),
        chips(draw, 10, 1.0 * HEAD, 0.3 * HEAD, torn),
    ]


def build(path: Path) -> None:
    """Save the case's scene as a .blend file."""
    scene = new_scene()
    draw = np.random.default_rng(1)
    dark = new_material("inside", (0.0, 0.0, 0.0), 1.0)
    dark.node_tree.nodes["Principled BSDF"].inputs["Specular IOR Level"].default_value = 0.0
    for number in range(VARIANTS):
        tone = TONES[number % len(TONES)]
        surface = wood(f"wood {number}", tone, 1.0, (0.0003, 0.004, 0.001), 0.10)
        torn = wood(f"torn wood {number}", tone, draw.uniform(1.1, 1.35), (0.0004, 0.001, 0.0005), 0.3)
        inside = wood(f"hole {number}", tone, draw.uniform(0.45, 0.8), (0.0005, 0.001, 0.0005), 0.3)
        warmth = draw.uniform(0.2, 0.6)
        shine = 1 - warmth + warmth * np.array(tone) / max(tone)
        metal = new_material(f"zinc {number}", tuple(0.04 * 15 ** draw.uniform() * shine), 0.4, metallic=1.0)
        add_grain(metal, (0.0003, 0.0003, 0.0003), 0.2, 0.02)
        bare = new_material(f"bare metal {number}", tuple(0.8 * shine), draw.uniform(0.15, 0.35), metallic=1.0)
        recess = new_material(f"recess {number}", tuple(0.12 * shine), 0.4, metallic=1.0)
        turn = draw.uniform(0, math.pi / 2)
        add_variant(scene, "screw", screw(turn, draw, surface, torn, metal, bare, recess))
        add_variant(scene, "hole", hole(draw, surface, torn, inside, dark))
    add_camera(scene, height=0.06, field=0.0205)
    add_sun(scene, 2.0, math.radians(45), math.radians(10), 1e-4).rotation_euler.z = math.pi / 2
    set_world(scene, zenith=0.4, horizon=0.1, window=2.2)
    mark_region(scene, (2 * HEAD, 2 * HEAD, 0.25 * HEAD), (0, 0, 0.125 * HEAD))

    scene.simsearch.render.images_per_class = VARIANTS
    jitter = scene.simsearch.jitter
    jitter.location = (0.006, 0.006, 0.003)
    jitter.rotation = (0.06, 0.06, 0.08)
    jitter.light_angle = 0.6
    jitter.light_strength = 0.6
    jitter.background = 0.5
    jitter.material = 0.3
    save(path)


if __name__ == "__main__":
    build(Path(sys.argv[1]))
    end()
