# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos of the example plant's stations: renders from other poses with the noise, blur and exposure of a camera.

    python examples/plant/photos.py RENDERS PHOTOS

They are not real photos, and F1 on them says little of a real station. They are there so that `make plant` shows the
whole way on any machine.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

SEED = 7


def expose(picture: Image.Image, generator: np.random.Generator) -> Image.Image:
    """What a camera makes of it."""
    blurred = picture.convert("RGB").filter(ImageFilter.GaussianBlur(generator.uniform(0.4, 1.2)))
    pixels = np.asarray(blurred, float) * generator.uniform(0.75, 1.3) + generator.normal(
        0, 6, (*blurred.size[::-1], 3)
    )
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def main(renders: Path, photos: Path) -> None:
    """Expose every render of every class."""
    generator = np.random.default_rng(SEED)
    for path in sorted(renders.glob("*/*.png")):
        target = photos / path.parent.name / f"{path.stem}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(path) as picture:
            expose(picture, generator).save(target, quality=92)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
