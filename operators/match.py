# SPDX-License-Identifier: GPL-3.0-or-later
"""Match the look of the scene to photos of the station."""

from typing import TYPE_CHECKING, Any

import bpy

from ..inference.errors import InputError
from ..interface import checklist, stored_results
from ..interface.words import counted
from .references import RenderJob

if TYPE_CHECKING:
    from ..inference.job_results import MatchResult


class SIMSEARCH_OT_match_look(RenderJob):
    bl_idname = "simsearch.match_look"
    bl_label = "Match Look to Photos"
    bl_description = (
        "Find the lamps, background, materials and camera distance that make references most like photos of the station. "
        "The photos need no labels; the scene is changed at the end, in one step that can be undone"
    )
    title = "Match Look"

    @classmethod
    def missing(cls, scene: bpy.types.Scene) -> str | None:
        if not (scene.simsearch.match_directory or scene.simsearch.photos_directory):
            return "Choose a folder with photos of the station first"
        return checklist.next_step(scene)

    def command(self, scene: bpy.types.Scene) -> list[str]:
        folder = scene.simsearch.match_directory or scene.simsearch.photos_directory
        return [
            "match",
            "--photos",
            str(checklist.absolute(folder)),
            "--output",
            str(checklist.output_folder(scene).path),
            "--model",
            scene.simsearch.model,
            *checklist.reading_options(scene),
        ]

    def read(self, content: dict[str, Any]) -> "MatchResult":
        from ..inference.job_results import MatchResult  # late, so that Blender starts fast

        return MatchResult.from_json(content)

    def store(self, scene: bpy.types.Scene, result: "MatchResult") -> str:
        from ..scene.look_controls import apply_match
        from ..scene.read_settings import read_settings

        try:
            apply_match(scene, read_settings(scene), result)
        except InputError as error:
            return " ".join(error.problems)
        scene.simsearch.match_directory = scene.simsearch.match_directory or scene.simsearch.photos_directory
        stored_results.keep(scene, "match", result)
        if not result.changes:
            return "Nothing was found that makes the references clearly more like the photos"
        changed, photos = counted(len(result.changes), "thing"), counted(len(result.photos), "photo")
        return f"{changed} matched to {photos}; build the database again"


CLASSES = (SIMSEARCH_OT_match_look,)
