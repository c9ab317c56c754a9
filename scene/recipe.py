# SPDX-License-Identifier: GPL-3.0-or-later
"""The recipe: all that made a set of references, written before the first one is rendered."""

import hashlib
import json
import tomllib
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bpy

from ..inference.files import replacing, sha256_file, shown
from ..inference.output_folder import ReferencesFolder, reference_name
from .background_blender import UNTITLED
from .classes import objects_shown, render_layer
from .digest import ContentDigest
from .draws import draw
from .planned_image import PlannedImage
from .sampling import sample_poses
from .settings import Settings
from .view import nominal_camera, nominal_view

FORMAT_VERSION = 1
COLOUR_MANAGEMENT = {
    "display_device": "sRGB", "view_transform": "Standard", "look": "None", "exposure": 0.0, "gamma": 1.0, "dither": 0.0,
}  # fmt: skip
FILM = {"transparent": False, "filter_size": 1.5}
LIGHT_PROBE = "128"
"""Pixels along the side of EEVEE's picture of a world of plain colours. Blender's default of 1024 is made for pictures
of a place: here it gives the same light, within two levels of 255, half a second later with each still."""


def engine(scene: bpy.types.Scene) -> str:
    """The identifier of EEVEE, which differs between Blender 4.5 and 5."""
    engines = scene.render.bl_rna.properties["engine"].enum_items.keys()
    return str(next(name for name in engines if "EEVEE" in name))


def extension_version() -> str:
    """The version in the extension's manifest."""
    manifest = Path(__file__).parents[1] / "blender_manifest.toml"
    return str(tomllib.loads(manifest.read_text("utf-8"))["version"])


def plan(scene: bpy.types.Scene, settings: Settings) -> list[PlannedImage]:
    """Every image to render, class by class.

    Raises:
        InputError: too few camera poses show the region.
    """
    sampled = sample_poses(scene, settings)
    content = ContentDigest(scene, render_layer(scene), nominal_camera(scene))
    images = []
    for spec in settings.rendered:
        digests = [content.of(objects_shown(scene, settings, variant)) for variant in spec.variants]
        for index, pose in enumerate(sampled):
            variant = index % len(digests)
            variation = draw(settings.jitter, index)
            made_from = {
                "content": digests[variant], "pose": pose.tolist(), **asdict(variation), **_render_settings(scene, settings),
                # The materials' draws follow from these and their names.
                "material": (settings.jitter.material, settings.jitter.seed, index) if settings.jitter.material else None,
            }  # fmt: skip
            key = hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()
            path = reference_name(spec.label, index)
            images.append(PlannedImage(path, spec.label, variant, index, pose, variation, key))
    return images


def digest(scene: bpy.types.Scene, settings: Settings) -> str:
    """One digest of all that the references depend on, to tell whether results are out of date."""
    content = ContentDigest(scene, render_layer(scene), nominal_camera(scene), lenient=True)
    shown = {
        spec.label: [content.of(objects_shown(scene, settings, variant)) for variant in spec.variants]
        for spec in settings.classes
    }
    view = nominal_view(scene)
    made_from = [
        shown, asdict(settings.jitter), settings.images_per_class, _render_settings(scene, settings),
        view.nominal.tolist(), view.region.tolist(),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()


def other_owner(folder: Path, scene: bpy.types.Scene) -> str | None:
    """Which other scene or file the references of a folder were rendered from, in words; None where none is known.

    A file that was never saved has no name to tell it by.
    """
    try:
        recipe = json.loads(ReferencesFolder(folder).recipe.read_text("utf-8"))
        file, name = str(recipe["scene"]), str(recipe["scene_name"])
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    if file not in ("", UNTITLED, Path(bpy.data.filepath).name):
        return f"{shown(file)}, scene {shown(name)}"
    return None if name == scene.name else f"the scene {shown(name)}"


def _render_settings(scene: bpy.types.Scene, settings: Settings) -> dict[str, Any]:
    return {
        "blender": bpy.app.version_string, "engine": engine(scene), "resolution": settings.resolution,
        "samples": settings.samples, "colour_management": COLOUR_MANAGEMENT, "film": FILM,
        "light_probe": LIGHT_PROBE,
    }  # fmt: skip


def write(folder: Path, scene: bpy.types.Scene, settings: Settings, images: list[PlannedImage]) -> None:
    """Write the plan as ``recipe.json``; an equal one that is there already is kept with its date."""
    file = Path(bpy.data.filepath)
    recipe: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        **_render_settings(scene, settings),
        "extension": extension_version(),
        "scene": file.name,
        "scene_name": scene.name,
        "scene_sha256": sha256_file(file) if file.is_file() else None,
        "seed": settings.jitter.seed,
        "jitter": asdict(settings.jitter),
        "classes": [spec.label for spec in settings.rendered],
        "images": [image.entry() for image in images],
    }
    if scene.simsearch.matched:
        recipe["matched"] = json.loads(scene.simsearch.matched)
    path = ReferencesFolder(folder).recipe
    try:
        before = json.loads(path.read_text("utf-8"))
        if {**before, "created": None} == json.loads(json.dumps({**recipe, "created": None})):
            return
    except (OSError, ValueError, TypeError, RecursionError):
        pass  # none yet, or not ours to keep
    recipe["created"] = datetime.now(UTC).isoformat(timespec="seconds")
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(recipe, indent=1, ensure_ascii=False) + "\n", "utf-8")
