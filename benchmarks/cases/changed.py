# SPDX-License-Identifier: GPL-3.0-or-later
"""A case's scene with something about it changed.

python benchmarks/cases/changed.py scene.blend changed.blend "scene.eevee.use_shadows = False"
"""

import sys
from pathlib import Path

import bpy

from synthetic_similarity_search.benchmarks.cases import stage

if __name__ == "__main__":
    bpy.ops.wm.open_mainfile(filepath=str(Path(sys.argv[1]).resolve()))
    exec(sys.argv[3], {"scene": bpy.context.scene, "stage": stage})  # noqa: S102 - the benchmark's own statements
    stage.save(Path(sys.argv[2]))
    stage.end()
