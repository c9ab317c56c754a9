# SPDX-License-Identifier: GPL-3.0-or-later
"""From a photo's file to an upright picture of 8 bits in sRGB, whatever wrote it; what cannot be read is said in words."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageOps, UnidentifiedImageError

from . import tiff
from .colour_profiles import HighDynamicRange, Note, profile_of, to_srgb
from .deep_pixels import JPEG_2000_SIZE, WHITE_LEVELS, DeepPixels, read_jpeg_2000, read_netpbm, read_png
from .errors import UnreadablePhoto
from .files import is_file, reason

FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "WEBP", "GIF", "PPM", "AVIF", "JPEG2000")
"""What cameras and scanners write. Pillow's other formats stay closed to strangers' files (EPS runs Ghostscript)."""

Crop = tuple[float, float, float, float]
"""A part of the upright photo: left, top, width and height as shares of its size."""

WHOLE: Crop = (0.0, 0.0, 1.0, 1.0)
BEHIND_TRANSPARENCY = (128, 128, 128)
HEAD_BYTES = 65536
"""How much of a file's beginning is looked at for what it says."""

HEIC_BRANDS = {b"heic", b"heix", b"heif", b"hevc", b"mif1", b"msf1"}
"""ISO/IEC 23008-12 file types, bytes 8 to 12 of the file."""

READERS: tuple[tuple[Callable[[bytes], object], Callable[[BinaryIO], DeepPixels | None]], ...] = (
    (lambda head: head[:8] == b"\x89PNG\r\n\x1a\n" and head[24:25] == b"\x10", read_png),
    (lambda head: head[:4] in tiff.STARTS, tiff.read_tiff),
    (lambda head: head[:2] in (b"P2", b"P3", b"P5", b"P6", b"Pf"), read_netpbm),
    (JPEG_2000_SIZE.search, read_jpeg_2000),
)
"""What reads files that may have more than 8 bits, each with what tells them by their beginning."""


def crop_box(crop: Crop, width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom pixel of ``crop`` in an image; at least one pixel large."""
    left, top = (min(round(share * side), side - 1) for share, side in zip(crop, (width, height), strict=False))
    right, bottom = min(round((crop[0] + crop[2]) * width), width), min(round((crop[1] + crop[3]) * height), height)
    return left, top, max(right, left + 1), max(bottom, top + 1)


def open_photo(
    path: Path, size: int, crop: Crop = WHOLE, white_level: int | None = None, note: Note = lambda _: None
) -> Image.Image:
    """Read a photo, or the part ``crop`` of it, as an upright RGB image in sRGB.

    ``size`` is the length in pixels that either side is going to be resized to: large JPEG files are decoded at a
    fraction of their size, but what is cropped never at less than one and a half times ``size``. Values of more than 8
    bits are brought to 8 by what their file says is white, else by ``white_level``, else by the least of WHITE_LEVELS
    that holds them all. Transparency is laid over mid-grey. ``note`` is told of what had to be assumed or left out, as
    the end of a sentence about the photo. Raises UnreadablePhoto.
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
    """Whether a file may have more than 8 bits, by a look at its beginning."""
    if not is_file(path):  # opening a pipe would wait for ever
        return False
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError:  # reading it tells
        return False
    return any(accepts(head) for accepts, _ in READERS)


def unstated_white(path: Path) -> int | None:
    """The least of WHITE_LEVELS that holds all values of a photo whose file does not say what is white; None for any other
    file and those that cannot be read."""
    try:
        with _told_in_words(path), path.open("rb") as file:
            deep = _deep(file, file.read(HEAD_BYTES))
            return deep.holding if deep and deep.white is None and deep.values.dtype.kind != "f" else None
    except UnreadablePhoto:  # reading it tells
        return None


@contextmanager
def _told_in_words(path: Path) -> Iterator[None]:
    """Whatever goes wrong with the photo ``path`` is raised as UnreadablePhoto."""
    try:
        if path.exists() and not path.is_file():  # opening a pipe would wait for ever
            raise UnreadablePhoto("not a file: give image files")
        with warnings.catch_warnings():
            # Pillow warns of damage that it can live with, and from 89 megapixels on: it refuses from 179 only.
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
        # Pillow's own words are plain in these two; others are about Python.
        why = f" ({reason(error)})" if isinstance(error, (OSError, SyntaxError)) else ""
        raise UnreadablePhoto(f"damaged{why}: copy it again, or save it as PNG") from None


def _deep(file: BinaryIO, head: bytes) -> DeepPixels | None:
    """The pixels of an open file of more than 8 bits, which begins with ``head``; None for any other."""
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
    """An open file of 8 bits or less, as Pillow opens it."""
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
        # Pillow brings the pixels to 8 bits, but not the one that is called transparent.
        image.info |= {"transparency": image.info["transparency"] * step} if "transparency" in image.info else {}
    return image


def _rgb(image: Image.Image, profile: bytes | None, note: Note) -> Image.Image:
    """``image`` as RGB in sRGB; not copied where it is that already, as it may be large."""
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
"""Files that people take for photos, by their beginning."""


def _not_an_image(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(32)
    if not start:
        return "the file is empty"
    for beginning, what in OTHERS:
        if start.startswith(beginning):
            return f"{what}, which is not supported: export it as JPEG or PNG"
    return "not an image of a known format: use JPEG, PNG, TIFF, BMP, WebP, GIF, AVIF, JPEG 2000 or PPM"
