# SPDX-License-Identifier: GPL-3.0-or-later
"""The look of a scene as numbers that an optimiser can turn, and in words. Needs no Blender.

A knob is one thing that a technician would turn: the strength of a lamp, the roughness of a plastic. Its value is 0 where
the scene is as it was, and 1 where it was turned by an amount that is not unusual, so that one step size suits all knobs
and their squares can be added up as the price of a change.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Quantity:
    """What a knob turns.

    Attributes:
        kind: ``factor`` multiplies by exp(spread · value), ``turn`` adds spread · value radians, ``amount`` is
            spread · value where that is positive, else 0.
        spread: how far the value 1 turns it.
        more: what is said of a subject with more of it.
        less: what is said of a subject with less of it.
    """

    kind: Literal["factor", "turn", "amount"]
    spread: float
    more: str
    less: str


QUANTITIES = {
    "strength": Quantity("factor", 0.7, "stronger", "weaker"),
    "size": Quantity("factor", 0.7, "larger", "smaller"),
    "direction": Quantity("turn", 0.8, "to the left, seen from above", "to the right, seen from above"),
    "height": Quantity("turn", 0.35, "higher", "lower"),
    "brightness": Quantity("factor", 0.9, "brighter", "darker"),
    "red": Quantity("factor", 0.7, "redder", "less red"),
    "blue": Quantity("factor", 0.7, "bluer", "less blue"),
    "roughness": Quantity("factor", 0.5, "rougher", "glossier"),
    "specularity": Quantity("factor", 0.6, "more reflective", "less reflective"),
    "grain": Quantity("amount", 0.15, "grainier", "smooth"),
    "distance": Quantity("factor", 0.1, "farther away", "closer"),
    "pitch": Quantity("turn", 0.05, "turned upwards", "turned downwards"),
    "yaw": Quantity("turn", 0.05, "turned to the left", "turned to the right"),
}
"""By name. The spreads are a rough idea of how wrong a scene of default materials and lights usually is."""

WORTH_SAYING = 0.15
"""A change of a factor, of an amount or in radians below which nothing is said of it."""
LITTLE_TURN = 0.01
"""The same in radians where the camera turns, which changes much."""


@dataclass(frozen=True)
class Knob:
    """One number of a look: a quantity of a subject, such as the strength of the lamp "Key"."""

    subject: str
    quantity: str

    def effect(self, value: float) -> float:
        """The factor, the turn in radians or the amount that a value stands for."""
        quantity = QUANTITIES[self.quantity]
        if quantity.kind == "factor":
            return math.exp(quantity.spread * value)
        return quantity.spread * (value if quantity.kind == "turn" else max(value, 0.0))

    def words(self, value: float) -> str | None:
        """What a value changes, such as "0.5 times as strong"; None where it is too little to speak of."""
        quantity, effect = QUANTITIES[self.quantity], self.effect(value)
        word = quantity.more if value > 0 else quantity.less
        if quantity.kind == "factor":
            large = abs(math.log(effect)) >= (WORTH_SAYING if quantity.spread > WORTH_SAYING else LITTLE_TURN)
            return f"{word} (× {float(f'{effect:.2g}'):g})" if large else None
        if quantity.kind == "turn":
            large = abs(effect) >= (WORTH_SAYING if quantity.spread > WORTH_SAYING else LITTLE_TURN)
            return f"{abs(math.degrees(effect)):.0f}° {word}" if large else None
        return word if effect >= WORTH_SAYING * quantity.spread else None


def describe(knobs: Sequence[Knob], values: Sequence[float]) -> list[str]:
    """What a look changes, a sentence for each subject.

    Args:
        knobs: the knobs of the scene.
        values: their values, in the same order.
    """
    said: dict[str, list[str]] = {}
    for knob, value in zip(knobs, values, strict=True):
        if words := knob.words(value):
            said.setdefault(knob.subject, []).append(words)
    return [f"{subject}: {', '.join(words)}." for subject, words in said.items()]
