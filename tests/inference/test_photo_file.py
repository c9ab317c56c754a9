# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos of every kind that cameras and programs write, made here from the formats' specifications: the same picture comes
out of each, or a sentence."""

import io
import shutil
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from synthetic_similarity_search.inference.colour_profiles import ADOBE_RGB, BT709, PRIMARIES, rgb_profile
from synthetic_similarity_search.inference.errors import UnreadablePhoto
from synthetic_similarity_search.inference.photo_file import may_be_deep, open_photo, unstated_white
from synthetic_similarity_search.tests.other_packages import environment_with
from synthetic_similarity_search.tests.photo_writers import deep, netpbm, png, scaled, tiff

WIDTH, HEIGHT = 96, 80
X, Y = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
GREY = (40 + 60 * X / WIDTH + 120 * ((X - 48) ** 2 + (Y - 40) ** 2 < 700)).astype(np.uint8)[:, :, None]
COLOUR = np.concatenate([GREY, 255 - GREY, np.roll(GREY, 20, 1)], axis=2)


def read(path: Path, white_level: int | None = None) -> tuple[NDArray[np.int64], list[str]]:
    notes: list[str] = []
    return np.asarray(open_photo(path, 96, white_level=white_level, note=notes.append)).astype(np.int64), notes


def same(seen: NDArray[np.int64], picture: NDArray[np.uint8], tolerance: float = 1) -> bool:
    return bool(np.abs(seen - picture.astype(np.int64)).max() <= tolerance)  # one channel stands for all three


LAYOUTS = {
    "strips": {},
    "tiles": {"tile": (32, 48)},
    "big": {"big": True},
    "planar": {"planar": True},
    "deflate": {"deflate": True},
    "predictor": {"deflate": True, "predictor": 2},
    "everything": {"big": True, "tile": (32, 16), "planar": True, "deflate": True, "predictor": 2},
}


@pytest.mark.parametrize("order", ["<", ">"], ids=["little-endian", "big-endian"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_tiff_with_16_bits_in_any_layout(tmp_path: Path, layout: str, order: str) -> None:
    path = tmp_path / "photo.tif"
    for picture, photometric in ((GREY, 1), (COLOUR, 2)):
        path.write_bytes(tiff(deep(picture), photometric, order=order, **LAYOUTS[layout]))
        assert same(read(path)[0], picture, 0)
    path.write_bytes(tiff(65535 - deep(GREY), 0, order=order, **LAYOUTS[layout]))
    assert same(read(path)[0], GREY, 0)
    path.write_bytes(tiff((deep(GREY) - 32768.0).astype(np.int16), 1, order=order, **LAYOUTS[layout]))
    assert same(read(path)[0], GREY, 0)


@pytest.mark.parametrize("order", ["<", ">"], ids=["little-endian", "big-endian"])
@pytest.mark.parametrize("bits", [10, 12, 14])
def test_packed_bits_are_white_by_their_number(tmp_path: Path, bits: int, order: str) -> None:
    path = tmp_path / "photo.tif"
    for picture, photometric in ((GREY, 1), (COLOUR, 2), (255 - GREY, 0)):
        path.write_bytes(tiff(scaled(picture, 2**bits - 1), photometric, bits=bits, order=order))
        seen, notes = read(path)
        assert same(seen, 255 - picture if photometric == 0 else picture) and not notes


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("layout", ["strips", "deflate", "predictor"])
def test_shares_in_floating_point(tmp_path: Path, dtype: type, layout: str) -> None:
    options = LAYOUTS[layout] | ({"predictor": 3} if layout == "predictor" else {})
    for order in "<>":
        (tmp_path / "photo.tif").write_bytes(tiff((COLOUR / 255).astype(dtype), 2, order=order, **options))
        assert same(read(tmp_path / "photo.tif")[0], COLOUR)
    (tmp_path / "beyond.tif").write_bytes(tiff((GREY / 100).astype(dtype), 1, order=order, **options))
    with pytest.raises(UnreadablePhoto, match="beyond 0 to 1 have no known white level: save it"):
        read(tmp_path / "beyond.tif")


def test_signed_pixels(tmp_path: Path) -> None:
    (tmp_path / "8.tif").write_bytes(tiff((GREY.astype(np.int16) - 128).astype(np.int8), 1))
    assert same(read(tmp_path / "8.tif")[0], GREY, 0)
    (tmp_path / "12.tif").write_bytes(tiff((scaled(GREY, 4095) - 2048).astype(np.int16), 1))
    seen, notes = read(tmp_path / "12.tif")
    assert same(seen, GREY) and notes == ["its file does not say which value is white, and 4095 was taken"]
    (tmp_path / "none.tif").write_bytes(tiff(scaled(GREY, 4095).astype(np.int16), 1))
    with pytest.raises(UnreadablePhoto, match="black level is unknown: save it"):
        read(tmp_path / "none.tif")


WRITERS: dict[str, Callable[[NDArray, int], bytes]] = {
    "png": lambda values, _: png(values),
    "tif": lambda values, _: tiff(values.astype(np.uint16), 1 if values.shape[2] == 1 else 2),
    "lzw.tif": lambda values, _: lzw(values),
    "pnm": lambda values, _: netpbm("P5" if values.shape[2] == 1 else "P6", values, 65535),
    "plain.pnm": lambda values, _: netpbm("P2" if values.shape[2] == 1 else "P3", values, 65535),
}


def lzw(values: NDArray) -> bytes:
    """Pillow's libtiff writes it, of grey alone."""
    if values.shape[2] == 3:
        return tiff(values.astype(np.uint16), 2, deflate=True)
    file = io.BytesIO()
    image = Image.fromarray(values[:, :, 0].astype(np.uint16))
    image.save(file, "TIFF", compression="tiff_lzw", tiffinfo={317: 2})
    return file.getvalue()


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_the_white_of_16_bits_is_set_or_guessed_and_told(tmp_path: Path, kind: str, bits: int) -> None:
    path, white = tmp_path / f"photo.{kind}", 2**bits - 1
    for picture in (GREY, COLOUR):
        path.write_bytes(WRITERS[kind](scaled(picture, white), white))
        seen, notes = read(path)
        told = [f"its file does not say which value is white, and {white} was taken"] if bits < 16 else []
        assert same(seen, picture) and notes == told
        assert may_be_deep(path) and unstated_white(path) == white
        dark, notes = read(path, 65535)
        assert same(dark, scaled(picture, white) * 255 // 65535) and not notes
        bright, notes = read(path, white // 2)
        assert same(bright, (picture * 2.0).clip(0, 255).astype(np.uint8), 2)
        assert notes == [f"it has values above the white level {white // 2}, which became white"]


def test_what_the_file_says_is_white_counts(tmp_path: Path) -> None:
    stated = tmp_path / "stated.tif"
    for level in (1023, 4000, 4095, 10000):
        stated.write_bytes(tiff(scaled(GREY, level).astype(np.uint16), 1, more={281: (4, level)}))
        for setting in (None, 65535):
            seen, notes = read(stated, setting)
            assert same(seen, GREY) and not notes
        assert unstated_white(stated) is None
    # What a program found to be the picture's brightest value is no white.
    found = scaled(GREY, 4095).astype(np.uint16)
    stated.write_bytes(tiff(found, 1, more={281: (4, int(found.max()))}))
    assert same(read(stated, 4095)[0], GREY)
    stated.write_bytes(tiff(found, 1, more={281: (4, 65535)}))
    assert same(read(stated, 4095)[0], GREY) and unstated_white(stated) == 4095
    for bits, stored, picture in (
        (12, scaled(GREY, 4095), GREY),
        (12, deep(GREY), GREY),
        (10, scaled(COLOUR, 1023), COLOUR),
        (12, scaled(GREY // 8, 4095), GREY // 8),
    ):
        path = tmp_path / "significant.png"
        path.write_bytes(png(stored, chunks=((b"sBIT", bytes([bits] * picture.shape[2])),)))
        seen, notes = read(path)
        assert same(seen, picture) and not notes
    for magic, picture in (("P5", GREY), ("P6", COLOUR), ("P2", GREY), ("P3", COLOUR)):
        path = tmp_path / "photo.pnm"
        path.write_bytes(netpbm(magic, scaled(picture, 4000), 4000))
        seen, notes = read(path, 65535)
        assert same(seen, picture) and not notes


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_alpha_with_16_bits(tmp_path: Path, mode: str) -> None:
    picture = GREY if mode == "LA" else COLOUR
    for deep_white in (4095, 65535):
        opaque = np.where(X < 48, 65535, 0)[:, :, None]
        (tmp_path / "photo.png").write_bytes(png(np.concatenate([scaled(picture, deep_white), opaque], 2), mode))
        seen, _ = read(tmp_path / "photo.png")
        assert same(seen[:, :48], picture[:, :48]) and (seen[:, 48:] == 128).all()
    for extra, colours in ((2, deep(COLOUR)), (1, deep(COLOUR) * (opaque > 0))):
        values = np.concatenate([colours, opaque], 2).astype(np.uint16)
        (tmp_path / "photo.tif").write_bytes(tiff(values, 2, more={338: (3, extra)}))
        seen, _ = read(tmp_path / "photo.tif")
        assert same(seen[:, :48], COLOUR[:, :48]) and (seen[:, 48:] == 128).all()


def test_an_alpha_channel_of_zeros_is_ignored_and_told(tmp_path: Path) -> None:
    zeros = np.zeros_like(GREY)
    Image.fromarray(np.concatenate([COLOUR, zeros], 2)).save(tmp_path / "8.png")
    Image.fromarray(np.concatenate([COLOUR, zeros], 2)).save(tmp_path / "8.tif")
    (tmp_path / "16.png").write_bytes(png(np.concatenate([deep(COLOUR), zeros], 2), "RGBA"))
    (tmp_path / "16.tif").write_bytes(tiff(np.concatenate([deep(COLOUR), zeros], 2).astype(np.uint16), 2))
    for name in ("8.png", "8.tif", "16.png", "16.tif"):
        seen, notes = read(tmp_path / name)
        assert same(seen, COLOUR, 0), name
        assert "it is completely transparent; the transparency was ignored" in notes


def test_a_colour_that_is_transparent(tmp_path: Path) -> None:
    """tRNS names it in the file's own depth; 0 occurs nowhere, GREY's first pixel is 40."""
    for number, seen_at in ((0, 40), (40 * 257, 128)):
        (tmp_path / "16.png").write_bytes(png(deep(GREY), chunks=((b"tRNS", struct.pack(">H", number)),)))
        seen, _ = read(tmp_path / "16.png")
        assert (seen[0, 0] == seen_at).all() and (seen[40, 48] == GREY[40, 48]).all()
        key = struct.pack(">HHH", number, 215 * 257, int(COLOUR[0, 0, 2]) * 257)
        (tmp_path / "16.png").write_bytes(png(deep(COLOUR), chunks=((b"tRNS", key),)))
        seen, _ = read(tmp_path / "16.png")
        assert (seen[0, 0] == (COLOUR[0, 0] if number == 0 else 128)).all()
    for bits in (1, 2, 4, 8):
        top = 2**bits - 1
        (tmp_path / "low.png").write_bytes(
            png(np.array([[[0], [top]]]), bits=bits, chunks=((b"tRNS", struct.pack(">H", top)),))
        )
        assert read(tmp_path / "low.png")[0][0].tolist() == [[0] * 3, [128] * 3], bits


LINEAR_P3_TO_SRGB = np.array([[1.2249, -0.2247, 0.0], [-0.0420, 1.0419, 0.0], [-0.0197, -0.0786, 1.0979]])
LINEAR_ADOBE_TO_SRGB = np.array([[1.3984, -0.3984, 0.0], [0.0, 1.0, 0.0], [0.0, -0.0429, 1.0429]])
"""As published, among others by CSS Color 4 (from its matrices) and B. Lindbloom."""


def decoded(levels: NDArray) -> NDArray[np.float64]:
    shares = levels / 255
    return np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)


def encoded(linear: NDArray) -> NDArray[np.float64]:
    linear = linear.clip(0, 1)
    return 255 * np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


def in_linear(levels: NDArray, matrix: NDArray) -> NDArray[np.float64]:
    return levels @ matrix.T


PROFILES = {
    "Display P3": (rgb_profile(PRIMARIES[12], None), encoded(in_linear(decoded(COLOUR), LINEAR_P3_TO_SRGB))),
    "Adobe RGB": (rgb_profile(ADOBE_RGB, 563 / 256), encoded(in_linear((COLOUR / 255) ** (563 / 256), LINEAR_ADOBE_TO_SRGB))),
    "linear": (rgb_profile(BT709, 1.0), encoded(COLOUR / 255)),
}  # fmt: skip


@pytest.mark.parametrize("name", PROFILES)
def test_colour_profiles_become_srgb(tmp_path: Path, name: str) -> None:
    profile, expected = PROFILES[name]
    image = Image.fromarray(COLOUR)
    image.save(tmp_path / "photo.png", icc_profile=profile)
    image.save(tmp_path / "photo.tif", icc_profile=profile)
    image.save(tmp_path / "photo.webp", icc_profile=profile, lossless=True)
    image.convert("RGBA").save(tmp_path / "alpha.png", icc_profile=profile)
    image.save(tmp_path / "photo.avif", icc_profile=profile, quality=100, subsampling="4:4:4")
    image.save(tmp_path / "photo.jpg", icc_profile=profile, quality=100, subsampling=0)
    (tmp_path / "deep.png").write_bytes(
        png(deep(COLOUR), chunks=((b"iCCP", b"x\0\0" + zlib.compress(profile or b"")),))
    )
    for file in tmp_path.iterdir():
        lossless = file.suffix in (".png", ".tif", ".webp")
        error = np.abs(read(file)[0] - expected)
        assert error.max() < 3 if lossless else error.mean() < 2.5, file
    assert np.abs(expected - COLOUR).mean() > 3  # it does matter


def test_grey_in_a_colour_profile_and_grey_profiles(tmp_path: Path) -> None:
    Image.fromarray(GREY[:, :, 0]).save(tmp_path / "photo.png", icc_profile=rgb_profile(BT709, 1.0))
    assert same(read(tmp_path / "photo.png")[0], encoded(GREY / 255).round().astype(np.uint8), 2)
    Image.fromarray(GREY[:, :, 0]).save(tmp_path / "photo.png", icc_profile=grey_profile(1.0))
    assert same(read(tmp_path / "photo.png")[0], encoded(GREY / 255).round().astype(np.uint8), 2)
    (tmp_path / "photo.tif").write_bytes(tiff(deep(GREY), 1))
    chunk = (b"iCCP", b"x\0\0" + zlib.compress(grey_profile(1.0)))
    (tmp_path / "deep.png").write_bytes(png(deep(GREY), chunks=(chunk,)))
    assert same(read(tmp_path / "deep.png")[0], encoded(GREY / 255).round().astype(np.uint8), 2)


def grey_profile(gamma: float) -> bytes:
    """ICC.1:2022, a monochrome display's profile: white point and one curve."""
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)
    white = b"XYZ " + bytes(4) + struct.pack(">3i", *(round(v * 65536) for v in (0.9642, 1.0, 0.8249)))
    table = struct.pack(">I", 2) + b"wtpt" + struct.pack(">II", 156, 20) + b"kTRC" + struct.pack(">II", 176, len(curve))
    header = struct.pack(">I4xI", 156 + 20 + len(curve), 0x02400000) + b"mntrGRAYXYZ " + bytes(12) + b"acsp"
    header = header.ljust(68, b"\0") + struct.pack(">3i", *(round(v * 65536) for v in (0.9642, 1.0, 0.8249)))
    return header.ljust(128, b"\0") + table + white + curve


def test_srgb_profiles_change_no_byte(tmp_path: Path) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 60, 3), dtype=np.uint8))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    noise.save(tmp_path / "photo.png", icc_profile=profile)
    assert same(read(tmp_path / "photo.png")[0], np.asarray(noise), 0)
    noise.convert("L").save(tmp_path / "grey.jpg", icc_profile=profile)  # as Pillow's own users save it
    with Image.open(tmp_path / "grey.jpg") as plain:
        assert same(read(tmp_path / "grey.jpg")[0], np.asarray(plain.convert("RGB")), 0)


@pytest.mark.parametrize("profile", [b"no profile", grey_profile(2.0), rgb_profile(BT709, 1.0)[:200]])
def test_profiles_that_do_not_fit_are_ignored_and_told(tmp_path: Path, profile: bytes) -> None:
    for suffix, mode in (("png", "RGB"), ("jpg", "RGB"), ("jpg", "CMYK"), ("tif", "CMYK")):
        image = Image.fromarray(COLOUR).convert(mode)
        image.save(tmp_path / f"plain.{suffix}")
        image.save(tmp_path / f"photo.{suffix}", icc_profile=profile)
        seen, notes = read(tmp_path / f"photo.{suffix}")
        assert same(seen, read(tmp_path / f"plain.{suffix}")[0].astype(np.uint8), 0)
        assert notes == ["its colour profile is damaged or belongs to another kind of image, and was ignored"]


def test_what_png_chunks_say_of_colour(tmp_path: Path) -> None:
    linear = encoded(COLOUR / 255)
    p3 = encoded(in_linear(decoded(COLOUR), LINEAR_P3_TO_SRGB))
    whites = (0.3127, 0.3290, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
    gamma, chromaticities = struct.pack(">I", 45455), struct.pack(">8I", *(round(v * 100000) for v in whites))
    for chunks, expected in (
        (((b"gAMA", struct.pack(">I", 100000)),), linear),
        (((b"gAMA", gamma),), COLOUR),
        (((b"gAMA", gamma), (b"cHRM", chromaticities)), p3),
        (((b"sRGB", b"\0"), (b"gAMA", struct.pack(">I", 100000))), COLOUR),
        (((b"cICP", bytes([12, 13, 0, 1])),), p3),
        (((b"cICP", bytes([1, 8, 0, 1])), (b"sRGB", b"\0")), linear),
        (((b"cICP", bytes([1, 13, 0, 1])), (b"gAMA", struct.pack(">I", 100000))), COLOUR),
    ):
        for bits, factor in ((8, 1), (16, 257)):
            (tmp_path / "photo.png").write_bytes(png(COLOUR * float(factor), bits=bits, chunks=chunks))
            assert np.abs(read(tmp_path / "photo.png")[0] - expected).max() < 3, chunks
    for transfer in (16, 18):
        (tmp_path / "photo.png").write_bytes(png(COLOUR, bits=8, chunks=((b"cICP", bytes([9, transfer, 0, 1])),)))
        with pytest.raises(UnreadablePhoto, match="high dynamic range: export it"):
            read(tmp_path / "photo.png")


def test_a_camera_s_adobe_rgb_without_a_profile(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA005] = {1: "R03"}
    Image.fromarray(COLOUR).save(tmp_path / "photo.jpg", exif=exif, quality=100, subsampling=0)
    assert np.abs(read(tmp_path / "photo.jpg")[0] - PROFILES["Adobe RGB"][1]).mean() < 2.5


def test_avif(tmp_path: Path) -> None:
    Image.fromarray(COLOUR).save(tmp_path / "photo.avif", quality=100, subsampling="4:4:4")
    assert np.abs(read(tmp_path / "photo.avif")[0] - COLOUR).mean() < 2


HEIC = """
import sys
from pathlib import Path
import numpy as np, pillow_heif
from PIL import Image
folder = Path(sys.argv[1])
pillow_heif.register_heif_opener()
Image.fromarray(np.load(folder / "picture.npy")).save(folder / "photo.heic", quality=100, chroma=444)
from synthetic_similarity_search.inference.photo_file import open_photo
np.save(folder / "seen.npy", np.asarray(open_photo(folder / "photo.heic", 96)))
"""


def test_heic_where_its_reader_is_installed(tmp_path: Path) -> None:
    environment = environment_with(tmp_path / "packages", "pillow-heif")
    shutil.rmtree(tmp_path / "packages" / "PIL")  # ours is to be used
    np.save(tmp_path / "picture.npy", COLOUR)
    subprocess.run([sys.executable, "-c", HEIC, tmp_path], env=environment, check=True)
    assert np.abs(np.load(tmp_path / "seen.npy") - COLOUR.astype(float)).mean() < 2


def test_heic_without_its_reader_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    (tmp_path / "photo.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))
    with pytest.raises(UnreadablePhoto, match="HEIC, which is not supported here: export it as JPEG"):
        read(tmp_path / "photo.heic")


def test_a_png_that_happens_to_hold_the_marker_of_jpeg_2000_is_a_png(tmp_path: Path) -> None:
    info = PngInfo()
    info.add(b"teSt", b"\xff\x4f\xff\x51" + bytes(64))
    Image.fromarray(COLOUR).save(tmp_path / "photo.png", pnginfo=info)
    assert same(read(tmp_path / "photo.png")[0], COLOUR, 0)


def test_jpeg_2000(tmp_path: Path) -> None:
    Image.fromarray(COLOUR).save(tmp_path / "photo.jp2")
    assert same(read(tmp_path / "photo.jp2")[0], COLOUR, 0)
    Image.fromarray(scaled(GREY, 4095)[:, :, 0].astype(np.uint16)).save(tmp_path / "deep.jp2")
    seen, notes = read(tmp_path / "deep.jp2")
    assert same(seen, GREY) and notes == ["its file does not say which value is white, and 4095 was taken"]


def test_mpo_palettes_and_bits(tmp_path: Path) -> None:
    image = Image.fromarray(COLOUR)
    image.save(tmp_path / "photo.mpo", format="MPO", save_all=True, append_images=[image.rotate(180)], quality=100)
    assert np.abs(read(tmp_path / "photo.mpo")[0] - COLOUR).mean() < 4 and not read(tmp_path / "photo.mpo")[1]
    palette = image.quantize(60)
    palette.save(tmp_path / "photo.png", transparency=bytes([255] * 59 + [255]))
    assert same(read(tmp_path / "photo.png")[0], np.asarray(palette.convert("RGB")), 0)
    image.convert("1").save(tmp_path / "photo.tif", compression="group4")
    assert same(read(tmp_path / "photo.tif")[0], np.asarray(image.convert("1").convert("RGB")), 0)


def test_a_second_picture_is_told(tmp_path: Path) -> None:
    image = Image.fromarray(COLOUR)
    for suffix in ("tif", "gif", "png", "webp"):
        path = tmp_path / f"photo.{suffix}"
        image.save(path, save_all=True, append_images=[image.rotate(180)])
        assert read(path)[1] == ["it contains several pictures; the first one was used"]
        image.save(path)
        assert read(path)[1] == []


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_with_16_bits(tmp_path: Path, orientation: int) -> None:
    stored = Image.fromarray(GREY[:, :, 0])
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "8.png", exif=exif)
    (tmp_path / "16.tif").write_bytes(tiff(deep(GREY), 1, more={274: (3, orientation)}))
    (tmp_path / "16.png").write_bytes(png(deep(GREY), chunks=((b"eXIf", exif.tobytes()[6:]),)))
    expected = read(tmp_path / "8.png")[0].astype(np.uint8)
    assert same(read(tmp_path / "16.tif")[0], expected, 0) and same(read(tmp_path / "16.png")[0], expected, 0)


@pytest.mark.parametrize(
    "content, reason",
    [
        (tiff(deep(COLOUR), 32803, more={50706: (4, 1)}), "a camera's raw file: export it"),
        (tiff(COLOUR, 2, more={254: (4, 1), 330: (4, 8)}), "a camera's raw file: export it"),
        (tiff(deep(COLOUR), 8), "rare kind, which is not supported: save it"),
        (tiff(np.repeat(deep(GREY), 6, 2), 1), "rare kind, which is not supported: save it"),
        (tiff(GREY.astype(np.uint32) * 1000000, 1), "32-bit pixels have no known white level: save it"),
        (tiff(deep(GREY), 1)[:3000], "cut off or damaged: copy it again"),
        (tiff(deep(GREY), 1, deflate=True)[:300], "copy it again"),
        (b"II*\0\xff\xff\xff\xff", "copy it again"),
        (tiff(GREY.astype(np.float32) * np.nan, 1), "no known white"),
        (b"8BPS\0\1", "a Photoshop file, which is not supported: export it"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL, which is not supported: export it"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_next_step(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "photo").write_bytes(content)
    with pytest.raises(UnreadablePhoto) as caught:
        read(tmp_path / "photo")
    assert reason in caught.value.reason
    assert unstated_white(tmp_path / "photo") is None
