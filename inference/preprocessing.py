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
"""Photos are read in :mod:`.photo_file`; these names are for scripts outside this package."""


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
    """The part of a photo that counts. References are rendered to show exactly that part, and are never cropped."""

    white_level: int | None = None
    """The value of white in files with more than 8 bits that do not state it. None: it is determined from the
    photos."""

    @property
    def of_references(self) -> "Preprocessing":
        """The preprocessing of references, which show the region already: the same without a crop."""
        return replace(self, crop=WHOLE)

    def picture(self, path: Path, note: Note = lambda _: None) -> Image.Image:
        """Read an image file as the encoder sees it: RGB, size × size pixels.

        Args:
            path: the file.
            note: is called with what had to be assumed or left out.

        Raises:
            UnreadablePhoto: the file cannot be read as a photo.
        """
        return self.stretched(open_photo(path, self.size, self.crop, self.white_level, note))

    def read(self, path: Path, note: Note = lambda _: None) -> NDArray[np.float32]:
        """Read an image file as the encoder's input: float32 [3, size, size].

        Args:
            path: the file.
            note: is called with what had to be assumed or left out.

        Raises:
            UnreadablePhoto: the file cannot be read as a photo.
        """
        return self.tensor(self.picture(path, note))

    def stretched(self, image: Image.Image) -> Image.Image:
        """Stretch an RGB image to size × size pixels."""
        # One pass at a time, horizontal first. Since version 13 Pillow chooses the cheaper order, and because values are
        # rounded to 8 bits between the passes, the result would differ. ONNX Runtime also begins horizontally.
        across = image.resize((self.size, image.height), Image.Resampling.BICUBIC)
        return across.resize((self.size, self.size), Image.Resampling.BICUBIC)

    def tensor(self, image: Image.Image) -> NDArray[np.float32]:
        """Return the encoder's input for an RGB image: float32 [3, size, size]."""
        pixels = np.asarray(self.stretched(image))
        mean, std = np.array(self.mean, np.float32), np.array(self.std, np.float32)
        normalised = ((np.arange(256, dtype=np.float32)[:, None] / np.float32(255) - mean) / std).T  # of each level
        return np.stack([normalised[channel][pixels[:, :, channel]] for channel in range(3)])


def crop_problem(crop: Crop) -> str | None:
    """Return why ``crop`` is not a part of a photo, as a sentence; None if it is one."""
    left, top, width, height = crop
    # Not written with "or" of opposites, as NaN has to fail too. A rectangle's far edges may be off by rounding; a
    # millionth of a photo is less than a pixel.
    inside = 0 <= left < 1 and 0 <= top < 1 and 1e-6 <= width <= 1.000001 - left and 1e-6 <= height <= 1.000001 - top
    return (
        None
        if inside
        else "A crop is left,top,width,height as shares of the photo, inside it: 0.25,0.25,0.5,0.5 is the middle."
    )
