# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts a camera where a photo was taken from."""

from collections.abc import Sequence
from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Matrix

from .camera_fit import CameraFit, fit_camera

SQUARE = 0.02
"""A photo whose sides differ by less is square."""


@dataclass(frozen=True)
class Frame:
    """The square of a photo that references show: its middle and its side in pixels, from the photo's left and upper
    edge; ``square`` says whether it is just what photos are cropped to."""

    middle: tuple[float, float]
    side: float
    square: bool


def fit_of_pairs(
    pairs: Sequence[tuple[Sequence[float], Sequence[float]]], size: tuple[int, int], focal: float | None
) -> CameraFit:
    """The camera that sees points of the world at pixels of a photo of this size; see :func:`.camera_fit.fit_camera`.

    Raises:
        InputError: the pairs do not determine the camera.
    """
    points = np.array([tuple(point) for point, _ in pairs], dtype=np.float64)
    pixels = np.array([tuple(pixel) for _, pixel in pairs], dtype=np.float64)
    return fit_camera(points, pixels, size, focal)


def frame(size: tuple[int, int], crop: Sequence[float]) -> Frame:
    """What references show of a photo of this size that is cropped to left, top, width and height, shares of the photo:
    a square around the crop."""
    left, top, width, height = (share * side for share, side in zip(crop, (*size, *size), strict=True))
    longer = max(width, height)
    return Frame((left + width / 2, top + height / 2), longer, abs(width - height) <= SQUARE * longer)


def place(camera: bpy.types.Object, fit: CameraFit, size: tuple[int, int], seen: Frame) -> None:
    """Move a camera to where a photo was taken from, with a lens that shows the frame of it."""
    camera.matrix_world = Matrix(fit.pose.tolist())
    data = camera.data
    data.type, data.sensor_fit, data.sensor_width = "PERSP", "HORIZONTAL", 36.0
    data.lens_unit = "MILLIMETERS"
    data.lens = fit.focal / seen.side * data.sensor_width
    data.shift_x = (seen.middle[0] - size[0] / 2) / seen.side
    data.shift_y = (size[1] / 2 - seen.middle[1]) / seen.side
    data.clip_start, data.clip_end = min(data.clip_start, fit.nearest / 10), max(data.clip_end, fit.nearest * 100)


def align(backdrop: bpy.types.CameraBackgroundImage, size: tuple[int, int], seen: Frame) -> None:
    """Show a photo of this size behind the frame of it that the camera sees, unsquashed."""
    width, height = size
    backdrop.frame_method = "FIT"  # its longer side is as long as the frame
    backdrop.scale = max(size) / seen.side
    right, up = (width / 2 - seen.middle[0]) / seen.side, (seen.middle[1] - height / 2) / seen.side
    backdrop.offset = (
        right,
        up * width / height,
    )  # as Blender draws it: shares of the frame's width and of that by aspect
