# SPDX-License-Identifier: GPL-3.0-or-later
"""From an image file to the numbers the encoder sees: one definition for references, photos and the exported file."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .colour_profiles import Note
from .errors import UnreadablePhoto
from .photo_file import WHOLE, Crop, crop_box, open_photo

__all__ = ("WHOLE", "Crop", "Preprocessing", "UnreadablePhoto", "crop_box", "crop_problem", "open_photo")
"""What reads a photo is in :mod:`.photo_file`; scripts outside find it here."""


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

    white_level: int | None = None
    """Which value is white in files of more than 8 bits that do not say it; None where it is to be told by the photos."""

    @property
    def of_references(self) -> "Preprocessing":
        """The same for images that show the region already."""
        return replace(self, crop=WHOLE)

    def picture(self, path: Path, note: Note = lambda _: None) -> Image.Image:
        """An image file as the encoder sees it: RGB, size × size pixels. ``note`` is told what :func:`.open_photo` notes.
        Raises UnreadablePhoto."""
        return self.stretched(open_photo(path, self.size, self.crop, self.white_level, note))

    def read(self, path: Path, note: Note = lambda _: None) -> NDArray[np.float32]:
        """The encoder's input for an image file: float32 [3, size, size]. ``note`` as above. Raises UnreadablePhoto."""
        return self.tensor(self.picture(path, note))

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
