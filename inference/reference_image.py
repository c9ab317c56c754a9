# SPDX-License-Identifier: GPL-3.0-or-later
"""Reference images: PNG files with a text chunk that states what they were made from."""

from pathlib import Path

from PIL import Image, PngImagePlugin

from .files import replacing

KEY = "simsearch"
"""The text chunk of a rendered reference. It contains the key of the image in the recipe."""

PROMOTED = "simsearch-promoted"
"""The text chunk of a real photo that became a reference. It contains the name of the photo's file."""


def save_reference(image: Image.Image, path: Path, chunk: str, text: str) -> None:
    """Write an image with a text chunk."""
    info = PngImagePlugin.PngInfo()
    info.add_text(chunk, text)
    with replacing(path) as temporary:
        image.save(temporary, format="PNG", pnginfo=info)


def text_chunk(path: Path, chunk: str) -> str | None:
    """Read a text chunk of an image without decoding its pixels; return None for any other file."""
    try:
        with Image.open(path, formats=("PNG",)) as image:
            return image.info.get(chunk)
    except Exception:  # noqa: BLE001 - no PNG or damaged: embedding tells what is wrong with it
        return None


def key_of_whole(path: Path) -> str | None:
    """Return the key of a rendered reference whose pixels can all be read; None for any other file."""
    try:
        with Image.open(path) as image:
            image.load()
            key = getattr(image, "text", {}).get(KEY)
    except (OSError, ValueError, SyntaxError):
        return None
    return str(key) if key else None
