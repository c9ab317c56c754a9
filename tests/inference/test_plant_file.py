# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plant file may say, and that everything wrong with it is told at once."""

from pathlib import Path

import pytest

from synthetic_similarity_search.inference.errors import InputError
from synthetic_similarity_search.inference.plant.plant_file import missing_photos, read_plant


def plant(folder: Path, text: str) -> Path:
    path = folder / "plant.toml"
    path.write_text(text, "utf-8")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("door-left", "door-right", "bonnet"):
        (tmp_path / "stations" / name).mkdir(parents=True)
        (tmp_path / "stations" / name / "station.blend").touch()
    (tmp_path / "one.blend").touch()
    (tmp_path / "make.py").touch()
    return tmp_path


def test_defaults_patterns_and_what_differs(folder: Path) -> None:
    read = read_plant(
        plant(
            folder,
            """
            [defaults]
            photos = "photos/{name}"
            samples = 2
            target = 0.9
            [[station]]
            scenes = "stations/*/station.blend"
            output = "out/{folder}"
            k = 3
            [[station]]
            name = "one"
            scene = "one.blend"
            samples = 8
            classes = ["present", "absent"]
            crop = [0, 0.25, 1, 0.5]
            paper = true
            [[station]]
            name = "made"
            script = "make.py"
            arguments = ["38"]
            target = 0
            """,
        )
    )
    by_name = {station.name: station for station in read.stations}
    assert list(by_name) == ["bonnet", "door-left", "door-right", "one", "made"]
    left, one, made = by_name["door-left"], by_name["one"], by_name["made"]
    assert left.photos == folder / "photos" / "door-left" and left.output.path == folder / "out" / "door-left"
    assert left.options("build") == ["--samples=2"] and left.options("validate") == ["--k=3"]
    assert one.options("build") == ["--samples=8", "--classes=present,absent", "--crop=0,0.25,1,0.5"]
    assert one.options("validate") == ["--paper"] and one.output.path == folder / "results" / "one"
    assert made.scene == folder / "results" / "made" / "made.blend" and made.target == 0 and left.target == 0.9
    assert [station.name for station in read.chosen("door-*,one")] == ["door-left", "door-right", "one"]
    assert read.history == folder / "plant.sqlite"
    assert len(missing_photos(read.stations)) == 5
    with pytest.raises(InputError, match='No station is named "roof\\*". The stations are: bonnet, door-left'):
        read.chosen("door-*,roof*")


def test_patterns_of_files(folder: Path) -> None:
    read = read_plant(plant(folder, '[[station]]\nscenes = "*.blend"\nname = "hall-{name}"'))
    assert [station.name for station in read.stations] == ["hall-one"]


@pytest.mark.parametrize(
    "text, told",
    [
        ("", ["plant.toml lists no station"]),
        ("[[station", ["plant.toml is no TOML file"]),
        ("station = 3", ["Write [[station]] above each"]),
        ("[plant]\n[[station]]\nscene = 'one.blend'", ["unknown part [plant]"]),
        ("defaults = 1\n[[station]]\nscene = 'one.blend'", ["Write [defaults] above it"]),
        ("[[station]]\nname = 'x'", ["station x has no scene. Give it one of scene, scenes or script."]),
        ("[[station]]\nscene = 'one.blend'\nscript = 'make.py'", ["has scene and script"]),
        ("[[station]]\nscript = 'make.py'", ["has a script but no name"]),
        ("[[station]]\nscenes = 'none/*.blend'", ['No file fits "none/*.blend"']),
        ("[[station]]\nscenes = '/*.blend'", ["No file fits"]),
        ("[[station]]\nscenes = 'stations/*/*.blend'\nname = 'x'", ["must contain {name}"]),
        ("[[station]]\nscene = 'one.blend'\nname = 'a/b'", ['The station name "a/b" contains /']),
        ("[[station]]\nscene = 'one.blend'\nsample = 3", ["sample of station 1 is unknown. Did you mean samples?"]),
        (
            "[[station]]\nscene = 'lost.blend'\n[[station]]\nscene = 'one.blend'\nsamples = 'many'\ntarget = 2",
            ["lost.blend, does not exist", "samples of station 2 must be a number", "target of station 2 must be"],
        ),
        ("[defaults]\nname = 'x'\n[[station]]\nscene = 'one.blend'", ["belongs to one station"]),
        ("[[station]]\nscene = 'one.blend'\n[[station]]\nscene = 'one.blend'", ["Two stations are named one"]),
        (
            "[defaults]\noutput = 'out'\n[[station]]\nscenes = 'stations/door-*/station.blend'",
            ["Stations door-left and door-right have the same output"],
        ),
        ("[[station]]\nscene = 'one.blend'\nclasses = ['a,b']", ["must be a list of class names"]),
        ("[[station]]\nscene = 'one.blend'\ncrop = [0, 0, 2, 1]", ["must be X, Y, width and height"]),
        ("[[station]]\nscene = 'one.blend'\nsamples = true", ["samples of station 1 must be"]),
        ("[[station]]\nscene = 'one.blend'\nmodel = 'RESNET'", ["must be one of VITS14"]),
    ],
)
def test_what_is_wrong_is_told_at_once(folder: Path, text: str, told: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        read_plant(plant(folder, text))
    problems = caught.value.problems
    assert len(problems) == len(told), problems
    for part in told:
        assert any(part in problem for problem in problems), problems
    assert all(problem.endswith((".", "?")) and "\n" not in problem for problem in problems)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no plant file"):
        read_plant(tmp_path / "plant.toml")
