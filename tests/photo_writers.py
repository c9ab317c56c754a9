# SPDX-License-Identifier: GPL-3.0-or-later
"""Image files written from their formats' specifications, of the kinds that Pillow does not write."""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray


def scaled(picture: NDArray[np.uint8], white: int) -> NDArray[np.int64]:
    return (picture.astype(np.int64) * white * 2 + 255) // 510


def deep(picture: NDArray[np.uint8]) -> NDArray[np.uint16]:
    return picture.astype(np.uint16) * 257


def packed(values: NDArray[np.int64], bits: int) -> bytes:
    """Rows of values without gaps, the highest bit first: TIFF 6.0, FillOrder 1."""
    row_bits = (values.reshape(len(values), -1, 1) >> np.arange(bits)[::-1]) & 1
    return np.packbits(row_bits.reshape(len(values), -1).astype(np.uint8), axis=1).tobytes()


def tiff(
    values: NDArray,
    photometric: int,
    *,
    order: str = "<",
    bits: int | None = None,
    big: bool = False,
    tile: tuple[int, int] | None = None,
    planar: bool = False,
    deflate: bool = False,
    predictor: int = 1,
    more: dict[int, tuple[int, int]] | None = None,
) -> bytes:
    """A TIFF file of ``values`` [H, W, C], of their own type or packed in ``bits``; tiles are width × height."""
    height, width, channels = values.shape
    across, down = tile or (width, 23)
    blocks = []
    for plane in np.split(values, channels, axis=2) if planar else [values]:
        for top in range(0, height, down):
            for left in range(0, width, across):
                block = plane[top : top + down, left : left + across]
                if tile:
                    block = np.pad(block, ((0, down - block.shape[0]), (0, across - block.shape[1]), (0, 0)))
                stored = block.astype(block.dtype.newbyteorder(order))
                if predictor == 2:
                    stored = np.diff(block, axis=1, prepend=block[:, :1] * 0).astype(stored.dtype)
                data = packed(block, bits) if bits else stored.tobytes()
                if predictor == 3:  # Technical Note 3
                    bytewise = block.astype(block.dtype.newbyteorder(">")).view(np.uint8)
                    bytewise = bytewise.reshape(len(block), -1, block.dtype.itemsize).transpose(0, 2, 1)
                    bytewise = bytewise.reshape(len(block), -1, block.shape[2])
                    data = np.diff(bytewise, axis=1, prepend=bytewise[:, :1] * np.uint8(0)).tobytes()
                blocks.append(zlib.compress(data) if deflate else data)
    depth = bits or values.dtype.itemsize * 8
    tags = {
        256: (3, [width]), 257: (3, [height]), 258: (3, [depth] * channels), 259: (3, [8 if deflate else 1]),
        262: (3, [photometric]), 277: (3, [channels]), 284: (3, [2 if planar else 1]), 317: (3, [predictor]),
        339: (3, [{"i": 2, "f": 3}.get(values.dtype.kind if not bits else "u", 1)] * channels),
    }  # fmt: skip
    tags |= {number: (kind, [value]) for number, (kind, value) in (more or {}).items()}
    tags |= {322: (3, [across]), 323: (3, [down])} if tile else {278: (3, [down])}
    start = 16 if big else 8
    offsets = [start + sum(map(len, blocks[:number])) for number in range(len(blocks))]
    tags |= {324 if tile else 273: (4, offsets), 325 if tile else 279: (4, [len(block) for block in blocks])}
    body = b"".join(blocks)
    at = start + len(body) + len(body) % 2
    slot, behind = (8, at + 8 + 20 * len(tags) + 8) if big else (4, at + 2 + 12 * len(tags) + 4)
    table, extra = b"", b""
    for number, (kind, entries) in sorted(tags.items()):
        value = struct.pack(order + {1: "B", 3: "H", 4: "I"}[kind] * len(entries), *entries)
        if len(value) > slot:
            value, extra = struct.pack(order + "IQ"[big], behind + len(extra)), extra + value
        table += struct.pack(order + ("HHQ" if big else "HHI"), number, kind, len(entries)) + value.ljust(slot, b"\0")
    mark = b"II" if order == "<" else b"MM"
    header = mark + (struct.pack(order + "HHHQ", 43, 8, 0, at) if big else struct.pack(order + "HI", 42, at))
    count = struct.pack(order + "HQ"[big], len(tags))
    return header + body + b"\0" * (len(body) % 2) + count + table + bytes(slot) + extra


PNG_TYPES = {"L": 0, "RGB": 2, "LA": 4, "RGBA": 6}


def png(
    values: NDArray, mode: str = "", bits: int = 16, chunks: tuple[tuple[bytes, bytes], ...] = (), interlace: int = 0
) -> bytes:
    """A PNG file of ``values`` [H, W, C]: W3C, "Portable Network Graphics", third edition."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width, channels = values.shape
    colour_type = PNG_TYPES[mode or ("L" if channels == 1 else "RGB")]
    rows = values.astype(">u2" if bits == 16 else np.uint8).reshape(height, -1)
    data = b"".join(b"\0" + (packed(row[None, :, None], bits) if bits < 8 else row.tobytes()) for row in rows)
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, interlace)
    before = b"".join(chunk(*each) for each in chunks)
    return b"".join([
        b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header), before, chunk(b"IDAT", zlib.compress(data)), chunk(b"IEND", b""),
    ])  # fmt: skip


def netpbm(magic: str, values: NDArray, white: int) -> bytes:
    head = f"{magic}\n# a comment\n{values.shape[1]} {values.shape[0]}\n{white}\n".encode()
    if magic in ("P2", "P3"):
        return head + b"\n".join(b" ".join(b"%d" % value for value in row.ravel()) for row in values)
    return head + values.astype(">u2").tobytes()
