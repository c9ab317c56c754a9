# SPDX-License-Identifier: GPL-3.0-or-later
"""Results that are saved with the scene, and whether what they were made from has changed since."""

import hashlib
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, overload

import bpy
from bpy.app.handlers import persistent

from ..inference.errors import InputError
from ..inference.files import files_below
from . import checklist

if TYPE_CHECKING:
    from ..inference.job_results import ClassifiedPhoto, MatchResult, RenderResult
    from ..inference.validation_result import ValidationResult
    from ..scene.check import CheckResult
    from ..scene.settings import Settings

RenderName = Literal["preview", "references"]
"""The results of a render, by their names in ``scene.simsearch.results``."""

CHANGED = {
    "scene": "the scene changed since",
    "database": "the reference database changed since",
    "photos": "the photos changed since",
}
"""What a result can depend on, and what is said when that is no longer the same."""

_now: dict[tuple[str, str], str] = {}
"""Fingerprints by scene name and dependency, refreshed outside drawing."""
_scene_touched = True
_settings: "dict[str, Settings | None]" = {}
"""The settings of each scene when they were last looked at: Blender does not tell that an operator or a script changed one."""


class Result(Protocol):
    """A result that can be saved with the scene."""

    def to_json(self) -> dict[str, Any]:
        """The result as a JSON object."""


def keep(scene: bpy.types.Scene, name: str, result: Result, *depends: str) -> None:
    """Save a result with the scene together with fingerprints of what it ``depends`` on (keys of
    ``CHANGED``)."""
    prints = {part: fingerprint(scene, part) for part in depends}
    _now.update({(scene.name, part): print_ for part, print_ in prints.items()})
    setattr(scene.simsearch.results, name, json.dumps({"value": result.to_json(), "made_from": prints}))


@overload
def load(scene: bpy.types.Scene, name: RenderName) -> "RenderResult | None": ...
@overload
def load(scene: bpy.types.Scene, name: Literal["match"]) -> "MatchResult | None": ...
@overload
def load(scene: bpy.types.Scene, name: Literal["validation"]) -> "ValidationResult | None": ...
@overload
def load(scene: bpy.types.Scene, name: Literal["classification"]) -> "ClassifiedPhoto | None": ...
@overload
def load(scene: bpy.types.Scene, name: Literal["problems"]) -> "CheckResult | None": ...
def load(scene: bpy.types.Scene, name: str) -> Any:
    """A saved result; ``None`` if there is none."""
    text = getattr(scene.simsearch.results, name)
    return _type(name).from_json(json.loads(text)["value"]) if text else None


def _type(name: str) -> Any:
    """The type of a result. It is imported when a result is read, so that Blender starts fast."""
    if name in ("preview", "references"):
        from ..inference.job_results import RenderResult

        return RenderResult
    if name == "match":
        from ..inference.job_results import MatchResult

        return MatchResult
    if name == "validation":
        from ..inference.validation_result import ValidationResult

        return ValidationResult
    if name == "classification":
        from ..inference.job_results import ClassifiedPhoto

        return ClassifiedPhoto
    from ..scene.check import CheckResult

    return CheckResult


def outdated(scene: bpy.types.Scene, name: str) -> list[str]:
    """Why a saved result no longer holds, as sentences; empty when it still does."""
    text = getattr(scene.simsearch.results, name)
    made_from = json.loads(text)["made_from"] if text else {}
    return [CHANGED[part] for part, old in made_from.items() if _now.get((scene.name, part), old) != old]


def fingerprint(scene: bpy.types.Scene, part: str) -> str:
    """A short text that changes when the scene, its database or its photos do; empty where they are missing."""
    from ..scene import recipe
    from ..scene.read_settings import read_settings

    try:
        if part == "database":
            return hashlib.sha256(checklist.database(scene).read_bytes()).hexdigest()
        if part == "photos":
            return listing(checklist.absolute(scene.simsearch.photos_directory))
        if checklist.next_step(scene) is None:
            return str(recipe.digest(scene, read_settings(scene)))
    except (OSError, InputError):
        pass
    return ""


def _look_at_settings(scene: bpy.types.Scene) -> None:
    """Note whether the settings are others than before."""
    from ..scene.read_settings import read_settings

    try:
        now = read_settings(scene)
    except InputError:
        now = None
    if _settings.get(scene.name) != now:
        touch()
    _settings[scene.name] = now


def listing(folder: Path) -> str:
    """Hash of the names, sizes and times of the files below a folder that are the user's."""
    files = sorted(path for path in files_below(folder) if path.is_file())
    lines = (f"{path.relative_to(folder)}\0{path.stat().st_size}\0{path.stat().st_mtime_ns}\n" for path in files)
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def refresh(scene: bpy.types.Scene) -> bool:
    """Fingerprint again what the scene's results depend on; true when anything changed."""
    before = dict(_now)
    _look_at_settings(scene)
    for name in KEPT:
        text = getattr(scene.simsearch.results, name)
        for part in json.loads(text)["made_from"] if text else ():
            if part != "scene" or (_scene_touched and not _edited(scene)):
                _now[scene.name, part] = fingerprint(scene, part)
    return before != _now


KEPT = ("preview", "references", "validation", "classification")
"""What jobs found. It describes files, which no undo takes back, so undo does not take it back either."""
_before_undo: dict[str, dict[str, str]] = {}


def _edited(scene: bpy.types.Scene) -> bool:
    """Whether an object is in Edit Mode, in which Blender holds its shape back."""
    return any(item.mode == "EDIT" for item in scene.objects)


@persistent  # type: ignore[untyped-decorator]
def remember(*_: object) -> None:
    """Before an undo or redo: note what the jobs found."""
    _before_undo.clear()
    for scene in bpy.data.scenes:
        _before_undo[scene.name] = {name: getattr(scene.simsearch.results, name) for name in KEPT}


@persistent  # type: ignore[untyped-decorator]
def restore(*_: object) -> None:
    """After an undo or redo: put back what the jobs found."""
    for scene in bpy.data.scenes:
        for name, text in _before_undo.get(scene.name, {}).items():
            if getattr(scene.simsearch.results, name) != text:
                setattr(scene.simsearch.results, name, text)


@persistent  # type: ignore[untyped-decorator]
def touch(*_: object) -> None:
    """The scene may have changed; its fingerprint is too dear to take on every change."""
    global _scene_touched
    _scene_touched = True


def watch() -> float:
    """Timer: keep the fingerprints up to date and the scenes' folders apart while no job runs; a large scene, which takes long, is looked
    at less often."""
    global _scene_touched
    from . import child_job

    if bpy.context.scene is None or child_job.running():
        return 3.0
    started = time.monotonic()
    checklist.give_own_folder(bpy.context.scene)
    if refresh(bpy.context.scene):
        child_job.redraw(bpy.context)
    _scene_touched = _edited(bpy.context.scene)
    return max(3.0, 20 * (time.monotonic() - started))
