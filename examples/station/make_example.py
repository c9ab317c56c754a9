# SPDX-License-Identifier: GPL-3.0-or-later
"""The example project that the extension brings along: the demo's station, and some of its simulated photos.

    make demo
    BLENDER_SERIES=4.5 tools/in-environment python examples/station/make_example.py

Writes example/. Blender 4.5 saves it, as older versions cannot open the files of newer ones.
"""

import os
import shutil
import sys

import bpy

from scene import STATION, build

ROOT = STATION.parents[1]
EXAMPLE = ROOT / "example"
PHOTOS = ROOT / "build" / "demo" / "simulated" / "photos"
IMAGES_PER_CLASS, PHOTOS_PER_CLASS = 8, 4
"""References enough for these photos, and rendered in a minute or two."""

if __name__ == "__main__":
    shutil.rmtree(EXAMPLE, ignore_errors=True)
    build(EXAMPLE / "station.blend")
    settings = bpy.context.scene.simsearch
    settings.photos_directory = "//photos"
    settings.render.images_per_class = IMAGES_PER_CLASS
    render = bpy.context.scene.render
    render.resolution_x = render.resolution_y = settings.render.resolution  # the camera's view is what references show
    bpy.context.preferences.filepaths.save_version = 0
    bpy.ops.wm.save_mainfile(compress=True)
    for folder in PHOTOS.iterdir():
        (EXAMPLE / "photos" / folder.name).mkdir(parents=True)
        for photo in sorted(folder.iterdir())[:PHOTOS_PER_CLASS]:
            shutil.copy(photo, EXAMPLE / "photos" / folder.name)
    sys.stdout.flush()
    os._exit(0)  # Blender as a module may wait for ever while it is taken down
