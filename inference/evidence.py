# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a photo differs from a reference: the similarity of their patches, as a picture."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .classifier import Classifier
from .encoder import Encoder
from .preprocessing import Preprocessing
from .verdicts import Verdict

REACH = 2
"""Patches that the same detail may be apart, as no photo is taken from exactly a reference's pose."""

HOT = (230, 40, 20)
HOTTEST = 0.7
"""Difference that is shown in full red: unlike patches lie between 0.3 and 1.2."""


def difference(photo: NDArray[np.float32], reference: NDArray[np.float32]) -> NDArray[np.float32]:
    """How unlike each patch of a photo is to the reference, float32 [G, G], from both images' patch tokens [G·G, D].

    1 less the best cosine similarity to the reference's patches within ``REACH`` of the same place.
    """
    side = round(len(photo) ** 0.5)
    units = [tokens / np.linalg.norm(tokens, axis=1, keepdims=True) for tokens in (photo, reference)]
    similarities = units[0] @ units[1].T
    rows, columns = np.divmod(np.arange(side * side), side)
    apart = np.maximum(abs(rows[:, None] - rows), abs(columns[:, None] - columns))
    best = np.where(apart <= REACH, similarities, -1).max(axis=1)
    return (1 - best).reshape(side, side).astype(np.float32)


@dataclass(frozen=True)
class Evidence:
    """``photo`` and ``reference`` as the encoder sees them, and their ``differences`` float32 [G, G] of patches."""

    photo: Image.Image
    reference: Image.Image
    differences: NDArray[np.float32]

    @property
    def heat(self) -> Image.Image:
        """The photo in grey, with what the reference lacks in red."""
        grey = self.photo.convert("L").convert("RGB")
        share = Image.fromarray((self.differences / HOTTEST * 255).clip(0, 255).astype(np.uint8))
        mask = share.resize(grey.size, Image.Resampling.BICUBIC)
        return Image.composite(Image.new("RGB", grey.size, HOT), grey, mask)

    @property
    def sheet(self) -> Image.Image:
        """Photo, reference and heat map side by side."""
        pictures = (self.photo, self.reference, self.heat)
        sheet = Image.new("RGB", (sum(picture.width for picture in pictures), self.photo.height))
        for column, picture in enumerate(pictures):
            sheet.paste(picture, (column * self.photo.width, 0))
        return sheet


def evidence(encoder: Encoder, preprocessing: Preprocessing, photo: Path, reference: Path) -> Evidence:
    """Compare the files of a photo and of a reference. Raises UnreadablePhoto where one cannot be read."""
    seen, beside = preprocessing.picture(photo), preprocessing.of_references.picture(reference)
    tokens = encoder.patch_tokens(np.stack([preprocessing.tensor(seen), preprocessing.tensor(beside)]))
    return Evidence(seen, beside, difference(tokens[0], tokens[1]))


def compare(classifier: Classifier, verdict: Verdict) -> Evidence:
    """Compare a classified photo with its nearest reference.

    Raises:
        UnreadablePhoto: one of the two files cannot be read.
    """
    reference = classifier.database.image_path(verdict.neighbours[0].row)
    return evidence(classifier.encoder, classifier.database.preprocessing, verdict.photo, reference)
