# SPDX-License-Identifier: GPL-3.0-or-later
"""The region, the jitter volume and the poses in the viewport; then the classes."""

import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import bpy
import driver
import station


def steps() -> Iterator[float]:
    driver.unfold("Camera & Region", "Jitter", "Classes")
    output = station.set_up()
    yield from driver.open_sidebar()
    yield from driver.photograph("region-and-poses.png")
    bpy.context.scene.simsearch.jitter.location = (0.05, 0.05, 0.02)  # too much: some poses lose the region
    yield from driver.photograph("rejected-poses.png")
    station.clean_up(output)


driver.run(steps)
