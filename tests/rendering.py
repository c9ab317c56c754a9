# SPDX-License-Identifier: GPL-3.0-or-later
"""References of a scene, rendered in this process, and what they hold."""

from pathlib import Path
from typing import Any

import bpy

from synthetic_similarity_search.inference.progress import Progress
from synthetic_similarity_search.scene.read_settings import read_settings
from synthetic_similarity_search.scene.stills import Rendered, render_references


def render(scene: bpy.types.Scene, folder: Path, *, fresh: bool = False, **overrides: Any) -> Rendered:
    return render_references(scene, read_settings(scene, overrides), folder, Progress(), fresh=fresh)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.glob("*/*"))}
