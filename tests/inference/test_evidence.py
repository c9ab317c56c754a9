# SPDX-License-Identifier: GPL-3.0-or-later
"""Where photos differ from references, how far they are apart and why."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics.pairwise import cosine_similarity

from synthetic_similarity_search.inference.database import ReferenceDatabase
from synthetic_similarity_search.inference.domain_gap import Explanation, explain
from synthetic_similarity_search.inference.embedding import embed_files, embed_references
from synthetic_similarity_search.inference.encoder import Encoder
from synthetic_similarity_search.inference.evidence import HOT, REACH, difference, evidence
from synthetic_similarity_search.inference.preprocessing import Preprocessing
from synthetic_similarity_search.inference.progress import Progress
from synthetic_similarity_search.inference.repeatability import resampled_f1
from synthetic_similarity_search.tests.tiny_encoder import COLOURS, write_pictures, write_tiny_encoder


def test_differences_are_those_of_a_plain_search() -> None:
    photo, reference = np.random.default_rng(0).normal(size=(2, 36, 8)).astype(np.float32)
    similarities = cosine_similarity(photo, reference)
    for patch, found in enumerate(difference(photo, reference).reshape(-1)):
        row, column = divmod(patch, 6)
        near = [
            similarities[patch, 6 * r + c]
            for r in range(max(0, row - REACH), min(6, row + REACH + 1))
            for c in range(max(0, column - REACH), min(6, column + REACH + 1))
        ]
        assert found == pytest.approx(1 - max(near), abs=1e-5)


def test_the_heat_lies_where_the_photo_differs(tmp_path: Path) -> None:
    encoder = Encoder(write_tiny_encoder(tmp_path / "tiny.onnx"))
    plain = Image.new("RGB", (448, 448), (60, 90, 60))
    plain.save(tmp_path / "reference.png")
    plain.paste((220, 30, 200), (0, 0, 112, 112))
    plain.save(tmp_path / "photo.png")
    found = evidence(encoder, Preprocessing(), tmp_path / "photo.png", tmp_path / "reference.png")
    assert found.sheet.size == (672, 224)
    heat = np.asarray(found.heat).astype(int)
    assert np.abs(heat[10:40, 10:40] - HOT).max() < 3 and np.abs(np.ptp(heat[80:, 80:], axis=2)).max() == 0
    assert (found.differences > 0.5).sum() == 16, "a quarter of each side, 4 of 16 patches"


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gap")
    write_tiny_encoder(folder / "tiny.onnx")
    write_pictures(folder / "references", 6, seed=0)
    return folder


def explained(station: Path, photos: Path) -> Explanation:
    encoder = Encoder(station / "tiny.onnx")
    database = embed_references(
        station / "references", encoder, Preprocessing(), Progress(), station / "references.safetensors"
    )
    by_class = {label: sorted((photos / label).iterdir()) for label in COLOURS}
    database = replace(database, whitened=False)
    found = explain(database, encoder, by_class, 5, Progress())
    assert found
    return found


def test_darkness_is_named_and_its_gain_is_what_brightening_brings(station: Path, tmp_path: Path) -> None:
    photos = write_pictures(tmp_path / "photos", 3, seed=1)
    for path in photos.glob("*/*.png"):
        with Image.open(path) as image:
            image.point(lambda level: level // 3).save(path)
    found = explained(station, photos)
    assert found.photos == 9 and found.references == 18
    for gap in found.gaps:
        assert gap.photos < gap.references and gap.gains["brightness"] == max(gap.gains.values())
        assert "darker than the references" in gap.causes[0] and "Lower the scene's light" in gap.causes[0]

    encoder, label = Encoder(station / "tiny.onnx"), found.gaps[0].label
    (station / "brighter").mkdir()
    mean = np.mean(
        [np.asarray(Image.open(path).convert("L")).mean() for path in (station / "references" / label).iterdir()]
    )
    for path in (photos / label).iterdir():
        with Image.open(path) as image:
            factor = mean / np.asarray(image.convert("L")).mean()
            bright = (np.asarray(image) * factor).clip(0, 255).round().astype(np.uint8)
        Image.fromarray(bright).save(station / "brighter" / path.name)

    def similarity(folder: Path) -> float:
        vectors = [
            embed_files(encoder, Preprocessing(), sorted(place.iterdir()), Progress(), "").embeddings
            for place in (folder, station / "references" / label)
        ]
        return float(cosine_similarity(*vectors).max(axis=1).mean())

    gain = similarity(station / "brighter") - similarity(photos / label)
    assert found.gaps[0].gains["brightness"] == pytest.approx(gain, abs=0.01)


def test_photos_like_the_references_have_no_cause(station: Path, tmp_path: Path) -> None:
    found = explained(station, write_pictures(tmp_path / "photos", 3, seed=1))
    assert all(not gap.causes for gap in found.gaps)
    assert found.ablations["as they are"] == found.ablations["centred vectors"] == 1.0


def test_a_missing_colour_is_named_and_does_not_matter_in_greyscale(station: Path, tmp_path: Path) -> None:
    photos = write_pictures(tmp_path / "photos", 3, seed=1)
    for path in photos.glob("*/*.png"):
        with Image.open(path) as image:
            image.convert("L").convert("RGB").save(path)
    found = explained(station, photos)
    assert all("another colour than the references" in gap.causes[0] for gap in found.gaps)
    assert found.ablations["greyscale"] == 1.0 > found.ablations["as they are"]


def test_a_gap_needs_the_reference_images(station: Path, tmp_path: Path) -> None:
    encoder = Encoder(station / "tiny.onnx")
    photos = write_pictures(tmp_path / "photos", 1, seed=1)
    references = shutil.copytree(station / "references", tmp_path / "references")
    database = embed_references(references, encoder, Preprocessing(), Progress(), tmp_path / "references.safetensors")
    (references / "red" / "0000.png").unlink()
    assert (
        explain(
            replace(database, path=tmp_path / "references.safetensors"),
            encoder,
            {"red": [photos / "red" / "0000.png"]},
            5,
            Progress(),
        )
        is None
    )


def random_database(poses: int) -> ReferenceDatabase:
    generator = np.random.default_rng(0)
    vectors = generator.normal(size=(2 * poses, 8)).astype(np.float32)
    vectors[:poses, 0] += 1
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    matrices = np.tile(generator.normal(size=(poses, 4, 4)).astype(np.float32), (2, 1, 1))
    labels = np.repeat(np.arange(2), poses)
    return ReferenceDatabase(
        vectors, labels, matrices, ("a", "b"), tuple(map(str, range(2 * poses))), None, Preprocessing(), {}
    )


def test_other_draws_of_poses_spread_f1() -> None:
    database = random_database(10)
    photos = np.random.default_rng(1).normal(size=(60, 8)).astype(np.float32)
    true = (photos[:, 0] < 0).astype(np.int64)
    photos /= np.linalg.norm(photos, axis=1, keepdims=True)
    found = resampled_f1(database, photos, true, 5, 8)
    assert found.shape == (8,) and np.ptp(found) > 0 and (found == resampled_f1(database, photos, true, 5, 8)).all()
    alike = database.take(np.zeros(1, np.int64))
    assert np.ptp(resampled_f1(alike, photos, true, 1, 4)) == 0, "one reference leaves nothing to draw"
