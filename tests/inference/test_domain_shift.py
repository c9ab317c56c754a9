# SPDX-License-Identifier: GPL-3.0-or-later
"""References are moved toward the photos that their scene was matched to, if these are there and of enough classes."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synthetic_similarity_search.inference import onnx_export
from synthetic_similarity_search.inference.classifier import Classifier
from synthetic_similarity_search.inference.command_line import main
from synthetic_similarity_search.inference.database import ReferenceDatabase
from synthetic_similarity_search.inference.embedding import embed_files
from synthetic_similarity_search.inference.encoder import Encoder, import_onnxruntime
from synthetic_similarity_search.inference.files import sha256_file
from synthetic_similarity_search.inference.progress import Progress
from synthetic_similarity_search.tests.tiny_database import database
from synthetic_similarity_search.tests.tiny_encoder import write_pictures, write_tiny_encoder

MOVED = "moved toward the photos that the scene was matched to"


@pytest.fixture
def station(tmp_path: Path) -> Path:
    """An encoder, references, and photos of another light, which their recipe says the scene was matched to."""
    write_tiny_encoder(tmp_path / "tiny.onnx")
    write_pictures(tmp_path / "references", 6, seed=0)
    write_pictures(tmp_path / "photos", 3, seed=1)
    for path in sorted((tmp_path / "photos").glob("*/*.png")):
        photo = path.with_name(f"{path.parent.name}_{path.name}")  # files of one name would be told apart by hash alone
        Image.open(path).point(lambda level: round(0.7 * level)).save(photo)
        path.unlink()
    matched_to(tmp_path, tmp_path / "photos")
    return tmp_path


def matched_to(station: Path, photos: Path, changes: tuple[str, ...] = ("Lamp brighter",)) -> None:
    """Let the recipe of the references say so."""
    names = {sha256_file(path): path.name for path in photos.glob("*/*.png")}
    recipe = {"matched": {"photos": names, "changes": changes}, "images": []}
    (station / "references" / "recipe.json").write_text(json.dumps(recipe))


def embed(station: Path, *arguments: object) -> ReferenceDatabase:
    command = ("embed", "--references", station / "references", "--encoder", station / "tiny.onnx", *arguments)
    assert main([str(argument) for argument in command]) == 0
    return ReferenceDatabase.load(station / "references.safetensors")


def vectors(station: Path, made: ReferenceDatabase, photos: list[Path]) -> np.ndarray:
    encoder = Encoder(station / "tiny.onnx").with_foreground()
    return embed_files(encoder, made.preprocessing, photos, Progress(), "Embedding").embeddings


def test_references_move_half_way_toward_photos(station: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = embed(station)
    Image.new("RGB", (8, 8)).save(station / "photos" / "red" / "another.png")  # the scene was not matched to this one
    made = embed(station, "--matched-photos", station / "photos")
    assert f"(blue 6, green 6, red 6), {MOVED} in" in capsys.readouterr().out
    photos = vectors(station, made, sorted((station / "photos").glob("*/*_*.png")))
    assert len(photos) == 9

    # The same by plain means: the photos' five nearest by similarity, which nothing of the shift has touched.
    nearest = np.argsort(-plain.whitening.similarities(photos, plain.embeddings), axis=1)[:, :5]
    expected = np.mean(
        [photo - plain.embeddings[rows].mean(axis=0) for photo, rows in zip(photos, nearest, strict=True)], 0
    )
    assert made.domain_shift == pytest.approx(expected / 2, abs=1e-6)
    assert made.domain_shift.dtype == np.float32 and (made.embeddings == plain.embeddings).all()

    moved = plain.embeddings.astype(np.float64) + made.domain_shift
    tokens = moved.reshape(len(moved), 2, -1)
    tokens /= np.linalg.norm(tokens, axis=2, keepdims=True)
    assert made.compared == pytest.approx(tokens.reshape(moved.shape), abs=1e-6)
    before, after = (np.mean(base.nearest(photos, 5)[0]) for base in (plain, made))
    assert after > before + 0.01

    for base in (plain, made):
        assert (base.as_in_paper().compared == base.class_tokens).all(), "the paper compares references as they are"


@pytest.mark.parametrize(
    ("photos", "said"),
    [
        (None, "The photos that the scene was matched to were not found"),
        ("missing", "The photos that the scene was matched to were not found"),
        ("of one class", "look like 1 of 3 classes only, so references are not moved toward them"),
    ],
)
def test_why_references_stay_is_said(
    station: Path, photos: str | None, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_pictures(station / "of one class", 6, seed=2, classes=("red",))
    if photos == "of one class":
        matched_to(station, station / photos)
    made = embed(station, *(["--matched-photos", station / photos] if photos else []))
    out, err = capsys.readouterr()
    assert made.domain_shift is None and MOVED not in out
    assert said in err and err.count("Warning") == 1


def test_references_of_a_scene_that_fitted_stay_without_a_word(
    station: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    matched_to(station, station / "photos", changes=())
    assert embed(station, "--matched-photos", station / "photos").domain_shift is None
    assert "photos" not in "".join(capsys.readouterr())


def test_promoted_photos_stay_where_they_are(station: Path) -> None:
    embed(station, "--matched-photos", station / "photos")
    file, encoder = station / "references.safetensors", ("--encoder", str(station / "tiny.onnx"))
    assert main(["edit", "--database", str(file), "--promote", str(station / "photos"), *encoder]) == 0
    grown = ReferenceDatabase.load(file)
    rows = list(grown.promoted)
    assert len(rows) == 9 and (grown.compared[rows] == grown.embeddings[rows]).all()
    similarities, found, _ = grown.nearest(grown.embeddings[rows], 1)
    assert similarities == pytest.approx(np.ones((9, 1)), abs=1e-5) and found[:, 0].tolist() == rows

    again = embed(station, "--matched-photos", station / "photos")  # promoted photos take no part in the shift
    assert again.domain_shift == pytest.approx(grown.domain_shift, abs=1e-6) and len(again.promoted) == 9


def test_the_exported_file_compares_as_classify_does(station: Path, tmp_path: Path) -> None:
    made = embed(station, "--matched-photos", station / "photos")
    encoder, photos = Encoder(station / "tiny.onnx"), sorted((station / "photos").glob("*/*.png"))
    verdicts = Classifier.create(made, encoder, 5, Progress()).classify(photos, Progress()).verdicts
    onnx_export.export_onnx(made, encoder.path, tmp_path / "station.onnx", "image", 5)
    session = import_onnxruntime().InferenceSession(tmp_path / "station.onnx", providers=["CPUExecutionProvider"])
    for photo, verdict in zip(photos, verdicts, strict=True):
        label, _, similarities, _ = session.run(None, {"images": np.asarray(Image.open(photo))[None]})
        assert made.classes[label[0]] == verdict.predicted
        assert similarities[0] == pytest.approx([near.similarity for near in verdict.neighbours], abs=1e-3)


def test_a_join_keeps_the_shift_of_the_station(station: Path) -> None:
    shifted = embed(station, "--matched-photos", station / "photos").domain_shift
    (station / "references.safetensors").rename(station / "shifted.safetensors")
    embed(station)
    for first, second in (("shifted", "references"), ("references", "shifted")):
        command = ("edit", "--database", f"{first}.safetensors", "--replace", f"{second}.safetensors")
        paths = [str(station / word) if word.endswith("tensors") else word for word in command]
        assert main([*paths, "--output", str(station / "joined.safetensors")]) == 0
        assert (ReferenceDatabase.load(station / "joined.safetensors").domain_shift == shifted).all()


def test_a_file_with_a_shift_is_for_this_version(tmp_path: Path) -> None:
    shift = np.full(8, 0.1, np.float32)
    replace(database(), domain_shift=shift).save(tmp_path / "references.safetensors")
    content = (tmp_path / "references.safetensors").read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    assert header["__metadata__"]["format_version"] == "2" and header["domain_shift"]["shape"] == [8]
    assert (ReferenceDatabase.load(tmp_path / "references.safetensors").domain_shift == shift).all()
