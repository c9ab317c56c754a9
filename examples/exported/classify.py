# SPDX-License-Identifier: MIT-0
"""Classify photos with an exported file: ``python classify.py station.onnx PHOTO…``.

Needs onnxruntime, numpy and Pillow, and nothing of the extension. It gives the verdicts of the extension's `classify`, or
refuses: photos have to be of 8 bits for each colour, or grey of 16 bits.
"""

import io
import json
import os
import sys
from pathlib import Path

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime
from PIL import Image, ImageCms, ImageOps

WHITE_LEVELS = (255, 1023, 4095, 16383, 65535)
"""What cameras of 8 to 16 bits write as white."""


class RefusedError(Exception):
    """Why this example does not read a photo that `classify` may read, and what to do."""


def opened(path: str) -> Image.Image:
    """An upright image of mode I;16 (grey, 16 bits) or one that Pillow converts to RGB as `classify` does."""
    with Path(path).open("rb") as file:
        head = file.read(65536)
    image = Image.open(path, formats=("JPEG", "PNG", "BMP", "WEBP", "TIFF"))
    if image.format == "TIFF":
        tags = image.tag_v2
        plain = set(tags.get(339, (1,))) == {1} and tags.get(262) in (1, 2) and not {281, 330, 341, 50706} & set(tags)
        if not plain or (set(tags.get(258, (1,))) - {1, 8} and image.mode not in ("I;16", "I;16B")):
            raise RefusedError("a TIFF file that needs more than this example: save it as PNG")
    elif image.mode == "I" or (image.mode != "I;16" and any(";16" in str(tile.args) for tile in image.tile)):
        raise RefusedError("colours of more than 8 bits: save it with 8 bits")
    if image.mode.startswith("I;16") and b"sBIT" in head:
        raise RefusedError("a number of significant bits, which this example does not know: save it without")
    if image.has_transparency_data:
        raise RefusedError("transparent: save it without an alpha channel")
    image.load()
    unmanaged = "gamma" in image.info and "srgb" not in image.info and "icc_profile" not in image.info
    if unmanaged or b"cICP" in head or b"R03\0" in image.info.get("exif", b""):
        raise RefusedError("colours other than sRGB, without a profile: convert it to sRGB")
    return ImageOps.exif_transpose(image)


def in_srgb(image: Image.Image) -> Image.Image:
    """An 8-bit image as RGB, its embedded profile applied, where that changes anything visible."""
    rgb = image.convert("RGB")
    if profile := image.info.get("icc_profile"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            image = image if source.profile.xcolor_space.strip() in ("GRAY", "CMYK") else rgb
            converted = ImageCms.profileToProfile(
                image, source, ImageCms.createProfile("sRGB"), ImageCms.Intent.RELATIVE_COLORIMETRIC, "RGB",
                flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
            )  # fmt: skip
        except (ImageCms.PyCMSError, OSError) as error:
            raise RefusedError("a colour profile that is damaged or does not fit: save it without") from error
        if np.abs(np.asarray(converted, int) - np.asarray(rgb, int)).max() > 3:
            return converted
    return rgb


def main() -> int:
    """Print a verdict for each photo; returns 2 where one was refused."""
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.x64quantprecision", "1")  # a file of --precision fast, on any processor
    session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
    metadata = session.get_modelmeta().custom_metadata_map
    classes = json.loads(metadata["simsearch.classes"])
    outputs = [output.name for output in session.get_outputs()]

    images, refused = {}, False
    for path in sys.argv[2:]:
        try:
            images[path] = opened(path)
        except (RefusedError, OSError, Image.DecompressionBombError) as error:
            print(f"{path}: {error}", file=sys.stderr)
            refused = True
    most = max((np.asarray(image).max() for image in images.values() if image.mode.startswith("I;16")), default=0)
    # `export-onnx --white-level` tells it; else it is the least usual one that none of these photos exceeds.
    white = int(metadata.get("simsearch.white_level") or next(level for level in WHITE_LEVELS if most <= level))
    if most and "simsearch.white_level" not in metadata:
        print(f"White is taken as {white}. Export the file with --white-level if that is wrong.", file=sys.stderr)

    for path, image in images.items():
        if image.mode.startswith("I;16"):
            levels = (np.minimum(np.asarray(image), white).astype(np.uint32) * 255 + white // 2) // white
            profile = {name: value for name, value in image.info.items() if name == "icc_profile"}
            image = Image.fromarray(levels.astype(np.uint8))
            image.info = profile
        try:
            pixels = np.asarray(in_srgb(image))
        except RefusedError as error:
            print(f"{path}: {error}", file=sys.stderr)
            refused = True
            continue
        result = dict(zip(outputs, session.run(None, {"images": pixels[None]}), strict=True))
        label = int(result["label"][0])  # -1: unknown, in a file that was exported with --reject
        votes = dict(zip(classes, result["votes"][0].tolist(), strict=True))
        print(json.dumps({"path": path, "predicted": classes[label] if label >= 0 else "unknown", "votes": votes}))
    return 2 if refused else 0


sys.exit(main())
