# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured in photos and references without the encoder, and in which respects the two differ.

Where one part lies before an even backdrop, its place, size and turn, its shadow and the backdrop itself can be told from the
pixels. Where the backdrop is uneven, only what concerns the whole picture is compared.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from .quality import LUMA

Pixels = NDArray[np.floating[Any]]
"""Images [N, S, S, 3] with levels from 0 to 255."""

Floats = NDArray[np.floating[Any]]

RING = 0.06
"""Width of the frame around an image that shows the backdrop, as a share of the image."""

DIFFERENT, SHADED, TINTED = 20.0, 0.12, 10.0
"""From which difference in levels on a pixel is not backdrop; from which loss of brightness on, and up to which other
difference in levels, it is backdrop in a shadow."""

FITS = 4
"""How often a backdrop is fitted to the frame."""

SMOOTH = 0.01
"""By how much images are blurred before parts are looked for, so that noise is none, as a share of the image."""

RELIEF = (0.006, 0.03)
"""Small features: larger than noise, smaller than a part, as shares of the image."""

LIMITS = {
    "brightness": np.log(1.2),
    "colour": 0.15,
    "glare": 0.02,
    "background": 1.0,
    "size": np.log(1.15),
    "position": 0.1,
    "turn": 20.0,
    "light direction": 40.0,
    "contrast": np.log(2.0),
    "relief": np.log(2.0),
}
"""The difference from which on photos are said to differ: logarithm of the ratio of levels, sizes or shadows; colour relative
to brightness; share of the area; share of the image's width; degrees. benchmarks/ADVICE.md says which scenes had been seen when
they were chosen."""

TEXTURE, BACKDROP = 6.0, np.log(1.4)
"""Limits of what makes the background differ: unevenness in levels, and logarithm of the ratio of levels."""

SMALLEST, LARGEST = 0.05, 0.9
"""Sizes of parts that can be told from their backdrop, as shares of the image."""

MISTAKABLE = 0.1
"""Share of the images in which, by chance, a part may look like a shade of its backdrop, or reach the edge."""

DARKER_FROM, FAINTER_FROM, NARROWEST = 0.015, 0.002, 0.15
"""Shadows are compared as if they took at least this share of the light of an area as large as the part, to tell whether those of
photos are darker or fainter, and lay on this share of such an area. Worn parts and noise look like some shadow, so fainter ones
are told more surely."""

FAINTEST, SHORTEST, ROUNDEST, SURE = 0.0005, 0.05, 0.15, 2.5
"""Shadows of less than this share of the image tell nothing of the light's direction, nor do shorter ones; parts that extend
more evenly have no turn; places must differ by this many standard errors."""

INSIDE, REACH, MARGIN, LEAST_SHARED = 56, 1.6, 0.02, 60
"""Pixels of a side to which the inside of a part is scaled; how wide the square is that is scaled, in sides of one as large as the
part; how far within the part's outline its inside begins, as a share of the image; and the fewest pixels that two insides must
share to be compared."""


def luma(images: Pixels) -> Pixels:
    """Return the brightness of each pixel, [N, S, S]."""
    return np.tensordot(images, np.array(LUMA, np.float32), 1)


def blurred(images: Pixels, radius: float) -> Pixels:
    """Blur images [N, S, S] or [N, S, S, 3] by a Gaussian of this standard deviation, as a share of S."""
    blur = ImageFilter.GaussianBlur(radius * images.shape[1])
    levels = images.clip(0, 255).round().astype(np.uint8)
    return np.stack([np.asarray(Image.fromarray(image).filter(blur), np.float32) for image in levels])


def spread(images: Pixels) -> float:
    """Return how much brightness varies within images, in levels."""
    return float(luma(images).std(axis=(1, 2)).mean())


def details(images: Pixels) -> Pixels:
    """Return the small features of images, in levels about 0, [N, S, S]."""
    grey = luma(images)
    fine, coarse = (blurred(grey, radius) for radius in RELIEF)
    return fine - coarse


def relief(images: Pixels) -> float:
    """Return how strongly small features stand out, in levels."""
    return float(details(images).std(axis=(1, 2)).mean())


def tint(images: Pixels) -> Floats:
    """Return the mean colour relative to its brightness, [3]."""
    colour: Floats = images.mean(axis=(0, 1, 2)) / max(float(luma(images).mean()), 1.0)
    return colour


def brightest(references: Pixels) -> float:
    """Return the level that highlights of references hardly exceed."""
    return float(np.percentile(luma(references), 99.5)) * 1.1


def highlights(photos: Pixels, references: Pixels) -> float:
    """Return the share of the photos' area that is brighter than what is bright in references, at the same brightness."""
    grey, own = luma(photos), luma(references)
    factor = min(1.0, float(own.mean() / max(float(grey.mean()), 1.0)))
    return float((factor * grey > brightest(references)).mean())


def frame(size: int) -> NDArray[np.bool_]:
    """Return which pixels of an image belong to the frame that shows the backdrop, [S, S]."""
    width = max(1, round(RING * size))
    mask = np.ones((size, size), bool)
    mask[width:-width, width:-width] = False
    return mask


def even_backdrop(images: Pixels) -> Pixels:
    """Return what images [N, S, S, 3] would show without parts: the frame around them, continued as a quadratic, since light
    falls off across a table. Fitted again to the half of the frame that it fits best, as shadows and parts may reach the rest."""
    size = images.shape[1]
    y, x = np.indices((size, size)) / size - 0.5
    terms = np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], axis=-1).astype(np.float32)
    border = frame(size)
    across, backdrops = terms[border], []
    for levels in images[:, border]:
        kept = np.ones(len(levels), bool)
        for _ in range(FITS):
            found = np.linalg.lstsq(across[kept], levels[kept], rcond=None)[0]
            apart = np.abs(levels - across @ found).max(axis=1)
            kept = apart <= np.median(apart)
        backdrops.append((terms.reshape(-1, 6) @ found).reshape(size, size, 3))
    return np.stack(backdrops).clip(1)


@dataclass(frozen=True)
class Parts:
    """The parts in N images and their shadows, as far as they stand out from the backdrop.

    Attributes:
        masks: which pixels show a part, [N, S, S].
        brightness: the brightness of each pixel, [N, S, S].
        places: the middle of each part, to the right and downwards from the image's middle, as shares of its width, [N, 2].
        sizes: the side of a square as large as each part, as a share of the image, [N].
        axes: the direction of the longest extent as a complex number of the double angle, counter-clockwise, whose length is
            0 for a part without one and 1 for a line, [N].
        shadows: how much darker the shadow makes the image, as a share, [N].
        shaded: how much of the image is in the shadow, as a share, [N].
        lit_from: from the middle of the shadow to that of the part, to the right and upwards, [N, 2].
        levels: brightness of the part and of the backdrop, [N, 2].
        texture: how uneven the backdrops are, in levels.
        cut: whether parts reach the edge of the image, so that they look smaller than they are.
        shades: whether a part is but a shade of its backdrop, so that it cannot be told from its shadow.
    """

    masks: NDArray[np.bool_]
    brightness: Floats
    places: Floats
    sizes: Floats
    axes: NDArray[np.complexfloating[Any, Any]]
    shadows: Floats
    shaded: Floats
    lit_from: Floats
    levels: Floats
    texture: float
    cut: bool
    shades: bool

    @classmethod
    def of(cls, images: Pixels) -> "Parts":
        """Find the parts in images [N, S, S, 3]. What is the backdrop in a darker shade is a shadow, unless that leaves no part."""
        size = images.shape[1]
        smooth = blurred(images, SMOOTH)
        even = even_backdrop(smooth)
        shade = (smooth * even).sum(axis=3) / (even**2).sum(axis=3)
        other = np.abs(smooth - shade[..., None] * even).max(axis=3)
        differs = np.abs(smooth - even).max(axis=3) > DIFFERENT
        loss = np.where((shade < 1 - SHADED) & (other < TINTED), 1 - shade, 0.0)
        masks = differs & (loss == 0)
        grey = masks.mean(axis=(1, 2)) < 0.3 * differs.mean(axis=(1, 2))
        masks[grey], loss[grey] = differs[grey], 0.0
        down, across = np.indices((size, size)) / size - 0.5
        place, shadow_place = _middle(masks, across, down), _middle(loss, across, down)
        away = (across - place[:, 0, None, None]) - 1j * (down - place[:, 1, None, None])
        brightness = luma(smooth)
        uneven = np.abs(brightness - luma(even))[:, frame(size)]
        return cls(
            masks=masks,
            brightness=brightness,
            places=place,
            sizes=np.sqrt(masks.mean(axis=(1, 2))),
            axes=(masks * away**2).sum(axis=(1, 2)) / (masks * np.abs(away) ** 2).sum(axis=(1, 2)).clip(1e-9),
            shadows=loss.mean(axis=(1, 2)),
            shaded=(loss > 0).mean(axis=(1, 2)),
            lit_from=(place - shadow_place) * (1, -1),
            levels=np.stack(
                [(brightness * masks).sum(axis=(1, 2)) / masks.sum(axis=(1, 2)).clip(1), luma(even).mean(axis=(1, 2))],
                axis=1,
            ),
            texture=float(1.48 * np.median(uneven)),  # as a shadow or a part may reach some of the frame
            cut=bool((masks.any(axis=1)[:, [0, -1]] | masks.any(axis=2)[:, [0, -1]]).any(axis=1).mean() > MISTAKABLE),
            shades=bool(grey.mean() > MISTAKABLE),
        )

    @property
    def stand_out(self) -> bool:
        """Whether there are parts that stand out from an even backdrop, so that place, size, turn and shadow mean something."""
        return bool(SMALLEST < self.sizes.mean() < LARGEST and self.texture < TEXTURE and not self.shades)

    @cached_property
    def insides(self) -> Floats:
        """What the insides of parts look like: where they have edges and how bright they are, [N, 2, INSIDE * INSIDE].

        Both are relative to the part's brightness, and are scaled by its size about its middle; outside of it they are NaN.
        """
        found = np.full((len(self.masks), 2, INSIDE * INSIDE), np.nan)
        thinner = ImageFilter.MinFilter(2 * round(MARGIN * self.masks.shape[1]) + 1)
        for number, (mask, grey) in enumerate(zip(self.masks, self.brightness, strict=True)):
            if not mask.any():
                continue
            (down, across), half = (places.mean() for places in np.nonzero(mask)), REACH / 2 * np.sqrt(mask.sum())
            box = (across - half, down - half, across + half, down + half)
            level = grey / max(float(grey[mask].mean()), 1.0)
            inner = np.asarray(Image.fromarray(mask).convert("L").filter(thinner)) > 0
            shown, *pictures = (_scaled(picture, box) for picture in (inner, np.hypot(*np.gradient(level)), level))
            found[number] = np.where(shown > 0.5, pictures, np.nan)
        return found


def _scaled(picture: NDArray[Any], box: tuple[float, float, float, float]) -> Floats:
    """Scale the part of a picture [S, S] in a box to INSIDE pixels a side, [INSIDE * INSIDE]."""
    image, size = Image.fromarray(picture.astype(np.float32)), (INSIDE, INSIDE)
    return np.asarray(image.transform(size, Image.Transform.EXTENT, box, Image.Resampling.BILINEAR)).ravel()


def agreement(ones: Floats, others: Floats) -> Floats:
    """Return how well the insides of parts agree: the mean correlation of their edges and of their brightness, [N, M].

    It is NaN where they share hardly a pixel.

    Args:
        ones: :attr:`Parts.insides` of N images.
        others: those of M images.
    """
    found = []
    for one, other in zip(ones.swapaxes(0, 1), others.swapaxes(0, 1), strict=True):
        shown, other_shown = (np.isfinite(each).astype(float) for each in (one, other))
        a, b = np.nan_to_num(one), np.nan_to_num(other)
        pixels = shown @ other_shown.T
        count, sums, other_sums = pixels.clip(1), a @ other_shown.T, shown @ b.T
        together = a @ b.T - sums * other_sums / count
        alone = (a**2 @ other_shown.T - sums**2 / count).clip(1e-9)
        other_alone = (shown @ (b**2).T - other_sums**2 / count).clip(1e-9)
        found.append(np.where(pixels >= LEAST_SHARED, together / np.sqrt(alone * other_alone), np.nan))
    mean: Floats = np.mean(found, axis=0)
    return mean


def _middle(weights: NDArray[Any], across: Floats, down: Floats) -> Floats:
    """Return the mean place of weights [N, S, S], [N, 2]; the middle where there is none."""
    total = weights.sum(axis=(1, 2)).clip(1e-9)
    middle: Floats = np.stack([(weights * axis).sum(axis=(1, 2)) / total for axis in (across, down)], axis=1)
    return middle


def turn_between(photos: Parts, references: Parts) -> float:
    """Return by how many degrees parts are turned counter-clockwise, -90 to 90; 0 if they have no direction.

    ``references`` are as many times as many images as ``photos``, in the order of their classes.
    """
    own = references.axes.reshape(len(photos.axes), -1).mean(axis=1)
    both = (photos.axes * own.conj()).mean()
    return float(np.degrees(np.angle(both)) / 2) if np.abs(both) > ROUNDEST**2 else 0.0


def angle_between_lights(photos: Parts, references: Parts) -> float:
    """Return by how many degrees the light comes from another side; 0 if shadows do not show it."""
    one, other = photos.lit_from.mean(axis=0), references.lit_from.mean(axis=0)
    lengths = float(np.linalg.norm(one)), float(np.linalg.norm(other))
    if min(lengths) < SHORTEST or min(photos.shadows.mean(), references.shadows.mean()) < FAINTEST:
        return 0.0
    return float(np.degrees(np.arccos((one @ other / (lengths[0] * lengths[1])).clip(-1, 1))))


def differences(photos: Pixels, references: Pixels) -> dict[str, float]:
    """Return in which respects photos differ, each as a multiple of its limit, the largest first; those within their limits
    are left out.

    Args:
        photos: images [N, S, S, 3], levels 0 to 255.
        references: images [M, S, S, 3], M a multiple of N, of the same classes in the same order.
    """
    parts, own = Parts.of(photos), Parts.of(references)
    level, own_level = (max(float(luma(images).mean()), 1.0) for images in (photos, references))
    textured = max(parts.texture, own.texture) > TEXTURE
    unevenness = abs(parts.texture - own.texture) / TEXTURE if textured else 0.0
    found = {
        "brightness": abs(np.log(level / own_level)),
        "colour": np.abs(tint(photos) - tint(references)).max(),
        "glare": highlights(photos, references),
        "background": unevenness,
    }
    if parts.stand_out and own.stand_out:
        part, backdrop = np.abs(np.log(parts.levels.mean(axis=0) / own.levels.mean(axis=0)))
        apart = parts.places.mean(axis=0) - own.places.mean(axis=0)
        error = np.sqrt(sum(each.places.var(axis=0).sum() / len(each.places) for each in (parts, own)))
        loss, own_loss = (float(each.shadows.mean() / each.sizes.mean() ** 2) for each in (parts, own))
        area, own_area = (max(float(each.shaded.mean() / each.sizes.mean() ** 2), NARROWEST) for each in (parts, own))
        darker = max(loss, DARKER_FROM) / max(own_loss, DARKER_FROM)
        fainter = max(own_loss, FAINTER_FROM) / max(loss, FAINTER_FROM)
        found |= {
            "background": (backdrop - part) / BACKDROP,
            "size": abs(np.log(parts.sizes.mean() / own.sizes.mean())),
            "position": float(np.linalg.norm(apart)) if np.linalg.norm(apart) > SURE * error else 0.0,
            "turn": abs(turn_between(parts, own)),
            "light direction": angle_between_lights(parts, own),
            "relief": np.log(area / own_area),
            "contrast": np.log(max(darker, fainter)),
        }
    excess = {cause: float(value / LIMITS[cause]) for cause, value in found.items() if value > LIMITS[cause]}
    if "position" in excess and parts.cut:
        excess.pop("size", None)
    if {"relief", "turn", "light direction"} & excess.keys():  # their shadows are larger or smaller, too
        excess.pop("contrast", None)
    if {"turn", "light direction"} & excess.keys():
        excess.pop("relief", None)
    if "relief" in excess:  # what faces a low lamp shines
        excess.pop("glare", None)
    return dict(sorted(excess.items(), key=lambda item: -item[1]))
