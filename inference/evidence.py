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
"""Largest distance, in patches, between a detail and its counterpart. No photo has exactly the pose of a reference."""

HOT = (230, 40, 20)
HOTTEST = 0.7
"""The difference that is shown in full red. Patches that do not match differ by 0.3 to 1.2."""


def difference(photo: NDArray[np.float32], reference: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how much each patch of a photo differs from a reference.

    The difference is 1 minus the best cosine similarity to the reference's patches within ``REACH`` of the same place.

    Args:
        photo: patch tokens of the photo, float32 [G·G, D].
        reference: patch tokens of the reference, float32 [G·G, D].

    Returns:
        Differences float32 [G, G].
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
        """Return the photo in grey, with details that the reference lacks in red."""
        grey = self.photo.convert("L").convert("RGB")
        share = Image.fromarray((self.differences / HOTTEST * 255).clip(0, 255).astype(np.uint8))
        mask = share.resize(grey.size, Image.Resampling.BICUBIC)
        return Image.composite(Image.new("RGB", grey.size, HOT), grey, mask)

    @property
    def sheet(self) -> Image.Image:
        """Return photo, reference and heat map side by side."""
        pictures = (self.photo, self.reference, self.heat)
        sheet = Image.new("RGB", (sum(picture.width for picture in pictures), self.photo.height))
        for column, picture in enumerate(pictures):
            sheet.paste(picture, (column * self.photo.width, 0))
        return sheet


def evidence(encoder: Encoder, preprocessing: Preprocessing, photo: Path, reference: Path) -> Evidence:
    """Compare a photo with a reference.

    Args:
        encoder: the encoder.
        preprocessing: how a photo becomes the encoder's input.
        photo: the photo's file.
        reference: the reference's file.

    Raises:
        UnreadablePhoto: one of the files cannot be read.
    """
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
