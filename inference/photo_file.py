# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a photo of any kind as an upright 8-bit image in sRGB. If that is impossible, the reason is a plain
sentence."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageOps, UnidentifiedImageError

from . import tiff
from .colour_profiles import HighDynamicRange, Note, profile_of, to_srgb
from .deep_pixels import JPEG_2000_STARTS, WHITE_LEVELS, DeepPixels, read_jpeg_2000, read_netpbm, read_png
from .errors import UnreadablePhoto
from .files import is_file, reason

FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "WEBP", "GIF", "PPM", "AVIF", "JPEG2000")
"""The formats of cameras and scanners. Pillow's other formats are not used on files of unknown origin (EPS runs
Ghostscript)."""

Crop = tuple[float, float, float, float]
"""A part of the upright photo: left, top, width and height, as shares of the photo's width and height."""

WHOLE: Crop = (0.0, 0.0, 1.0, 1.0)
BEHIND_TRANSPARENCY = (128, 128, 128)
HEAD_BYTES = 65536
"""Number of bytes at the beginning of a file that are searched for metadata."""

HEIC_BRANDS = {b"heic", b"heix", b"heif", b"hevc", b"mif1", b"msf1"}
"""ISO/IEC 23008-12 file types, bytes 8 to 12 of the file."""

READERS: tuple[tuple[Callable[[bytes], object], Callable[[BinaryIO], DeepPixels | None]], ...] = (
    (lambda head: head[:8] == b"\x89PNG\r\n\x1a\n" and head[24:25] == b"\x10", read_png),
    (lambda head: head[:4] in tiff.STARTS, tiff.read_tiff),
    (lambda head: head[:2] in (b"P2", b"P3", b"P5", b"P6", b"Pf"), read_netpbm),
    (lambda head: head.startswith(JPEG_2000_STARTS), read_jpeg_2000),
)
"""The readers of files that may have more than 8 bits, each with the test that recognises them by their beginning."""


def crop_box(crop: Crop, width: int, height: int) -> tuple[int, int, int, int]:
    """Return the left, top, right and bottom pixel of ``crop`` in an image. The box is at least one pixel wide and
    high."""
    left, top = (min(round(share * side), side - 1) for share, side in zip(crop, (width, height), strict=False))
    right, bottom = min(round((crop[0] + crop[2]) * width), width), min(round((crop[1] + crop[3]) * height), height)
    return left, top, max(right, left + 1), max(bottom, top + 1)


def open_photo(
    path: Path, size: int, crop: Crop = WHOLE, white_level: int | None = None, note: Note = lambda _: None
) -> Image.Image:
    """Read a photo, or a part of it, as an upright RGB image in sRGB. Transparency is blended with mid-grey.

    Args:
        path: the file.
        size: side in pixels to which the result will be resized. Large JPEG files are decoded at a fraction of their
            size, but what remains after cropping has at least 1.5 times ``size``.
        crop: the part of the photo to read.
        white_level: the value of white in files with more than 8 bits that do not state it. None: the smallest of
            WHITE_LEVELS that no value of the photo exceeds.
        note: is called with what had to be assumed or left out, as the second part of a sentence about the photo.

    Raises:
        UnreadablePhoto: the file cannot be read as a photo.
    """
    with _told_in_words(path), path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        if deep := _deep(file, head):
            image = deep.image(_white(deep, white_level, note))
        else:
            image = _opened(file, head)
            if image.format in ("GIF", "PNG", "TIFF", "WEBP") and getattr(image, "is_animated", False):
                note("it contains several pictures; the first one was used")
            enough = int(1.5 * size / min(crop[2:]))
            image.draft(None, (enough, enough))
            image.load()
        profile = profile_of(image, head)
        ImageOps.exif_transpose(image, in_place=True)
        return _rgb(image if crop == WHOLE else image.crop(crop_box(crop, *image.size)), profile, note)


def may_be_deep(path: Path) -> bool:
    """Return whether a file may have more than 8 bits, judged by its beginning."""
    if not is_file(path):  # opening a pipe would wait for ever
        return False
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError:  # reading it tells
        return False
    return any(accepts(head) for accepts, _ in READERS)


def unstated_white(path: Path) -> int | None:
    """Return the smallest of WHITE_LEVELS that no value of a photo exceeds, if its file does not state the white level.

    Returns None for any other file, and for files that cannot be read.
    """
    try:
        with _told_in_words(path), path.open("rb") as file:
            deep = _deep(file, file.read(HEAD_BYTES))
            return deep.holding if deep and deep.white is None and deep.values.dtype.kind != "f" else None
    except UnreadablePhoto:  # reading it tells
        return None


@contextmanager
def _told_in_words(path: Path) -> Iterator[None]:
    """Raise any error with the photo ``path`` as UnreadablePhoto."""
    try:
        if path.exists() and not path.is_file():  # opening a pipe would wait for ever
            raise UnreadablePhoto("not a file: give image files")
        with warnings.catch_warnings():
            # Pillow warns of minor damage, and of more than 89 megapixels. It refuses only more than 179 megapixels.
            warnings.simplefilter("ignore")
            yield
    except UnreadablePhoto:
        raise
    except HighDynamicRange:
        raise UnreadablePhoto("a photo of high dynamic range: export it with standard range, as JPEG or PNG") from None
    except UnidentifiedImageError:
        raise UnreadablePhoto(_not_an_image(path)) from None
    except Image.DecompressionBombError:
        raise UnreadablePhoto("more than 178 megapixels: scale it down") from None
    except MemoryError:
        raise UnreadablePhoto("too large for this machine's memory: scale it down") from None
    except Exception as error:  # noqa: BLE001 - Pillow's decoders raise almost anything on damaged files
        if isinstance(error, OSError) and error.strerror is None and "truncated" in str(error):
            raise UnreadablePhoto("the file is cut off: copy it again") from None
        if isinstance(error, OSError) and error.strerror:
            raise UnreadablePhoto(f"cannot be opened: {reason(error)}") from None
        # Pillow's messages are clear in these two cases. Others are about Python.
        why = f" ({reason(error)})" if isinstance(error, (OSError, SyntaxError)) else ""
        raise UnreadablePhoto(f"damaged{why}: copy it again, or save it as PNG") from None


def _deep(file: BinaryIO, head: bytes) -> DeepPixels | None:
    """Return the pixels of an open file that begins with ``head``, if it has more than 8 bits; otherwise None."""
    for accepts, read in READERS:
        if accepts(head):
            return read(file)
    return None


def _white(deep: DeepPixels, white_level: int | None, note: Note) -> int:
    if deep.white:
        return deep.white
    if white_level is None or deep.values.dtype.kind == "f":
        holding = deep.holding
        if holding < WHITE_LEVELS[-1]:
            note(f"its file does not say which value is white, and {holding} was taken")
        return holding
    if deep.colours.max() > white_level:
        note(f"it has values above the white level {white_level}, which became white")
    return white_level


def _opened(file: BinaryIO, head: bytes) -> Image.Image:
    """Open a file with 8 bits or less with Pillow."""
    file.seek(0)
    try:
        image = Image.open(file, formats=FORMATS)
    except UnidentifiedImageError:
        if head[4:8] != b"ftyp" or head[8:12] not in HEIC_BRANDS:
            raise
        try:
            import pillow_heif
        except ImportError:
            raise UnreadablePhoto("HEIC, which is not supported here: export it as JPEG") from None
        pillow_heif.register_heif_opener()
        file.seek(0)
        try:
            image = Image.open(file, formats=("HEIF",))
        except UnidentifiedImageError:
            raise UnreadablePhoto("HEIC, which is damaged or of a rare kind: export it as JPEG") from None
    if image.format == "PNG" and (step := {"L;2": 85, "L;4": 17}.get(str(image.tile[0].args))):
        # Pillow converts the pixels to 8 bits, but not the transparent colour.
        image.info |= {"transparency": image.info["transparency"] * step} if "transparency" in image.info else {}
    return image


def _rgb(image: Image.Image, profile: bytes | None, note: Note) -> Image.Image:
    """Return ``image`` as RGB in sRGB. It is not copied if it is that already, because it may be large."""
    if not image.has_transparency_data:
        return to_srgb(image, profile, note)
    rgba = image if image.mode == "RGBA" else image.convert("RGBA")
    colours, alpha = to_srgb(rgba.convert("RGB"), profile, note), rgba.getchannel("A")
    if alpha.getextrema() == (0, 0):
        note("it is completely transparent; the transparency was ignored")
        return colours
    opaque = Image.new("RGB", image.size, BEHIND_TRANSPARENCY)
    opaque.paste(colours, mask=alpha)
    return opaque


OTHERS = (
    (b"8BPS", "a Photoshop file"),
    (b"%PDF", "a PDF file"),
    (b"\x76\x2f\x31\x01", "OpenEXR"),
    (b"#?R", "Radiance HDR"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"FUJIFILMCCD-RAW", "a camera's raw file"),
    (b"IIRO", "a camera's raw file"),
    (b"IIU\0", "a camera's raw file"),
    (b"\0\0\0\x18ftypcrx", "a camera's raw file"),
    (b"\xff\xd8", "a rare kind of JPEG (12 bits, lossless or damaged)"),
    (b"II*\0", "a rare kind of TIFF"),
    (b"MM\0*", "a rare kind of TIFF"),
)
"""Files that are easily mistaken for photos, by their beginning."""


def _not_an_image(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(32)
    if not start:
        return "the file is empty"
    for beginning, what in OTHERS:
        if start.startswith(beginning):
            return f"{what}, which is not supported: export it as JPEG or PNG"
    return "not an image of a known format: use JPEG, PNG, TIFF, BMP, WebP, GIF, AVIF, JPEG 2000 or PPM"
