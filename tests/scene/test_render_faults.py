# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever ends a build, nothing finished is lost, and the next run equals one that nothing disturbed: the same bytes in
the references, the same vectors in the database."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import pytest

from synthetic_similarity_search.inference.database import ReferenceDatabase
from synthetic_similarity_search.inference.errors import InputError
from synthetic_similarity_search.interface import child_job as sidebar_job
from synthetic_similarity_search.tests.commands import last_json, run
from synthetic_similarity_search.tests.rendering import contents
from synthetic_similarity_search.tests.rendering import render as render_here
from synthetic_similarity_search.tests.tiny_encoder import write_pictures, write_tiny_encoder
from synthetic_similarity_search.tests.tiny_scene import ROOT, WARNING, add_cube

IMAGES = 6
fault = pytest.mark.reliability


@pytest.fixture(scope="module")
def undisturbed(blend_file: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What a job in one process makes."""
    folder = tmp_path_factory.mktemp("undisturbed")
    done = build(blend_file, folder, "--jobs", 1)
    assert done.returncode == 0, done.stderr
    return made(folder)


def made(folder: Path) -> dict[str, bytes]:
    """The references and the vectors of an output folder, which hold no dates."""
    database = ReferenceDatabase.load(folder / "references.safetensors")
    vectors = {name: getattr(database, name).tobytes() for name in ("embeddings", "labels", "poses")}
    return contents(folder / "references") | vectors | {"images": json.dumps(database.images).encode()}


def arguments(blend_file: Path, output: Path, *more: object) -> list[object]:
    encoder = blend_file.with_name("tiny.onnx")
    if not encoder.exists():
        write_tiny_encoder(encoder)
    return [
        *("--scene", blend_file, "build", "--output", output, "--images-per-class", IMAGES),
        *("--encoder", encoder, "--json", *more),
    ]


def build(blend_file: Path, output: Path, *more: object) -> Any:
    return run(*arguments(blend_file, output, *more))


def start(blend_file: Path, output: Path, *more: object) -> "subprocess.Popen[str]":
    command = [sys.executable, str(ROOT / "batch.py"), *map(str, arguments(blend_file, output, *more))]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(condition: Any) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def images(output: Path) -> list[Path]:
    return sorted(output.glob("references/*/[!.]*.png"))


def children(process: int) -> list[int]:
    """The processes that a process started and that still run."""
    listed = Path(f"/proc/{process}/task/{process}/children")
    return [int(child) for child in listed.read_text("ascii").split()] if listed.exists() else []


def is_gone(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.fixture
def begin(blend_file: Path, tmp_path: Path) -> Iterator[Any]:
    """Starts a job of that many processes and waits until it has rendered; jobs do not outlive the test."""
    started: list[Any] = []

    def begin(jobs: int, output: Path = tmp_path) -> Any:
        started.append(start(blend_file, output, "--jobs", jobs))
        wait_for(lambda: images(output))
        return started[-1]

    yield begin
    for job in started:
        job.kill()
        job.communicate()


def test_workers_render_the_same_bytes(blend_file: Path, undisturbed: dict[str, bytes], tmp_path: Path) -> None:
    done = build(blend_file, tmp_path, "--jobs", 3)
    assert done.returncode == 0, done.stderr
    assert (last_json(done.stdout)["rendered"], last_json(done.stdout)["warnings"]) == (2 * IMAGES, [WARNING])
    assert made(tmp_path) == undisturbed
    assert sorted(path.name for path in (tmp_path / "references").iterdir()) == ["absent", "present", "recipe.json"]
    assert f"{2 * IMAGES}/{2 * IMAGES}" in done.stderr


linux = pytest.mark.skipif(sys.platform != "linux", reason="the workers are found through /proc")


@linux
@fault("fault", "SIGKILL, SIGTERM or SIGINT to a job, in one process or with workers", "workers end; next run equal")
@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_job_is_ended(
    blend_file: Path, undisturbed: dict[str, bytes], begin: Any, tmp_path: Path, number: int, jobs: int
) -> None:
    job = begin(jobs)
    workers = children(job.pid)
    assert len(workers) == (jobs if jobs > 1 else 0)
    job.send_signal(number)
    job.wait(60)
    wait_for(lambda: all(map(is_gone, workers)))
    before = {path: path.stat().st_mtime_ns for path in images(tmp_path)}
    assert 0 < len(before) < 2 * IMAGES
    done = build(blend_file, tmp_path, "--jobs", jobs)
    assert done.returncode == 0, done.stderr
    assert last_json(done.stdout)["rendered"] == 2 * IMAGES - len(before)
    assert all(path.stat().st_mtime_ns == written for path, written in before.items())
    assert made(tmp_path) == undisturbed


@linux
@fault("fault", "SIGKILL to a worker", "its images go to a new one; same bytes, exit status 0")
def test_a_worker_is_killed(undisturbed: dict[str, bytes], begin: Any, tmp_path: Path) -> None:
    job = begin(2)
    os.kill(children(job.pid)[0], signal.SIGKILL)
    output, errors = job.communicate(timeout=300)
    assert job.returncode == 0, errors
    assert last_json(output)["rendered"] == 2 * IMAGES
    assert made(tmp_path) == undisturbed


@linux
@fault("fault", "folder deleted under the job", "one sentence, exit status 2; next run equal")
@pytest.mark.parametrize("jobs", [1, 2])
def test_the_folder_is_deleted(
    blend_file: Path, undisturbed: dict[str, bytes], begin: Any, tmp_path: Path, jobs: int
) -> None:
    job = begin(jobs)
    (tmp_path / "references").rename(tmp_path / "moved")  # at once, unlike the deletion of many files
    output, errors = job.communicate(timeout=120)
    assert job.returncode == 2, errors
    (problem,) = last_json(output)["problems"]
    assert "was deleted during the job" in problem and "Traceback" not in errors
    assert build(blend_file, tmp_path, "--jobs", jobs).returncode == 0
    assert made(tmp_path) == undisturbed


@linux
@fault("fault", "two jobs on one folder", "the second says who holds it, exit status 2; the first is undisturbed")
def test_two_jobs_on_one_folder(blend_file: Path, undisturbed: dict[str, bytes], begin: Any, tmp_path: Path) -> None:
    job = begin(2)
    os.kill(job.pid, signal.SIGSTOP)
    second = build(blend_file, tmp_path)
    os.kill(job.pid, signal.SIGCONT)
    assert second.returncode == 2
    assert "Another job on" in last_json(second.stdout)["problems"][0]
    _, errors = job.communicate(timeout=300)
    assert job.returncode == 0, errors
    assert made(tmp_path) == undisturbed


@fault("fault", "clock set back by ten years between two runs", "only what is missing is rendered; same bytes")
def test_the_clock_jumps_back(blend_file: Path, undisturbed: dict[str, bytes], tmp_path: Path) -> None:
    assert build(blend_file, tmp_path).returncode == 0
    later = time.time() + 10 * 365 * 86400
    for path in tmp_path.rglob("*"):
        os.utime(path, (later, later))
    images(tmp_path)[0].unlink()
    done = build(blend_file, tmp_path)
    assert last_json(done.stdout)["rendered"] == 1
    assert made(tmp_path) == undisturbed


@fault("fault", "a worker crashes on one image, always", "all others are done; the image is named after three crashes")
def test_an_image_that_crashes(blend_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python itself aborts the process that stores the second image."""
    script = """
import os, sys
sys.addaudithook(lambda event, args: event == "open" and ".present_0001." in str(args[0]) and os.abort())
"""
    (tmp_path / "sitecustomize.py").write_text(script, "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    for jobs in (2, 1):  # the second run tries it no more
        done = build(blend_file, tmp_path, "--classes", "present", "--images-per-class", 3, "--jobs", jobs)
        assert done.returncode == 2, done.stderr
        (problem,) = last_json(done.stdout)["problems"]
        assert problem.startswith("Blender crashed 3 times on each of present/present_0001.png,"), problem
        assert [path.name for path in images(tmp_path)] == ["present_0000.png", "present_0002.png"]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own, which a test may fill or protect from writing."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    if sys.platform != "linux" or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only root on Linux can mount a small disk")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """Someone else takes all that is left of the disk."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass
    yield
    filler.unlink()


@contextmanager
def read_only(disk: Path) -> Iterator[None]:
    """The disk takes no writing, not even root's."""

    def remount(mode: str) -> bool:
        command = ["mount", "-o", f"remount,{mode}", str(disk)]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    wait_for(lambda: remount("ro"))  # refused while a file is being written
    yield
    assert remount("rw")


TROUBLES: dict[str, tuple[Callable[[Path], AbstractContextManager[None]], str]] = {
    "full": (full, "no space left on device"),
    "read-only": (read_only, "read-only file system"),
}


@linux
@fault("fault", "disk full or read-only while a job renders", "one sentence, exit status 2; next run equal")
@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_disk_fails_under_a_job(
    blend_file: Path, undisturbed: dict[str, bytes], begin: Any, disk: Path, trouble: str, jobs: int
) -> None:
    happen, told = TROUBLES[trouble]
    job = begin(jobs, disk)
    with happen(disk):
        output, errors = job.communicate(timeout=120)
        assert job.returncode == 2, errors
        (problem,) = last_json(output)["problems"]
        assert told in problem and "Traceback" not in errors
        finished = {path: path.read_bytes() for path in images(disk)}
        again = build(blend_file, disk)
        assert again.returncode == 2 and len(last_json(again.stdout)["problems"]) == 1, again.stderr
    assert 0 < len(finished) < 2 * IMAGES
    done = build(blend_file, disk, "--jobs", jobs)
    assert done.returncode == 0, done.stderr
    assert last_json(done.stdout)["rendered"] == 2 * IMAGES - len(finished)
    assert made(disk) == undisturbed


def command(*arguments: object) -> "subprocess.CompletedProcess[str]":
    return run(*arguments, program=(sys.executable, "-m", "inference"))


@pytest.fixture
def station(disk: Path, tmp_path: Path) -> Path:
    """References, photos and a database on the small disk, the encoder elsewhere."""
    write_tiny_encoder(tmp_path / "tiny.onnx")
    write_pictures(disk / "references", 3, seed=0)
    write_pictures(disk / "photos", 10, seed=1)
    assert command("embed", "--references", disk / "references", "--encoder", tmp_path / "tiny.onnx").returncode == 0
    return disk


def scores(folder: Path) -> tuple[dict[str, Any], bytes]:
    metrics = json.loads((folder / "metrics.json").read_text("utf-8"))
    return {k: v for k, v in metrics.items() if k != "seconds"}, (folder / "predictions.csv").read_bytes()


@linux
@fault("fault", "disk full or read-only when the database is written", "one sentence, exit status 2; the old one stays")
@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_disk_fails_under_the_database(station: Path, tmp_path: Path, trouble: str) -> None:
    happen, told = TROUBLES[trouble]
    database, encoder = station / "references.safetensors", ("--encoder", tmp_path / "tiny.onnx")
    before = database.read_bytes()
    with happen(station):
        for changing in (("embed", "--references", station / "references"), ("edit", "--database", database)):
            options = ("--remove", "red") if changing[0] == "edit" else ()
            done = command(*changing, *options, *encoder)
            assert done.returncode == 2 and told in done.stderr.splitlines()[-1], done.stderr
            assert "Traceback" not in done.stderr
        assert database.read_bytes() == before
        assert sorted(path.name for path in station.iterdir() if path.name != "filler") == [
            "photos", "references", "references.safetensors",
        ]  # fmt: skip
    assert command("embed", "--references", station / "references", *encoder).returncode == 0
    assert (ReferenceDatabase.load(database).embeddings == loads(before, tmp_path).embeddings).all()


def loads(content: bytes, folder: Path) -> ReferenceDatabase:
    (folder / "before.safetensors").write_bytes(content)
    return ReferenceDatabase.load(folder / "before.safetensors")


@linux
@fault(
    "fault",
    "disk full or read-only when photos are embedded or a report is written",
    "one sentence, exit status 2; next run equal",
)
@pytest.mark.parametrize("room", ["none", "for some photos", "for all but the report", "read-only"])
def test_a_disk_fails_under_a_validation(station: Path, tmp_path: Path, room: str) -> None:
    def validate(output: Path) -> "subprocess.CompletedProcess[str]":
        return command(
            *("validate", "--database", station / "references.safetensors", "--photos", station / "photos"),
            *("--output", output, "--encoder", tmp_path / "tiny.onnx", "--json"),
        )

    assert validate(tmp_path / "undisturbed").returncode == 0
    output = station / "result"
    output.mkdir()
    with full(station) if room != "read-only" else read_only(station):
        if room.startswith("for"):
            os.truncate(station / "filler", (station / "filler").stat().st_size - 4096 * (1 if "some" in room else 2))
        done = validate(output)
        assert done.returncode == 2 and TROUBLES["read-only" if room == "read-only" else "full"][1] in done.stderr
        assert "Traceback" not in done.stderr and len(last_json(done.stdout)["problems"]) == 1
        assert not (output / "metrics.json").exists()
    assert validate(output).returncode == 0
    assert scores(output) == scores(tmp_path / "undisturbed")


@linux
@fault("fault", "SIGKILL while a database is written over another", "the old one or the new one is read, never a part")
def test_a_database_whose_writing_is_killed(tmp_path: Path) -> None:
    """A process writes two large databases in turn, until it is killed."""
    script = """
import sys
from pathlib import Path
import numpy as np
from synthetic_similarity_search.inference.database import ReferenceDatabase
from synthetic_similarity_search.inference.encoder import Model
from synthetic_similarity_search.inference.preprocessing import Preprocessing
rows = 4000
vectors = np.zeros((rows, 256), np.float32); vectors[:, 0] = 1
for turn in range(10**9):
    ReferenceDatabase(
        vectors, np.full(rows, turn % 2), np.zeros((rows, 4, 4), np.float32), ("a", "b"), ("x.png",) * rows,
        Model("tiny", "0" * 64, 256), Preprocessing(), {"turn": turn},
    ).save(Path(sys.argv[1]))
    print(turn, flush=True)
"""
    path = tmp_path / "references.safetensors"
    for kill in range(8):
        writer = subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True)
        assert writer.stdout and writer.stdout.readline()
        time.sleep(0.003 * kill)
        writer.kill()
        writer.communicate()
        database = ReferenceDatabase.load(path)
        assert len(database) == 4000 and (database.labels == database.recipe["turn"] % 2).all()


@fault("fault", "a database cut off after each of its bytes", "never read: one sentence")
def test_a_database_cut_off_anywhere(
    blend_file: Path, undisturbed: dict[str, bytes], tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    write_tiny_encoder(tmp_path / "tiny.onnx")
    write_pictures(tmp_path / "references", 2, seed=0)
    assert (
        command("embed", "--references", tmp_path / "references", "--encoder", tmp_path / "tiny.onnx").returncode == 0
    )
    content = (tmp_path / "references.safetensors").read_bytes()
    cut = tmp_path / "cut.safetensors"
    for length in range(len(content)):
        cut.write_bytes(content[:length])
        with pytest.raises(InputError, match="Build it again") as caught:
            ReferenceDatabase.load(cut)
        assert len(caught.value.problems) == 1
    record_property("executions", len(content))


@fault("fault", "ESC while a job of the sidebar renders", "its processes end; next run equal")
def test_escape(blend_file: Path, undisturbed: dict[str, bytes], tmp_path: Path) -> None:
    bpy.ops.wm.open_mainfile(filepath=str(blend_file))
    running = sidebar_job.start(bpy.context, "Build", list(map(str, arguments(blend_file, tmp_path, "--jobs", 2)[2:])))
    operator = SimpleNamespace(job=running, cancel=lambda context: None, _finish=lambda job: {job.state})
    wait_for(lambda: images(tmp_path))
    workers = children(running.process.pid)
    modal = bpy.types.SIMSEARCH_OT_build.modal
    assert modal(operator, bpy.context, SimpleNamespace(type="ESC", value="PRESS")) == {"RUNNING_MODAL"}
    wait_for(
        lambda: (
            modal(operator, bpy.context, SimpleNamespace(type="TIMER", value="NOTHING"))
            == {sidebar_job.State.CANCELLED}
        )
    )
    assert all(map(is_gone, [running.process.pid, *workers]))
    finished = images(tmp_path)
    assert 0 < len(finished) < 2 * IMAGES
    done = build(blend_file, tmp_path)
    assert last_json(done.stdout)["rendered"] == 2 * IMAGES - len(finished)
    assert made(tmp_path) == undisturbed


def set_emission(strength: float) -> Callable[[bpy.types.Scene], None]:
    def change(_scene: bpy.types.Scene) -> None:
        bpy.data.materials["Cube"].node_tree.nodes["Principled BSDF"].inputs[
            "Emission Strength"
        ].default_value = strength

    return change


def set_world(scene: bpy.types.Scene) -> None:
    scene.world.node_tree.nodes["Background"].inputs["Strength"].default_value = math.nan


def lose_a_corner(_scene: bpy.types.Scene) -> None:
    bpy.data.meshes["Cube"].vertices[0].co = (math.nan, 0, 0)


def lose_the_object(_scene: bpy.types.Scene) -> None:
    bpy.data.objects["Cube"].location = (math.nan, 0, 0)


NOT_NUMBERS = {
    "The material 'Cube'": set_emission(math.nan),
    "The world 'World'": set_world,
    "The mesh 'Cube'": lose_a_corner,
    "The object 'Cube'": lose_the_object,
}


@fault("fault", "NaN in a material, in the world, in a mesh, as a place", "refused by name before anything is rendered")
@pytest.mark.parametrize("culprit", NOT_NUMBERS)
def test_what_is_no_number_is_not_rendered(scene: bpy.types.Scene, tmp_path: Path, culprit: str) -> None:
    """EEVEE leaves it out, and the picture looks like another class's."""
    NOT_NUMBERS[culprit](scene)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "nan.blend"))
    done = build(tmp_path / "nan.blend", tmp_path / "out")
    assert done.returncode == 2, done.stderr
    assert [p for p in last_json(done.stdout)["problems"] if p.startswith(culprit) and "NaN" in p], done.stdout
    assert not (tmp_path / "out").exists()


def compute_no_number(scene: bpy.types.Scene) -> None:
    """The strength of the cube's emission becomes infinity minus infinity in the shader."""
    tree = bpy.data.materials["Cube"].node_tree
    place = tree.nodes.new("ShaderNodeTexCoord").outputs["Window"]  # what is constant may be computed beforehand
    large, first, second, difference = (tree.nodes.new("ShaderNodeMath") for _ in range(4))
    ends = ((place, large, 3e38), (large.outputs[0], first, 3e38), (large.outputs[0], second, 2e38))
    for value, node, factor in ends:
        node.operation = "MULTIPLY"
        tree.links.new(value, node.inputs[0])
        node.inputs[1].default_value = factor
    difference.operation = "SUBTRACT"
    for number, node in enumerate((first, second)):
        tree.links.new(node.outputs[0], difference.inputs[number])
    shader = tree.nodes["Principled BSDF"]
    tree.links.new(difference.outputs[0], shader.inputs["Emission Strength"])
    shader.inputs["Emission Color"].default_value = (1, 1, 1, 1)


def block_the_camera(scene: bpy.types.Scene) -> None:
    """A lens cap that only the class with the cube has."""
    cap = add_cube("Cap", (0, 0, 0.3), 0.2, bpy.data.collections["Part"])
    node = cap.data.materials[0].node_tree.nodes["Principled BSDF"]
    for name, value in {"Base Color": (0, 0, 0, 1), "Specular IOR Level": 0, "Roughness": 1}.items():
        node.inputs[name].default_value = value


WRONG_FRAMES = {"is completely black in": compute_no_number, "is of one colour only": block_the_camera}


@fault(
    "fault",
    "a frame that renders black, or black where its shader computes NaN",
    "each image named in a warning, by every run",
)
@pytest.mark.parametrize("flaw", WRONG_FRAMES)
def test_a_frame_that_renders_wrong_is_named(scene: bpy.types.Scene, tmp_path: Path, flaw: str) -> None:
    WRONG_FRAMES[flaw](scene)
    for _ in range(2):  # the second one renders nothing, and a first that was stopped could not tell
        warnings = render_here(scene, tmp_path).warnings
        named = [w.split()[0] for w in warnings if flaw in w]
        assert named == ["present/present_0000.png", "present/present_0001.png"], warnings
