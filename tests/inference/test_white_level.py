# SPDX-License-Identifier: GPL-3.0-or-later
"""What is white in a 12-bit camera's photos, through the commands: the same verdicts as of the same photos with 8 bits."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synthetic_similarity_search.inference.command_line import main
from synthetic_similarity_search.inference.database import ReferenceDatabase
from synthetic_similarity_search.tests.photo_writers import png, scaled
from synthetic_similarity_search.tests.tiny_encoder import write_pictures, write_tiny_encoder


@pytest.fixture
def station(tmp_path: Path) -> Path:
    """A database, photos, and the same photos as a 12-bit camera writes them."""
    write_tiny_encoder(tmp_path / "tiny.onnx")
    write_pictures(tmp_path / "references", 4, seed=0)
    write_pictures(tmp_path / "photos", 3, seed=1)
    for photo in sorted((tmp_path / "photos").glob("*/*.png")):
        place = tmp_path / "deep" / photo.parent.name / photo.name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(png(scaled(np.asarray(Image.open(photo)), 4095)))
    run(tmp_path, "embed", "--references", tmp_path / "references")
    return tmp_path


def run(station: Path, *arguments: object) -> None:
    assert main([*map(str, arguments), "--encoder", str(station / "tiny.onnx")]) == 0


def validate(station: Path, photos: str, *options: object) -> tuple[dict, dict[str, list[float]]]:
    """``metrics.json``, and of each photo the similarities to its nearest references."""
    shutil.rmtree(station / "out", ignore_errors=True)
    run(station, "validate", "--database", station / "references.safetensors", "--photos", station / photos,
        "--output", station / "out", *options)  # fmt: skip
    with (station / "out" / "predictions.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["path"]: [float(row[f"similarity_{n}"]) for n in range(1, 6)] for row in csv.DictReader(file)}
    return json.loads((station / "out" / "metrics.json").read_text()), rows


def test_the_white_level_is_told_by_all_photos_and_the_user_learns_it(
    station: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain, similarities = validate(station, "photos")
    assert "white_level" not in plain and "white" not in capsys.readouterr().err
    deep, deep_similarities = validate(station, "deep")
    assert deep["white_level"] == 4095 and deep["macro_f1"] == plain["macro_f1"] == 1
    assert "White is 4095 in files of 16 bits" in (station / "out" / "report.html").read_text("utf-8")
    for path, expected in similarities.items():
        assert deep_similarities[path] == pytest.approx(expected, abs=1e-3)
    (said,) = (line for line in capsys.readouterr().err.splitlines() if "white" in line.lower() and "Warning" in line)
    assert "None of them has a value above 4095" in said and "--white-level" in said
    # A dark photo among brighter ones is not brightened.
    dark = png(scaled(np.full((48, 64, 3), 30, np.uint8), 4095))
    (station / "deep" / "red" / "dark.png").write_bytes(dark)
    assert validate(station, "deep")[0]["white_level"] == 4095


def test_the_white_level_can_be_set_for_a_run_and_kept_in_the_database(
    station: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deep = validate(station, "deep")[1]
    dark = validate(station, "deep", "--white-level", 65535)[1]
    assert max(abs(dark[path][0] - deep[path][0]) for path in deep) > 0.01
    database = station / "references.safetensors"
    before = ReferenceDatabase.load(database)
    run(station, "edit", "--database", database, "--white-level", 4095)
    kept = ReferenceDatabase.load(database)
    assert kept.preprocessing.white_level == 4095 and (kept.embeddings == before.embeddings).all()
    capsys.readouterr()
    assert validate(station, "deep")[1] == deep
    assert "Warning" not in capsys.readouterr().err
    run(station, "embed", "--references", station / "references", "--white-level", 1023)
    assert ReferenceDatabase.load(database).preprocessing.white_level == 1023
    assert (
        validate(station, "deep")[0]["notes"][0]["note"]
        == "it has values above the white level 1023, which became white"
    )
    assert "0000.png and 8 more: it has values above the white level 1023" in capsys.readouterr().err


def test_references_of_a_12_bit_camera_tell_it_to_the_database(station: Path) -> None:
    run(station, "embed", "--references", station / "deep", "--database", station / "deep.safetensors")
    run(station, "embed", "--references", station / "photos", "--database", station / "plain.safetensors")
    deep, plain = (ReferenceDatabase.load(station / f"{name}.safetensors") for name in ("deep", "plain"))
    assert deep.preprocessing.white_level == 4095 and plain.preprocessing.white_level is None
    assert np.einsum("ij,ij->i", deep.embeddings, plain.embeddings).min() > 0.999
    assert b"white_level" not in (station / "plain.safetensors").read_bytes()


def test_joined_databases_agree_on_white(station: Path, capsys: pytest.CaptureFixture[str]) -> None:
    databases = [station / f"{level}.safetensors" for level in ("none", 1023, 4095)]
    for database, options in zip(databases, ([], ["--white-level", 1023], ["--white-level", 4095])):
        run(station, "embed", "--references", station / "references", "--database", database, *options)
    run(station, "edit", "--database", databases[0], "--add", databases[1], "--output", station / "both.safetensors")
    assert ReferenceDatabase.load(station / "both.safetensors").preprocessing.white_level == 1023
    arguments = ["edit", "--database", str(databases[1]), "--add", str(databases[2])]
    capsys.readouterr()
    assert main(arguments) == 2
    assert (
        "The white level is 1023 in one database and 4095 in the other. Give --white-level." in capsys.readouterr().err
    )
    assert main([*arguments, "--white-level", "4095"]) == 0


@pytest.mark.parametrize("wrong", ["0", "65536", "12 bits", "-1"])
def test_no_white_level(station: Path, wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["classify", "--database", "x", f"--white-level={wrong}", "PHOTO"]) == 2
    assert "A white level is a number from 1 to 65535, 4095 for 12 bits" in capsys.readouterr().err


def test_classify_says_in_the_photo_s_line_what_was_assumed(station: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos = [station / "deep" / "red" / "0000.png", station / "photos" / "red" / "0000.png", station / "damaged.png"]
    Image.open(photos[1]).save(photos[2], icc_profile=b"none")
    capsys.readouterr()
    run(station, "classify", "--database", station / "references.safetensors", *photos)
    deep, plain, damaged = map(json.loads, capsys.readouterr().out.splitlines())
    assert "None of them has a value above 4095" in deep["notes"][0] and len(deep["notes"]) == 1
    assert "notes" not in plain
    assert damaged["notes"] == ["its colour profile is damaged or belongs to another kind of image, and was ignored"]
