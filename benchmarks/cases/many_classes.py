# SPDX-License-Identifier: GPL-3.0-or-later
"""Any number of classes that cost the same to render: discs of different heights, for benchmarks/speed.py.

python benchmarks/cases/many_classes.py 64 many_classes.blend
"""

import math
import sys
from pathlib import Path

from synthetic_similarity_search.benchmarks.cases.stage import (
    add_camera,
    add_sun,
    add_variant,
    end,
    mark_region,
    new_material,
    new_scene,
    ring,
    save,
    set_world,
    skin,
)

HEIGHT = 0.04

if __name__ == "__main__":
    scene, count = new_scene(), int(sys.argv[1])
    material = new_material("plastic", (0.3, 0.3, 0.3), 0.5)
    for number in range(count):
        height = HEIGHT * (number + 1) / count
        add_variant(scene, f"disc {number}", [skin("disc", [ring(0.05, 0), ring(0.03, height)], material)])
    add_camera(scene, height=0.5, field=0.2)
    add_sun(scene, 3.0, math.radians(40), math.radians(5), 1e-3)
    set_world(scene, zenith=0.5, horizon=0.2, window=1.0)
    mark_region(scene, (0.1, 0.1, HEIGHT), (0, 0, HEIGHT / 2))
    save(Path(sys.argv[2]))
    end()
