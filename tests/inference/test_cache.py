# SPDX-License-Identifier: GPL-3.0-or-later
"""A validation that was stopped embeds no photo twice, and a damaged or foreign cache does no harm."""

import os
from pathlib import Path

import numpy as np
import pytest

from synthetic_similarity_search.inference.cache import EmbeddingCache
from synthetic_similarity_search.inference.classifier import Classifier
from synthetic_similarity_search.inference.embedding import embed_files, embed_references
from synthetic_similarity_search.inference.encoder import Encoder, Model
from synthetic_similarity_search.inference.preprocessing import Preprocessing
from synthetic_similarity_search.inference.progress import Progress
from synthetic_similarity_search.inference.validation import CACHE, validate
from synthetic_similarity_search.tests.tiny_encoder import write_pictures, write_tiny_encoder


class CountingEncoder(Encoder):
    """Counts the photos it embeds; ``limit`` of them, then the process is asked to end."""

    def __init__(self, path: Path, limit: int = 10**9) -> None:
        super().__init__(path)
        self.embedded, self.limit = 0, limit

    def embed(self, batch: np.ndarray) -> np.ndarray:
        if self.embedded + len(batch) > self.limit:
            raise KeyboardInterrupt
        self.embedded += len(batch)
        return super().embed(batch)


@pytest.fixture
def station(tmp_path: Path) -> Path:
    write_tiny_encoder(tmp_path / "tiny.onnx")
    write_pictures(tmp_path / "references", 3, seed=0)
    write_pictures(tmp_path / "photos", 14, seed=1)
    (tmp_path / "photos" / "red" / "0003.png").write_text("no photo")
    return tmp_path


def score(station: Path, encoder: Encoder, output: str) -> dict[str, object]:
    file = station / "references.safetensors"
    database = embed_references(
        station / "references", Encoder(station / "tiny.onnx"), Preprocessing(), Progress(), file
    )
    result = validate(
        Classifier.create(database, encoder, 5, Progress()), station / "photos", station / output, Progress()
    )
    return {name: value for name, value in result.to_json().items() if name != "seconds"}


def test_a_stopped_run_embeds_no_photo_twice(station: Path) -> None:
    stopped, resumed = CountingEncoder(station / "tiny.onnx", 20), CountingEncoder(station / "tiny.onnx")
    with pytest.raises(KeyboardInterrupt):
        score(station, stopped, "out")
    with (station / "out" / CACHE).open("ab") as file:  # as if the process had been killed while it wrote
        file.write(b"half a record")
    result = score(station, resumed, "out")
    assert (stopped.embedded, resumed.embedded) == (16, 41 - 16)
    assert result == score(station, Encoder(station / "tiny.onnx"), "fresh")
    first, second = ((station / name / "predictions.csv").read_bytes() for name in ("out", "fresh"))
    assert first == second


def test_only_what_changed_is_embedded_again(station: Path) -> None:
    score(station, Encoder(station / "tiny.onnx"), "out")
    photo = station / "photos" / "red" / "0001.png"
    photo.write_bytes((station / "photos" / "blue" / "0001.png").read_bytes())
    os.utime(photo, ns=(1, 1))
    again = CountingEncoder(station / "tiny.onnx")
    score(station, again, "out")
    assert again.embedded == 1


def test_a_cache_of_another_encoder_or_damaged_is_not_used(station: Path) -> None:
    encoder, paths = Encoder(station / "tiny.onnx"), sorted((station / "photos" / "green").iterdir())
    path = station / "cache"

    def known(model: Model) -> list[bool]:
        cache = EmbeddingCache(path, model, Preprocessing())
        return [cache.find(photo) is not None for photo in paths]

    cache = EmbeddingCache(path, encoder.model, Preprocessing())
    embedded = embed_files(encoder, Preprocessing(), paths, Progress(), "one", cache).embeddings
    cache = EmbeddingCache(path, encoder.model, Preprocessing())
    assert (np.stack([cache.find(photo)[0] for photo in paths]) == embedded).all()
    content = bytearray(path.read_bytes())
    content[-60:] = bytes(60)  # the end of a file that a power cut filled with zeros
    path.write_bytes(content)
    assert known(encoder.model) == [True] * 13 + [False]
    assert not any(known(Model("other", "0" * 64, encoder.model.dim)))
    EmbeddingCache(path, Model("other", "0" * 64, encoder.model.dim), Preprocessing()).add(
        paths[:1], embedded[:1], np.zeros((1, 3))
    )
    assert not any(known(encoder.model)), "begun anew for the other one"
    path.write_bytes(b"short")
    assert not any(known(encoder.model))
