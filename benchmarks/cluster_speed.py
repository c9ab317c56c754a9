# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster costs and gains on this machine, with a plant of six stations, and what killed workers do to its result.

    make test-cluster    # or the installation of Dask that docs/plant.md shows
    python benchmarks/cluster_speed.py overhead    # `--cluster local` beside the same plant without a cluster
    python benchmarks/cluster_speed.py renders     # two workers beside one, each on a core of its own
    python benchmarks/cluster_speed.py photos      # the same with photos
    python benchmarks/cluster_speed.py kills       # kill -9 of a worker at ten random moments
    python benchmarks/cluster_speed.py apart       # workers in another network namespace and without the plant's folder

On a machine that does nothing else, a few minutes each. Figures go to build/cluster_speed/WHAT.json.
"""

import argparse
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from synthetic_similarity_search.tests.dask_machines import INFERENCE, Machines, made
from synthetic_similarity_search.tests.networks import separate_networks, without

ROOT = Path(__file__).resolve().parents[1]
OUTPUT = ROOT / "build" / "cluster_speed"
CLASSES = ("t_joint", "metal_blank")
STATIONS = tuple(f"station-{number}" for number in range(1, 7))
IMAGES, PHOTOS, FEW_PHOTOS = 8, 1000, 24
"""References of each class of a station, and photos: many of one station, and few of each."""
PLANT = """
[defaults]
output = "{output}/{{name}}"
photos = "few_photos"
images_per_class = {images}
samples = 1
[[station]]
scenes = "scenes/*.blend"
"""


def processor() -> float:
    """Seconds that all processes started here have used, of those that ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(*command: object) -> tuple[dict[str, Any], float]:
    """Run a command; returns what it prints as JSON, and its seconds."""
    started = time.monotonic()
    done = subprocess.run([*map(str, command), "--json"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return dict(json.loads(done.stdout.splitlines()[-1])), time.monotonic() - started


def scenes() -> None:
    """The scenes of six stations: two classes of the station in examples/station."""
    folder = OUTPUT / "scenes"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / f"{STATIONS[-1]}.blend").exists():
        first = folder / f"{STATIONS[0]}.blend"
        subprocess.run(
            [sys.executable, ROOT / "examples" / "plant" / "station.py", "tee", "plate", first], cwd=ROOT, check=True,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        for name in STATIONS[1:]:
            shutil.copy(first, folder / f"{name}.blend")


def write_photos(folder: Path, count: int) -> None:
    """Photos of coarse noise, no two of them equal."""
    for number in range(count):
        path = folder / CLASSES[number % 2] / f"{number:04}.jpg"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            coarse = np.random.default_rng(number).integers(0, 255, (12, 16, 3), np.uint8)
            Image.fromarray(coarse).resize((640, 480), Image.Resampling.BICUBIC).save(path, quality=90)


def build(output: str, images: int, *more: object) -> float:
    """Build the plant anew; returns the seconds it took."""
    shutil.rmtree(OUTPUT / output, ignore_errors=True)
    file = OUTPUT / f"{output}.toml"
    file.write_text(PLANT.format(output=output, images=images), "utf-8")
    result, seconds = run(*INFERENCE, "plant", "build", file, *more)
    assert sum(row["rendered"] for row in result["stations"].values()) == len(STATIONS) * len(CLASSES) * images
    return seconds


def overhead() -> dict[str, Any]:
    """The plant as it is, then by `--cluster local`, with two jobs each."""
    seconds, used = {}, {}
    for name, more in (("local", ()), ("cluster", ("--cluster", "local"))):
        before = processor()
        seconds[name] = build(name, IMAGES, "--jobs", 2, *more)
        used[name] = processor() - before
    assert made(OUTPUT / "cluster", STATIONS) == made(OUTPUT / "local", STATIONS)
    overhead = {of: each["cluster"] / each["local"] - 1 for of, each in (("seconds", seconds), ("processor", used))}
    return {"seconds": seconds, "processor_seconds": used, "overhead": overhead}


def with_workers(count: int, *command: object) -> float:
    """Run a command with so many workers, each on a core of its own; returns its seconds."""
    machines = Machines()
    try:
        for core in range(count):
            machines.add("taskset", "--cpu-list", str(core), SIMSEARCH_THREADS="1", LP_NUM_THREADS="1")
        run(
            *INFERENCE, "plant", "check", OUTPUT / "warm.toml", "--cluster", machines.address
        )  # all are there, and warm
        return run(*command, "--cluster", machines.address)[1]
    finally:
        machines.close()


def gain(seconds: dict[int, float]) -> dict[str, Any]:
    """The figures of one and of two workers."""
    return {"seconds": seconds, "two_workers_to_one": seconds[1] / seconds[2]}


def renders() -> dict[str, Any]:
    """The plant by one worker and by two."""
    seconds = {}
    (OUTPUT / "warm.toml").write_text(PLANT.format(output="warm", images=1), "utf-8")
    for count in (1, 2):
        output = f"workers-{count}"
        shutil.rmtree(OUTPUT / output, ignore_errors=True)
        file = OUTPUT / f"{output}.toml"
        file.write_text(PLANT.format(output=output, images=IMAGES), "utf-8")
        seconds[count] = with_workers(count, *INFERENCE, "plant", "build", file)
    assert made(OUTPUT / "workers-1", STATIONS) == made(OUTPUT / "workers-2", STATIONS)
    return gain(seconds)


def photos() -> dict[str, Any]:
    """A validation of 1,000 photos by one worker and by two."""
    (OUTPUT / "warm.toml").write_text(PLANT.format(output="warm", images=1), "utf-8")
    if not (OUTPUT / "local" / STATIONS[0] / "references.safetensors").exists():
        build("local", IMAGES, "--jobs", 2)
    folder = OUTPUT / "photos"
    write_photos(folder, PHOTOS)
    seconds = {}
    for count in (1, 2):
        output = OUTPUT / f"validation-{count}"
        shutil.rmtree(output, ignore_errors=True)
        database = OUTPUT / "local" / STATIONS[0] / "references.safetensors"
        command = ("validate", "--database", database, "--photos", folder, "--output", output, "--shares", 4)
        seconds[count] = with_workers(count, *INFERENCE, *command)
    one, two = ((OUTPUT / f"validation-{count}" / "predictions.csv").read_bytes() for count in (1, 2))
    assert one == two
    return gain(seconds)


def kills() -> dict[str, Any]:
    """Two workers; one is killed at a random moment, and another one comes."""
    images, generator = 2, random.Random(20)  # noqa: S311 - moments, not secrets
    whole = build("local-small", images, "--jobs", 2)
    wanted = made(OUTPUT / "local-small", STATIONS)
    found = []
    for number in range(1, 11):
        machines = Machines()
        try:
            workers = [machines.add() for _ in range(2)]
            output = "killed"
            shutil.rmtree(OUTPUT / output, ignore_errors=True)
            file = OUTPUT / f"{output}.toml"
            file.write_text(PLANT.format(output=output, images=images), "utf-8")
            command = [*INFERENCE, "plant", "build", file, "--cluster", machines.address, "--shares", "2"]
            started = time.monotonic()
            with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as job:
                moment = generator.uniform(0.1, 1.0) * whole
                time.sleep(moment)
                done = len(list((OUTPUT / output).glob("*/references/*/[!.]*.png")))
                workers[number % 2].send_signal(signal.SIGKILL)
                machines.add()
                _, stderr = job.communicate(timeout=900)
            equal = job.returncode == 0 and made(OUTPUT / output, STATIONS) == wanted
            found.append({"after_seconds": round(moment, 1), "images_then": done, "equal": equal})
            print(number, found[-1], f"{time.monotonic() - started:.0f} s", stderr.decode()[-300:] if not equal else "")
        finally:
            machines.close()
    return {"kills": found, "equal": sum(kill["equal"] for kill in found)}


def apart() -> dict[str, Any]:
    """Two workers that reach this machine by a cable only; the plant is built and validated."""
    seconds = {}
    with separate_networks() as networks:
        machines = Machines(networks.address, networks.here)
        try:
            for _ in range(2):
                machines.add(*networks.there, *without(OUTPUT))
            elsewhere = ("--send-files", "--cluster", machines.address)
            for output, prefix, more in (("local", (), ("--jobs", 2)), ("apart", networks.here, elsewhere)):
                shutil.rmtree(OUTPUT / output, ignore_errors=True)
                file = OUTPUT / f"{output}.toml"
                file.write_text(PLANT.format(output=output, images=IMAGES), "utf-8")
                seconds[output] = sum(
                    run(*prefix, *INFERENCE, "plant", action, file, *more)[1] for action in ("build", "validate")
                )
        finally:
            machines.close()
    equal = made(OUTPUT / "apart", STATIONS) == made(OUTPUT / "local", STATIONS)
    return {"stations": len(STATIONS), "seconds": seconds, "equal": equal}


WHAT = {function.__name__: function for function in (overhead, renders, photos, kills, apart)}


def main() -> None:
    """Measure, and write the figures."""
    parser = argparse.ArgumentParser(description="What a cluster costs and gains on this machine.")
    parser.add_argument("what", choices=WHAT)
    what = parser.parse_args().what
    scenes()
    write_photos(OUTPUT / "few_photos", FEW_PHOTOS)
    figures = WHAT[what]() | {"cores": os.cpu_count()}
    (OUTPUT / f"{what}.json").write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
