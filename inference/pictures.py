# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pictures: for the report, as data that are embedded in the page, and side by side on a sheet."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from .preprocessing import WHOLE, Crop, UnreadablePhoto, open_photo

SIDE = 128
QUALITY = 70


@dataclass(frozen=True)
class Picture:
    """A JPEG file as a ``data:`` address (RFC 2397), with its size in pixels."""

    address: str
    width: int
    height: int


def thumbnail(path: Path, crop: Crop = WHOLE, white_level: int | None = None) -> Picture | None:
    """Return a photo, or its part ``crop``, within :data:`SIDE` × :data:`SIDE` pixels; None if it cannot be read."""
    try:
        image = open_photo(path, SIDE // 2, crop, white_level)  # decoded at no less than SIDE
    except UnreadablePhoto:
        return None
    image.thumbnail((SIDE, SIDE), Image.Resampling.BICUBIC)
    return picture(image)


def picture(image: Image.Image) -> Picture:
    """Return an RGB image at its own size."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=QUALITY, optimize=True)
    return Picture(f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}", *image.size)


def contact_sheet(rows: Mapping[str, Sequence[Image.Image]]) -> Image.Image:
    """Images in rows, each below its title, :data:`SIDE` pixels wide."""
    title, gap = 20, 4
    columns = max(map(len, rows.values()))
    height = title + SIDE + gap
    sheet = Image.new("RGB", (columns * (SIDE + gap) - gap, len(rows) * height), (48, 48, 48))
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for row, (name, images) in enumerate(rows.items()):
        draw.text((gap, row * height + 1), name, fill=(230, 230, 230), font=font)
        for column, image in enumerate(images):
            small = image.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
            sheet.paste(small, (column * (SIDE + gap), row * height + title))
    return sheet
