# SPDX-License-Identifier: GPL-3.0-or-later
"""A reference database of random vectors."""

import numpy as np

from synthetic_similarity_search.inference.database import ReferenceDatabase
from synthetic_similarity_search.inference.encoder import Model
from synthetic_similarity_search.inference.preprocessing import Preprocessing


def database(count: int = 6, dim: int = 8) -> ReferenceDatabase:
    """``count`` references of two classes, the same each time."""
    generator = np.random.default_rng(0)
    vectors = generator.normal(size=(count, dim))
    return ReferenceDatabase(
        embeddings=(vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32),
        labels=np.arange(count) % 2,
        poses=generator.normal(size=(count, 4, 4)).astype(np.float32),
        classes=("Türgriff links", "leer"),
        images=tuple(f"references/Türgriff links/{number:04}.png" for number in range(count)),
        model=Model("tiny", "0" * 64, dim),
        preprocessing=Preprocessing(),
        recipe={"created": "2025-01-01T00:00:00+00:00", "seed": 0},
    )
