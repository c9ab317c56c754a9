# SPDX-License-Identifier: GPL-3.0-or-later
"""Match Look: a look that was changed is found again from photos without labels; what stops it is told in a sentence."""

import json
import math
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from PIL import Image

from synthetic_similarity_search.inference.database import ReferenceDatabase
from synthetic_similarity_search.inference.encoder import Encoder
from synthetic_similarity_search.inference.likeness import Likeness, Seen
from synthetic_similarity_search.inference.preprocessing import Preprocessing
from synthetic_similarity_search.scene import recipe
from synthetic_similarity_search.scene.look_controls import find_controls
from synthetic_similarity_search.scene.match import DIRECTION, _Matcher, unlike, worth_taking
from synthetic_similarity_search.scene.read_settings import read_settings
from synthetic_similarity_search.tests.commands import last_json, run
from synthetic_similarity_search.tests.rendering import render
from synthetic_similarity_search.tests.tiny_encoder import write_tiny_encoder
from synthetic_similarity_search.tests.tiny_scene import ROOT, build_scene

CHANGED = {"Lamp strength": 1.0, "Cube brightness": -1.5, "Cube red": 2.5, "Table brightness": 1.0}
"""By how much the photographed station differs from the scene."""


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the scene as it is, an encoder, and photos of a station that looks otherwise, in class folders."""
    folder = tmp_path_factory.mktemp("station")
    write_tiny_encoder(folder / "vits14.onnx")
    scene = build_scene()
    scene.simsearch.jitter.light_strength = 0.5
    scene.simsearch.jitter.location[2], scene.simsearch.jitter.rotation = 0.0, (0.0, 0.0, 0.1)  # the camera stays
    scene.simsearch.output_directory = str(folder / "out")
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "scene.blend"))
    scene.simsearch.jitter.light_strength = 0.0
    controls = find_controls(scene, read_settings(scene))
    controls.turn([CHANGED.get(f"{knob.subject} {knob.quantity}", 0.0) for knob in controls.knobs])
    render(scene, folder / "photos", images_per_class=4, seed=9)
    (folder / "photos" / "recipe.json").unlink()
    return folder


def match(folder: Path, *arguments: object, photos: str = "photos") -> Any:
    return run(
        "--scene", folder / "scene.blend", "match", "--photos", folder / photos, "--encoder", folder / "vits14.onnx", "--json",
        *arguments,
    )  # fmt: skip


def brightness(folder: Path) -> float:
    return float(np.mean([np.asarray(Image.open(path).convert("L")).mean() for path in folder.glob("*/*.png")]))


@pytest.fixture(scope="module")
def matched(station: Path) -> dict[str, Any]:
    """The result of a match, whose scene is saved."""
    done = match(
        station, "--output", station / "out", "--save", station / "matched.blend", "--candidates", "12", "--jobs", "1"
    )
    assert done.returncode == 0, done.stderr
    return last_json(done.stdout) | {"stdout": done.stdout, "stderr": done.stderr}


def test_the_look_comes_nearer_to_the_photos(station: Path, matched: dict[str, Any]) -> None:
    assert matched["after"] > matched["before"] + 0.05
    photos, found, red = brightness(station / "photos"), {}, {}
    for name in ("scene", "matched"):
        bpy.ops.wm.open_mainfile(filepath=str(station / f"{name}.blend"))
        bpy.context.scene.simsearch.jitter.light_strength = 0.0
        render(bpy.context.scene, station / name, images_per_class=4, seed=9)
        found[name] = brightness(station / name)
        shader = bpy.data.materials["Cube"].node_tree.nodes["Principled BSDF"]
        red[name] = shader.inputs["Base Color"].default_value[0] / shader.inputs["Base Color"].default_value[1]
    assert abs(found["matched"] - photos) < 0.5 * abs(found["scene"] - photos)
    assert red["scene"] == pytest.approx(1) and red["matched"] > 1.5, "the part is red in the photos"


def test_it_says_beforehand_how_long_and_afterwards_what_was_changed(station: Path, matched: dict[str, Any]) -> None:
    assert "images to render and compare: this takes about" in matched["stderr"]
    assert matched["changes"] and set(matched["changes"]) <= set(matched["stdout"].splitlines())
    assert f"Likeness to 8 photos: {matched['before']:.3f} before, {matched['after']:.3f} after" in matched["stdout"]
    with Image.open(station / "out" / "match.png") as sheet:
        assert sheet.width > 128 and sheet.height > 3 * 128
    assert not (station / "out" / "match").exists()  # the candidates are not kept


def test_the_scene_is_saved_with_its_jitter_and_the_original_is_untouched(
    station: Path, matched: dict[str, Any]
) -> None:
    bpy.ops.wm.open_mainfile(filepath=str(station / "matched.blend"))
    assert bpy.context.scene.simsearch.jitter.light_strength == pytest.approx(0.5)
    assert json.loads(bpy.context.scene.simsearch.matched)["changes"] == matched["changes"]
    assert Path(bpy.context.scene.simsearch.match_directory) == station / "photos"
    bpy.ops.wm.open_mainfile(filepath=str(station / "scene.blend"))
    assert bpy.context.scene.simsearch.matched == ""
    assert len(bpy.data.materials["Cube"].node_tree.nodes) == 2


def test_a_stopped_match_goes_on_to_the_same_end(station: Path, matched: dict[str, Any], tmp_path: Path) -> None:
    arguments = [
        sys.executable, ROOT / "batch.py", "--scene", station / "scene.blend", "match", "--photos", station / "photos",
        "--encoder", station / "vits14.onnx", "--output", tmp_path, "--candidates", "12", "--jobs", "2",
    ]  # fmt: skip
    with subprocess.Popen([*map(str, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 300
        while len(rendered := list(tmp_path.glob("match/*/*.png"))) < 20:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.1)
        process.kill()
    done = match(station, "--output", tmp_path, "--candidates", "12")  # in two processes as in one
    assert last_json(done.stdout)["values"] == matched["values"]
    assert "this takes about" not in done.stderr and len(rendered) >= 20  # the first images were there already


def test_f1_is_told_with_and_without_the_photos_that_were_matched(station: Path, matched: dict[str, Any]) -> None:
    scene, out, encoder = station / "matched.blend", station / "built", station / "vits14.onnx"
    done = run("--scene", scene, "build", "--output", out, "--encoder", encoder)
    assert done.returncode == 0, done.stderr
    database = out / "references.safetensors"
    built = ReferenceDatabase.load(database)
    assert built.domain_shift is not None and "moved toward the photos" in done.stdout  # the scene knows their folder
    recipe = built.recipe
    assert recipe["matched"] == {"photos": matched["photos"], "changes": matched["changes"]}
    others = station / "others"
    shutil.copytree(station / "photos", others)
    for path in sorted(others.glob("*/*0.png")):
        Image.open(path).convert("L").convert("RGB").save(path)  # another photo
    validate = ("validate", "--database", database, "--encoder", encoder, "--k", "1", "--json")
    found = {}
    for photos in (others, station / "photos"):
        done = run("--scene", scene, *validate, "--photos", photos, "--output", station / f"scores of {photos.name}")
        assert done.returncode == 0, done.stderr
        found[photos.name] = last_json(done.stdout)["matched"], done.stdout
        page = (station / f"scores of {photos.name}" / "report.html").read_text("utf-8")
        assert "The scene was matched to" in page
    assert found["others"][0]["photos"] == 6 and 0 <= found["others"][0]["macro_f1_without"] <= 1
    assert "The scene was matched to 6 of these 8 photos. Without them, macro F1 is" in found["others"][1]
    assert found["photos"][0] == {"photos": 8, "macro_f1_without": None}
    assert "The scene was matched to 8 of these 8 photos. Validate on others" in found["photos"][1]


@pytest.mark.parametrize(
    ("count", "sentence"),
    [
        (None, "does not exist. Choose a folder of photos of the station."),
        (0, "has too few photos that can be read: 0. Choose a folder with 5 or more"),
        (1, "has too few photos that can be read: 1."),
        (4, "has too few photos that can be read: 4."),
    ],
)
def test_too_few_photos_are_refused(station: Path, tmp_path: Path, count: int | None, sentence: str) -> None:
    folder = tmp_path / "few"
    if count is not None:
        folder.mkdir()
        (folder / "notes.txt").write_text("no photo")
        for path in sorted((station / "photos").glob("*/*.png"))[:count]:
            shutil.copy(path, folder)
    done = match(station, "--output", tmp_path, photos=str(folder))
    assert done.returncode == 2 and sentence in done.stderr and "Traceback" not in done.stderr


def test_a_scene_that_is_like_the_photos_stays_as_it_is(station: Path, tmp_path: Path) -> None:
    bpy.ops.wm.open_mainfile(filepath=str(station / "scene.blend"))
    render(bpy.context.scene, tmp_path / "photos", images_per_class=4, seed=9)
    done = match(
        station, "--output", tmp_path / "out", "--candidates", "8", "--jobs", "1", photos=str(tmp_path / "photos")
    )
    assert done.returncode == 0, done.stderr
    result = last_json(done.stdout)
    assert not any(result["values"]) and result["changes"] == [] and result["after"] == result["before"]
    assert "Nothing was found that makes the references clearly more like the photos." in done.stdout


@pytest.mark.parametrize(
    ("before", "after", "taken"),
    [
        ((0.78, 0.77, 0.26, 0.04), (0.93, 0.91, 0.02, 0.02), True),  # grey parts, which are blue in the photos
        ((0.862, 0.866, 0.144, 0.01), (0.897, 0.915, 0.060, 0.01), True),  # red and dim, grey in the photos
        ((0.89, 0.88, 0.04, 0.01), (0.94, 0.94, 0.02, 0.01), False),  # near already: F1 would not rise
        ((0.94, 0.94, 0.15, 0.01), (0.88, 0.88, 0.02, 0.01), False),  # right colours, but less like the photos
    ],
)
def test_a_look_is_taken_for_much_likeness_or_right_colours(
    before: tuple[float, ...], after: tuple[float, ...], taken: bool
) -> None:
    assert worth_taking(Likeness(*before), Likeness(*after)) is taken


def test_cameras_that_lose_the_region_are_turned_less(station: Path, tmp_path: Path) -> None:
    bpy.ops.wm.open_mainfile(filepath=str(station / "scene.blend"))
    bpy.context.scene.simsearch.jitter.rotation = (1.0, 1.0, 0.0)
    settings = replace(read_settings(bpy.context.scene), images_per_class=4)
    matcher = _Matcher(bpy.context.scene, settings, tmp_path, None, None, 1)
    assert [knob.quantity for knob in matcher.camera.knobs] == ["pitch", "yaw"]
    still = replace(settings.jitter, location=(0.0, 0.0, 0.0), rotation=(0.0, 0.0, 0.1))
    matcher.settings = replace(matcher.settings, jitter=still)
    candidate = matcher._plan((0.0,) * len(matcher.controls.controls), (16.0, 0.0))  # 46 degrees upwards
    assert 0.0 < candidate.camera[0] < 16.0 and len(candidate.images) == 8


def test_the_search_starts_with_lamps_on_the_side_from_which_photos_are_lit(station: Path, tmp_path: Path) -> None:
    wanted = 150
    bpy.ops.wm.open_mainfile(filepath=str(station / "scene.blend"))
    scene, encoder = bpy.context.scene, Encoder(station / "vits14.onnx")
    scene.simsearch.jitter.light_strength = 0.0
    settings = replace(read_settings(scene), images_per_class=4)
    controls = find_controls(scene, settings)
    look = [math.radians(wanted) / knob.effect(1.0) if knob == DIRECTION else 0.0 for knob in controls.knobs]
    controls.turn(look)
    render(scene, tmp_path / "photos", images_per_class=4, seed=9)
    controls.turn([0.0] * len(look))
    photos = Seen.through(encoder, Preprocessing(), sorted((tmp_path / "photos").glob("*/*.png")))
    matcher = _Matcher(scene, settings, tmp_path / "out", photos, encoder, 1)
    recipe.write(tmp_path / "out", scene, matcher.settings, matcher.as_it_is)
    search = matcher._start_from_direction((0.0,) * len(look), (0.0,) * len(matcher.camera.controls))
    with pytest.raises(StopIteration) as done:
        while True:
            next(search)
    found = DIRECTION.effect(done.value.value[matcher.controls.knobs.index(DIRECTION)])
    assert math.degrees(found) == pytest.approx(wanted, abs=20)


def test_a_dark_scene_is_refused_and_one_without_lamps_matched(station: Path, tmp_path: Path) -> None:
    bpy.ops.wm.open_mainfile(filepath=str(station / "scene.blend"))
    bpy.data.objects.remove(bpy.context.scene.objects["Lamp"])
    shutil.copy(station / "vits14.onnx", tmp_path)
    shutil.copytree(station / "photos", tmp_path / "photos")
    for strength, status in ((0.0, 2), (1.0, 0)):
        bpy.context.scene.world.node_tree.nodes["Background"].inputs["Strength"].default_value = strength
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
        done = match(tmp_path, "--output", tmp_path / "out", "--candidates", "1", "--jobs", "1")
        assert done.returncode == status, done.stderr
        said = (
            "Press Basic Lighting, then match again." if status else "only the background and the materials are matched"
        )
        assert said in done.stderr


def test_photos_of_something_else_fit_nothing() -> None:
    assert unlike(Likeness(photos=0.9, references=0.85, colours=0.05, shading=0.04)) == []
    other_things_on_the_same_table = Likeness(photos=0.85, references=0.74, colours=0.04, shading=0.0)
    (sentence,) = unlike(other_things_on_the_same_table)
    assert sentence.startswith("Nothing fits: the photos are unlike even the best references (similarity 1.59 of 2).")
