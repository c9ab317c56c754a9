# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules that need no Blender are imported and used in a Python that has none."""

import json
import subprocess
import sys

from synthetic_similarity_search.tests.tiny_scene import ROOT

PURE_IN_SCENE = (
    "camera_fit", "crashes", "draws", "folder_lock", "frustum", "jitter_presets", "look", "machine", "part_picture", "photo_lens", "planned_image", "poses",
    "rays", "settings", "stable_poses",
    *(f"cad.{path.stem}" for path in (ROOT / "scene" / "cad").glob("*.py") if path.stem != "__init__"),
)  # fmt: skip

PROGRAM = """
import importlib, json, sys
sys.modules["bpy"] = sys.modules["mathutils"] = sys.modules["bmesh"] = None  # importing them fails
names = json.loads(sys.argv[1])
for name in names:
    importlib.import_module(f"synthetic_similarity_search.{name}")
import numpy as np
from synthetic_similarity_search.scene import draws, frustum, poses, settings
jitter = settings.Jitter((0.1, 0.1, 0.1), (0.1, 0.1, 0.1), 0.2, 0.3, 0.1, 0.1, 7, 1.0, 0.0)
region = np.eye(4)
region[:3, 3] = -0.5, -0.5, -10
view = poses.View(np.eye(4), frustum.perspective(50, 36, (0, 0), 0.1, 100), region)
sampled = poses.sample(view, jitter, 3)
print(json.dumps([len(sampled), draws.draw(jitter, 0).background]))
"""


def inference_modules() -> list[str]:
    paths = [path.relative_to(ROOT).with_suffix("") for path in (ROOT / "inference").rglob("*.py")]
    return [".".join(path.parts) for path in paths if path.stem not in {"__init__", "__main__"}]


def test_every_pure_module_is_imported_without_blender() -> None:
    names = [*inference_modules(), *(f"scene.{name}" for name in PURE_IN_SCENE)]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(names)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    count, background = json.loads(done.stdout)
    assert count == 3 and 1 / 1.1 <= background <= 1.1


def test_the_list_of_pure_modules_is_whole() -> None:
    """A module of scene/ either imports Blender's or is in the list."""
    for path in (ROOT / "scene").glob("*.py"):
        text = path.read_text("utf-8")
        needs_blender = "import bpy" in text or "mathutils" in text
        assert needs_blender != (path.stem in PURE_IN_SCENE) or path.stem == "__init__", path.name
