# SPDX-License-Identifier: GPL-3.0-or-later
"""A plant of tiny stations: built and validated as each alone would be, with a history, a page and a gate."""

import csv
import json
import shutil
import sqlite3
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from synthetic_similarity_search.tests.commands import last_json, run
from synthetic_similarity_search.tests.rendering import contents
from synthetic_similarity_search.tests.tiny_encoder import write_tiny_encoder
from synthetic_similarity_search.tests.tiny_scene import ROOT

PLANT = """
[defaults]
photos = "photos"
encoder = "tiny.onnx"
images_per_class = 2
output = "out/{name}"
[[station]]
scenes = "scenes/*.blend"
[[station]]
name = "made"
script = "make.py"
arguments = ["tiny.blend"]
seed = 1
target = 0.1
"""
SCRIPT = """
import shutil, sys
from pathlib import Path
shutil.copy(Path(__file__).with_name("scenes") / sys.argv[1], sys.argv[2])
"""


def plant(folder: Path, action: str, *more: object, door: str = "inference") -> Any:
    program = (sys.executable, "-m", "inference") if door == "inference" else (sys.executable, str(ROOT / "batch.py"))
    return run("plant", action, folder / "plant.toml", "--json", *more, program=program)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, blend_file: Path) -> Path:
    """A plant whose stations are built."""
    folder = tmp_path_factory.mktemp("plant")
    (folder / "scenes").mkdir()
    for name in ("tiny", "door-1"):
        shutil.copy(blend_file, folder / "scenes" / f"{name}.blend")
    (folder / "make.py").write_text(SCRIPT, "utf-8")
    (folder / "plant.toml").write_text(PLANT, "utf-8")
    write_tiny_encoder(folder / "tiny.onnx")
    done = plant(folder, "build")
    assert done.returncode == 0, done.stderr
    result = last_json(done.stdout)
    assert {name: row["rendered"] for name, row in result["stations"].items()} == {"door-1": 4, "tiny": 4, "made": 4}
    assert "door-1: 4 references, 4 rendered now" in done.stderr and "\x1b" not in done.stderr
    for label in ("present", "absent"):
        shutil.copytree(folder / "out" / "tiny" / "references" / label, folder / "photos" / label)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy of it to change."""
    return Path(shutil.copytree(made, tmp_path / "plant"))


def test_a_station_is_built_as_alone(made: Path, tmp_path: Path) -> None:
    done = run(
        *("--scene", made / "scenes" / "tiny.blend", "build", "--output", tmp_path, "--images-per-class", 2),
        *("--encoder", made / "tiny.onnx"),
    )
    assert done.returncode == 0, done.stderr
    assert contents(tmp_path / "references") == contents(made / "out" / "tiny" / "references")
    assert contents(made / "out" / "made" / "references") != contents(made / "out" / "tiny" / "references")


def test_a_second_build_renders_what_is_missing(folder: Path) -> None:
    (folder / "out" / "tiny" / "references" / "absent" / "absent_0001.png").unlink()
    before = (folder / "out" / "made" / "made.blend").stat().st_mtime_ns
    done = plant(folder, "build", "--jobs", 1, door="batch")
    assert done.returncode == 0, done.stderr
    rows = last_json(done.stdout)["stations"]
    assert {name: row["rendered"] for name, row in rows.items()} == {"door-1": 0, "tiny": 1, "made": 0}
    assert (folder / "out" / "made" / "made.blend").stat().st_mtime_ns == before, "the script was not changed"
    (folder / "make.py").write_text(f"{SCRIPT}\nraise SystemExit(4)", "utf-8")
    done = plant(folder, "build", "--stations", "made")
    assert done.returncode == 2 and "ended with status 4" in last_json(done.stdout)["stations"]["made"]["problems"][0]


def test_validate_with_a_history_a_page_and_a_gate(folder: Path) -> None:
    done = plant(folder, "validate")
    assert done.returncode == 0, done.stderr
    result = last_json(done.stdout)
    tiny = result["stations"]["tiny"]
    metrics = json.loads((folder / "out" / "tiny" / "validation" / "metrics.json").read_text("utf-8"))
    assert tiny["macro_f1"] == metrics["macro_f1"] and tiny["interval"] == metrics["intervals"]["macro_f1"]
    assert (tiny["photos"], tiny["change"], result["below_target"]) == (4, None, [])
    assert "95 % interval" in done.stdout and "3 stations, 0 failed, 0 below their target" in done.stdout

    with sqlite3.connect(folder / "plant.sqlite") as connection:
        connection.execute("UPDATE results SET macro_f1 = 0.9 WHERE station = 'tiny' AND macro_f1 IS NOT NULL")
    text = PLANT.replace("target = 0.1", "").replace('photos = "photos"', 'photos = "photos"\ntarget = 0.999')
    (folder / "plant.toml").write_text(text, "utf-8")
    (folder / "photos" / "absent" / "wrong.png").write_bytes(
        (folder / "photos" / "present" / "present_0000.png").read_bytes()
    )
    done = plant(folder, "validate", "--stations", "t*")
    assert done.returncode == 3
    tiny = last_json(done.stdout)["stations"]["tiny"]
    assert tiny["change"] == pytest.approx(tiny["macro_f1"] - 0.9)
    assert "below their target: tiny" in done.stdout

    done = plant(folder, "report", "--output", folder / "page")
    assert done.returncode == 0, done.stderr
    with (folder / "page" / "plant.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["station"]: row for row in csv.DictReader(file)}
    assert float(rows["tiny"]["macro_f1"]) == tiny["macro_f1"] and rows["tiny"]["below_target"] == "1"
    assert float(rows["tiny"]["change"]) == pytest.approx(tiny["change"])
    page = (folder / "page" / "plant.html").read_text("utf-8")
    HTMLParser().feed(page)
    assert '<a href="../out/tiny/validation/report.html">tiny</a>' in page and '<b id="below">' in page


def test_what_failed_and_why(folder: Path) -> None:
    (folder / "out" / "tiny" / "references.safetensors").write_text("damaged")
    (folder / "scenes" / "door-1.blend").write_text("damaged")
    done = plant(folder, "validate")
    assert done.returncode == 2
    result = last_json(done.stdout)
    assert result["failed"] == ["tiny"] and "references.safetensors" in result["stations"]["tiny"]["problems"][0]
    assert result["stations"]["door-1"]["macro_f1"] is not None
    done = plant(folder, "check", "--stations", "door-1,made")
    assert done.returncode == 2 and "is damaged or is not a Blender file" in done.stdout
    assert last_json(done.stdout)["stations"]["made"]["warnings"]
    assert plant(folder, "report").returncode == 0
    assert "references.safetensors" in (folder / "plant.html").read_text("utf-8")


def test_everything_is_checked_before_anything_starts(folder: Path) -> None:
    text = PLANT.replace('photos = "photos"', 'photos = "nowhere"').replace("tiny.onnx", "lost.onnx")
    (folder / "plant.toml").write_text(text, "utf-8")
    (folder / "plant.sqlite").unlink()
    done = plant(folder, "validate")
    assert done.returncode == 2 and len(last_json(done.stdout)["problems"]) == 3, done.stdout
    (folder / "plant.toml").write_text(PLANT.replace('photos = "photos"', 'photos = "nowhere"'), "utf-8")
    done = plant(folder, "check")
    assert done.returncode == 2 and len(last_json(done.stdout)["problems"]) == 3
    assert not (folder / "plant.sqlite").exists()


def test_a_packed_scene_needs_no_other_file(tmp_path: Path, blend_file: Path) -> None:
    picture = tmp_path / "picture.png"
    Image.new("RGB", (4, 4), (200, 10, 10)).save(picture)
    scene, packed, again = (tmp_path / f"{name}.blend" for name in ("scene", "packed", "again"))
    script = f"""
import bpy, os
bpy.ops.wm.open_mainfile(filepath={str(blend_file)!r})
bpy.data.images.load({str(picture)!r}).use_fake_user = True
bpy.ops.wm.save_as_mainfile(filepath={str(scene)!r})
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    done = run("--scene", scene, "pack", "--save", packed, "--json")
    assert done.returncode == 0 and last_json(done.stdout) == {"packed": 1}, done.stderr
    picture.unlink()
    done = run("--scene", packed, "pack", "--save", again, "--json")
    assert done.returncode == 0 and last_json(done.stdout) == {"packed": 0}, done.stderr
    assert again.read_bytes() == packed.read_bytes()
    done = run("--scene", scene, "pack", "--save", again)
    assert done.returncode == 2 and "picture.png' not found. Put it there" in done.stderr, done.stderr
