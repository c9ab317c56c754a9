# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the settings of a scene into frozen data."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import bpy

from ..inference.errors import InputError
from .settings import ClassSpec, Jitter, Settings

if TYPE_CHECKING:
    from ..inference.preprocessing import Crop  # which imports Pillow: too slow for Blender's start


def read_crop(scene: bpy.types.Scene) -> "Crop":
    """The scene's crop of photos, which Blender keeps in single precision."""
    left, top, width, height = (round(share, 6) for share in scene.simsearch.crop)
    return left, top, width, height


def read_settings(scene: bpy.types.Scene, overrides: Mapping[str, Any] | None = None) -> Settings:
    """Freeze ``scene.simsearch``.

    ``overrides`` replaces single values by their setting's name: ``samples``, ``images_per_class``, ``resolution``,
    ``seed``, ``model``, ``k``, and ``classes``, the labels to render. Entries that are ``None`` are ignored.

    Raises:
        InputError: an override is out of range or names a class that does not exist.
    """
    given = {name: value for name, value in (overrides or {}).items() if value is not None}
    group = scene.simsearch
    problems = []

    def number(owner: bpy.types.PropertyGroup, name: str) -> int:
        value = int(given.get(name, getattr(owner, name)))
        limits = owner.bl_rna.properties[name]
        if not limits.hard_min <= value <= limits.hard_max:
            problems.append(f"{name} is {value}. Give a value from {limits.hard_min} to {limits.hard_max}.")
        return value

    variants: dict[str, list[frozenset[str]]] = {}
    for entry in group.classes:
        shown = frozenset(item.collection.name_full for item in entry.collections if item.collection)
        variants.setdefault(entry.name, []).append(shown)
    selected = tuple(given.get("classes", variants))
    known = ", ".join(variants) or "none"
    problems += [f"There is no class {label!r}. The scene has: {known}." for label in selected if label not in variants]

    jitter = group.jitter
    settings = Settings(
        jitter=Jitter(
            location=tuple(jitter.location),
            rotation=tuple(jitter.rotation),
            light_angle=jitter.light_angle,
            light_strength=jitter.light_strength,
            background=jitter.background,
            material=jitter.material,
            seed=number(jitter, "seed"),
            min_visible=jitter.min_visible,
            min_unoccluded=jitter.min_unoccluded,
        ),
        classes=tuple(ClassSpec(label, tuple(shown)) for label, shown in variants.items()),
        selected=selected,
        images_per_class=number(group.render, "images_per_class"),
        resolution=number(group.render, "resolution"),
        samples=number(group.render, "samples"),
        model=given.get("model", group.model),
        k=number(group, "k"),
    )
    if problems:
        raise InputError(*problems)
    return settings
