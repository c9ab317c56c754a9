# SPDX-License-Identifier: GPL-3.0-or-later
"""Conversion of colours with any profile to sRGB, the colour space of the references and of the encoder's training
images."""

import io
import re
import struct
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    from PIL import ImageCms

INVISIBLE = 3
"""Largest difference from sRGB, in levels of 255, at which a profile is treated as sRGB. Many profiles approximate
sRGB."""

SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
"""The curve of IEC 61966-2-1 as the parameters of a parametric curve (ICC.1:2022, 10.18, function type 3)."""

D50 = (0.9642, 1.0, 0.8249)
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
"""Matrix for adapting colours to another white point (ICC.1:2022, annex E)."""

Chromaticities = tuple[float, ...]
"""The x and y coordinates of white, red, green and blue."""

D65 = (0.3127, 0.3290)
BT709 = (*D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
ADOBE_RGB = (*D65, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
PRIMARIES = {
    1: BT709,
    5: (*D65, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06),
    6: (*D65, 0.63, 0.34, 0.31, 0.595, 0.155, 0.07),
    9: (*D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    11: (0.314, 0.351, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),
    12: (*D65, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),
}
CURVES: dict[int, float | None] = {1: None, 4: 2.2, 5: 2.8, 6: None, 8: 1.0, 13: None, 14: None, 15: None}
"""Colour primaries and transfer characteristics by their code points of ITU-T H.273, which PNG's cICP chunk and AVIF's
nclx box use. None stands for sRGB's curve. It is also used for video curves, which differ only in rendering intent."""

PQ, HLG = 16, 18
CICP = re.compile(rb"\0\0\0\x04cICP(.)(.)", re.DOTALL)
NCLX = re.compile(rb"colrnclx\0(.)\0(.)", re.DOTALL)
"""The position of the code points in a PNG file (third edition, 11.3.2.6) and in AVIF and HEIC (ISO/IEC 14496-12,
12.1.5)."""

DCF_ADOBE_RGB = b"R03\0"
"""The interoperability index that cameras write instead of a profile (DCF 2.0, "optional colour space")."""

Note = Callable[[str], None]


class HighDynamicRange(Exception):
    """The image has high dynamic range: its colours can be brighter than white."""


def profile_of(image: Image.Image, head: bytes) -> bytes | None:
    """Return the ICC profile that describes the colours of an image file.

    A file can describe its colours in several ways. The order of preference is that of PNG's third edition (4.3): code
    points, embedded profile, sRGB, gamma and primaries.

    Args:
        image: the image, as Pillow opened it.
        head: the first bytes of its file.

    Returns:
        An embedded profile, or a profile made from the file's other statements about colour. None means sRGB.

    Raises:
        HighDynamicRange: the file uses the transfer characteristics PQ or HLG.
    """
    embedded: bytes | None = image.info.get("icc_profile")
    if head.startswith(b"\x89PNG"):
        if found := CICP.search(head):
            return _profile_of_code_points(found[1][0], found[2][0])
        if not embedded and "srgb" not in image.info and "gamma" in image.info:
            # Files with sRGB's curve state a gamma of 1 / 2.2 for programs that support only gamma.
            gamma = image.info["gamma"]
            curve = None if abs(gamma - 1 / 2.2) < 0.005 else 1 / max(gamma, 0.01)
            return rgb_profile(image.info.get("chromaticity", BT709), curve)
    if head[4:8] == b"ftyp" and not embedded and (found := NCLX.search(head)):
        return _profile_of_code_points(found[1][0], found[2][0])
    if head.startswith(b"\xff\xd8") and not embedded and DCF_ADOBE_RGB in image.info.get("exif", b""):
        return rgb_profile(ADOBE_RGB, 563 / 256)
    return embedded


def _profile_of_code_points(primaries: int, transfer: int) -> bytes | None:
    if transfer in (PQ, HLG):
        raise HighDynamicRange
    return rgb_profile(PRIMARIES.get(primaries, BT709), CURVES.get(transfer))


def rgb_profile(chromaticities: Chromaticities, gamma: float | None) -> bytes | None:
    """Return an ICC profile (ICC.1:2022) for an RGB colour space.

    Args:
        chromaticities: x and y of white, red, green and blue.
        gamma: exponent of the transfer curve. None stands for sRGB's curve.

    Returns:
        The profile's bytes, or None if the colour space is sRGB.
    """
    curve = SRGB_CURVE if gamma is None else (gamma,)
    if curve == SRGB_CURVE and np.allclose(chromaticities, BT709, atol=0.002):
        return None
    xs, ys = np.array(chromaticities).reshape(4, 2).T
    white, *primaries = np.stack([xs / ys, np.ones(4), (1 - xs - ys) / ys], axis=1)
    columns = np.array(primaries).T
    columns = columns * np.linalg.solve(columns, white)
    adaptation = np.linalg.solve(BRADFORD, np.diag(BRADFORD @ D50 / (BRADFORD @ white)) @ BRADFORD)

    def fixed(*numbers: float) -> bytes:
        return struct.pack(f">{len(numbers)}i", *(round(number * 65536) for number in numbers))

    parametric = b"para\0\0\0\0" + struct.pack(">HH", 3 if len(curve) > 1 else 0, 0) + fixed(*curve)
    content = {b"wtpt": b"XYZ \0\0\0\0" + fixed(*D50)}
    for name, column in zip((b"r", b"g", b"b"), (adaptation @ columns).T, strict=True):
        content |= {name + b"XYZ": b"XYZ \0\0\0\0" + fixed(*column), name + b"TRC": parametric}
    table, values, start = b"", b"", 128 + 4 + 12 * len(content)
    for name, value in content.items():
        table += name + struct.pack(">II", start + len(values), len(value))
        values += value
    header = struct.pack(">I4xI", start + len(values), 0x04000000) + b"mntrRGB XYZ " + bytes(12) + b"acsp"
    header = header.ljust(68, b"\0") + fixed(*D50)
    return header.ljust(128, b"\0") + struct.pack(">I", len(content)) + table + values


def to_srgb(image: Image.Image, profile: bytes | None, note: Note) -> Image.Image:
    """Return an image as RGB in sRGB.

    Args:
        image: an image of mode 1, L, P, RGB, CMYK, YCbCr or LAB.
        profile: the ICC profile of its colours. None stands for sRGB.
        note: is called with a message if the profile is ignored because it is damaged or does not fit the image.
    """
    if not profile and image.mode != "LAB":
        return image if image.mode == "RGB" else image.convert("RGB")
    from PIL import ImageCms  # slow to import, and not needed for photos without a profile

    if image.mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        return _applied(image, ImageCms.buildTransform(lab, srgb, "LAB", "RGB"))
    if profile:
        try:
            space, transform = _transform(profile)
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            space, transform = "", None
        mode = {"GRAY": "L", "CMYK": "CMYK"}.get(space, "RGB")
        if not space or (mode != "RGB" and mode != image.mode.replace("1", "L")) or image.mode == "CMYK" != mode:
            note("its colour profile is damaged or belongs to another kind of image, and was ignored")
        elif transform:
            return _applied(image.convert(mode), transform)
    return image if image.mode == "RGB" else image.convert("RGB")


def _applied(image: Image.Image, transform: "ImageCms.ImageCmsTransform") -> Image.Image:
    from PIL import ImageCms

    converted = ImageCms.applyTransform(image, transform)
    assert converted is not None  # it returns None only when it works in place
    return converted


@lru_cache(maxsize=16)
def _transform(profile: bytes) -> "tuple[str, ImageCms.ImageCmsTransform | None]":
    """Return the colour space of a profile and its transform to sRGB, which is None if it would change nothing
    visible."""
    from PIL import ImageCms

    opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    space = opened.profile.xcolor_space.strip()
    mode = {"GRAY": "L", "RGB": "RGB", "CMYK": "CMYK"}.get(space)
    if mode is None:
        raise ValueError(space)
    transform = ImageCms.buildTransform(
        opened,
        ImageCms.createProfile("sRGB"),
        mode,
        "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    if mode != "CMYK":
        steps: NDArray[np.uint8] = np.linspace(0, 255, 18).astype(np.uint8)
        cube = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
        probe = Image.fromarray(cube).convert(mode) if mode == "RGB" else Image.fromarray(steps[None])
        change = np.asarray(_applied(probe, transform), int) - np.asarray(probe.convert("RGB"), int)
        if np.abs(change).max() <= INVISIBLE:
            return space, None
    return space, transform
