# SPDX-License-Identifier: GPL-3.0-or-later
"""What a first-time user sees: nothing in the scene, and the next step."""

import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import bpy
import driver


def steps() -> Iterator[float]:
    driver.unfold("CAD & Materials", "Camera & Region", "Classes", "References")
    for item in list(bpy.data.objects):
        bpy.data.objects.remove(item)
    yield from driver.open_sidebar()
    yield from driver.photograph("empty-state.png")


driver.run(steps)
