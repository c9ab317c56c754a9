# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line with a scene, run as its users run it: exit status, stdout, stderr, files."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
import numpy as np
import pytest

from synthetic_similarity_search.inference.command_line.framework import Command
from synthetic_similarity_search.inference.command_line.framework import main as run_commands
from synthetic_similarity_search.tests.commands import last_json, run
from synthetic_similarity_search.tests.tiny_encoder import write_pictures, write_tiny_encoder
from synthetic_similarity_search.tests.tiny_scene import ROOT, WARNING, add_class

COMMANDS = ("check", "render", "build", "embed", "validate", "classify", "export-onnx")


@pytest.fixture
def bad_file(scene: bpy.types.Scene, tmp_path: Path) -> Path:
    """A scene without camera, with a reserved label and two equal classes."""
    bpy.data.objects.remove(scene.camera)
    scene.simsearch.classes[0].name = "CON"
    add_class(scene, "also absent")
    path = tmp_path / "bad.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return path


def test_help_lists_every_command() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert all(command in done.stdout for command in COMMANDS)


def test_check_of_a_good_scene(blend_file: Path) -> None:
    done = run("--scene", blend_file, "check", "--json")
    assert (done.returncode, last_json(done.stdout)) == (0, {"warnings": [WARNING]})


def test_check_of_a_database(tmp_path: Path) -> None:
    """It is the command of ``python -m inference``, with the options of both."""
    encoder = write_tiny_encoder(tmp_path / "tiny.onnx")
    references = write_pictures(tmp_path / "references", 8, seed=0)
    assert run("embed", "--references", references, "--encoder", encoder).returncode == 0
    margins = []
    for options in ((), ("--paper",)):
        done = run("check", "--database", tmp_path / "references.safetensors", *options, "--json")
        assert done.returncode == 0, done.stderr
        assert last_json(done.stdout)["macro_f1"] == 1.0
        margins.append([pair["margin"] for pair in last_json(done.stdout)["pairs"]])
    assert margins[0] != margins[1], "whitened and plain"


def test_all_problems_at_once_and_nothing_written(bad_file: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    for command in (("check",), ("render", "--output", output), ("build", "--output", output)):
        done = run("--scene", bad_file, *command, "--json")
        assert done.returncode == 2
        problems = last_json(done.stdout)["problems"]
        assert len(problems) == 3
        assert all(problem in done.stderr.splitlines() for problem in problems)
        assert "Traceback" not in done.stderr
    assert not output.exists()


@pytest.mark.parametrize("content", [None, b"", b"BLENDER17-01v0502" + bytes(100), b"no scene at all"])
def test_a_scene_that_cannot_be_opened(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "scene.blend"
    if content is not None:
        path.write_bytes(content)
    done = run("--scene", path, "check", "--json")
    assert done.returncode == 2
    (problem,) = last_json(done.stdout)["problems"]
    assert str(path) in problem
    assert problem in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [("--scene",), ("nonsense",), (), ("render", "--samples", "many")])
def test_wrong_arguments(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr


def test_wrong_values(blend_file: Path) -> None:
    done = run("--scene", blend_file, "check", "--samples", "0", "--classes", "present,missing", "--json")
    assert done.returncode == 2
    assert len(last_json(done.stdout)["problems"]) == 2


def test_render_resumes_what_is_there(blend_file: Path, references: Path, tmp_path: Path) -> None:
    """Across processes: the keys that this process computed hold in another one that opens the same file."""
    shutil.copytree(references, tmp_path / "references")
    before = {path: path.read_bytes() for path in sorted((tmp_path / "references").rglob("*.*"))}
    progress = tmp_path / "progress.json"
    done = run("--scene", blend_file, "render", "--output", tmp_path, "--json", "--progress-file", progress)
    assert done.returncode == 0
    result = last_json(done.stdout)
    assert (result["images"], result["rendered"], result["warnings"]) == (4, 0, [WARNING])
    assert {path: path.read_bytes() for path in sorted((tmp_path / "references").rglob("*.*"))} == before

    (tmp_path / "references/present/present_0000.png").unlink()
    done = run("--scene", blend_file, "render", "--output", tmp_path, "--json", "--progress-file", progress)
    assert last_json(done.stdout)["rendered"] == 1
    assert len(done.stdout.splitlines()) == 2
    assert "Saved" not in done.stdout + done.stderr  # Blender's own words would break up the progress bar
    assert "1/1" in done.stderr
    assert json.loads(progress.read_text("utf-8"))["done"] == 1
    assert {path: path.read_bytes() for path in sorted((tmp_path / "references").rglob("*.*"))} == before


def test_stopping_keeps_what_is_finished(blend_file: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "batch.py"), "--scene", str(blend_file), "render", "--output", str(tmp_path)]
    job = subprocess.Popen([*command, "--images-per-class", "500"], stderr=subprocess.PIPE, text=True)
    folder = tmp_path / "references"
    deadline = time.monotonic() + 120
    while not list(folder.glob("present/*_0001.png")) and time.monotonic() < deadline:
        time.sleep(0.1)
    job.send_signal(signal.SIGTERM)
    _, errors = job.communicate(timeout=120)
    assert job.returncode == 1
    assert errors.splitlines()[-1] == "Stopped. What was finished is kept."
    assert sorted(path.name for path in folder.iterdir()) == ["present", "recipe.json"]
    done = run("--scene", blend_file, "render", "--output", tmp_path, "--classes", "present", "--json")
    assert last_json(done.stdout)["rendered"] == 0


def test_output_that_cannot_be_written(blend_file: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run("--scene", blend_file, "render", "--output", tmp_path / "file", "--json")
    assert done.returncode == 2
    assert "cannot be written to" in last_json(done.stdout)["problems"][0]


@pytest.mark.skipif(not (ROOT / "models" / "vits14.onnx").exists(), reason="no encoder: run `make encoder`")
def test_build_adds_the_database(blend_file: Path, references: Path, tmp_path: Path) -> None:
    from synthetic_similarity_search.inference.database import ReferenceDatabase

    shutil.copytree(references, tmp_path / "references")
    done = run("--scene", blend_file, "build", "--output", tmp_path, "--json")
    assert done.returncode == 0, done.stderr
    result = last_json(done.stdout)
    assert (result["rendered"], Path(result["references"])) == (0, tmp_path / "references")
    database = ReferenceDatabase.load(tmp_path / "references.safetensors")
    assert database.count() == {"present": 2, "absent": 2}
    planned = json.loads((tmp_path / "references" / "recipe.json").read_text("utf-8"))["images"]
    assert np.allclose(database.poses, [image["pose"] for image in planned])


def test_blenders_own_command_door(blend_file: Path) -> None:
    """What ``blender --command simsearch`` calls, in a process of its own as there."""
    script = """
import os, sys
import bpy
from synthetic_similarity_search import batch
package = batch.load_package()
bpy.ops.wm.open_mainfile(filepath=sys.argv[1])
status = package.command(["check", "--json"])
os.write(1, b"Blender quit")
sys.stdout.flush()
os._exit(status)
"""
    done = run(blend_file, program=(sys.executable, "-c", script))
    assert done.returncode == 0, done.stderr
    assert last_json(done.stdout) == {"warnings": [WARNING]}
    assert "Blender quit" not in done.stdout


@pytest.mark.skipif(shutil.which("blender") is None, reason="no Blender installed beside the bpy module")
def test_installed_blender_runs_it_too(blend_file: Path, bad_file: Path) -> None:
    door = ("--python-exit-code", "1", "--python", ROOT / "batch.py", "--", "check", "--json")
    for file, status in ((blend_file, 0), (bad_file, 2)):
        done = run("-b", file, *door, program=(str(shutil.which("blender")),))
        assert done.returncode == status, done.stderr
        assert ("problems" in last_json(done.stdout)) == (status == 2)


CRASH = """
import os, sys
sys.addaudithook(lambda event, args: event == "open" and {} and os.abort())
"""
"""Python itself aborts the process that opens a certain file."""


@pytest.mark.parametrize(
    "jobs, opened", [(1, "'.present_000' in str(args[0])"), (2, "args[1] == 'r' and 'share.json' in str(args[0])")]
)
def test_blenders_own_messages_go_to_a_log(blend_file: Path, tmp_path: Path, jobs: int, opened: str) -> None:
    """It is removed where all goes well, kept and named where something fails, and kept where Blender crashes."""
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, str(ROOT / "batch.py"), "--scene", str(blend_file), "render", "--output", str(tmp_path)]
    command += ["--classes", "present", "--jobs", str(jobs), "--json"]

    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 2
    assert all(
        re.match(r"(Warning: |Rendering references: )", line) for line in re.split(r"[\r\n]+", done.stderr) if line
    )
    assert not list(tmp_path.glob("*.log"))

    (tmp_path / "sitecustomize.py").write_text(CRASH.format(opened), "utf-8")
    done = subprocess.run(
        [*command, "--fresh"], env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    (log,) = tmp_path.glob("simsearch_*.log")
    if jobs == 1:
        assert done.returncode == -signal.SIGABRT
        assert "Fatal Python error: Aborted" in done.stderr and "stills.py" in done.stderr
    else:
        problem, place = last_json(done.stdout)["problems"]
        assert done.returncode == 1
        assert problem.startswith("This failed: blender crashes on every image") and "Aborted" in problem
        assert place == f"Blender's own messages are in {log}."
        assert "framework.py" in log.read_text("utf-8")


def test_the_demo_sets_up_its_scene_without_a_word(tmp_path: Path) -> None:
    """Importers talk through Python's stdout, the rest of Blender through C's."""
    command = [sys.executable, str(ROOT / "examples" / "station" / "scene.py"), str(tmp_path / "station.blend")]
    environment = {name: value for name, value in os.environ.items() if name != "OCIO"}  # set by this process's Blender
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "station.blend").is_file()


def test_nothing_is_left_behind(blend_file: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    environment.pop("BLENDER_USER_RESOURCES")
    command = [sys.executable, str(ROOT / "batch.py"), "--scene", str(blend_file), "check"]
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=300)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process without asking it")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_blender_swallows_stops_the_job(
    scene: bpy.types.Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: int
) -> None:
    """Blender prints and forgets what is raised while it calls a handler."""
    done = []

    def swallowed(*_: object) -> None:
        os.kill(os.getpid(), number)

    def run_job(_args: object, progress: Any) -> dict[str, object]:
        for step in progress.track(range(9), 9, "Counting"):
            done.append(step)
            scene.camera.location.x += 1
            bpy.context.view_layer.update()
        return {}

    job: Any = ModuleType("job_of_a_test")
    job.add_arguments, job.run = lambda parser: None, run_job
    monkeypatch.setitem(sys.modules, job.__name__, job)
    bpy.app.handlers.depsgraph_update_post.append(swallowed)
    try:
        status = run_commands(["count"], [Command("count", "Count.", job.__name__)], "prog")
    finally:
        bpy.app.handlers.depsgraph_update_post.remove(swallowed)
    assert (status, done) == (1, [0])
    assert "Stopped. What was finished is kept." in capsys.readouterr().err
