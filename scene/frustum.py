# SPDX-License-Identifier: GPL-3.0-or-later
"""Projections of cameras that take square pictures, as OpenGL defines them. Needs no Blender."""

import numpy as np

from .poses import Array


def perspective(lens: float, sensor: float, shift: tuple[float, float], near: float, far: float) -> Array:
    """Camera to clip coordinates, float64 [4, 4], of a perspective camera.

    Args:
        lens: focal length in millimetres.
        sensor: side of the sensor in millimetres.
        shift: of the picture to the right and up, in shares of its side.
        near: distance in metres from which on something is seen.
        far: distance up to which it is.
    """
    matrix = np.zeros((4, 4))
    matrix[0, 0] = matrix[1, 1] = 2 * lens / sensor
    matrix[:2, 2] = 2 * np.array(shift)
    matrix[2, 2:] = -(far + near) / (far - near), -2 * far * near / (far - near)
    matrix[3, 2] = -1
    return matrix


def orthographic(scale: float, shift: tuple[float, float], near: float, far: float) -> Array:
    """The same of an orthographic camera whose picture is ``scale`` metres wide."""
    matrix = np.zeros((4, 4))
    matrix[0, 0] = matrix[1, 1] = 2 / scale
    matrix[:2, 3] = -2 * np.array(shift)
    matrix[2, 2:] = -2 / (far - near), -(far + near) / (far - near)
    matrix[3, 3] = 1
    return matrix
