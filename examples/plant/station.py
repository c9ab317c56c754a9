# SPDX-License-Identifier: GPL-3.0-or-later
"""One small station of the example plant: two classes of the station in examples/station, under a bright or a dim lamp.

python examples/plant/station.py [--dim] tee plate station.blend
"""

import os
import sys
from contextlib import redirect_stdout
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "examples" / "station"), str(ROOT)]  # in this order: ROOT has a scene of its own

import bpy  # noqa: E402

import batch  # noqa: E402
import scene as station  # noqa: E402  examples/station/scene.py, which loads the extension

LABELS = {"tee": "t_joint", "plate": "metal_blank", "nothing": "empty_table"}
DIM = 0.4
"""What share of the lamp's light is left."""


def build(shown: list[str], path: Path, *, dim: bool) -> None:
    """Save a station whose classes are ``shown``."""
    station.build(path)
    classes = bpy.context.scene.simsearch.classes
    kept = {LABELS[name] for name in shown}
    for index in reversed(range(len(classes))):
        if classes[index].name not in kept:
            # What a class no longer lists would be shown for all.
            for item in classes[index].collections:
                bpy.data.batch_remove([*item.collection.all_objects])
            classes.remove(index)
    if dim:
        bpy.data.lights["lamp"].energy *= DIM
    bpy.context.preferences.filepaths.save_version = 0  # no station.blend1 beside it
    bpy.ops.wm.save_as_mainfile(filepath=str(path.resolve()))


if __name__ == "__main__":
    *options, target = sys.argv[1:]
    with batch.quiet_blender(), redirect_stdout(sys.__stdout__):
        build([name for name in options if name != "--dim"], Path(target), dim="--dim" in options)
    sys.stdout.flush()
    os._exit(0)  # Blender as a module may wait for ever while it is taken down
