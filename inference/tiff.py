# SPDX-License-Identifier: GPL-3.0-or-later
"""TIFF files whose values have more than 8 bits or are not unsigned: TIFF 6.0, its Technical Note 3, and BigTIFF.

libtiff, which Pillow contains, decompresses them as if they were 8-bit grey, so that it returns the bytes unchanged.
Any depth, layout and byte order can be read in this way. Pillow itself supports only a short list.
"""

import io
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .deep_pixels import NEXT, DeepPixels
from .errors import UnreadablePhoto

if TYPE_CHECKING:
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

BYTEWISE = {1, 5, 8, 32773, 32946, 34925, 50000}
"""Compressions that do not depend on the meaning of the bytes: none, LZW, Deflate (two codes), PackBits, LZMA and
Zstandard."""

KINDS = {0: "L", 1: "L", 2: "RGB", 5: "CMYK"}
"""Pillow's modes by PhotometricInterpretation: 0 is white, 0 is black, RGB, inks."""

RAW = (32803, 34892)
"""PhotometricInterpretation of raw sensor values (DNG 1.7, chapter 4)."""

SOME_BYTES = 2**22
"""Number of bytes that are unpacked at a time. The intermediate arrays are many times larger."""

SAYS_NOTHING = {2**16 - 1, 2**32 - 1}
"""The largest values that programs state if they do not know the camera."""


@dataclass(frozen=True)
class _Tags:
    """The tags of the first picture of a file; ``start`` is the file's header."""

    directory: "ImageFileDirectory_v2"
    start: bytes

    @classmethod
    def of(cls, file: BinaryIO) -> "_Tags":
        file.seek(0)
        start = file.read(16)
        # Pillow recognises BigTIFF only by its little-endian number.
        header = b"II+\0" + start[4:] if b"+" in start[2:4] else start[:8]
        from PIL.TiffImagePlugin import ImageFileDirectory_v2  # late, because most photos are not TIFF

        directory = ImageFileDirectory_v2(header, prefix=start[:2])
        file.seek(directory.next)
        directory.load(file)
        return cls(directory, start)

    def every(self, number: int, default: Any = None) -> tuple[Any, ...]:
        value = self.directory.get(number, default)
        return value if isinstance(value, tuple) else (value,)

    def one(self, number: int, default: Any = None) -> Any:
        return self.every(number, default)[0]

    @property
    def order(self) -> str:
        return "<" if self.start[:2] == b"II" else ">"

    @property
    def known_to_pillow(self) -> bool:
        return self.start[:4] != b"MM\0+"


def read_tiff(file: BinaryIO) -> DeepPixels | None:
    """Read an open TIFF file; return None if its values are unsigned with 8 bits or less, which Pillow reads.

    Raises:
        UnreadablePhoto: this kind of TIFF is not supported.
        Exception: any exception of Pillow, if the file is damaged.
    """
    tags = _Tags.of(file)
    if not {256, 257} <= set(tags.directory):
        raise UnreadablePhoto("the file is cut off or damaged: copy it again")
    photometric = tags.one(262, 1)
    # A camera's raw file is a TIFF file that often begins with a small preview; the picture follows later.
    preview = tags.one(254, 0) & 1 and 330 in tags.directory
    if preview or photometric in RAW or 50706 in tags.directory or tags.start[8:10] == b"CR":
        raise UnreadablePhoto("a camera's raw file: export it as JPEG, PNG or TIFF")
    bits, formats, samples = set(tags.every(258, 1)), set(tags.every(339, 1)), tags.one(277, 1)
    if max(bits) <= 8 and formats <= {1, 4} and tags.known_to_pillow:
        return None
    mode = KINDS.get(photometric, "")
    if len(bits) > 1 or len(formats) > 1 or not mode or not len(mode) <= samples <= len(mode) + 1:
        raise UnreadablePhoto(f"a TIFF file of a rare kind, which is not supported: {NEXT}, grey or RGB")
    if tags.one(259, 1) not in BYTEWISE:
        raise UnreadablePhoto(f"a TIFF file whose deep pixels are compressed as JPEG or in a rare way: {NEXT}")
    kind = np.dtype({2: "i", 3: "f"}.get(formats.pop(), "u") + "8").kind
    values = _values(file, tags, kind, bits.pop(), samples)
    if samples > len(mode):
        extra = tags.one(338, 2)
        if mode == "CMYK" or extra == 0:  # an extra channel without a stated meaning
            values = values[..., :-1]
        elif extra == 1 and mode == "L":
            values, mode = values[..., [0, 0, 0, 1]], "RGBa"
        else:
            mode += "a" if extra == 1 else "A"
    return DeepPixels(
        values,
        mode,
        _white(tags, values, kind),
        inverted=photometric == 0,
        info={"icc_profile": tags.directory[34675]} if 34675 in tags.directory else {},
        orientation=tags.one(274, 1),
    )


def _white(tags: _Tags, values: NDArray[Any], kind: str) -> int | None:
    """Return the white level that a file states by SMaxSampleValue or MaxSampleValue, or by an odd number of bits."""
    bits = tags.one(258, 1)
    most = values.max()
    for stated in (tags.one(341), tags.one(281)):
        # If the stated value is not all ones and is the picture's maximum, it was measured, and is not the white level.
        if kind == "i" or not stated or stated != int(stated) or stated in SAYS_NOTHING or most > stated:
            continue
        if most < stated or int(stated) & (int(stated) + 1) == 0:
            return int(stated)
    return None if bits in (16, 32, 64) else 2**bits - 1


def _values(file: BinaryIO, tags: _Tags, kind: str, bits: int, samples: int) -> NDArray[Any]:
    """Return the values [H, W, ``samples``] as stored, of type ``kind`` with ``bits`` bits."""
    width, height = tags.one(256), tags.one(257)
    planes = samples if tags.one(284, 1) == 2 else 1
    channels = samples // planes
    tiled = 324 in tags.directory
    across = tags.one(322) if tiled else width
    row_bytes = (width * channels * bits + 7) // 8
    places, sizes = (tags.every(324), tags.every(325)) if tiled else (tags.every(273), tags.every(279))
    count = len(places) // planes
    predictor = tags.one(317, 1)
    file.seek(0)
    content = file.read()
    read = []
    for plane in range(planes):
        part = slice(plane * count, (plane + 1) * count)
        layout: dict[int, Any] = (
            {322: across * channels * bits // 8, 323: tags.one(323), 324: places[part], 325: sizes[part]}
            if tiled
            else {273: places[part], 278: min(tags.one(278, height), height), 279: sizes[part]}
        )
        rows = _bytes(content, tags, (row_bytes, height), layout)
        if predictor == 3:
            planewise = [_floats(block, channels, bits // 8) for block in _blocks(rows, across * channels * bits // 8)]
            read.append(np.concatenate(planewise, axis=1).reshape(height, width, channels))
            continue
        values = _numbers(rows, tags.order, kind, bits, width * channels).reshape(height, width, channels)
        if predictor == 2:
            blocks = (np.cumsum(block, axis=1, dtype=block.dtype) for block in _blocks(values, across))
            values = np.concatenate(list(blocks), axis=1)
        read.append(values)
    return np.concatenate(read, axis=2)


def _blocks(rows: NDArray[Any], across: int) -> list[NDArray[Any]]:
    """``rows`` [H, W, …] cut into columns of tiles, each ``across`` wide, as predictors begin anew in each."""
    return [rows[:, start : start + across] for start in range(0, rows.shape[1], across)]


def _bytes(content: bytes, tags: _Tags, size: tuple[int, int], layout: dict[int, Any]) -> NDArray[np.uint8]:
    """Return the decompressed bytes [H, B] of a picture of ``size`` B × H, whose strips or tiles are the tags
    ``layout``."""
    unchanged = {259: tags.one(259, 1), 266: tags.one(266, 1)}  # compression, order of bits
    entries = {256: size[0], 257: size[1], 258: 8, 262: 1, 277: 1} | unchanged | layout
    order, start = tags.order, len(content) + len(content) % 2
    behind = start + 2 + 12 * len(entries) + 4
    table, more = struct.pack(f"{order}H", len(entries)), b""
    for number, value in sorted(entries.items()):
        values = value if isinstance(value, tuple) else (value,)
        packed = struct.pack(f"{order}{len(values)}I", *values)
        if len(packed) > 4:
            place, more = behind + len(more), more + packed
            packed = struct.pack(f"{order}I", place)
        table += struct.pack(f"{order}HHI", number, 4, len(values)) + packed
    header = struct.pack(f"{order}2sHI", tags.start[:2], 42, start)
    rewritten = header + content[8:] + bytes(start - len(content)) + table + bytes(4) + more
    with Image.open(io.BytesIO(rewritten), formats=("TIFF",)) as image:
        return np.asarray(image)


def _numbers(rows: NDArray[np.uint8], order: str, kind: str, bits: int, count: int) -> NDArray[Any]:
    """Return ``count`` values for each row of the bytes ``rows`` [H, B]: [H, count]."""
    if bits in (8, 16, 32, 64):
        dtype = np.dtype(f"{order}{kind}{bits // 8}")
        return np.ascontiguousarray(rows).view(dtype).astype(dtype.newbyteorder("="))
    if kind != "u" or bits > 16:
        raise UnreadablePhoto(f"a TIFF file with an unusual {bits} bits for each value: {NEXT}")
    # Packed without gaps, the highest bit first for both byte orders (TIFF 6.0, FillOrder).
    first = np.arange(count) * bits
    byte, right = first // 8, (24 - bits - first % 8).astype(np.uint32)
    values = np.empty((len(rows), count), np.uint16)
    some = max(1, SOME_BYTES // rows.shape[1])
    for top in range(0, len(rows), some):
        padded = np.pad(rows[top : top + some], ((0, 0), (0, 2))).astype(np.uint32)
        three = padded[:, byte] << 16 | padded[:, byte + 1] << 8 | padded[:, byte + 2]
        values[top : top + some] = three >> right & np.uint32(2**bits - 1)
    return values


def _floats(rows: NDArray[np.uint8], channels: int, size: int) -> NDArray[Any]:
    """Convert the byte differences [H, B] of Technical Note 3, highest bytes of all values first, to values [H, B /
    size]."""
    height = len(rows)
    summed = np.cumsum(rows.reshape(height, -1, channels), axis=1, dtype=np.uint8).reshape(height, size, -1)
    return np.ascontiguousarray(summed.transpose(0, 2, 1)).view(f">f{size}")[:, :, 0].astype(f"f{size}")
