# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes a validation worth less than it seems is told: classes that cannot win, photos that are references, results
that would be overwritten."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synthetic_similarity_search.inference.command_line import main
from synthetic_similarity_search.tests.tiny_encoder import write_tiny_encoder


@pytest.fixture
def station(tmp_path: Path) -> Path:
    write_tiny_encoder(tmp_path / "tiny.onnx")
    write_scenes(tmp_path / "references", 6, seed=0)
    write_scenes(tmp_path / "photos", 3, seed=1)
    run(tmp_path, "embed", "--references", tmp_path / "references")
    return tmp_path


def write_scenes(folder: Path, count: int, seed: int) -> Path:
    """Pictures that differ among each other, as photos do: coloured squares anywhere."""
    generator = np.random.default_rng(seed)
    for label, colour in (("blue", (40, 40, 220)), ("red", (220, 40, 40))):
        (folder / label).mkdir(parents=True)
        for number in range(count):
            pixels = generator.normal(110, 30, (64, 64, 3))
            top, left = generator.integers(0, 40, 2)
            pixels[top : top + 24, left : left + 24] = colour
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / label / f"{number}.png")
    return folder


def run(station: Path, *arguments: object) -> int:
    return main([*map(str, arguments), *(["--encoder", str(station / "tiny.onnx")] if arguments[0] != "check" else [])])


def validate(station: Path, *options: object, photos: str = "photos", database: str = "references") -> int:
    return run(
        station, "validate", "--database", station / f"{database}.safetensors", "--photos", station / photos,
        "--output", station / "out", *options,
    )  # fmt: skip


def check(station: Path, *options: object) -> int:
    return run(station, "check", "--database", station / "references.safetensors", *options)


def metrics(station: Path) -> dict:
    return json.loads((station / "out" / "metrics.json").read_text())


@pytest.mark.parametrize("count, k, told", [(1, 3, True), (2, 3, False), (2, 5, True), (3, 5, False), (1, 1, False)])
def test_a_class_that_cannot_win_is_told(
    station: Path, count: int, k: int, told: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in sorted((station / "references" / "red").iterdir())[count:]:
        path.unlink()
    sentence = f"Classes with fewer references than half of the {k} that vote can hardly win: red ({count}). Add"
    advice = f"choose k = {max(2 * count - 1, 1)} or less"
    capsys.readouterr()
    run(station, "embed", "--references", station / "references")
    if k == 5:
        assert (sentence in capsys.readouterr().err) == told
    capsys.readouterr()
    for command in (validate, check):
        command(station, "--k", k)
        error = capsys.readouterr().err
        assert (sentence in error) == told and (advice in error) == told


def test_photos_that_are_references_are_counted_and_told(station: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert validate(station) == 0
    assert "references_among_photos" not in metrics(station) and "too high" not in capsys.readouterr().out
    assert "so these scores are too high" not in (station / "out" / "report.html").read_text("utf-8")
    shutil.copy(station / "references" / "red" / "2.png", station / "photos" / "red" / "same bytes.png")
    with Image.open(station / "references" / "blue" / "3.png") as image:
        image.save(station / "photos" / "blue" / "saved again.bmp")
    assert validate(station) == 0
    said = capsys.readouterr().out
    assert "2 of 8 photos are references of the database themselves" in said and "F1 is too high" in said
    assert metrics(station)["references_among_photos"] == [
        {"path": "blue/saved again.bmp", "reference": "references/blue/3.png"},
        {"path": "red/same bytes.png", "reference": "references/red/2.png"},
    ]
    assert "2 photos are references of the database, so these scores are too high" in (
        station / "out" / "report.html"
    ).read_text("utf-8")


def test_a_cropped_reference_is_known_by_its_bytes(station: Path) -> None:
    shutil.copy(station / "references" / "red" / "2.png", station / "photos" / "red" / "same.png")
    assert validate(station, "--crop", "0.5,0.5,0.5,0.5") == 0
    (copy,) = metrics(station)["references_among_photos"]
    assert copy == {"path": "red/same.png", "reference": "references/red/2.png"}
    shutil.rmtree(station / "references")
    assert validate(station) == 0
    assert metrics(station)["references_among_photos"] == [copy], "its vector is known where its file is gone"


def files(station: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (station / "out").iterdir() if not path.name.startswith(".")}


@pytest.mark.parametrize("other", [{"photos": "others"}, {"database": "another"}])
def test_another_result_is_replaced_only_if_asked_for(
    station: Path, other: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(station / "photos", station / "others")
    shutil.copy(station / "references.safetensors", station / "another.safetensors")
    assert validate(station) == 0
    kept, first = files(station), metrics(station)["macro_f1"]
    capsys.readouterr()
    assert validate(station, **other) == 2
    said = capsys.readouterr().err
    assert "references.safetensors" in said and (station / "photos").as_posix() in said
    assert "Choose another --output, or give --fresh to replace it." in said and files(station) == kept
    assert validate(station, "--fresh", **other) == 0
    assert "The earlier result in" in capsys.readouterr().err and files(station) != kept
    assert metrics(station)["macro_f1"] == first
    assert validate(station) == 2, "now that one is held"


def test_the_same_result_may_be_replaced_and_it_is_said(
    station: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert validate(station) == 0
    assert "The earlier result" not in capsys.readouterr().err
    monkeypatch.chdir(station)
    names = ("--database", "references.safetensors", "--photos", "photos", "--output", "out", "--k", 3)
    assert run(station, "validate", *names) == 0, "however the paths are written"
    assert "The earlier result in out was replaced." in capsys.readouterr().err and metrics(station)["k"] == 3


def test_a_file_that_is_no_result_is_not_overwritten(station: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (station / "out").mkdir()
    for content in ("{}", "[1]", "hello", '{"classes": 3}'):
        (station / "out" / "metrics.json").write_text(content)
        assert validate(station) == 2
        assert "metrics.json is no result of a validation. Choose another" in capsys.readouterr().err
        assert (station / "out" / "metrics.json").read_text() == content
    assert validate(station, "--fresh") == 0


def test_a_result_of_version_0_1_0_is_known_by_its_database(station: Path) -> None:
    assert validate(station) == 0
    older = metrics(station)
    del older["photos_directory"]
    (station / "out" / "metrics.json").write_text(json.dumps(older))
    assert validate(station) == 0
    (station / "out" / "metrics.json").write_text(json.dumps(older | {"database": "elsewhere/references.safetensors"}))
    assert validate(station) == 2
