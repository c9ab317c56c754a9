# SPDX-License-Identifier: GPL-3.0-or-later
"""Thumbnails of image files, and large figures, as icons."""

from pathlib import Path
from typing import TYPE_CHECKING

import bpy
import bpy.utils.previews

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_previews: bpy.utils.previews.ImagePreviewCollection | None = None


def icon(path: Path) -> int:
    """Icon of an image file, read again when the file changes; 0 if there is no such file."""
    assert _previews is not None
    try:
        key = f"{path}:{path.stat().st_mtime_ns}"
    except OSError:
        return 0
    if key not in _previews:
        _previews.load(key, str(path), "IMAGE")
    return int(_previews[key].icon_id)


def side_by_side(path: Path, count: int) -> list[int]:
    """Icons of the pictures that stand side by side in an image file, as an icon is always square; none if there is no such
    file."""
    import numpy as np
    from PIL import Image

    assert _previews is not None
    try:
        key = f"{path}:{path.stat().st_mtime_ns}"
    except OSError:
        return []
    names = [f"{key}:{number}" for number in range(count)]
    if names[0] not in _previews:
        with Image.open(path) as image:
            sheet = np.asarray(image.convert("RGBA"), np.float32)[::-1] / 255
        for name, pixels in zip(names, np.array_split(sheet, count, axis=1), strict=True):
            preview = _previews.new(name)
            preview.image_size = pixels.shape[1], pixels.shape[0]
            preview.image_pixels_float.foreach_set(np.ascontiguousarray(pixels).ravel())
    return [int(_previews[name].icon_id) for name in names]


def full_width(context: bpy.types.Context) -> float:
    """The scale of an icon that is as wide as the panel, and of icons side by side together."""
    return max(5.0, float(context.region.width / context.preferences.system.ui_scale - 50) / 20)


def figure(text: str, colour: tuple[int, int, int]) -> int:
    """Icon that shows a short text as large as a panel is wide: a layout has no large font of its own."""
    import numpy as np
    from PIL import Image, ImageDraw, ImageFont

    assert _previews is not None
    key = f"figure:{text}:{colour}"
    if key not in _previews:
        image = Image.new("RGBA", (256, 256))
        font = ImageFont.load_default(100 * 240 / ImageFont.load_default(100).getlength(text))
        ImageDraw.Draw(image).text((128, 128), text, fill=(*colour, 255), font=font, anchor="mm")
        preview = _previews.new(key)
        preview.image_size = image.size
        pixels = np.asarray(image, np.float32)[::-1] / 255
        preview.image_pixels_float.foreach_set(np.ascontiguousarray(pixels).ravel())
    return int(_previews[key].icon_id)


def picture(pixels: "NDArray[np.float32]") -> int:
    """Icon of a picture [size, size, 4], rows from below, RGBA 0..1."""
    assert _previews is not None
    key = f"picture:{hash(pixels.tobytes())}"
    if key not in _previews:
        preview = _previews.new(key)
        preview.image_size = pixels.shape[1::-1]
        preview.image_pixels_float.foreach_set(pixels.ravel())
    return int(_previews[key].icon_id)


def register() -> None:
    """Add the thumbnails to Blender."""
    global _previews
    _previews = bpy.utils.previews.new()


def unregister() -> None:
    """Remove the thumbnails from Blender."""
    global _previews
    assert _previews is not None
    bpy.utils.previews.remove(_previews)
    _previews = None
