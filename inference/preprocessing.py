# SPDX-License-Identifier: GPL-3.0-or-later
"""From an image file to the numbers the encoder sees: one definition for references, photos and the exported file."""

import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from .files import reason

FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "WEBP", "GIF", "PPM")
"""What cameras and scanners write. Pillow's other formats stay closed to strangers' files (EPS runs Ghostscript)."""

Crop = tuple[float, float, float, float]
"""A part of the upright photo: left, top, width and height as shares of its size."""

WHOLE: Crop = (0.0, 0.0, 1.0, 1.0)
BEHIND_TRANSPARENCY = (128, 128, 128)
HEIC_BRANDS = {b"heic", b"heix", b"heif", b"hevc", b"mif1", b"msf1"}
"""ISO/IEC 23008-12 file types, bytes 8 to 12 of the file."""


class UnreadablePhoto(Exception):
    """A file that cannot be read as a photo; ``reason`` says why in plain words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Preprocessing:
    """How an image becomes the encoder's input.

    The whole image is stretched to ``size`` × ``size`` pixels (as in Huber et al., 2025, section 3) by Pillow's
    bicubic filter with antialiasing (Keys' kernel, a = -0.5), then normalised by ImageNet's mean and standard
    deviation (per channel, of values 0..1), which is what DINOv2 was trained with.
    """

    size: int = 224
    fit: str = "stretch"
    interpolation: str = "bicubic"
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    crop: Crop = WHOLE
    """What of a photo counts. References are rendered to show just that and are never cropped."""

    @property
    def of_references(self) -> "Preprocessing":
        """The same for images that show the region already."""
        return replace(self, crop=WHOLE)

    def picture(self, path: Path) -> Image.Image:
        """An image file as the encoder sees it: RGB, size × size pixels. Raises UnreadablePhoto."""
        return self.stretched(open_photo(path, self.size, self.crop))

    def read(self, path: Path) -> NDArray[np.float32]:
        """The encoder's input for an image file: float32 [3, size, size]. Raises UnreadablePhoto."""
        return self.tensor(self.picture(path))

    def stretched(self, image: Image.Image) -> Image.Image:
        """An RGB image as the encoder sees it: size × size pixels."""
        # Pass by pass, always across first: since version 13 Pillow itself takes the cheaper order, and the rounding to
        # 8 bits in between makes that another picture. ONNX Runtime goes across first too.
        across = image.resize((self.size, image.height), Image.Resampling.BICUBIC)
        return across.resize((self.size, self.size), Image.Resampling.BICUBIC)

    def tensor(self, image: Image.Image) -> NDArray[np.float32]:
        """The encoder's input for an RGB image: float32 [3, size, size]."""
        pixels = np.asarray(self.stretched(image))
        mean, std = np.array(self.mean, np.float32), np.array(self.std, np.float32)
        normalised = ((np.arange(256, dtype=np.float32)[:, None] / np.float32(255) - mean) / std).T  # of each level
        return np.stack([normalised[channel][pixels[:, :, channel]] for channel in range(3)])


def crop_problem(crop: Crop) -> str | None:
    """Why ``crop`` is no part of a photo, as a sentence; None where it is."""
    left, top, width, height = crop
    # Not written with "or" of opposites, as NaN has to fail too. A rectangle's far edges may be off by rounding; a
    # millionth of a photo is less than a pixel.
    inside = 0 <= left < 1 and 0 <= top < 1 and 1e-6 <= width <= 1.000001 - left and 1e-6 <= height <= 1.000001 - top
    return (
        None
        if inside
        else "A crop is left,top,width,height as shares of the photo, inside it: 0.25,0.25,0.5,0.5 is the middle."
    )


def crop_box(crop: Crop, width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom pixel of ``crop`` in an image; at least one pixel large."""
    left, top = (min(round(share * side), side - 1) for share, side in zip(crop, (width, height), strict=False))
    right, bottom = min(round((crop[0] + crop[2]) * width), width), min(round((crop[1] + crop[3]) * height), height)
    return left, top, max(right, left + 1), max(bottom, top + 1)


def open_photo(path: Path, size: int, crop: Crop = WHOLE) -> Image.Image:
    """Read a photo, or the part ``crop`` of it, as an upright RGB image.

    ``size`` is the length in pixels that either side is going to be resized to: large JPEG files are decoded at a
    fraction of their size, but what is cropped never at less than one and a half times ``size``. 16-bit images are
    brought to 8 bits, transparency is laid over mid-grey. Raises UnreadablePhoto.
    """
    try:
        if path.exists() and not path.is_file():  # opening a pipe would wait for ever
            raise UnreadablePhoto("not a file: give image files")
        with warnings.catch_warnings():
            # Pillow warns of damage that it can live with, and from 89 megapixels on: it refuses from 179 only.
            warnings.simplefilter("ignore")
            with Image.open(path, formats=FORMATS) as image:
                enough = int(1.5 * size / min(crop[2:]))
                image.draft(None, (enough, enough))
                image.load()
                ImageOps.exif_transpose(image, in_place=True)
                return _rgb(image if crop == WHOLE else image.crop(crop_box(crop, *image.size)))
    except UnreadablePhoto:
        raise
    except UnidentifiedImageError:
        raise UnreadablePhoto(_not_an_image(path)) from None
    except Image.DecompressionBombError:
        raise UnreadablePhoto("more than 178 megapixels: scale it down") from None
    except MemoryError:
        raise UnreadablePhoto("too large for this machine's memory: scale it down") from None
    except Exception as error:  # noqa: BLE001 - Pillow's decoders raise almost anything on damaged files
        if isinstance(error, OSError) and error.strerror is None and "truncated" in str(error):
            raise UnreadablePhoto("the file is cut off: copy it again") from None
        raise UnreadablePhoto(f"damaged or cannot be opened: {reason(error)}") from None


def _rgb(image: Image.Image) -> Image.Image:
    """``image`` with 8 bits of red, green and blue; not copied where it is that already, as it may be large."""
    if image.mode == "RGB" and not image.has_transparency_data:
        return image
    if image.has_transparency_data:
        rgba = image if image.mode == "RGBA" else image.convert("RGBA")
        opaque = Image.new("RGB", image.size, BEHIND_TRANSPARENCY)
        opaque.paste(rgba, mask=rgba.getchannel("A"))
        return opaque
    if image.mode == "F":
        raise UnreadablePhoto("floating-point pixels have no known white: save it with 8 or 16 bits")
    if image.mode.startswith("I"):
        pixels = np.asarray(image)
        if pixels.min() < 0 or pixels.max() > 0xFFFF:
            raise UnreadablePhoto("32-bit pixels have no known white: save it with 8 or 16 bits")
        return Image.fromarray(((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)).convert("RGB")
    return image.convert("RGB")


def _not_an_image(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(12)
    if not start:
        return "the file is empty"
    if start[4:8] == b"ftyp" and start[8:12] in HEIC_BRANDS:
        return "HEIC, which is not supported: export it as JPEG"
    return "not an image of a known format: use JPEG, PNG, TIFF, BMP, WebP, GIF or PPM"
