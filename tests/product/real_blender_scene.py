# SPDX-License-Identifier: GPL-3.0-or-later
"""Run inside a Blender that has the zip installed: from STEP files to a scene that is ready to render, by the sidebar's buttons.

blender -b --python tests/real_blender_scene.py -- SCENE.blend STEP...
"""

import sys
from pathlib import Path

import bpy
from mathutils import Vector

scene_file, *parts = sys.argv[sys.argv.index("--") + 1 :]
for item in list(bpy.data.objects):
    bpy.data.objects.remove(item)
scene, ops = bpy.context.scene, bpy.ops.simsearch
settings = scene.simsearch
for part in parts:
    known = set(bpy.data.collections)
    ops.import_cad(filepath=part)
    ops.apply_material(finish="GREY_PLASTIC")
    ops.add_class()
    settings.classes[-1].name = Path(part).stem
    settings.classes[-1].collections.clear()
    settings.classes[-1].collections.add().collection = (set(bpy.data.collections) - known).pop()
ops.add_class()
settings.classes[-1].name = "nothing"
settings.classes[-1].collections.clear()
for item in scene.objects:
    item.select_set(True)
ops.mark_region()
ops.add_lighting()
ops.set_background()
camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
scene.collection.objects.link(camera)
middle = settings.region.location
camera.location = middle + 6 * max(settings.region.scale) * Vector((0.4, -0.5, 1))
camera.rotation_euler = (middle - camera.location).to_track_quat("-Z", "Y").to_euler()
camera.data.clip_start = 0.001
scene.camera = settings.camera = camera
bpy.context.view_layer.update()
ops.set_jitter(amount="SMALL")
settings.render.images_per_class, settings.render.samples = 3, 1
bpy.ops.wm.save_as_mainfile(filepath=scene_file)
