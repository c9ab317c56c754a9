# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of plates with a feature on a table under a lamp, computed in milliseconds: shading and shadows of heights."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 224
FEATURES = {"stud": (0.035, 0.035), "rib": (0.16, 0.015), "bar": (0.02, 0.09)}
"""By class, half the length and width of what stands on the plate, as shares of the picture."""


@dataclass(frozen=True)
class Station:
    """What a picture shows: angles in degrees, lengths as shares of the picture, light as a share of what makes white."""

    part: tuple[float, float, float] = (0.5, 0.6, 0.7)
    table: tuple[float, float, float] = (0.3, 0.29, 0.27)
    texture: float = 0.0
    lamp: float = 0.7
    ambient: float = 0.25
    azimuth: float = 140.0
    elevation: float = 45.0
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    scale: float = 1.0
    place: tuple[float, float] = (0.0, 0.0)
    turn: float = 0.0
    glare: float = 0.0
    hollow: bool = False


def picture(label: str, station: Station, seed: int) -> Image.Image:
    """A picture of a part of this class, in a pose drawn from ``seed``."""
    draw = np.random.default_rng(seed)
    down, across = np.mgrid[:SIDE, :SIDE] / SIDE - 0.5
    shift = np.array(station.place) + draw.uniform(-0.02, 0.02, 2)
    turn = np.radians(station.turn + draw.uniform(-4, 4))
    x, y = (across - shift[0]) / station.scale, (-down - shift[1]) / station.scale
    x, y = np.cos(turn) * x + np.sin(turn) * y, -np.sin(turn) * x + np.cos(turn) * y

    def block(length: float, width: float, at: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
        return (abs(x - at[0]) < length) & (abs(y - at[1]) < width)

    plate = block(0.24, 0.14)
    height = np.where(plate, 0.05, 0.0) + np.where(block(*FEATURES[label], (0.06, 0.03)), 0.03, 0.0)
    if station.hollow:  # the plate from below
        height = np.where(plate & ~block(0.21, 0.11), 0.06, np.where(plate, 0.01, 0.0)) + np.where(
            block(0.015, 0.12) | block(0.22, 0.015) | (abs(np.hypot(x, y) - 0.07) < 0.015), 0.06, 0.0
        )
    light = _light(height * station.scale, station.azimuth, station.elevation)
    albedo = np.where(plate[..., None], station.part, station.table)
    grain = np.kron(draw.uniform(-1, 1, (28, 28)), np.ones((8, 8)))
    albedo = albedo * (1 + station.texture * grain * ~plate)[..., None]
    shine = station.glare * np.exp(-((x + 0.08) ** 2 + (y - 0.03) ** 2) / 0.006) * plate
    strength = station.ambient + station.lamp * draw.uniform(0.9, 1.1) * light
    linear = (albedo * strength[..., None] + shine[..., None]) * station.tint
    levels = 255 * linear.clip(0, 1) ** (1 / 2.2) + draw.normal(0, 3, linear.shape)
    return Image.fromarray(levels.clip(0, 255).round().astype(np.uint8))


def _light(height: np.ndarray, azimuth: float, elevation: float) -> np.ndarray:
    """How much of the lamp's light each point of a relief gets, 0 to 1: its slope, and whether it lies in a shadow."""
    around, up = np.radians(azimuth), np.radians(elevation)
    rise_down, rise_across = np.gradient(height, 1 / SIDE)
    steps = np.array([np.cos(around), -np.sin(around)]) * np.cos(up)  # across and down, towards the lamp
    facing = (np.sin(up) - rise_across * steps[0] - rise_down * steps[1]) / np.hypot(
        1, np.hypot(rise_down, rise_across)
    )
    lit = np.ones_like(height, bool)
    for distance in range(1, round(SIDE * height.max() / np.tan(up)) + 2):
        offset = (round(distance * np.sin(around)), -round(distance * np.cos(around)))
        lit &= np.roll(height, offset, (0, 1)) <= height + distance / SIDE * np.tan(up) + 1e-9
    return facing.clip(0) * lit


def write(folder: Path, station: Station, count: int, seed: int) -> Path:
    """Write ``count`` pictures of each class."""
    for number, label in enumerate(FEATURES):
        (folder / label).mkdir(parents=True)
        for index in range(count):
            picture(label, station, seed + 100 * number + index).save(folder / label / f"{index:04}.png")
    return folder


NOMINAL = Station()
DIFFERING = {
    "brightness": replace(NOMINAL, lamp=0.25, ambient=0.09),
    "colour": replace(NOMINAL, tint=(1.3, 1.0, 0.5)),
    "size": replace(NOMINAL, scale=1.3),
    "position": replace(NOMINAL, place=(0.14, 0.08)),
    "background": replace(NOMINAL, texture=0.8),
    "glare": replace(NOMINAL, glare=1.0),
    "turn": replace(NOMINAL, turn=90),
    "light direction": replace(NOMINAL, azimuth=-40),
    "relief": replace(NOMINAL, elevation=15, lamp=1.9),
    "contrast": replace(NOMINAL, lamp=1.0, ambient=0.04),
    "side": replace(NOMINAL, hollow=True),
}
"""By the cause that is to be named, a station that differs from the nominal one in this respect alone."""

SHADE = replace(NOMINAL, part=(0.2, 0.19, 0.18))
"""A station whose parts are but a darker shade of the table."""
