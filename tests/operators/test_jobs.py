# SPDX-License-Identifier: GPL-3.0-or-later
"""The buttons that start a child Blender: what they find is kept, and nothing outlives what it belongs to."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import bpy
import numpy as np
import pytest
from PIL import Image

from synthetic_similarity_search import preferences
from synthetic_similarity_search.inference.database import ReferenceDatabase
from synthetic_similarity_search.inference.domain_shift import PHOTOS_GONE
from synthetic_similarity_search.inference.encoder import find_encoder
from synthetic_similarity_search.inference.errors import InputError
from synthetic_similarity_search.inference.files import sha256_file
from synthetic_similarity_search.interface import child_job, stored_results
from synthetic_similarity_search.interface.child_job import State
from synthetic_similarity_search.panels.mistakes import mistakes
from synthetic_similarity_search.panels.validation import meaning


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[bpy.types.Scene]:
    """A presence check of the start-up cube, never saved, with references that render fast."""
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    scene = bpy.context.scene
    bpy.ops.simsearch.mark_region()
    bpy.ops.simsearch.set_jitter(amount="SMALL")
    bpy.ops.simsearch.add_pair()
    settings = scene.simsearch
    settings.classes[0].name, settings.classes[1].name = "cube", "nothing"
    settings.render.images_per_class, settings.render.resolution, settings.render.samples = 2, 32, 1
    settings.k = 1
    settings.output_directory = str(tmp_path / "out")
    yield scene
    child_job.end_job()


@pytest.fixture
def encoder() -> None:
    try:
        find_encoder()
    except InputError as error:
        pytest.skip(str(error))


def start_render(scene: bpy.types.Scene) -> child_job.Job:
    """Start a long render as a button does, without waiting for it."""
    scene.simsearch.render.images_per_class = 500
    arguments = ["render", "--output", scene.simsearch.output_directory]
    return child_job.start(bpy.context, "Render References", arguments)


def wait_for_images(folder: Path, count: int) -> None:
    deadline = time.monotonic() + 300
    while len(list(folder.glob("references/*/*.png"))) < count:
        assert time.monotonic() < deadline and child_job.running(), (
            child_job.latest and child_job.latest.log.read_text()
        )
        time.sleep(0.2)


def is_gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    status = Path(f"/proc/{process}/stat")  # an orphan may wait for ever to be asked how it ended
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z"


def unknown_objects_are_told(scene: bpy.types.Scene, others: Path) -> None:
    """A validation with photos of no class chooses the threshold by which one photo is unknown."""
    others.mkdir()
    for seed in range(3):
        noise = np.random.default_rng(seed).integers(0, 256, (32, 32, 3), np.uint8)
        Image.fromarray(noise).save(others / f"{seed}.png")
    scene.simsearch.negatives_directory, scene.simsearch.photo = str(others), str(others / "0.png")
    assert bpy.ops.simsearch.validate() == {"FINISHED"}
    for reject in (True, False):
        scene.simsearch.reject = reject
        assert bpy.ops.simsearch.classify() == {"FINISHED"}
        photo = stored_results.load(scene, "classification")
        assert photo is not None
        found = photo.verdict
        assert (found.predicted == "unknown") == reject
        assert ("unfamiliar" in meaning(found)) == reject


def test_a_build_looks_for_the_photos_that_the_scene_was_matched_to(
    scene: bpy.types.Scene, encoder: None, tmp_path: Path
) -> None:
    assert bpy.ops.simsearch.build() == {"FINISHED"}
    photos = tmp_path / "photos"
    photos.mkdir()
    for reference in (tmp_path / "out" / "references").glob("*/*.png"):
        for share in (0.7, 0.8):
            dark = Image.open(reference).point(lambda level, share=share: round(share * level))
            dark.save(photos / f"{share}_{reference.name}")
    names = {sha256_file(path): path.name for path in photos.iterdir()}
    scene.simsearch.matched = json.dumps({"photos": names, "changes": ["Lamp brighter"]})
    for folder, warned in ((photos, False), (tmp_path / "missing", True)):
        scene.simsearch.match_directory = str(folder)
        assert bpy.ops.simsearch.build() == {"FINISHED"}
        database = ReferenceDatabase.load(tmp_path / "out" / "references.safetensors")
        assert (database.domain_shift is None) == warned
        built = stored_results.load(scene, "references")
        assert built is not None and (PHOTOS_GONE in built.warnings) == warned


def test_build_validate_classify_and_notice_changes(scene: bpy.types.Scene, encoder: None, tmp_path: Path) -> None:
    scene.objects["Cube"].location.x = 0.01  # an unsaved change
    scene.simsearch.white_level = 4095
    assert bpy.ops.simsearch.build() == {"FINISHED"}
    out = tmp_path / "out"
    assert ReferenceDatabase.load(out / "references.safetensors").preprocessing.white_level == 4095
    assert (out / "references.safetensors").is_file()
    assert bpy.data.filepath == "" and not list(tmp_path.glob("**/*.blend"))
    assert ReferenceDatabase.load(out / "references.safetensors").count() == {"cube": 2, "nothing": 2}
    built = stored_results.load(scene, "references")
    assert built is not None and (built.images, built.rendered) == (4, 4)

    photos = tmp_path / "photos"
    shutil.copytree(out / "references", photos, ignore=shutil.ignore_patterns("*.json"))
    (photos / "cube" / "broken.jpg").write_bytes(b"no image")
    scene.simsearch.photos_directory = str(photos)
    shutil.copy(photos / "cube" / "cube_0000.png", photos / "nothing" / "wrong\n.png")
    assert bpy.ops.simsearch.validate() == {"FINISHED"}
    (mistake,) = mistakes(scene)
    assert mistake.photo == photos / "nothing" / "wrong\n.png" and mistake.reference.is_file()
    assert bpy.ops.simsearch.show_mistakes() == {"FINISHED"}
    (photos / "nothing" / "wrong\n.png").unlink()
    assert bpy.ops.simsearch.validate() == {"FINISHED"}
    metrics = stored_results.load(scene, "validation")
    assert metrics is not None and (metrics.macro_f1, metrics.photos, metrics.white_level) == (1.0, 4, 4095)
    assert [Path(file.path).name for file in metrics.unreadable] == ["broken.jpg"]
    scene.simsearch.photo = str(photos / "nothing" / "nothing_0001.png")
    assert bpy.ops.simsearch.classify() == {"FINISHED"}
    photo = stored_results.load(scene, "classification")
    assert photo is not None and photo.notes == ()
    assert photo.verdict.predicted == "nothing" and photo.verdict.votes == {"cube": 0, "nothing": 1}
    assert photo.verdict.neighbours[0].similarity > 0.999 and photo.verdict.familiarity is None

    unknown_objects_are_told(scene, tmp_path / "others")
    metrics = stored_results.load(scene, "validation")

    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "station.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "station.blend"))
    scene = bpy.context.scene
    stored_results.refresh(scene)
    assert stored_results.load(scene, "validation") == metrics
    assert [stored_results.outdated(scene, name) for name in ("references", "validation", "classification")] == [
        [],
        [],
        [],
    ]

    shutil.copy(photos / "cube" / "cube_0000.png", photos / "cube" / "more.png")
    scene.objects["Cube"].location.x = 0.2
    bpy.context.view_layer.update()
    stored_results.refresh(scene)
    assert stored_results.outdated(scene, "references") == ["the scene changed since"]
    assert stored_results.outdated(scene, "validation") == ["the photos changed since"]
    with (tmp_path / "out" / "references.safetensors").open("ab") as database:
        database.write(b"x")
    stored_results.refresh(scene)
    assert stored_results.outdated(scene, "classification") == ["the reference database changed since"]


def test_a_failed_job_shows_its_sentence(scene: bpy.types.Scene, encoder: None, tmp_path: Path) -> None:
    photos = tmp_path / "photos" / "cube"
    photos.mkdir(parents=True)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "references.safetensors").write_bytes(b"damaged")
    scene.simsearch.photos_directory = str(photos.parent)
    with pytest.raises(RuntimeError) as caught:
        bpy.ops.simsearch.validate()
    assert child_job.latest is not None and child_job.latest.state is State.FAILED
    assert child_job.latest.problems[0] in str(caught.value) and "Traceback" not in str(caught.value)
    assert "references.safetensors" in child_job.latest.problems[0]
    assert stored_results.load(scene, "validation") is None


def test_problems_stop_a_render_before_a_child_starts(scene: bpy.types.Scene) -> None:
    scene.simsearch.classes[1].name = "../nothing"
    before = child_job.latest
    with pytest.raises(RuntimeError, match="class name"):
        bpy.ops.simsearch.render()
    assert child_job.latest is before
    checked = stored_results.load(scene, "problems")
    assert checked is not None and [problem.culprit for problem in checked.problems] == ["../nothing"]


def test_a_cancelled_job_keeps_its_images_and_leaves_no_process(scene: bpy.types.Scene, tmp_path: Path) -> None:
    running = start_render(scene)
    wait_for_images(tmp_path / "out", 2)
    with pytest.raises(RuntimeError, match="Wait for the running job"):
        bpy.ops.simsearch.render()
    assert 0 <= running.progress()[0] < 1
    assert bpy.ops.simsearch.cancel_job() == {"FINISHED"}
    running.stop()
    assert running.state is State.CANCELLED and is_gone(running.process.pid)
    assert len(list((tmp_path / "out").glob("references/*/*.png"))) >= 2
    assert not list(running.folder.glob("*.blend"))

    scene.simsearch.render.images_per_class = 2
    kept = list((tmp_path / "out").glob("references/*/*_000[01].png"))
    assert kept, "the first image of a class is rendered first"
    bpy.ops.simsearch.render()
    found = stored_results.load(scene, "references")
    assert found is not None and (found.images, found.rendered) == (4, 4 - len(kept))


def test_loading_another_file_ends_the_job(scene: bpy.types.Scene) -> None:
    running = start_render(scene)
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    assert running.state is State.CANCELLED and is_gone(running.process.pid)


def test_a_job_ends_with_a_blender_that_is_killed(scene: bpy.types.Scene, tmp_path: Path) -> None:
    scene.simsearch.render.images_per_class = 500
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "station.blend"))
    script = (
        "import sys, time, bpy, batch; batch.load_package();"
        "from synthetic_similarity_search.interface import child_job;"
        f"bpy.ops.wm.open_mainfile(filepath={str(tmp_path / 'station.blend')!r});"
        f"job = child_job.start(bpy.context, 'Render References', ['render', '--output', {str(tmp_path / 'out')!r}]);"
        "print('child', job.process.pid, flush=True); time.sleep(600)"
    )
    root = Path(__file__).resolve().parents[2]
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=root, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = next(int(line.split()[1]) for line in parent.stdout if line.startswith("child"))
    deadline = time.monotonic() + 120
    while not list((tmp_path / "out").glob("references/*/*.png")):
        assert time.monotonic() < deadline and not is_gone(child)
        time.sleep(0.2)
    parent.kill()
    parent.communicate()
    while not is_gone(child):
        assert time.monotonic() < deadline, "the child renders on"
        time.sleep(0.2)
    lock = tmp_path / "out" / "references" / ".lock"
    assert not lock.exists(), "it ended by itself, so the next job need not take over its lock"


def test_unregistering_ends_the_job(scene: bpy.types.Scene) -> None:
    import synthetic_similarity_search as package

    running = start_render(scene)
    package.unregister()
    try:
        assert running.state is State.CANCELLED and is_gone(running.process.pid)
    finally:
        package.register()


def test_the_result_goes_to_the_scene_that_asked(scene: bpy.types.Scene) -> None:
    bpy.context.window.scene = bpy.data.scenes.new("Other")
    bpy.context.window.scene = scene
    bpy.ops.simsearch.preview()
    preview = stored_results.load(scene, "preview")
    assert preview is not None and preview.images == 2
    assert stored_results.load(bpy.data.scenes["Other"], "preview") is None


def test_durations_read_well() -> None:
    assert [child_job.duration(seconds) for seconds in (0.4, 59.4, 61, 3725)] == [
        "0 s",
        "59 s",
        "1 min 1 s",
        "1 h 2 min",
    ]


def test_without_onnx_runtime_the_rest_works_and_the_reason_is_told(
    scene: bpy.types.Scene, encoder: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    import synthetic_similarity_search as package

    monkeypatch.setitem(sys.modules, "onnxruntime", None)  # what an import finds where the library cannot be loaded
    package.unregister()
    package.register()
    bpy.ops.simsearch.check()
    assert "ONNX Runtime is not installed" in str(preferences.runtime_problem())
    with pytest.raises(RuntimeError, match=r"ONNX Runtime cannot be loaded.*Visual C\+\+ Redistributable"):
        bpy.ops.simsearch.check_encoder()


def test_the_encoder_is_named_with_its_weights(scene: bpy.types.Scene, encoder: None) -> None:
    assert preferences.runtime_problem() is None
    bpy.ops.simsearch.check_encoder()
    sentence = str(preferences.checked[preferences.encoder_file(bpy.context)])
    assert "runs on the processor" in sentence
    assert ("Stand-in" in sentence) == ("standin" in sentence)
