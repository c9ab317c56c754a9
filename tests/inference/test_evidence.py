# SPDX-License-Identifier: GPL-3.0-or-later
"""Where photos differ from references, how far they are apart and why."""

import shutil
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics.pairwise import cosine_similarity

from synthetic_similarity_search.inference.database import ReferenceDatabase
from synthetic_similarity_search.inference.domain_gap import MOST_OF_A_CLASS, explain
from synthetic_similarity_search.inference.embedding import embed_files, embed_references
from synthetic_similarity_search.inference.encoder import Encoder, Model
from synthetic_similarity_search.inference.evidence import HOT, REACH, difference, evidence
from synthetic_similarity_search.inference.preprocessing import Preprocessing
from synthetic_similarity_search.inference.progress import Progress
from synthetic_similarity_search.inference.repeatability import resampled_f1
from synthetic_similarity_search.inference.validation_result import Explanation
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


def database_of(station: Path) -> tuple[ReferenceDatabase, Encoder]:
    encoder = Encoder(station / "tiny.onnx")
    database = embed_references(
        station / "references", encoder, Preprocessing(), Progress(), station / "references.safetensors"
    )
    return replace(database, whitened=False), encoder


def explained(station: Path, photos: Path, mistaken: Collection[Path] = ()) -> Explanation:
    by_class = {label: sorted((photos / label).iterdir()) for label in COLOURS}
    found = explain(*database_of(station), photos, by_class, mistaken, 5, Progress())
    assert found
    return found


def darkened(photos: Path) -> Path:
    for path in photos.glob("*/*.png"):
        with Image.open(path) as image:
            image.point(lambda level: level // 3).save(path)
    return photos


def test_darkness_is_named_and_its_gain_is_what_brightening_brings(station: Path, tmp_path: Path) -> None:
    photos = darkened(write_pictures(tmp_path / "photos", 3, seed=1))
    found = explained(station, photos)
    assert found.photos == 9 and found.references == 18
    assert found.causes[0].name == "brightness"
    assert "darker than the references" in found.causes[0].sentence and "Lower the strength" in found.causes[0].sentence
    for gap in found.gaps:
        assert gap.photos < gap.references and gap.gains["brightness"] == max(gap.gains.values())

    encoder, label = Encoder(station / "tiny.onnx"), found.gaps[0].label
    (station / "brighter").mkdir()

    def level(folder: Path) -> float:
        return float(np.mean([np.asarray(Image.open(path).convert("L")).mean() for path in folder.glob("*/*.png")]))

    factor = level(station / "references") / level(photos)
    for path in (photos / label).iterdir():
        with Image.open(path) as image:
            bright = (np.asarray(image) * factor).clip(0, 255).round().astype(np.uint8)
        Image.fromarray(bright).save(station / "brighter" / path.name)

    def similarity(folder: Path, of: str) -> float:
        vectors = [
            embed_files(encoder, Preprocessing(), sorted(place.iterdir()), Progress(), "").embeddings
            for place in (folder, station / "references" / of)
        ]
        return float(cosine_similarity(*vectors).max(axis=1).mean())

    gain = similarity(station / "brighter", label) - similarity(photos / label, label)
    assert found.gaps[0].gains["brightness"] == pytest.approx(gain, abs=0.01)
    nearest_other = max(similarity(photos / label, other) for other in COLOURS if other != label)
    assert found.gaps[0].others == pytest.approx(nearest_other, abs=0.01)


def test_photos_like_the_references_have_no_cause(station: Path, tmp_path: Path) -> None:
    found = explained(station, write_pictures(tmp_path / "photos", 3, seed=1))
    assert not found.causes
    assert found.ablations["as they are"] == found.ablations["centred vectors"] == 1.0


def test_missing_colour_does_not_matter_in_greyscale(station: Path, tmp_path: Path) -> None:
    photos = write_pictures(tmp_path / "photos", 3, seed=1)
    for path in photos.glob("*/*.png"):
        with Image.open(path) as image:
            image.convert("L").convert("RGB").save(path)
    found = explained(station, photos)
    assert found.ablations["greyscale"] == 1.0 > found.ablations["as they are"]


def test_misclassified_photos_are_looked_at_first(station: Path, tmp_path: Path) -> None:
    photos = write_pictures(tmp_path / "photos", MOST_OF_A_CLASS + 4, seed=1)
    mistaken = sorted((photos / "red").iterdir())[-2:]
    for path in mistaken:
        Image.new("RGB", (64, 48), COLOURS["green"]).save(path)
    found = explained(station, photos, mistaken)
    assert found.photos < 3 * (MOST_OF_A_CLASS + 4)
    assert {pair.photo for pair in found.pairs[:2]} == {path.relative_to(photos).as_posix() for path in mistaken}
    for pair in found.pairs[:2]:
        assert (pair.label, pair.other_label) == ("red", "green") and pair.other_similarity > pair.similarity
        assert "/red/" in pair.reference and "/green/" in str(pair.other_reference)
        assert "colour" in pair.differences


def test_a_gap_needs_the_reference_images(station: Path, tmp_path: Path) -> None:
    encoder = Encoder(station / "tiny.onnx")
    photos = write_pictures(tmp_path / "photos", 1, seed=1)
    references = shutil.copytree(station / "references", tmp_path / "references")
    database = embed_references(references, encoder, Preprocessing(), Progress(), tmp_path / "references.safetensors")
    (references / "red" / "0000.png").unlink()
    database = replace(database, path=tmp_path / "references.safetensors")
    assert explain(database, encoder, photos, {"red": [photos / "red" / "0000.png"]}, (), 5, Progress()) is None


def random_database(poses: int) -> ReferenceDatabase:
    generator = np.random.default_rng(0)
    vectors = generator.normal(size=(2 * poses, 8)).astype(np.float32)
    vectors[:poses, 0] += 1
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    matrices = np.tile(generator.normal(size=(poses, 4, 4)).astype(np.float32), (2, 1, 1))
    labels = np.repeat(np.arange(2), poses)
    images, model = tuple(map(str, range(2 * poses))), Model("tiny", "0" * 64, 8)
    return ReferenceDatabase(vectors, labels, matrices, ("a", "b"), images, model, Preprocessing(), {})


def test_other_draws_of_poses_spread_f1() -> None:
    database = random_database(10)
    photos = np.random.default_rng(1).normal(size=(60, 8)).astype(np.float32)
    true = (photos[:, 0] < 0).astype(np.int64)
    photos /= np.linalg.norm(photos, axis=1, keepdims=True)
    found = resampled_f1(database, photos, true, 5, 8)
    assert found.shape == (8,) and np.ptp(found) > 0 and (found == resampled_f1(database, photos, true, 5, 8)).all()
    alike = database.take(np.zeros(1, np.int64))
    assert np.ptp(resampled_f1(alike, photos, true, 1, 4)) == 0, "one reference leaves nothing to draw"
