# SPDX-License-Identifier: GPL-3.0-or-later
"""The size of a photo, and the focal length that its file states. Needs no Blender."""

import math
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image

from ..inference.photo_file import open_photo

FULL_FRAME_DIAGONAL = math.hypot(36, 24)
"""In millimetres, of the film to which equivalent focal lengths refer (CIPA DCG-001)."""
MILLIMETRES = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}
"""Of the unit FocalPlaneResolutionUnit (Exif 3.0, tag 0xA210; 4 and 5 are TIFF/EP's)."""
PLAUSIBLE = (0.3, 100.0)
"""Focal lengths, as multiples of the photo's longer side, that are believed."""


def photo_size(photo: Path) -> tuple[int, int]:
    """Width and height in pixels of an upright photo.

    Raises:
        UnreadablePhoto: the file is no photo.
    """
    return open_photo(photo, 100_000).size


def focal_length(photo: Path) -> float | None:
    """The focal length in pixels that the EXIF data of a photo state; None where they do not.

    It follows from focal length and sensor resolution, or else from the equivalent focal length, which is rounded to
    millimetres. The photo must not have been cropped since; it may have been scaled.
    """
    try:
        with Image.open(photo) as image:
            tags, longer, diagonal = (
                image.getexif().get_ifd(ExifTags.IFD.Exif),
                max(image.size),
                math.hypot(*image.size),
            )
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None  # a kind of file that Pillow does not read has no EXIF data that it would find
    length, resolution = (
        _number(tags, tag) for tag in (ExifTags.Base.FocalLength, ExifTags.Base.FocalPlaneXResolution)
    )
    sides = [_number(tags, tag) for tag in (ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight)]
    original = max(side or 0 for side in sides) or longer
    candidates = []
    if length and resolution:
        unit = MILLIMETRES.get(int(_number(tags, ExifTags.Base.FocalPlaneResolutionUnit) or 2), 25.4)
        candidates.append(length * resolution / unit * longer / original)
    if equivalent := _number(tags, ExifTags.Base.FocalLengthIn35mmFilm):
        candidates.append(equivalent / FULL_FRAME_DIAGONAL * diagonal)
    return next((focal for focal in candidates if PLAUSIBLE[0] <= focal / longer <= PLAUSIBLE[1]), None)


def _number(tags: Any, tag: int) -> float | None:
    """A number of the EXIF data; None where it is missing, zero or no number."""
    try:
        value = float(tags.get(tag, 0))
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return value if math.isfinite(value) and value > 0 else None
