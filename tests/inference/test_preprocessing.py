# SPDX-License-Identifier: GPL-3.0-or-later
"""Preprocessing against an independent bicubic resize; photos of every kind that cameras and people produce."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from synthetic_similarity_search.inference.preprocessing import Preprocessing, UnreadablePhoto, open_photo

SIZE = 224
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def resize_matrix(source: int, target: int) -> NDArray[np.float64]:
    """Bicubic with antialiasing along one axis: Keys' kernel (a = -0.5) widened by the reduction, weights summing
    to 1, as torchvision's ``Resize(antialias=True)`` documents it."""
    reduction = max(source / target, 1.0)
    distance = np.abs((np.arange(source) + 0.5) - (np.arange(target)[:, None] + 0.5) * source / target) / reduction
    near = 1.5 * distance**3 - 2.5 * distance**2 + 1
    far = -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2
    weights = np.where(distance < 1, near, np.where(distance < 2, far, 0.0))
    result: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
    return result


def resized(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The resize of an 8-bit image [H, W, 3] to levels 0..255: whole ones after each axis, as the image in between
    has 8 bits too. Rounding only at the end would differ by 1.1 levels at most."""
    across = np.einsum("xw,hwc->hxc", resize_matrix(pixels.shape[1], SIZE), pixels.astype(np.float64), optimize=True)
    across = np.floor(across + 0.5).clip(0, 255)
    both = np.einsum("yh,hxc->yxc", resize_matrix(pixels.shape[0], SIZE), across, optimize=True)
    return np.floor(both + 0.5).clip(0, 255)


@pytest.mark.parametrize(
    "shape", [(256, 256), (257, 256), (600, 800), (1080, 1920), (100, 150), (224, 224), (3, 2000), (500, 100)]
)
@pytest.mark.parametrize("kind", ["noise", "smooth"])
def test_tensor_is_antialiased_bicubic_within_one_level(shape: tuple[int, int], kind: str) -> None:
    generator = np.random.default_rng(0)
    if kind == "noise":
        pixels = generator.integers(0, 256, (*shape, 3), dtype=np.uint8)
    else:
        y, x = np.mgrid[: shape[0], : shape[1]]
        wave = np.sin(x / 9)[..., None] * np.cos(y / 7)[..., None] * np.array([1, 0.5, -1])
        pixels = (127 + 120 * wave).astype(np.uint8)
    tensor = Preprocessing().tensor(Image.fromarray(pixels))
    assert tensor.shape == (3, SIZE, SIZE) and tensor.dtype == np.float32
    levels = (tensor.transpose(1, 2, 0).astype(np.float64) * STD + MEAN) * 255
    error = np.abs(levels - resized(pixels))
    assert error.max() < 1.001
    assert (error > 0.5).mean() < 0.002  # only where the exact value lies half-way between two levels


def saved(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


def gradient(size: tuple[int, int] = (64, 48)) -> Image.Image:
    """Dark to light from left to right, blue to red from top to bottom."""
    x, y = np.meshgrid(np.linspace(0, 255, size[0]), np.linspace(0, 255, size[1]))
    return Image.fromarray(np.stack([y, x, 255 - y], axis=2).astype(np.uint8))


def difference(a: Image.Image, b: Image.Image) -> float:
    return float(np.abs(np.asarray(a, float) - np.asarray(b, float)).mean())


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "webp", "gif", "ppm", "jpg"])
def test_common_formats(tmp_path: Path, suffix: str) -> None:
    photo = open_photo(saved(tmp_path / f"photo.{suffix}", gradient()), SIZE)
    assert photo.mode == "RGB"
    assert difference(photo, gradient()) < 6


def test_the_name_does_not_matter(tmp_path: Path) -> None:
    assert difference(open_photo(saved(tmp_path / "photo.dat", gradient(), format="PNG"), SIZE), gradient()) == 0


def test_cmyk(tmp_path: Path) -> None:
    photo = open_photo(saved(tmp_path / "photo.jpg", gradient().convert("CMYK"), quality=95), SIZE)
    assert photo.mode == "RGB" and difference(photo, gradient()) < 6


def test_greyscale_and_one_bit(tmp_path: Path) -> None:
    grey = gradient().convert("L")
    assert difference(open_photo(saved(tmp_path / "grey.png", grey), SIZE), grey.convert("RGB")) == 0
    bits = grey.convert("1")
    assert difference(open_photo(saved(tmp_path / "bits.png", bits), SIZE), bits.convert("RGB")) == 0


def test_palette(tmp_path: Path) -> None:
    image = gradient().quantize(200)
    assert difference(open_photo(saved(tmp_path / "photo.png", image), SIZE), image.convert("RGB")) == 0


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_transparent_pixels_are_mid_grey_and_opaque_ones_stay(tmp_path: Path, mode: str) -> None:
    image = Image.new("RGBA", (2, 1), (200, 200, 200, 255))
    image.putpixel((1, 0), (255, 255, 255, 0))
    if mode == "PA":  # a palette with one transparent entry
        saved(tmp_path / "photo.png", Image.new("P", (2, 1)).convert("P"))
        palette = Image.new("P", (2, 1))
        palette.putpalette([200, 200, 200, 255, 255, 255])
        palette.putpixel((1, 0), 1)
        saved(tmp_path / "photo.png", palette, transparency=1)
    else:
        saved(tmp_path / "photo.png", image.convert(mode))
    photo = open_photo(tmp_path / "photo.png", SIZE)
    assert [photo.getpixel((x, 0)) for x in (0, 1)] == [(200, 200, 200), (128, 128, 128)]


def png(bits: int, colour_type: int, row: bytes, width: int, height: int = 1) -> bytes:
    """A PNG file written from its specification (W3C, "Portable Network Graphics")."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" + row)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("value, level", [(0, 0), (0x8080, 128), (0xFFFF, 255), (0x1234, 18)])
def test_16_bits_become_8(tmp_path: Path, value: int, level: int) -> None:
    (tmp_path / "grey.png").write_bytes(png(16, 0, struct.pack(">HH", value, 0xFFFF), 2))
    (tmp_path / "colour.png").write_bytes(png(16, 2, struct.pack(">HHH", value, 0, 0xFFFF), 1))
    Image.fromarray(np.array([[value, 0xFFFF]], np.uint16)).save(tmp_path / "grey.tif")
    assert open_photo(tmp_path / "grey.png", SIZE).getpixel((0, 0)) == (level,) * 3
    assert open_photo(tmp_path / "grey.tif", SIZE).getpixel((0, 0)) == (level,) * 3
    assert open_photo(tmp_path / "colour.png", SIZE).getpixel((0, 0)) == (level, 0, 255)


UPRIGHT = {  # where the stored picture's top left corner lies in the upright one: EXIF 2.3, tag 0x0112
    1: (0, 0), 2: (1, 0), 3: (1, 1), 4: (0, 1), 5: (0, 0), 6: (1, 0), 7: (1, 1), 8: (0, 1),
}  # fmt: skip


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int) -> None:
    stored = Image.new("RGB", (320, 160), (0, 0, 0))
    stored.paste((255, 255, 255), (0, 0, 160, 80))  # a white quarter at the top left
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = open_photo(saved(tmp_path / "photo.jpg", stored, exif=exif), SIZE)
    assert photo.size == ((320, 160) if orientation < 5 else (160, 320))
    for corner in ((0, 0), (1, 0), (0, 1), (1, 1)):
        level = photo.convert("L").getpixel(tuple(10 + c * (length - 20) for c, length in zip(corner, photo.size)))
        assert (level > 128) == (corner == UPRIGHT[orientation]), corner


def test_one_pixel(tmp_path: Path) -> None:
    tensor = Preprocessing().tensor(
        open_photo(saved(tmp_path / "photo.png", Image.new("RGB", (1, 1), (9, 99, 199))), SIZE)
    )
    assert np.allclose(tensor, ((np.array([9, 99, 199]) / 255 - MEAN) / STD)[:, None, None], atol=1e-5)


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_100_megapixels(tmp_path: Path, suffix: str) -> None:
    path = saved(tmp_path / f"photo.{suffix}", Image.new("L", (10_000, 10_000), 77))
    assert np.asarray(Preprocessing().tensor(open_photo(path, SIZE))).shape == (3, SIZE, SIZE)


def test_large_jpeg_is_decoded_small_but_not_below_one_and_a_half_times_the_size(tmp_path: Path) -> None:
    original = gradient((4000, 3000))
    photo = open_photo(saved(tmp_path / "photo.jpg", original, quality=95), SIZE)
    assert 1.5 * SIZE <= min(photo.size) < 3000 // 2
    small = original.resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    assert difference(photo.resize((SIZE, SIZE), Image.Resampling.BICUBIC), small) < 1.5


def jpeg() -> bytes:
    file = io.BytesIO()
    Image.effect_noise((200, 200), 90).save(file, "JPEG")
    return file.getvalue()


@pytest.mark.parametrize(
    "content, reason",
    [
        (b"", "the file is empty"),
        (b"hello, this is text", "not an image of a known format"),
        (jpeg()[:4000], "cut off"),
        (jpeg()[:30], "damaged"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image of a known format"),
        (png(8, 0, b"", 100_000, 100_000), "megapixels"),
        (png(8, 0, b"", 50, 50), "cut off"),
        (png(8, 7, b"", 1), "not an image of a known format"),
    ],
    ids=["empty", "text", "truncated", "beheaded", "postscript", "bomb", "no-rows", "wrong-colour-type"],
)
def test_unreadable_photos_say_why(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "photo").write_bytes(content)
    with pytest.raises(UnreadablePhoto) as caught:
        open_photo(tmp_path / "photo", SIZE)
    assert reason in caught.value.reason and "\n" not in caught.value.reason


def test_missing_file_and_folder(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.png"):
        with pytest.raises(UnreadablePhoto):
            open_photo(path, SIZE)


@pytest.mark.parametrize("orientation", [1, 6])
def test_the_crop_is_cut_out_of_the_upright_photo(tmp_path: Path, orientation: int) -> None:
    """A photo with a white part, whose crop is white all over."""
    upright = Image.new("RGB", (400, 200))
    upright.paste((255, 255, 255), (100, 50, 300, 150))
    stored = upright.transpose(Image.Transpose.ROTATE_90) if orientation == 6 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "photo.png", exif=exif)
    part = open_photo(tmp_path / "photo.png", SIZE, (0.25, 0.25, 0.5, 0.5))
    assert part.size == (200, 100) and part.getextrema() == ((255, 255),) * 3
    wider = open_photo(tmp_path / "photo.png", SIZE, (0.2475, 0.25, 0.5, 0.5))
    assert wider.size == (200, 100) and wider.getpixel((0, 0)) == (0, 0, 0)


def test_a_cropped_jpeg_keeps_enough_pixels(tmp_path: Path) -> None:
    Image.effect_noise((4000, 3000), 50).convert("RGB").save(tmp_path / "photo.jpg")
    assert open_photo(tmp_path / "photo.jpg", SIZE).size == (500, 375)
    assert open_photo(tmp_path / "photo.jpg", SIZE, (0.5, 0.5, 0.2, 0.2)).size == (800, 600)


def test_references_are_not_cropped(tmp_path: Path) -> None:
    image = gradient()
    path = saved(tmp_path / "reference.png", image)
    cropping = Preprocessing(crop=(0.5, 0.0, 0.5, 1.0))
    assert (cropping.of_references.read(path) == Preprocessing().read(path)).all()
    assert np.abs(cropping.read(path) - Preprocessing().read(path)).max() > 0.1
