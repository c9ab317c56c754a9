# SPDX-License-Identifier: GPL-3.0-or-later
"""A photo over the viewport, on which a click chooses a spot."""

from pathlib import Path

import bpy
import gpu
from gpu_extras.batch import batch_for_shader
from gpu_extras.presets import draw_texture_2d

MARGIN = 0.05
"""Share of the region that stays free around the photo."""
PIXELS = 1024
"""Longer side of what is drawn, at most."""


def fitted(photo: tuple[int, int], region: tuple[int, int]) -> tuple[float, float, float, float]:
    """Left, bottom, width and height in pixels of a photo as large as it fits into a region with a margin; both are width
    and height."""
    scale = min((1 - 2 * MARGIN) * room / side for side, room in zip(photo, region, strict=True))
    width, height = photo[0] * scale, photo[1] * scale
    return (region[0] - width) / 2, (region[1] - height) / 2, width, height


class PhotoPicker:
    """Draws a photo over a region of the viewport, with the outline of a spot at the mouse, until it is closed.

    Raises:
        UnreadablePhoto: the file is no photo.
    """

    def __init__(self, path: Path, area: bpy.types.Area, size: float) -> None:
        import numpy as np

        from ..inference.photo_file import open_photo

        image = open_photo(path, PIXELS)
        image.thumbnail((PIXELS, PIXELS))
        pixels = np.ones((image.height, image.width, 4), np.float32)
        pixels[..., :3] = np.asarray(image, np.float32)[::-1] / 255
        buffer = gpu.types.Buffer("FLOAT", pixels.size, pixels.ravel().tolist())
        self._texture = gpu.types.GPUTexture(image.size, format="RGBA16F", data=buffer)
        self._photo, self._size = image.size, size
        self._region = next(region for region in area.regions if region.type == "WINDOW")
        self._mouse = (-1.0, -1.0)
        self._handler = bpy.types.SpaceView3D.draw_handler_add(self._draw, (), "WINDOW", "POST_PIXEL")
        self._region.tag_redraw()

    def move(self, event: bpy.types.Event) -> None:
        """Let the outline follow the mouse."""
        self._mouse = event.mouse_x - self._region.x, event.mouse_y - self._region.y
        self._region.tag_redraw()

    def spot(self) -> tuple[float, float] | None:
        """Where the mouse is on the photo, 0..1 from its left and its lower edge; None beside it."""
        left, bottom, width, height = self._place()
        across, up = (self._mouse[0] - left) / width, (self._mouse[1] - bottom) / height
        return (across, up) if 0 <= across <= 1 and 0 <= up <= 1 else None

    def close(self) -> None:
        """Take the photo away."""
        bpy.types.SpaceView3D.draw_handler_remove(self._handler, "WINDOW")
        self._region.tag_redraw()

    def _place(self) -> tuple[float, float, float, float]:
        return fitted(self._photo, (self._region.width, self._region.height))

    def _draw(self) -> None:
        if bpy.context.region != self._region:
            return
        left, bottom, width, height = self._place()
        draw_texture_2d(self._texture, (left, bottom), width, height)
        if self.spot() is None:
            return
        x, y = self._mouse
        across, up = self._size * width / 2, self._size * height / 2
        corners = [(x - across, y - up), (x + across, y - up), (x + across, y + up), (x - across, y + up)]
        shader = gpu.shader.from_builtin("UNIFORM_COLOR")
        for shift, colour in ((0, (0.0, 0.0, 0.0, 1.0)), (1, (1.0, 1.0, 1.0, 1.0))):
            edges = [(x + shift, y - shift) for x, y in (*corners, corners[0])]
            shader.uniform_float("color", colour)
            batch_for_shader(shader, "LINE_STRIP", {"pos": edges}).draw(shader)
