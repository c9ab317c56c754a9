# SPDX-License-Identifier: GPL-3.0-or-later
"""A long job: memory and time per image through 2,000 stills, ``python tests/long_run.py`` writes build/long_run.json.

The scene is the tests' tiny one at 64 pixels and one sample, so that the job is mostly what surrounds the rendering. Two
workers share it, each of which is replaced after 200 images.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parent
RECORD = TESTS.parent / "build" / "long_run.json"
INTERVAL = 0.5
MOST = 1.25
"""How much more the last quarter may take than the first."""


def save_scene(path: Path) -> None:
    """Save the tiny scene, set to 64 pixels."""
    from synthetic_similarity_search import batch

    batch.load_package()
    import bpy

    from synthetic_similarity_search.tests.tiny_scene import build_scene

    build_scene().simsearch.render.resolution = 64
    bpy.ops.wm.save_as_mainfile(filepath=str(path))


def resident(process: int) -> int:
    """The bytes that a process has in memory; 0 where it is gone."""
    try:
        return int(Path(f"/proc/{process}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def children(process: int) -> list[int]:
    """The processes that a process started and that still run."""
    try:
        return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text("ascii").split()]
    except OSError:
        return []


def watch(folder: Path, images: int) -> dict[str, object]:
    """Run the job; returns its figures. The first and the last quarter are of the images."""
    scene, log = folder / "tiny.blend", folder / "log.txt"
    # In a process of its own: what this one holds would be counted with the job's workers.
    subprocess.run([sys.executable, __file__, "--save-scene", str(scene)], check=True, stdout=subprocess.DEVNULL)
    command = [
        sys.executable, str(TESTS.parent / "batch.py"), "--scene", str(scene), "render", "--output", str(folder / "out"),
        "--images-per-class", str(images // 2), "--jobs", "2",
    ]  # fmt: skip
    samples, workers = [], set()
    with log.open("wb") as messages:
        job = subprocess.Popen(command, stdout=messages, stderr=messages)
        while job.poll() is None:
            now = children(job.pid)
            workers |= set(now)
            samples.append((time.time(), resident(job.pid), max(map(resident, now), default=0)))
            time.sleep(INTERVAL)
    stored = sorted(path.stat().st_mtime for path in folder.glob("out/references/*/*.png"))
    if job.returncode or len(stored) != images // 2 * 2:
        raise SystemExit(f"{len(stored)} images, status {job.returncode}:\n{log.read_text('utf-8', 'replace')[-2000:]}")
    quarter = len(stored) // 4
    found: dict[str, object] = {
        "images": len(stored),
        "workers": len(workers),
        "seconds": round(stored[-1] - stored[0]),
    }
    for name, first, last in (("first", 0, quarter), ("last", len(stored) - quarter - 1, len(stored) - 1)):
        within = [sample for sample in samples if stored[first] <= sample[0] <= stored[last]]
        found[name] = {
            "seconds": stored[last] - stored[first],
            "ms": 1000 * statistics.median(b - a for a, b in zip(stored[first:last], stored[first + 1 : last + 1])),
            "job_mb": statistics.median(sample[1] for sample in within) / 1e6,
            "worker_mb": max(sample[2] for sample in within) / 1e6,
        }
    return found


def main() -> int:
    """Run the job and record its figures; returns the exit status, 1 where time or memory grow."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--save-scene", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.save_scene:
        save_scene(options.save_scene)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        found = watch(Path(folder), options.images)
    RECORD.parent.mkdir(exist_ok=True)
    RECORD.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    print(json.dumps(found))
    return int(any(last > MOST * first for first, last in zip(found["first"].values(), found["last"].values())))


if __name__ == "__main__":
    sys.exit(main())
