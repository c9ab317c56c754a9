# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of a job as frozen data, so that it cannot be changed under its feet. Needs no Blender."""

from dataclasses import dataclass

Vector3 = tuple[float, float, float]


@dataclass(frozen=True)
class Jitter:
    """How the references vary around the nominal camera: metres, radians and shares 0..1."""

    location: Vector3
    rotation: Vector3
    light_angle: float
    light_strength: float
    background: float
    material: float
    seed: int
    min_visible: float
    min_unoccluded: float


@dataclass(frozen=True)
class ClassSpec:
    """A label and its variants, each the full names of the collections that it shows."""

    label: str
    variants: tuple[frozenset[str], ...]


@dataclass(frozen=True)
class Settings:
    """What one job needs to know besides the scene itself.

    ``classes`` are all classes of the scene, since they decide together what each of them shows; ``selected`` are
    the labels that are rendered.
    """

    jitter: Jitter
    classes: tuple[ClassSpec, ...]
    selected: tuple[str, ...]
    images_per_class: int
    resolution: int
    samples: int
    model: str
    k: int

    @property
    def rendered(self) -> tuple[ClassSpec, ...]:
        """The classes that are rendered."""
        return tuple(spec for spec in self.classes if spec.label in self.selected)

    @property
    def listed(self) -> frozenset[str]:
        """Full names of the collections that some class lists."""
        return frozenset(name for spec in self.classes for variant in spec.variants for name in variant)
