# SPDX-License-Identifier: GPL-3.0-or-later
"""Viewport overlay: the region, the space the camera moves in, and every sampled pose as a small frustum.

Green poses are rendered; red ones are rejected, and say why. What is drawn is computed again only when a
setting, the camera or the region changes. Looking for geometry that hides the region takes ray casts and
changes what the scene shows meanwhile, so it waits until nothing has changed for a moment and runs outside
drawing.
"""

from collections import Counter
from dataclasses import dataclass
from itertools import combinations, islice, product
from typing import TYPE_CHECKING, Any

import blf
import bpy
import gpu
from bpy_extras.view3d_utils import location_3d_to_region_2d
from gpu_extras.batch import batch_for_shader
from mathutils import Vector

from ..inference.errors import InputError
from ..scene.read_settings import read_settings
from ..scene.rendered_objects import in_scene
from ..scene.settings import Settings
from .translations import translated

if TYPE_CHECKING:
    from ..scene.poses import Array, UnoccludedShare, View

Colour = tuple[float, float, float, float]

REGION: Colour = (0.25, 0.75, 1.0, 0.9)
VOLUME: Colour = (1.0, 1.0, 1.0, 0.5)
ACCEPTED: Colour = (0.3, 0.9, 0.35, 0.9)
REJECTED: Colour = (1.0, 0.3, 0.25, 0.9)
MOST_DRAWS = 50
"""Draws per image that are shown; a job tries more before it gives up."""
MOST_REJECTED = 24
"""The number of rejected poses that are drawn; the summary counts all of them."""
MOST_LABELS = 12
"""The number of rejected poses that are labelled in place."""

_handlers: list[Any] = []
_cached: dict[str, tuple[object, "Drawing"]] = {}


@dataclass(frozen=True)
class Drawing:
    """Line segments [2 N, 3] with their colour, and texts at a place or as a summary; world space, metres."""

    lines: tuple[tuple[Colour, "Array"], ...]
    labels: tuple[tuple[Vector, str], ...]
    summary: tuple[tuple[Colour, str], ...]


def compute(view: "View", settings: Settings, unoccluded: "UnoccludedShare | None" = None) -> Drawing:
    """What to draw for the poses of all images around the nominal view."""
    import numpy as np

    from ..scene import poses

    found = []
    count = settings.images_per_class
    for index in range(count):
        for candidate in islice(poses.candidates(view, settings.jitter, index, unoccluded), MOST_DRAWS):
            found.append(candidate)
            if candidate.accepted:
                break
    unit_cube = np.array(list(product((0.0, 1.0), repeat=3)))
    volume = (2 * unit_cube - 1) * settings.jitter.location @ view.nominal[:3, :3].T + view.nominal[:3, 3]
    # Small enough to tell poses apart that lie close together.
    distance = np.linalg.norm(view.region_points(np.full(3, 0.5)) - view.nominal[:3, 3])
    length = np.clip(0.4 * max(settings.jitter.location), 0.005 * distance, 0.04 * distance)
    frustum = _frustum(view.projection) * length

    def lines(accepted: bool) -> "Array":
        chosen = [item.pose for item in found if item.accepted is accepted][: None if accepted else MOST_REJECTED]
        edges = [frustum @ pose[:3, :3].T + pose[:3, 3] for pose in chosen]
        return np.concatenate(edges) if edges else np.empty((0, 3))

    rejected = [item for item in found if not item.accepted]
    summary = [(ACCEPTED, translated(f"{len(found) - len(rejected)} of {count} poses accepted"))]
    summary += [
        (REJECTED, translated(f"{number} draws rejected: {translated(str(reason))}"))
        for reason, number in Counter(item.reason for item in rejected).most_common()
    ]
    return Drawing(
        lines=(
            (REGION, _box(view.region_points(unit_cube))),
            (VOLUME, _box(volume)),
            (REJECTED, lines(False)),
            (ACCEPTED, lines(True)),
        ),
        labels=tuple((Vector(item.pose[:3, 3]), translated(str(item.reason))) for item in rejected[:MOST_LABELS]),
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
    """The scene's drawing, computed again where something it depends on has changed; ``None`` without a
    region."""
    if not scene.simsearch.show_overlay:
        return None
    found = _read(scene)
    if found is None:
        return None
    key, view, settings = found
    if scene.name not in _cached or _cached[scene.name][0] != key:
        _cached[scene.name] = key, compute(view, settings)
        if settings.jitter.min_unoccluded > 0:
            if bpy.app.timers.is_registered(look_for_hidden):
                bpy.app.timers.unregister(look_for_hidden)
            bpy.app.timers.register(look_for_hidden, first_interval=0.5)
    return _cached[scene.name][1]


def look_for_hidden() -> None:
    """Timer: draw the poses again, now with those from which other geometry hides the region."""
    from ..scene.sampling import occlusion

    scene = bpy.context.scene
    found = _read(scene)
    if found is not None:
        key, view, settings = found
        _cached[scene.name] = key, compute(view, settings, occlusion(scene, settings, view))
        for window in bpy.context.window_manager.windows:
            for area in window.screen.areas:
                area.tag_redraw()


def _read(scene: bpy.types.Scene) -> "tuple[object, View, Settings] | None":
    """What the drawing depends on, first as a key that tells whether it has changed; ``None`` where it is
    incomplete."""
    camera = scene.simsearch.camera or scene.camera
    if not in_scene(scene, scene.simsearch.region) or not in_scene(scene, camera) or camera.type != "CAMERA":
        return None
    from ..scene.view import nominal_view

    try:
        settings = read_settings(scene)
    except InputError:
        return None
    view = nominal_view(scene)
    key = (
        settings.jitter,
        settings.images_per_class,
        *(array.tobytes() for array in (view.nominal, view.projection, view.region)),
    )
    return key, view, settings


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
    blf.enable(font, blf.SHADOW)
    blf.shadow(font, 5, 0.0, 0.0, 0.0, 1.0)
    blf.shadow_offset(font, 1, -1)
    blf.size(font, 11 * scale)
    blf.color(font, *REJECTED)
    taken: list[Vector] = []
    for place, text in drawing.labels:
        point = location_3d_to_region_2d(context.region, context.region_data, place)
        width, height = blf.dimensions(font, text)
        if point is None or any(abs(point.x - x) < width and abs(point.y - y) < 1.5 * height for x, y in taken):
            continue
        taken.append(point)
        blf.position(font, point.x + 6, point.y, 0)
        blf.draw(font, text)
    blf.size(font, 13 * scale)
    below_blenders_own = context.region.height - 115 * scale  # the lower edge belongs to Adjust Last Operation
    beside = _tool_bar(context.area)
    for line, (colour, text) in enumerate(drawing.summary):
        blf.color(font, *colour)
        blf.position(font, beside + 10 * scale, below_blenders_own - 18 * line * scale, 0)
        blf.draw(font, text)
    blf.disable(font, blf.SHADOW)


def _tool_bar(area: bpy.types.Area) -> int:
    """Pixels that the tool bar covers at the left edge of a viewport."""
    return sum(
        region.width
        for region in area.regions
        if region.type == "TOOLS" and region.width > 1 and region.alignment == "LEFT"
    )


def register() -> None:
    """Add the drawing in the viewport to Blender."""
    for draw, kind in ((draw_lines, "POST_VIEW"), (draw_texts, "POST_PIXEL")):
        _handlers.append(bpy.types.SpaceView3D.draw_handler_add(draw, (), "WINDOW", kind))


def unregister() -> None:
    """Remove the drawing in the viewport from Blender."""
    if bpy.app.timers.is_registered(look_for_hidden):
        bpy.app.timers.unregister(look_for_hidden)
    while _handlers:
        bpy.types.SpaceView3D.draw_handler_remove(_handlers.pop(), "WINDOW")
    _cached.clear()
