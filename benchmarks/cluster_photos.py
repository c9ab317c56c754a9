# SPDX-License-Identifier: GPL-3.0-or-later
"""Validation of 100,000 photos on a scheduler and two workers: the memory of every process over time.

    make test-cluster    # or the installation of Dask that docs/plant.md shows
    python benchmarks/cluster_photos.py [--count 100000] [--shares 40] [--output build/cluster_photos]

The photos are small and the encoder is that of the tests, as this is about memory and not about speed. Figures go to
OUTPUT.json: for each process the memory in use (VmRSS) after each tenth of the time, and its peak.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
from PIL import Image

from synthetic_similarity_search.inference.output_folder import ValidationFolder
from synthetic_similarity_search.tests.dask_machines import Machines, descendants
from synthetic_similarity_search.tests.tiny_encoder import write_pictures, write_tiny_encoder

ROOT = Path(__file__).resolve().parents[1]
CLASSES = {"red": (200, 40, 40), "green": (40, 200, 40)}
PERIOD = 0.5
"""Seconds between looks at the processes."""


def write_photos(folder: Path, count: int) -> None:
    """Small JPEG files of two classes, no two of them equal."""
    for number in range(count):
        label = list(CLASSES)[number % len(CLASSES)]
        path = folder / label / f"{number:06}.jpg"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            noise = np.random.default_rng(number).normal(0, 25, (24, 32, 3))
            Image.fromarray((np.array(CLASSES[label]) + noise).clip(0, 255).astype(np.uint8)).save(path, quality=80)


def megabytes(process: int, entry: str = "VmRSS") -> float | None:
    """Memory of a process; None where it has ended."""
    try:
        found = re.search(rf"{entry}:\s+(\d+)", Path(f"/proc/{process}/status").read_text("ascii"))
    except OSError:
        return None
    return int(found[1]) / 1024 if found else None


class Watch(threading.Thread):
    """Samples the memory of processes, and of the largest of their children's, until it is stopped."""

    def __init__(self, processes: dict[str, int]) -> None:
        super().__init__(daemon=True)
        self.processes, self.stopped = processes, threading.Event()
        self.samples: list[dict[str, float]] = []
        self.peaks: dict[str, float] = {}

    def run(self) -> None:
        """Sample until :attr:`stopped`."""
        while not self.stopped.wait(PERIOD):
            sample = {name: megabytes(process) or 0.0 for name, process in self.processes.items()}
            workers = [process for name, process in self.processes.items() if name.startswith("worker")]
            children = [child for worker in workers for child in descendants(worker)]
            sample["largest child of a worker"] = max([megabytes(child) or 0.0 for child in children], default=0.0)
            self.samples.append(sample)
            for name, used in sample.items():
                self.peaks[name] = max(self.peaks.get(name, 0.0), used)

    def tenths(self) -> dict[str, list[int]]:
        """What each process had after each tenth of the time."""
        rows = [self.samples[max(0, len(self.samples) * tenth // 10 - 1)] for tenth in range(1, 11)]
        return {name: [round(row[name]) for row in rows] for name in rows[0]}


def main() -> None:
    """Make the photos and the database, validate, and write the figures."""
    parser = argparse.ArgumentParser(description="Validation of 100,000 photos on a cluster.")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--shares", type=int, default=40)
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "cluster_photos")
    args = parser.parse_args()
    output = args.output.resolve()
    photos, encoder, database = output / "photos", output / "tiny.onnx", output / "references.safetensors"
    write_photos(photos, args.count)
    inference = [sys.executable, "-m", "inference"]
    if not database.exists():
        write_tiny_encoder(encoder)
        write_pictures(output / "references", 12, seed=1, classes=tuple(CLASSES))
        embed = [
            *inference,
            "embed",
            "--references",
            output / "references",
            "--encoder",
            encoder,
            "--database",
            database,
        ]
        subprocess.run(embed, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    ValidationFolder(output / "validation").vectors.unlink(missing_ok=True)
    machines = Machines()
    try:
        workers = [machines.add(SIMSEARCH_THREADS="1") for _ in range(2)]
        command = [
            *inference, "validate", "--database", database, "--photos", photos, "--encoder", encoder, "--fresh", "--json",
            "--output", output / "validation", "--cluster", machines.address, "--shares", str(args.shares),
        ]  # fmt: skip
        started = time.monotonic()
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as client:
            watch = Watch(
                {"scheduler": machines.scheduler.pid, "client": client.pid}
                | {f"worker {number}": worker.pid for number, worker in enumerate(workers, 1)}
            )
            watch.start()
            stdout, _ = client.communicate()
        seconds = time.monotonic() - started
        watch.stopped.set()
        watch.join()
    finally:
        machines.close()
    found = json.loads(stdout.splitlines()[-1])
    figures = {
        "photos": found.get("photos"),
        "macro_f1": found.get("macro_f1"),
        "problems": found.get("problems", []),
        "shares": args.shares,
        "seconds": round(seconds),
        "megabytes_after_each_tenth_of_the_time": watch.tenths(),
        "peak_megabytes": {name: round(peak) for name, peak in watch.peaks.items()},
    }
    args.output.with_suffix(".json").write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
    os._exit(0)
