# SPDX-License-Identifier: GPL-3.0-or-later
"""Growing a database: the command against building the same references anew."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from synthetic_similarity_search.inference.command_line import main
from synthetic_similarity_search.inference.database import ReferenceDatabase
from synthetic_similarity_search.tests.tiny_encoder import COLOURS, write_pictures, write_tiny_encoder


@pytest.fixture
def station(tmp_path: Path) -> Path:
    write_tiny_encoder(tmp_path / "tiny.onnx")
    write_pictures(tmp_path / "references", 4, seed=0)
    embed(tmp_path, "references")
    return tmp_path


def embed(folder: Path, references: str) -> Path:
    assert run("embed", "--references", folder / references, "--encoder", folder / "tiny.onnx") == 0
    return folder / f"{references}.safetensors"


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def content(path: Path) -> set[tuple[str, str, bytes]]:
    """Class, image and vector of every reference."""
    database = ReferenceDatabase.load(path)
    labels = [database.classes[label] for label in database.labels]
    assert all((path.parent / image).is_file() for image in database.images)
    return set(zip(labels, database.images, map(bytes, database.embeddings), strict=True))


def test_a_removed_class_is_gone_and_nothing_else(station: Path) -> None:
    file = station / "references.safetensors"
    before = content(file)
    assert run("edit", "--database", file, "--remove", "red", "--output", station / "fewer.safetensors") == 0
    assert content(station / "fewer.safetensors") == {entry for entry in before if entry[0] != "red"}
    assert content(file) == before, "another file was asked for"
    shutil.rmtree(station / "references" / "red")
    assert content(station / "fewer.safetensors") == content(embed(station, "references"))


def test_a_replaced_class_comes_from_the_other_database_alone(station: Path) -> None:
    file = station / "references.safetensors"
    before, order = content(file), ReferenceDatabase.load(file).classes
    write_pictures(station / "new", 2, seed=5, classes=("red",))
    other = embed(station, "new")
    assert run("edit", "--database", file, "--replace", other) == 0
    assert content(file) == {entry for entry in before if entry[0] != "red"} | content(other)
    assert ReferenceDatabase.load(file).classes == order
    once = file.read_bytes()
    assert run("edit", "--database", file, "--add", other) == 0
    assert file.read_bytes() == once, "what is there already counts once"


def test_databases_of_other_folders_are_merged_with_their_images(station: Path, tmp_path: Path) -> None:
    (station / "line2").mkdir()
    shutil.copy(station / "tiny.onnx", station / "line2")
    write_pictures(station / "line2" / "references", 3, seed=7, classes=("red", "blue"))
    other = embed(station / "line2", "references")
    assert run("edit", "--database", station / "references.safetensors", "--add", other) == 0
    merged = ReferenceDatabase.load(station / "references.safetensors")
    assert merged.count() == {"blue": 7, "green": 4, "red": 7} and len(set(merged.images)) == 18
    assert all((station / image).is_file() for image in merged.images)


def test_promoted_photos_vote_are_marked_and_outlive_a_build(station: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, photos = station / "references.safetensors", write_pictures(station / "photos", 2, seed=9)
    encoder = ("--encoder", station / "tiny.onnx")
    assert run("edit", "--database", file, "--promote", photos, *encoder) == 0
    grown = ReferenceDatabase.load(file)
    assert len(grown) == 12 + 6 and grown.promoted == tuple(range(12, 18))
    assert all((station / image).is_file() and "photo_" in image for image in grown.images[12:])
    capsys.readouterr()

    photo = photos / "red" / "0000.png"
    assert run("classify", "--database", file, *encoder, photo) == 0
    nearest = json.loads(capsys.readouterr().out.splitlines()[0])["neighbours"][0]
    assert nearest["similarity"] == pytest.approx(1, abs=1e-6) and nearest["reference"] in grown.images[12:]

    assert run("validate", "--database", file, *encoder, "--photos", photos, "--output", station / "out") == 0
    assert "6 of 6 photos are references of the database themselves" in capsys.readouterr().out
    assert json.loads((station / "out" / "metrics.json").read_text())["promoted_among_photos"] == 6

    again = ReferenceDatabase.load(embed(station, "references"))
    marked = {again.images[row]: again.embeddings[row] for row in again.promoted}
    assert marked.keys() == set(grown.images[12:])
    for row in grown.promoted:
        assert np.abs(marked[grown.images[row]] - grown.embeddings[row]).max() < 1e-6


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--remove", "red,purple"], 'There is no class "purple". The database has: blue, green, red.'),
        (["--remove", "red,green,blue"], "That would remove every class. Keep at least one."),
        ([], "There is nothing to change. Give --remove, --replace, --add, --promote or --white-level."),
        (["--promote", "strangers"], 'has a sub-folder "purple", which is not a class'),
        (["--add", "other.safetensors"], "was made with the encoder"),
        (["--add", "cropped.safetensors"], "The databases crop photos differently"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    station: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    file = station / "references.safetensors"
    before = file.read_bytes()
    write_pictures(station / "strangers" / "purple", 1, seed=0)
    write_tiny_encoder(station / "stranger.onnx", seed=3)
    for name, options in (("other", ["--encoder", station / "stranger.onnx"]), ("cropped", ["--crop", "0,0,0.5,1"])):
        encoder = ["--encoder", station / "tiny.onnx"] if name == "cropped" else []
        database = ["--database", station / f"{name}.safetensors"]
        assert run("embed", "--references", station / "references", *database, *options, *encoder) == 0
    capsys.readouterr()
    places = [str(station / text) if text.endswith(("strangers", "safetensors")) else text for text in arguments]
    assert run("edit", "--database", file, "--encoder", station / "tiny.onnx", *places) == 2
    assert said in capsys.readouterr().err
    assert file.read_bytes() == before and not list((station / "references").glob("*/photo_*"))
    assert set(COLOURS) == {path.name for path in (station / "references").iterdir()}
