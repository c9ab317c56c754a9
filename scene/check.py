# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that would stop or spoil a render, found before the first image and told all at once."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import bpy

from ..inference.errors import InputError
from ..inference.files import can_be_written, label_problem, shown
from . import poses
from .classes import objects_shown, render_layer
from .digest import ContentDigest
from .imported_parts import LOST
from .parts import TABLE_MARK
from .rendered_objects import has_part, in_scene, rendered_lights
from .settings import Settings
from .variation import background_nodes, lighting_nodes
from .view import nominal_camera, nominal_view

LEAST_COVERED = 0.03
"""Share of the picture below which the region is a few of the encoder's 16 × 16 patches, and small parts are lost."""

POSES_LOOKED_AT = 50


@dataclass(frozen=True)
class Problem:
    """One sentence that says what is wrong and what to do, and the object, collection or class that it is about.

    An ``error`` stops a render, a ``warning`` may spoil it.
    """

    sentence: str
    culprit: str | None = None
    severity: Literal["error", "warning"] = "error"


@dataclass(frozen=True)
class CheckResult:
    """What a check of a scene found, errors first."""

    problems: tuple[Problem, ...]

    def errors(self) -> list[str]:
        """The sentences of the problems that stop a render."""
        return [problem.sentence for problem in self.problems if problem.severity == "error"]

    def to_json(self) -> dict[str, Any]:
        """The result as a JSON object."""
        return {"list": [asdict(problem) for problem in self.problems]}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "CheckResult":
        """The result as :meth:`to_json` returned it."""
        return cls(tuple(Problem(**problem) for problem in content["list"]))


def problems(scene: bpy.types.Scene, settings: Settings) -> list[Problem]:
    """All problems of a scene, errors first."""
    found = [
        *_view(scene, settings), *_classes(scene, settings), *_light(scene, settings), *_numbers(scene, settings),
        *_imports(scene),
    ]  # fmt: skip
    return sorted(found, key=lambda problem: problem.severity)


def refuse_errors(scene: bpy.types.Scene, settings: Settings, output: Path | None = None) -> list[str]:
    """Return the sentences of the warnings. Nothing is written.

    Args:
        scene: the scene that is checked.
        settings: its settings.
        output: a folder that must be writable, or that it must be possible to make.

    Raises:
        InputError: there are errors; its sentences are all of them.
    """
    found = problems(scene, settings)
    errors = [problem.sentence for problem in found if problem.severity == "error"]
    if output is not None and not can_be_written(output):
        errors.append(f"{shown(output)} cannot be written to. Choose another folder.")
    if errors:
        raise InputError(*errors)
    return [problem.sentence for problem in found if problem.severity == "warning"]


def _view(scene: bpy.types.Scene, settings: Settings) -> Iterator[Problem]:
    camera, region = nominal_camera(scene), scene.simsearch.region
    usable = True
    if camera is None:
        yield Problem("There is no camera. Add one where the station's camera stands, or choose it in the settings.")
    elif camera.type != "CAMERA":
        yield Problem(f"{camera.name!r} is not a camera. Choose a camera.", camera.name)
    elif camera.data.type not in {"PERSP", "ORTHO"}:
        yield Problem(
            f"EEVEE cannot render the panoramic camera {camera.name!r}. Make it perspective or orthographic.",
            camera.name,
        )
    elif not in_scene(scene, camera):
        yield Problem(f"The camera {camera.name!r} is not in this scene. Choose another one.", camera.name)
    else:
        usable = region is not None
    if region is None:
        yield Problem("No region of interest is marked. Choose the object, usually an empty cube, that encloses it.")
    elif not in_scene(scene, region):
        yield Problem(f"The region {region.name!r} is not in this scene. Mark another one.", region.name)
        usable = False
    if camera is None or camera.type != "CAMERA" or region is None or not usable:
        return
    nominal = nominal_view(scene)
    judged = poses.judge(nominal, settings.jitter, nominal.nominal)
    if judged.reason == poses.BEHIND:
        yield Problem(
            f"The region {region.name!r} is behind the camera {camera.name!r} or outside its clipping range. "
            "Move or turn the camera, or change its clip start and end.",
            region.name,
        )
    elif judged.reason == poses.OUTSIDE:
        yield Problem(
            f"The camera {camera.name!r} does not have the region {region.name!r} in frame. "
            "Move the camera back, widen its lens, or lower the share that must be in frame.",
            region.name,
        )
    drawn = islice(poses.candidates(nominal, settings.jitter, 0), POSES_LOOKED_AT)
    shares = [poses.covered_share(nominal, candidate.pose) for candidate in drawn if candidate.accepted]
    if (smallest := min((share for share in shares if share is not None), default=1.0)) < LEAST_COVERED:
        yield Problem(
            f"The region {region.name!r} covers as little as {smallest:.1%} of a reference, {256 * smallest:.0f} of the "
            "256 patches that the encoder sees. Move the camera closer, use a longer lens, or let it move back less.",
            region.name, "warning",
        )  # fmt: skip


def _classes(scene: bpy.types.Scene, settings: Settings) -> Iterator[Problem]:
    if not scene.simsearch.classes:
        yield Problem("There are no classes. Add one for each thing to tell apart.")
        return
    if len(settings.classes) == 1:
        yield Problem(
            f"There is only the class {settings.classes[0].label!r}, so every photo gets that label. Add a second one, "
            "for example one that lists no collection, for the absent part.",
            settings.classes[0].label, "warning",
        )  # fmt: skip
    for spec in settings.classes:
        reason = label_problem(spec.label)
        if reason:
            yield Problem(reason, spec.label)
    folded: dict[str, str] = {}
    for spec in settings.classes:
        other = folded.setdefault(spec.label.casefold(), spec.label)
        if other != spec.label:
            yield Problem(
                f"The class names {other!r} and {spec.label!r} differ only in upper and lower case, so they would share "
                "a folder on Windows. Rename one.",
                spec.label,
            )
    for entry in scene.simsearch.classes:
        for item in entry.collections:
            if item.collection is None:
                yield Problem(
                    f"The class {entry.name!r} has an entry without a collection. Choose one or remove the entry.",
                    entry.name,
                )
    yield from _contents(scene, settings)
    for spec in settings.rendered:
        if len(spec.variants) > settings.images_per_class:
            yield Problem(
                f"The class {spec.label!r} has {len(spec.variants)} variants but only {settings.images_per_class} images. "
                "Raise the images per class, so that every variant is shown.",
                spec.label,
            )


def _contents(scene: bpy.types.Scene, settings: Settings) -> Iterator[Problem]:
    """Problems with what the classes show."""
    inside = {collection.name_full: collection for collection in scene.collection.children_recursive}
    for name in sorted(settings.listed):
        if name not in inside:
            yield Problem(f"The collection {name!r} is not in this scene. List another one.", name)
        elif not any(_renders(item) for item in inside[name].all_objects):
            yield Problem(
                f"The collection {name!r} shows nothing: it has no object that is rendered. "
                "Put the part in it, or list another one.",
                name,
            )
        else:
            yield from _besides_parts(inside[name])
    seen: dict[frozenset[bpy.types.Object], str] = {}
    for spec in settings.classes:
        for variant in dict.fromkeys(spec.variants):
            shown = frozenset(item for item in objects_shown(scene, settings, variant) if _renders(item))
            other = seen.setdefault(shown, spec.label)
            if other != spec.label:
                yield Problem(
                    f"The classes {other!r} and {spec.label!r} show exactly the same objects. "
                    "List a collection that only one of them shows.",
                    spec.label,
                )


def _besides_parts(collection: bpy.types.Collection) -> Iterator[Problem]:
    """What a class would be recognised by instead of its part."""
    for item in collection.all_objects:
        if not item.hide_render and (item.type == "LIGHT" or TABLE_MARK in item):
            kind = "table" if TABLE_MARK in item else "light"
            yield Problem(
                f"The {kind} {item.name!r} lies in the collection {collection.name!r}, so it is there for some classes only "
                "and photos are told apart by it. Move it to a collection that no class lists.",
                item.name, "warning",
            )  # fmt: skip


def _renders(item: bpy.types.Object) -> bool:
    return not item.hide_render and has_part(item)


def _light(scene: bpy.types.Scene, settings: Settings) -> Iterator[Problem]:
    lights = rendered_lights(scene)
    nodes = background_nodes(scene.world) if scene.world else []
    if not lights and not shines(scene.world):
        yield Problem(
            "There is no light and the background is dark, so the references may be black. Add a light or a background.",
            None, "warning",
        )  # fmt: skip
    if lights and not (scene.eevee.use_shadows and any(item.data.use_shadow for item in lights)):
        # Without them, the classes of door tray and fine relief cannot be distinguished: benchmarks/ACCURACY.md.
        yield Problem(
            "No light casts a shadow, and some classes differ in little else. Turn shadows on in the render settings and "
            "in the light.",
            None, "warning",
        )  # fmt: skip
    if not lights and (settings.jitter.light_angle or settings.jitter.light_strength):
        yield Problem(
            "The light varies, but the scene has no light. Add one or set its variation to 0.", None, "warning"
        )
    if not nodes and settings.jitter.background:
        yield Problem(
            "The background varies, but the world has no background node. Add one or set its variation to 0.",
            None, "warning",
        )  # fmt: skip


def shines(world: bpy.types.World | None) -> bool:
    """Whether light comes from the background, so that no part is completely black. What only the camera sees gives none."""
    if world is None:
        return False
    if not world.node_tree:
        return any(world.color)
    return any(
        (strength.is_linked or strength.default_value > 0) and (colour.is_linked or any(colour.default_value[:3]))
        for node in lighting_nodes(world)
        for strength, colour in [(node.inputs["Strength"], node.inputs["Color"])]
    )


def _numbers(scene: bpy.types.Scene, settings: Settings) -> Iterator[Problem]:
    """An object with a NaN would be missing or black in the references, while everything else looks right."""
    camera = nominal_camera(scene)
    if camera is None:
        return
    content = ContentDigest(scene, render_layer(scene), camera)
    for spec in settings.rendered:
        for variant in dict.fromkeys(spec.variants):
            content.of(objects_shown(scene, settings, variant))
    for item in content.not_numbers:
        yield Problem(
            f"The {item.rna_type.name.lower()} {item.name!r} has a value that is not a number (NaN). Set it again.",
            item.name,
        )


def _imports(scene: bpy.types.Scene) -> Iterator[Problem]:
    """What did not come in with CAD files."""
    for collection in scene.collection.children_recursive:
        for sentence in collection.get(LOST, "").splitlines():
            yield Problem(sentence, collection.name, "warning")
