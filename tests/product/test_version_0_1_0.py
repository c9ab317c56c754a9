# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that version 0.1.0 wrote (tests/data/version_0_1_0, with Blender 4.5 and a tiny encoder) are still read."""

import json
import shutil
from pathlib import Path

import bpy
import numpy as np
import pytest

from synthetic_similarity_search.inference.database import ReferenceDatabase
from synthetic_similarity_search.inference.predictions import read_predictions
from synthetic_similarity_search.inference.validation_result import ValidationResult
from synthetic_similarity_search.interface import stored_results
from synthetic_similarity_search.tests.commands import last_json, run
from synthetic_similarity_search.tests.tiny_encoder import write_pictures, write_tiny_encoder

FILES = Path(__file__).resolve().parents[1] / "data" / "version_0_1_0"


@pytest.fixture
def opened() -> bpy.types.Scene:
    bpy.ops.wm.open_mainfile(filepath=str(FILES / "scene.blend"))
    return bpy.context.scene


def test_a_database_is_read_and_saved_unchanged_but_for_what_it_lacks(tmp_path: Path) -> None:
    database = ReferenceDatabase.load(FILES / "references.safetensors")
    assert database.count() == {"blue": 4, "green": 4, "red": 4} and database.qualities is None
    assert database.image_path(0) == FILES / "references/blue/0000.png"
    database.save(tmp_path / "again.safetensors")
    again = ReferenceDatabase.load(tmp_path / "again.safetensors")
    assert (again.embeddings == database.embeddings).all() and again.images == database.images


def test_metrics_are_read_and_written_unchanged(tmp_path: Path) -> None:
    result = ValidationResult.read(FILES / "metrics.json")
    result.write(tmp_path / "metrics.json")
    metrics, written = (json.loads((folder / "metrics.json").read_text("utf-8")) for folder in (FILES, tmp_path))
    assert {"unknown", "gap", "repeat_seeds", "quality"} <= metrics.keys(), "or there is less to compare"
    assert ValidationResult.read(tmp_path / "metrics.json") == result
    gap, written_gap = metrics.pop("gap"), written.pop("gap")
    assert written == metrics
    assert [cause["sentence"] for cause in written_gap["causes"]] == [
        f"{of_class['label']}: {cause}" for of_class in gap["gaps"] for cause in of_class["causes"]
    ], "causes were kept by class"
    for of_class, written_of_class in zip(gap["gaps"], written_gap["gaps"], strict=True):
        del of_class["causes"]
        assert of_class.items() <= written_of_class.items()
    assert written_gap["ablations"] == gap["ablations"]


def test_predictions_are_read() -> None:
    rows = read_predictions(FILES / "predictions.csv")
    assert len(rows) == 7 and Path("red/wrong.png") in {row.photo for row in rows if row.true != row.predicted}


def test_a_scene_keeps_its_settings_and_results(opened: bpy.types.Scene) -> None:
    settings = opened.simsearch
    assert settings.jitter.seed == 7 and np.allclose(settings.jitter.location, (0.01, 0.02, 0.03))
    assert [entry.name for entry in settings.classes] == ["present", "absent"]
    assert stored_results.load(opened, "validation") == ValidationResult.read(FILES / "metrics.json")
    photo = stored_results.load(opened, "classification")
    assert photo is not None
    verdict = photo.verdict
    assert (verdict.predicted, verdict.neighbours[0].reference) == ("red", "references/red/0000.png")


@pytest.mark.skipif(bpy.app.version_string != "4.5.15 LTS", reason="another Blender renders other pictures")
def test_references_that_are_rendered_are_kept(tmp_path: Path) -> None:
    shutil.copytree(FILES / "rendered", tmp_path / "out")
    command = ("render", "--output", tmp_path / "out", "--images-per-class", 2, "--json")
    done = run("--scene", FILES / "scene.blend", *command)
    assert done.returncode == 0, done.stderr
    assert (last_json(done.stdout)["images"], last_json(done.stdout)["rendered"]) == (4, 0)


def test_an_old_file_of_vectors_beside_new_results_is_ignored(tmp_path: Path) -> None:
    write_tiny_encoder(tmp_path / "tiny.onnx")
    photos = write_pictures(tmp_path / "photos", 2, seed=1)
    (tmp_path / "out").mkdir()
    shutil.copy(FILES / "embeddings", tmp_path / "out" / ".embeddings")
    command = ("--database", FILES / "references.safetensors", "--encoder", tmp_path / "tiny.onnx", "--photos", photos)
    done = run("validate", *command, "--output", tmp_path / "out", "--json")
    assert done.returncode == 0, done.stderr
    assert last_json(done.stdout)["photos"] == 6
