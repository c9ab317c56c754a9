# SPDX-License-Identifier: GPL-3.0-or-later
"""A validation that was stopped embeds no photo twice, and a damaged or foreign cache does no harm."""

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from synthetic_similarity_search.inference.classifier import Classifier
from synthetic_similarity_search.inference.embedding import embed_files, embed_references
from synthetic_similarity_search.inference.encoder import Encoder, Model
from synthetic_similarity_search.inference.preprocessing import Preprocessing
from synthetic_similarity_search.inference.progress import Progress
from synthetic_similarity_search.inference.validation import validate
from synthetic_similarity_search.inference.vector_cache import VectorCache
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
        with closing(VectorCache(path, model, Preprocessing())) as cache:
            return [cache.find(photo) is not None for photo in paths]

    with closing(VectorCache(path, encoder.model, Preprocessing())) as cache:
        embedded = embed_files(encoder, Preprocessing(), paths, Progress(), "one", cache).embeddings
    with closing(VectorCache(path, encoder.model, Preprocessing())) as cache:
        assert (np.stack([cache.find(photo)[0] for photo in paths]) == embedded).all()
    assert not any(known(Model("other", "0" * 64, encoder.model.dim)))
    assert all(known(encoder.model)), "that of one encoder is kept beside that of another"
    whole = path.read_bytes()
    for damaged in (b"short", whole[:4096] + bytes(len(whole) - 4096), whole[: len(whole) // 2]):
        path.write_bytes(damaged)
        assert not all(known(encoder.model))
        add(path, encoder.model, paths, embedded)
        assert all(known(encoder.model))


def add(path: Path, model: Model, photos: list[Path], vectors: np.ndarray) -> None:
    with closing(VectorCache(path, model, Preprocessing())) as cache:
        cache.add(photos, vectors, np.zeros((len(photos), 3), np.float32))


WRITER = """
import sys
from contextlib import closing
from pathlib import Path
import numpy as np
from synthetic_similarity_search.inference.encoder import Model
from synthetic_similarity_search.inference.preprocessing import Preprocessing
from synthetic_similarity_search.inference.vector_cache import VectorCache
path, *photos = map(Path, sys.argv[1:])
with closing(VectorCache(path, Model("tiny", "0" * 64, 2), Preprocessing())) as cache:
    print("open", flush=True)
    sys.stdin.readline()
    for photo in photos:
        cache.add([photo], np.array([[1, 0]], np.float32), np.zeros((1, 3), np.float32))
        print(photo, flush=True)
    sys.stdin.readline()
"""


def writer(path: Path, photos: list[Path]) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, path, *photos], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "open\n"
    return process


def test_two_processes_write_at_once_and_one_is_killed(tmp_path: Path) -> None:
    photos = [tmp_path / f"{number}.png" for number in range(200)]
    for photo in photos:
        photo.write_bytes(b"photo")
    path = tmp_path / "cache"
    processes = [writer(path, photos[:100]), writer(path, photos[100:])]
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    first, second = processes
    told = [second.stdout.readline().strip() for _ in range(50)]
    second.kill()
    second.wait()
    told += second.stdout.read().split()
    first.communicate("end\n")
    assert first.returncode == 0
    with closing(VectorCache(path, Model("tiny", "0" * 64, 2), Preprocessing())) as cache:
        known = [photo for photo in photos if cache.find(photo)]
    assert set(photos[:100]) | set(map(Path, told)) <= set(known) and len(told) >= 50
