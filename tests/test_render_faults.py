# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever ends a render, nothing finished is lost, and the next run equals one that nothing disturbed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_batch import last_json, run
from test_stills import contents
from tiny_scene import ROOT

IMAGES = 6
fault = pytest.mark.reliability


@pytest.fixture(scope="module")
def undisturbed(blend_file: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What a job in one process renders."""
    folder = tmp_path_factory.mktemp("undisturbed")
    done = render(blend_file, folder, "--jobs", 1)
    assert done.returncode == 0, done.stderr
    return contents(folder / "references")


def arguments(blend_file: Path, output: Path, *more: object, command: str = "render") -> list[object]:
    return ["--scene", blend_file, command, "--output", output, "--images-per-class", IMAGES, "--json", *more]


def render(blend_file: Path, output: Path, *more: object, command: str = "render") -> Any:
    return run(*arguments(blend_file, output, *more, command=command))


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

    def begin(jobs: int) -> Any:
        started.append(start(blend_file, tmp_path, "--jobs", jobs))
        wait_for(lambda: images(tmp_path))
        return started[-1]

    yield begin
    for job in started:
        job.kill()
        job.communicate()


def test_workers_render_the_same_bytes(blend_file: Path, undisturbed: dict[str, bytes], tmp_path: Path) -> None:
    done = render(blend_file, tmp_path, "--jobs", 3)
    assert done.returncode == 0, done.stderr
    assert (last_json(done.stdout)["rendered"], last_json(done.stdout)["warnings"]) == (2 * IMAGES, [])
    assert contents(tmp_path / "references") == undisturbed
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
    done = render(blend_file, tmp_path, "--jobs", jobs)
    assert done.returncode == 0, done.stderr
    assert last_json(done.stdout)["rendered"] == 2 * IMAGES - len(before)
    assert all(path.stat().st_mtime_ns == written for path, written in before.items())
    assert contents(tmp_path / "references") == undisturbed


@linux
@fault("fault", "SIGKILL to a worker", "its images go to a new one; same bytes, exit status 0")
def test_a_worker_is_killed(undisturbed: dict[str, bytes], begin: Any, tmp_path: Path) -> None:
    job = begin(2)
    os.kill(children(job.pid)[0], signal.SIGKILL)
    output, errors = job.communicate(timeout=300)
    assert job.returncode == 0, errors
    assert last_json(output)["rendered"] == 2 * IMAGES
    assert contents(tmp_path / "references") == undisturbed


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
    assert render(blend_file, tmp_path, "--jobs", jobs).returncode == 0
    assert contents(tmp_path / "references") == undisturbed


@linux
@fault("fault", "two jobs on one folder", "the second says who holds it, exit status 2; the first is undisturbed")
def test_two_jobs_on_one_folder(blend_file: Path, undisturbed: dict[str, bytes], begin: Any, tmp_path: Path) -> None:
    job = begin(2)
    os.kill(job.pid, signal.SIGSTOP)
    second = render(blend_file, tmp_path)
    os.kill(job.pid, signal.SIGCONT)
    assert second.returncode == 2
    assert f"process {job.pid} on" in last_json(second.stdout)["problems"][0]
    _, errors = job.communicate(timeout=300)
    assert job.returncode == 0, errors
    assert contents(tmp_path / "references") == undisturbed


@fault("fault", "clock set back by ten years between two runs", "only what is missing is rendered; same bytes")
def test_the_clock_jumps_back(blend_file: Path, undisturbed: dict[str, bytes], tmp_path: Path) -> None:
    assert render(blend_file, tmp_path).returncode == 0
    later = time.time() + 10 * 365 * 86400
    for path in tmp_path.rglob("*"):
        os.utime(path, (later, later))
    images(tmp_path)[0].unlink()
    done = render(blend_file, tmp_path)
    assert last_json(done.stdout)["rendered"] == 1
    assert contents(tmp_path / "references") == undisturbed


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
        done = render(blend_file, tmp_path, "--classes", "present", "--images-per-class", 3, "--jobs", jobs)
        assert done.returncode == 2, done.stderr
        (problem,) = last_json(done.stdout)["problems"]
        assert problem.startswith("Blender crashed 3 times on each of present/present_0001.png,"), problem
        assert [path.name for path in images(tmp_path)] == ["present_0000.png", "present_0002.png"]
