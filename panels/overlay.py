# SPDX-License-Identifier: GPL-3.0-or-later
"""Viewport overlay: the region, the space the camera moves in, and every sampled pose as a small frustum.

Green poses are rendered; red ones are rejected, and say why. What is drawn is computed again only when something it
depends on has changed.
"""

from collections import Counter
from dataclasses import dataclass
from itertools import combinations, product
from typing import TYPE_CHECKING, Any

import blf
import bpy
import gpu
from bpy_extras.view3d_utils import location_3d_to_region_2d
from gpu_extras.batch import batch_for_shader
from mathutils import Vector

from ..inference.errors import InputError
from ..scene.settings import read_settings

if TYPE_CHECKING:
    from ..scene.poses import Array, View

Colour = tuple[float, float, float, float]

REGION: Colour = (0.25, 0.75, 1.0, 0.9)
VOLUME: Colour = (1.0, 1.0, 1.0, 0.5)
ACCEPTED: Colour = (0.3, 0.9, 0.35, 0.9)
REJECTED: Colour = (1.0, 0.3, 0.25, 0.9)
MOST_DRAWS = 10
"""Draws per image that are shown; a job goes on for longer before it gives up."""
MOST_LABELS = 12
"""So many rejected poses are labelled in place; the summary counts them all."""

_handlers: list[Any] = []
_cached: dict[str, tuple[object, "Drawing"]] = {}


@dataclass(frozen=True)
class Drawing:
    """Line segments [2 N, 3] with their colour, and texts at a place or as a summary; world space, metres."""

    lines: tuple[tuple[Colour, "Array"], ...]
    labels: tuple[tuple[Vector, str], ...]
    summary: tuple[tuple[Colour, str], ...]


def compute(view: "View", jitter: Any, count: int) -> Drawing:
    """What to draw for the poses of ``count`` images around the nominal view."""
    import numpy as np

    from ..scene import poses

    found = []
    for index in range(count):
        for _, candidate in zip(range(MOST_DRAWS), poses.candidates(view, jitter, index), strict=False):
            found.append(candidate)
            if candidate.accepted:
                break
    corners = np.array(list(product((-1.0, 1.0), repeat=3))) * jitter.location
    volume = corners @ view.nominal[:3, :3].T + view.nominal[:3, 3]
    length = 0.04 * np.linalg.norm(view.region.mean(axis=0) - view.nominal[:3, 3])
    frustum = _frustum(view.projection) * length

    def lines(accepted: bool) -> "Array":
        chosen = [item.pose for item in found if item.accepted is accepted]
        edges = [frustum @ pose[:3, :3].T + pose[:3, 3] for pose in chosen]
        return np.concatenate(edges) if edges else np.empty((0, 3))

    rejected = [item for item in found if not item.accepted]
    summary = [(ACCEPTED, f"{len(found) - len(rejected)} of {count} poses accepted")]
    summary += [(REJECTED, f"{number} draws rejected: {reason}")
                for reason, number in Counter(item.reason for item in rejected).most_common()]
    return Drawing(
        lines=((REGION, _box(view.region)), (VOLUME, _box(volume)), (REJECTED, lines(False)), (ACCEPTED, lines(True))),
        labels=tuple((Vector(item.pose[:3, 3]), str(item.reason)) for item in rejected[:MOST_LABELS]),
        summary=tuple(summary),
    )


def _box(corners: "Array") -> "Array":
    """The edges [24, 3], as pairs of ends, of a box with corners [8, 3] whose last axis varies fastest."""
    return corners[[end for pair in combinations(range(8), 2) if (pair[0] ^ pair[1]).bit_count() == 1 for end in pair]]


def _frustum(projection: "Array") -> "Array":
    """The edges [16, 3], as pairs of ends, of the viewing pyramid at unit depth, in camera space."""
    import numpy as np

    clip = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], dtype=np.float64)
    if projection[3, 3]:  # orthographic: draw a pyramid all the same, it shows where the camera looks
        frame = np.column_stack([clip / 3, -np.ones(4)])
    else:
        frame = np.column_stack([(clip + projection[:2, 2]) / np.diag(projection)[:2], -np.ones(4)])
    apex = np.zeros(3)
    return np.array([end for i in range(4) for end in (apex, frame[i], frame[i], frame[(i + 1) % 4])])


def current(scene: bpy.types.Scene) -> Drawing | None:
    """The scene's drawing, computed again where something it depends on has changed; ``None`` without a region."""
    settings = scene.simsearch
    camera = settings.camera or scene.camera
    if not settings.show_overlay or settings.region is None or camera is None or camera.type != "CAMERA":
        return None
    from ..scene.view import nominal_view

    try:
        frozen = read_settings(scene)
    except InputError:
        return None
    view = nominal_view(scene)
    key = (frozen.jitter, frozen.images_per_class, view.nominal.tobytes(), view.projection.tobytes(), view.region.tobytes())
    old = _cached.get(scene.name)
    if old is None or old[0] != key:
        _cached[scene.name] = key, compute(view, frozen.jitter, frozen.images_per_class)
    return _cached[scene.name][1]


def _visible(context: bpy.types.Context) -> Drawing | None:
    """What the present viewport shows: nothing where its overlays are off or it looks through the camera."""
    space = context.space_data
    if not space.overlay.show_overlays or context.region_data.view_perspective == "CAMERA":
        return None
    return current(context.scene)


def draw_lines() -> None:
    """Draw handler, in world space."""
    context = bpy.context
    drawing = _visible(context)
    if drawing is None:
        return
    shader = gpu.shader.from_builtin("POLYLINE_UNIFORM_COLOR")
    shader.bind()
    shader.uniform_float("viewportSize", gpu.state.viewport_get()[2:])
    shader.uniform_float("lineWidth", 1.5 * context.preferences.system.pixel_size)
    gpu.state.blend_set("ALPHA")
    for colour, points in drawing.lines:
        if len(points):
            shader.uniform_float("color", colour)
            batch_for_shader(shader, "LINES", {"pos": points.tolist()}).draw(shader)
    gpu.state.blend_set("NONE")


def draw_texts() -> None:
    """Draw handler, in pixels."""
    context = bpy.context
    drawing = _visible(context)
    if drawing is None:
        return
    scale = context.preferences.system.ui_scale
    font = 0
    blf.size(font, 11 * scale)
    blf.color(font, *REJECTED)
    for place, text in drawing.labels:
        point = location_3d_to_region_2d(context.region, context.region_data, place)
        if point is not None:
            blf.position(font, point.x + 6, point.y, 0)
            blf.draw(font, text)
    blf.size(font, 13 * scale)
    for line, (colour, text) in enumerate(reversed(drawing.summary)):
        blf.color(font, *colour)
        blf.position(font, 70 * scale, (20 + 18 * line) * scale, 0)
        blf.draw(font, text)


def register() -> None:
    for draw, kind in ((draw_lines, "POST_VIEW"), (draw_texts, "POST_PIXEL")):
        _handlers.append(bpy.types.SpaceView3D.draw_handler_add(draw, (), "WINDOW", kind))


def unregister() -> None:
    while _handlers:
        bpy.types.SpaceView3D.draw_handler_remove(_handlers.pop(), "WINDOW")
    _cached.clear()
