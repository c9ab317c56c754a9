# SPDX-License-Identifier: GPL-3.0-or-later
"""Images with more than 8 bits per value, as machine-vision cameras write them: PNG, PGM, PPM and JPEG 2000. TIFF files
are read in :mod:`.tiff`.

Pillow keeps only the upper 8 bits of most of these images. If a camera stores 10 or 12 bits at the lower end of 16,
almost nothing is left. Pillow also does not support the rarer kinds of TIFF. Here Pillow only decompresses the data;
this module interprets the bytes as the file's header describes them.
"""

import re
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .errors import UnreadablePhoto

WHITE_LEVELS = tuple(2**bits - 1 for bits in (8, 10, 12, 14, 16))
"""The values that cameras use for white."""

PNG_SIGNIFICANT_BITS = re.compile(rb"\0\0\0[\x01-\x04]sBIT([\x08-\x0f])", re.DOTALL)
"""The chunk that states the original number of bits of the first channel (W3C, PNG, third edition, 11.3.2.7)."""

JPEG_2000_STARTS = (b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")
"""How a JPEG 2000 file begins, and a codestream without a file's boxes: ISO/IEC 15444-1, I.5.1 and A.4.1."""
JPEG_2000_SIZE = re.compile(rb"\xff\x4f\xff\x51.{38}(.)", re.DOTALL)
"""The start of a codestream, with the depth of its first component (ISO/IEC 15444-1, A.5.1)."""

NEXT = "save it as PNG or TIFF with 8 or 16 bits"


@dataclass(frozen=True)
class DeepPixels:
    """An image before its conversion to 8 bits.

    Attributes:
        values: unsigned, signed or floating-point values [H, W, C].
        mode: Pillow's mode for the same channels with 8 bits.
        white: the largest value that a channel can have according to the file, counted from black; None if not stated.
        inverted: whether the largest value is black.
        transparent: the colour [C] that a PNG file declares as transparent, if it declares one.
        info: the file's metadata, as Pillow returns it.
        orientation: the file's orientation (EXIF 2.3, tag 0x0112).
    """

    values: NDArray[Any]
    mode: str
    white: int | None
    inverted: bool = False
    transparent: tuple[int, ...] | None = None
    info: dict[Any, Any] = field(default_factory=dict)
    orientation: int = 1

    @property
    def colours(self) -> NDArray[Any]:
        """The values without the alpha channel."""
        return self.values[..., : -1 if self.mode in ("LA", "RGBA", "RGBa") else None]

    @property
    def holding(self) -> int:
        """The smallest of WHITE_LEVELS that no value exceeds; 1 for floating-point values between 0 and 1.

        Raises:
            UnreadablePhoto: white or black cannot be determined.
        """
        if self.values.dtype.kind == "f":
            if self.colours.min() >= 0 and self.colours.max() <= 1:  # false for NaN
                return 1
            raise UnreadablePhoto(f"floating-point pixels beyond 0 to 1 have no known white level: {NEXT}")
        low, high = int(self.colours.min()), int(self.colours.max())
        most = max(2 * high + 1, -2 * low - 1) if self.values.dtype.kind == "i" else high
        if self.values.dtype.kind == "i" and low >= 0:
            raise UnreadablePhoto(
                f"signed values without a negative one, so the black level is unknown: {NEXT}, unsigned"
            )
        for level in WHITE_LEVELS:
            if most <= level:
                return level
        raise UnreadablePhoto(f"32-bit pixels have no known white level: {NEXT}")

    def image(self, white: int) -> Image.Image:
        """Return the image with 8 bits. Values of ``white`` and more become 255."""
        levels = _levels(self.colours, white)
        if self.inverted:
            levels = 255 - levels
        mode = self.mode
        if self.transparent is not None:
            seen = (self.values != np.array(self.transparent)).any(axis=2, keepdims=True)
            levels, mode = np.concatenate([levels, seen * np.uint8(255)], axis=2), mode + "A"
        elif mode in ("LA", "RGBA", "RGBa"):
            alpha = self.values[..., -1:]
            most = white if self.values.dtype.kind == "f" or alpha.max() <= white else WHITE_LEVELS[-1]
            levels = np.concatenate([levels, _levels(alpha, most)], axis=2)
        height, width, _ = levels.shape
        image = Image.frombytes(mode, (width, height), levels.tobytes())
        image.info = {name: value for name, value in self.info.items() if name != "transparency"}
        if self.orientation != 1:
            image.getexif()[0x0112] = self.orientation
        return image.convert("RGBA") if mode == "RGBa" else image


def _levels(values: NDArray[Any], white: int) -> NDArray[np.uint8]:
    """Scale ``values`` [...] between black and ``white`` to 0..255, rounded."""
    if values.dtype.kind == "f":
        return (values.clip(0, white) * (255 / white) + 0.5).astype(np.uint8)
    if values.dtype.kind == "i":
        values = (values.astype(np.int64) + (white + 1) // 2).clip(0)
    table = ((np.arange(white + 1, dtype=np.int64) * 255 + white // 2) // white).astype(np.uint8)
    levels: NDArray[np.uint8] = table[np.minimum(values, white)]
    return levels


def read_png(file: BinaryIO) -> DeepPixels:
    """Read an open PNG file with 16 bits."""

    def decoded(rawmode: str) -> Image.Image:
        file.seek(0)
        image = Image.open(file, formats=("PNG",))
        image.tile = [image.tile[0]._replace(args=rawmode)]
        image.load()
        return image

    file.seek(0)
    raw = str(Image.open(file, formats=("PNG",)).tile[0].args)
    image = decoded("RGBA" if raw == "LA;16B" else raw)
    mode, info = image.mode, image.info
    if raw == "I;16B":
        mode, values = "L", np.asarray(image)[:, :, None]
    elif raw == "LA;16B":  # read as four bytes per pixel, which is its size
        mode, values = "LA", np.asarray(image).view(">u2")
    else:  # Pillow unpacks the upper bytes, or the lower ones if it assumes little-endian order
        values = np.asarray(image).astype(np.uint16)
        values <<= 8
        del image
        values |= np.asarray(decoded(raw.replace("16B", "16L")))
    key = info.get("transparency")
    deep = DeepPixels(values, mode, None, transparent=(key,) if isinstance(key, int) else key, info=info)
    file.seek(0)
    if found := PNG_SIGNIFICANT_BITS.search(file.read(65536)):
        # The standard requires values scaled to 16 bits; the chunk is information. Some cameras do not scale them.
        white = 2 ** found[1][0] - 1
        return replace(deep, white=white if deep.colours.max() <= white else WHITE_LEVELS[-1])
    return deep


def read_netpbm(file: BinaryIO) -> DeepPixels | None:
    """Read an open PGM, PPM or PFM file; return None if it has 8 bits.

    The formats are described at netpbm.sourceforge.net/doc, "pgm" and "ppm". Pillow opens PFM with mode "F".
    """
    file.seek(0)
    image = Image.open(file, formats=("PPM",))
    if image.mode == "F":
        return DeepPixels(np.asarray(image)[:, :, None], "L", None)
    file.seek(0)
    header = re.match(rb"P([2356])" + rb"(?:\s|#[^\n]*\n)+(\d+)" * 3 + rb"\s", file.read(4096))
    if not header or int(header[4]) < 256:
        return None
    channels = 3 if header[1] in b"36" else 1
    file.seek(header.end())
    count = image.width * image.height * channels
    if header[1] in b"56":
        values = np.frombuffer(file.read(2 * count), ">u2")
    else:
        values = np.array(re.sub(rb"#[^\n]*", b"", file.read()).split()[:count], np.uint16)
    if len(values) < count:
        raise OSError("image file is truncated")
    white = int(header[4])
    # Programs that do not know the camera write the largest possible value, which carries no information.
    return DeepPixels(
        values.reshape(image.height, image.width, channels),
        "RGB" if channels == 3 else "L",
        None if white == WHITE_LEVELS[-1] else white,
    )


def read_jpeg_2000(file: BinaryIO) -> DeepPixels | None:
    """Read an open JPEG 2000 file; return None if Pillow converts it to 8 bits correctly, using the stated depth.

    Raises:
        UnreadablePhoto: this kind of JPEG 2000 is not supported.
    """
    file.seek(0)
    found = JPEG_2000_SIZE.search(file.read(65536))
    bits = (found[1][0] & 0x7F) + 1 if found else 8
    file.seek(0)
    image = Image.open(file, formats=("JPEG2000",))
    if image.mode == "I;16":  # Pillow has scaled the values to 16 bits
        image.load()
        return DeepPixels(np.asarray(image)[:, :, None], "L", None if bits == 16 else WHITE_LEVELS[-1], info=image.info)
    if bits > 14:
        raise UnreadablePhoto("JPEG 2000 in colour with 16 bits is not supported: save it as PNG or TIFF")
    return None
