# SPDX-License-Identifier: GPL-3.0-or-later
"""The camera poses of a scene's references."""

import bpy

from . import poses
from .poses import Array, UnoccludedShare, View
from .settings import Settings
from .view import nominal_view
from .visibility import unoccluded_share


def occlusion(scene: bpy.types.Scene, settings: Settings, view: View) -> UnoccludedShare | None:
    """What tells how much of the region other geometry hides; None where the settings do not ask, as it costs ray casts."""
    return unoccluded_share(scene, settings, view) if settings.jitter.min_unoccluded > 0 else None


def sample_poses(scene: bpy.types.Scene, settings: Settings) -> list[Array]:
    """One pose float64 [4, 4], camera to world, for each image, the same for every class.

    Raises:
        InputError: too few camera poses show the region.
    """
    view = nominal_view(scene)
    return poses.sample(view, settings.jitter, settings.images_per_class, occlusion(scene, settings, view))
