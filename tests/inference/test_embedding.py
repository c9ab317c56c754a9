# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading ahead of the encoder: the order and every byte as if files were read one by one, and few at a time."""

import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from synthetic_similarity_search.inference import embedding
from synthetic_similarity_search.inference.encoder import Encoder
from synthetic_similarity_search.inference.preprocessing import Preprocessing
from synthetic_similarity_search.inference.progress import Progress
from synthetic_similarity_search.tests.tiny_encoder import write_pictures, write_tiny_encoder


def test_reading_ahead_keeps_the_order_and_every_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = Encoder(write_tiny_encoder(tmp_path / "tiny.onnx"))
    paths = sorted(write_pictures(tmp_path / "photos", 8, seed=0).glob("*/*.png"))
    paths[5].write_bytes(b"no picture")
    read = Preprocessing.read
    expected = [encoder.embed(read(Preprocessing(), path)[None])[0] for n, path in enumerate(paths) if n != 5]

    def slow_at_times(self: Preprocessing, path: Path, note: Callable[[str], None]) -> NDArray[np.float32]:
        time.sleep(0.02 * (paths.index(path) % 3 == 0))
        return read(self, path, note)

    monkeypatch.setattr(Preprocessing, "read", slow_at_times)
    filters, threads = list(warnings.filters), threading.active_count()
    embedded = embedding.embed_files(encoder, Preprocessing(), paths, Progress(), "Embedding")
    assert embedded.readable.tolist() == [n for n in range(len(paths)) if n != 5] and list(embedded.unreadable) == [5]
    assert (embedded.embeddings == np.stack(expected)).all()
    assert warnings.filters == filters and threading.active_count() == threads


def test_only_a_few_images_wait_for_the_encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = Encoder(write_tiny_encoder(tmp_path / "tiny.onnx"))
    paths = [tmp_path / f"{number}.png" for number in range(60)]
    read: list[Path] = []
    monkeypatch.setattr(
        Preprocessing, "read", lambda _, path, note: read.append(path) or np.ones((3, 224, 224), np.float32)
    )
    most, embed, embedded = 0, Encoder.embed, 0

    def slow(self: Encoder, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        nonlocal most, embedded
        time.sleep(0.05)
        most = max(most, len(read) - embedded)
        embedded += len(batch)
        return embed(self, batch)

    monkeypatch.setattr(Encoder, "embed", slow)
    embedding.embed_files(encoder, Preprocessing(), paths, Progress(), "Embedding")
    assert embedded == 60 and most <= embedding.BATCH + embedding.AHEAD + 1
