# SPDX-License-Identifier: GPL-3.0-or-later
"""Picks corners of parts in the viewport, each followed by the same corner in a photo."""

from collections.abc import Sequence
from pathlib import Path

import blf
import bpy
import gpu
import numpy as np
from bpy_extras.view3d_utils import location_3d_to_region_2d, region_2d_to_origin_3d
from gpu_extras.batch import batch_for_shader
from mathutils import Matrix, Vector

from ..scene.parts import parts
from ..scene.photo_lens import photo_size
from ..scene.resting_variants import surfaces
from .photo_picker import PhotoPicker

REACH = 25
"""Distance in pixels within which the mouse finds a corner."""
LOOKED_AT = 30
"""Nearest corners of which the first that nothing hides is taken."""
SPOT = 0.01
"""Width of the square around the mouse, as a share of the photo."""
MARK = (1.0, 0.6, 0.1, 1.0)
FOUND = (0.3, 1.0, 0.4, 1.0)

Pair = tuple[tuple[float, float, float], tuple[float, float]]
"""A point of the world in metres, and a pixel from the photo's left and upper edge."""


class CornerPicker:
    """Holds the pairs that are picked and draws them, until it is closed.

    Raises:
        UnreadablePhoto: the file is no photo.
    """

    def __init__(
        self, context: bpy.types.Context, photo: Path, pairs: Sequence[tuple[Sequence[float], Sequence[float]]]
    ) -> None:
        self.pairs: list[Pair] = [(tuple(point), tuple(pixel)) for point, pixel in pairs]  # type: ignore[misc]
        self._photo, self._size = photo, photo_size(photo)
        self._area = context.area
        self._region = next(region for region in context.area.regions if region.type == "WINDOW")
        self._view = context.space_data.region_3d
        shown = [item for item in parts(context.scene) if item.visible_get()]
        found = [points for item in shown for points, _ in surfaces(item, Matrix())]
        self._corners = np.unique(np.concatenate(found), axis=0) if found else np.empty((0, 3))
        self._corner: Vector | None = None
        self._picker: PhotoPicker | None = None
        self._handler = bpy.types.SpaceView3D.draw_handler_add(self._draw, (), "WINDOW", "POST_PIXEL")
        self._region.tag_redraw()

    def help(self) -> str:
        """What the user can do now."""
        number = len(self.pairs) + 1
        if self._picker is not None:
            return f"Point {number}: click the same corner in the photo   (Esc: choose another corner)"
        return (
            f"Point {number}: click a corner of the part; turn the view as needed   "
            "(Enter: match the camera, Backspace: remove the last point, Esc: cancel)"
        )

    def handle(self, context: bpy.types.Context, event: bpy.types.Event) -> str:
        """Take an event: PASS_THROUGH or RUNNING_MODAL, FINISHED after Enter, CANCELLED after Esc."""
        self._region.tag_redraw()
        if self._picker is not None:
            return self._in_photo(event)
        x, y = event.mouse_x - self._region.x, event.mouse_y - self._region.y
        inside = 0 <= x < self._region.width and 0 <= y < self._region.height
        if event.type == "MOUSEMOVE":
            self._corner = self._nearest(context, x, y) if inside else None
        elif event.value != "PRESS":
            return "PASS_THROUGH"
        elif event.type == "LEFTMOUSE" and inside:
            self._corner = self._nearest(context, x, y)
            if self._corner is not None:
                self._picker = PhotoPicker(self._photo, self._area, SPOT)
            return "RUNNING_MODAL"
        elif event.type == "BACK_SPACE":
            self.pairs = self.pairs[:-1]
            return "RUNNING_MODAL"
        elif event.type in {"RET", "NUMPAD_ENTER"}:
            return "FINISHED"
        elif event.type == "ESC":
            return "CANCELLED"
        return "PASS_THROUGH"

    def close(self) -> None:
        """Take markers and photo away."""
        if self._picker is not None:
            self._picker.close()
            self._picker = None
        bpy.types.SpaceView3D.draw_handler_remove(self._handler, "WINDOW")
        self._region.tag_redraw()

    def _in_photo(self, event: bpy.types.Event) -> str:
        picker = self._picker
        assert picker is not None
        picker.move(event)
        clicked = event.type == "LEFTMOUSE" and event.value == "PRESS"
        spot = picker.spot() if clicked else None
        if spot is not None and self._corner is not None:
            pixel = spot[0] * self._size[0], (1 - spot[1]) * self._size[1]
            self.pairs.append(((self._corner.x, self._corner.y, self._corner.z), pixel))
        if spot is not None or (event.type in {"ESC", "RIGHTMOUSE"} and event.value == "PRESS"):
            picker.close()
            self._picker = None
        return "RUNNING_MODAL"

    def _nearest(self, context: bpy.types.Context, x: float, y: float) -> Vector | None:
        """The corner at the mouse that nothing hides."""
        if not len(self._corners):
            return None
        clip = np.column_stack([self._corners, np.ones(len(self._corners))]) @ np.array(self._view.perspective_matrix).T
        with np.errstate(divide="ignore", invalid="ignore"):
            places = (clip[:, :2] / clip[:, 3:] + 1) / 2 * (self._region.width, self._region.height)
        distances = np.where(clip[:, 3] > 0, np.hypot(*(places - (x, y)).T), np.inf)
        order = np.argsort(distances)[:LOOKED_AT]
        depsgraph = context.evaluated_depsgraph_get()
        for index in order[distances[order] <= REACH]:
            corner = Vector(self._corners[index])
            eye = region_2d_to_origin_3d(self._region, self._view, places[index])
            toward = corner - eye
            hit = context.scene.ray_cast(depsgraph, eye, toward.normalized(), distance=toward.length * (1 - 1e-4))
            if not hit[0]:
                return corner
        return None

    def _draw(self) -> None:
        if bpy.context.region != self._region or self._picker is not None:
            return
        marks = [(Vector(point), str(number), MARK) for number, (point, _) in enumerate(self.pairs, 1)]
        if self._corner is not None:
            marks.append((self._corner, str(len(self.pairs) + 1), FOUND))
        shader = gpu.shader.from_builtin("UNIFORM_COLOR")
        for point, text, colour in marks:
            place = location_3d_to_region_2d(self._region, self._view, point)
            if place is None:
                continue
            x, y = place
            shader.uniform_float("color", colour)
            cross = [(x - 7, y), (x + 7, y), (x, y - 7), (x, y + 7)]
            batch_for_shader(shader, "LINES", {"pos": cross}).draw(shader)
            blf.size(0, 14)
            blf.color(0, *colour)
            blf.position(0, x + 9, y + 5, 0)
            blf.draw(0, text)
