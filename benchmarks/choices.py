# SPDX-License-Identifier: GPL-3.0-or-later
"""What matters, measured: other ways to use the same references, and degraded photos.

Nothing here changes the settings of the cases on which it is measured.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import reduce
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from synthetic_similarity_search.inference import editing, neighbours
from synthetic_similarity_search.inference.database import ReferenceDatabase
from synthetic_similarity_search.inference.encoder import Encoder
from synthetic_similarity_search.inference.preprocessing import Preprocessing

Array = NDArray[np.float32]
Labels = NDArray[np.int64]
Alter = Callable[[Image.Image], Image.Image]

K = 5
"""The product's number of neighbours that vote."""


def weighted(database: ReferenceDatabase, vectors: Array) -> Labels:
    """Votes weighted by exp(similarity / 0.07), as DINO's own k-NN evaluation does (Caron et al., 2021)."""
    similarities, _, labels = database.nearest(vectors, min(K, len(database)))
    voted = labels[:, :, None] == np.arange(len(database.classes))
    return (voted * np.exp(similarities / 0.07)[:, :, None]).sum(axis=1).argmax(axis=1)


def first(database: ReferenceDatabase, count: int) -> ReferenceDatabase:
    """The first `count` references of each class."""
    rows = [np.flatnonzero(database.labels == label)[:count] for label in range(len(database.classes))]
    return database.take(np.concatenate(rows))


def centred(database: ReferenceDatabase, vectors: Array) -> Labels:
    """Verdicts with references and photographs less the references' mean, of unit length again."""
    mean = database.embeddings.mean(axis=0)

    def shifted(rows: Array) -> Array:
        return (rows - mean) / np.linalg.norm(rows - mean, axis=1, keepdims=True)

    return replace(database, embeddings=shifted(database.embeddings)).predict(shifted(vectors), K)


def combined(databases: Sequence[ReferenceDatabase], vectors: Array) -> dict[str, Labels]:
    """Verdicts by references of several seeds, if there are: each class from its own poses, and twice as many images."""
    if len(databases) == 1:
        return {}
    own = [database.take(np.flatnonzero(database.labels % len(databases) == n)) for n, database in enumerate(databases)]
    count = 2 * min(databases[0].count().values())
    return {
        "each class from other poses, whitened": reduce(editing.joined, own).predict(vectors, K),
        f"{count} images per class, whitened": editing.joined(*databases[:2]).predict(vectors, K),
    }


def ways(database: ReferenceDatabase, vectors: Array) -> dict[str, Labels]:
    """Verdicts on the photographs' `vectors` [Q, D] by other ways to use them; nothing is rendered or embedded."""
    paper, class_tokens = database.as_in_paper(), vectors[:, : database.model.dim]
    found = {"the default: k = 5, whitened": database.predict(vectors, K)}
    for name, used, asked in (("whitened", database, vectors), ("as in the paper", paper, class_tokens)):
        found |= {f"k = {k}, {name}": used.predict(asked, k) for k in (1, 3, 5, 9, 15)}
        found[f"weighted vote, {name}"] = weighted(used, asked)
        found[f"centred, {name}"] = centred(used, asked)
        for count in (6, 12, 24):
            if count <= min(database.count().values()):
                found[f"{count} images per class, {name}"] = first(used, count).predict(asked, K)
    del found["k = 5, whitened"]
    return found


def alone(database: ReferenceDatabase, vectors: Array) -> ReferenceDatabase:
    """A database of these vectors [N, D], which are whitened as a whole."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return replace(database, embeddings=unit, model=replace(database.model, dim=vectors.shape[1], foreground=False))


def similarities(database: ReferenceDatabase, vectors: Array) -> Array:
    """Whitened similarities [Q, N] of vectors to references."""
    return database.whitening.similarities(vectors, database.embeddings)


def voted(database: ReferenceDatabase, found: Array) -> Labels:
    """Verdicts by similarities [Q, N] of any kind."""
    rows = (-found).argsort(axis=1, kind="stable")[:, :K]
    return neighbours.vote(database.labels[rows], np.take_along_axis(found, rows, axis=1), len(database.classes))[0]


def hubness(database: ReferenceDatabase) -> Array:
    """The mean similarity [N] of each reference to its five nearest references of other classes."""
    among = similarities(database, database.embeddings)
    among[database.labels[:, None] == database.labels] = -1
    return np.sort(among, axis=1)[:, -5:].mean(axis=1)


def measures(database: ReferenceDatabase, vectors: Array) -> dict[str, Labels]:
    """Verdicts on the photographs' `vectors` [Q, D] by other measures of similarity."""
    size = database.model.dim
    by_class, by_foreground = alone(database, database.class_tokens), alone(database, database.embeddings[:, size:])
    of_class, of_foreground = similarities(by_class, vectors[:, :size]), similarities(by_foreground, vectors[:, size:])
    return {
        "class token": voted(database, of_class),
        "foreground token": voted(database, of_foreground),
        "class token and foreground token, whitened together": alone(database, database.embeddings).predict(vectors, K),
        **{
            f"class token and {weight} × foreground token": voted(database, of_class + weight * of_foreground)
            for weight in (0.25, 0.5, 1)
        },
        "less half the reference's similarity to other classes": voted(
            database, similarities(database, vectors) - hubness(database) / 2
        ),
    }


def embed_altered(
    files: Iterable[Path],
    encoder: Encoder,
    alter: Alter,
) -> Array:
    """Vectors of images, stretched to the encoder's size, that `alter` has changed."""
    preprocessing = Preprocessing()
    paths = list(files)
    found = []
    for start in range(0, len(paths), 16):
        images = map(preprocessing.picture, paths[start : start + 16])
        found.append(encoder.embed(np.stack([preprocessing.tensor(alter(image)) for image in images])))
    return np.concatenate(found)


def grey(image: Image.Image) -> Image.Image:
    """The image without its colours."""
    return image.convert("L").convert("RGB")


def darkened(factor: float) -> Alter:
    """As a shorter exposure: linear light times `factor`."""

    def alter(image: Image.Image) -> Image.Image:
        linear = (np.asarray(image, np.float64) / 255) ** 2.2 * factor
        return Image.fromarray(np.uint8(255 * linear ** (1 / 2.2) + 0.5))

    return alter


def noisy(deviation: float) -> Alter:
    """With noise of this standard deviation in each channel, of 255 levels."""

    def alter(image: Image.Image) -> Image.Image:
        noise = np.random.default_rng(0).normal(0, deviation, (*image.size[::-1], 3))
        return Image.fromarray(np.uint8(np.clip(np.asarray(image) + noise, 0, 255)))

    return alter


def blurred(radius: float) -> Alter:
    """Out of focus: a Gaussian of this standard deviation, in pixels of 224."""
    return lambda image: image.filter(ImageFilter.GaussianBlur(radius))


def cut(image: Image.Image, width: float, height: float) -> Image.Image:
    """The middle of an image, these shares of it wide and high, stretched to the size of the whole."""
    columns, rows = image.size
    box = ((1 - width) / 2 * columns, (1 - height) / 2 * rows, (1 + width) / 2 * columns, (1 + height) / 2 * rows)
    return image.resize(image.size, Image.Resampling.BICUBIC, box)


LIMITS: dict[str, Alter] = {
    **{f"exposure 1/{round(1 / factor)}": darkened(factor) for factor in (1 / 4, 1 / 16, 1 / 64)},
    **{f"noise of {deviation} levels": noisy(deviation) for deviation in (10, 30, 60)},
    **{f"blur of {radius} pixels": blurred(radius) for radius in (1, 3, 6)},
    "cut to 4:3 and stretched": lambda image: cut(image, 1, 3 / 4),
    "cut to 4:3 and cropped to its middle": lambda image: cut(image, 3 / 4, 3 / 4),
}
"""How photographs may be worse than those at hand, by less and by more, or of another shape; the references stay as they
are."""


OTHERWISE: dict[str, Alter] = {"greyscale": grey}
"""Ways to alter photographs and references alike."""

JITTER = "scene.simsearch.jitter"
RENDERED = {
    **{f"{n} samples": f"scene.simsearch.render.samples = {n}" for n in (1, 2, 8, 16, 64)},
    "without shadows": "scene.eevee.use_shadows = False",
    "light probe four times as fine": "scene.world.probe_resolution = '512'",
    "grain taken away or given": "stage.swap_grain(scene)",
    "materials do not vary": f"{JITTER}.material = 0",
    "light does not vary": f"{JITTER}.light_angle = {JITTER}.light_strength = 0",
    "background does not vary": f"{JITTER}.background = 0",
    "camera moves and turns a quarter as far": (
        f"{JITTER}.location = [step / 4 for step in {JITTER}.location]; "
        f"{JITTER}.rotation = [turn / 4 for turn in {JITTER}.rotation]"
    ),
    "part fills a fifth less of the frame's width": "scene.camera.data.angle *= 1.25",
    "part fills a quarter more of the frame's width": f"scene.camera.data.angle *= 0.8; {JITTER}.min_visible = 0.8",
}
"""By name, how a case's scene is changed to learn what that does to its references; photographs stay as they are."""
