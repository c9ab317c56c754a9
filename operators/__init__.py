# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators: each reads the settings, calls one function of ``scene`` or ``inference`` and reports."""

import bpy
from bpy.app import handlers

from ..interface import child_job, stored_results
from . import (
    camera,
    classes,
    encoder,
    import_cad,
    job_control,
    manual,
    match,
    materials,
    photo_camera,
    references,
    region,
    resting,
    station,
    validation,
)

MODULES = (
    job_control,
    manual,
    import_cad,
    materials,
    camera,
    photo_camera,
    region,
    classes,
    resting,
    station,
    match,
    references,
    encoder,
    validation,
)


def register() -> None:
    for module in MODULES:
        for cls in module.CLASSES:
            bpy.utils.register_class(cls)
    handlers.load_pre.append(child_job.end_job)
    handlers.depsgraph_update_post.append(stored_results.touch)
    handlers.load_post.append(stored_results.touch)
    for before, after in ((handlers.undo_pre, handlers.undo_post), (handlers.redo_pre, handlers.redo_post)):
        before.append(stored_results.remember)
        after.append(stored_results.restore)
    bpy.app.timers.register(stored_results.watch, first_interval=1.0, persistent=True)


def unregister() -> None:
    bpy.app.timers.unregister(stored_results.watch)
    for before, after in ((handlers.undo_pre, handlers.undo_post), (handlers.redo_pre, handlers.redo_post)):
        before.remove(stored_results.remember)
        after.remove(stored_results.restore)
    handlers.load_post.remove(stored_results.touch)
    handlers.depsgraph_update_post.remove(stored_results.touch)
    handlers.load_pre.remove(child_job.end_job)
    child_job.end_job()
    for module in reversed(MODULES):
        for cls in reversed(module.CLASSES):
            bpy.utils.unregister_class(cls)
