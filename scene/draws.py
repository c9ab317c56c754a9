# SPDX-License-Identifier: GPL-3.0-or-later
"""What an image draws at random besides its pose: light, background and materials. Needs no Blender.

Every draw follows from the seed, the number of the image and a purpose alone, so varying one thing changes no other.
"""

import zlib
from dataclasses import dataclass

import numpy as np

from .settings import Jitter, Vector3


@dataclass(frozen=True)
class Variation:
    """What one image draws besides its pose.

    ``light_turn`` is a rotation vector (axis times radians) by which all lights turn about the region together;
    ``light_strength`` and ``background`` are factors.
    """

    light_turn: Vector3
    light_strength: float
    background: float


def _generator(jitter: Jitter, index: int, *stream: int) -> np.random.Generator:
    """A generator of its own for each purpose, so that varying one thing changes no other, least of all the poses."""
    return np.random.default_rng(np.random.SeedSequence([jitter.seed, index], spawn_key=stream))


def draw(jitter: Jitter, index: int) -> Variation:
    """What image ``index`` draws. A factor f is as likely as 1 / f, so that the mean look stays the nominal one."""
    generator = _generator(jitter, index, 0)
    axis = generator.normal(size=3)
    axis *= generator.uniform(-1, 1) * jitter.light_angle / np.linalg.norm(axis)
    strength, background = generator.uniform(-1, 1, 2)
    return Variation(
        (float(axis[0]), float(axis[1]), float(axis[2])),
        float((1 + jitter.light_strength) ** strength),
        float((1 + jitter.background) ** background),
    )


@dataclass(frozen=True)
class MaterialVariation:
    """What one material draws: factors of its colour [3] and roughness, an offset [3] of its texture coordinates."""

    colour: Vector3
    roughness: float
    offset: Vector3


def draw_material(jitter: Jitter, index: int, name: str) -> MaterialVariation:
    """Return what an image draws for a material; other materials have no part in it.

    The colour varies mostly in brightness, and a quarter as much in each channel on its own.

    Args:
        jitter: how much may vary, and the seed.
        index: number of the image.
        name: name of the material.
    """
    generator = _generator(jitter, index, 1, zlib.crc32(name.encode()))
    brightness, roughness, *rest = generator.uniform(-1, 1, 8)
    whole, quarter = 1 + jitter.material, 1 + jitter.material / 4
    red, green, blue = (float(whole**brightness * quarter**tint) for tint in rest[:3])
    x, y, z = (float(jitter.material * step) for step in rest[3:])
    return MaterialVariation((red, green, blue), float(whole**roughness), (x, y, z))
