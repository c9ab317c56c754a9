# SPDX-License-Identifier: GPL-3.0-or-later
"""Validation of ten thousand photos, killed half-way: its peak memory, and that no photo is embedded twice.

    python benchmarks/many_photos.py --database FILE --photos DIR [--count 10000] [--output build/many_photos]

The photos are made from those of DIR by cropping, mirroring and brightness. Figures go to OUTPUT.json.
"""

import argparse
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
from PIL import ImageEnhance, ImageOps

from synthetic_similarity_search.inference.output_folder import ValidationFolder
from synthetic_similarity_search.inference.preprocessing import open_photo

ROOT = Path(__file__).resolve().parents[1]

SIZE = (640, 480)


def augment(photos: Path, output: Path, count: int) -> None:
    """Write `count` JPEG files to class folders below `output`, each another view of one of `photos`."""
    files = sorted(path for path in photos.glob("*/*") if path.is_file())
    for number in range(count):
        source = files[number % len(files)]
        place = output / source.parent.name / f"{number:05}.jpg"
        if place.exists():
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        generator = np.random.default_rng(number)
        left, top = generator.uniform(0, 0.1, 2).tolist()
        view = open_photo(source, SIZE[0] // 2, (left, top, 0.9, 0.9)).resize(SIZE)
        view = ImageOps.mirror(view) if generator.random() < 0.5 else view
        ImageEnhance.Brightness(view).enhance(generator.uniform(0.8, 1.2)).save(place, quality=85)


def run(command: list[str], cache: Path, stop_at: int | None) -> tuple[int, float, float]:
    """Run a validation, killed once the file `cache` has `stop_at` vectors; status, peak memory in MB, seconds."""
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    ended = 0
    while not ended:
        ended, status, usage = os.wait4(process.pid, 0 if stop_at is None else os.WNOHANG)
        if not ended and stop_at is not None and count(cache) >= stop_at:
            process.send_signal(signal.SIGKILL)
        time.sleep(0.1)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_maxrss / 1024, time.monotonic() - started


def count(cache: Path) -> int:
    """How many vectors the file `cache` has; 0 before it is made."""
    if not cache.is_file():
        return 0
    with closing(sqlite3.connect(f"file:{cache}?mode=ro", uri=True, timeout=60)) as connection:
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        return int(connection.execute("SELECT count(*) FROM vectors").fetchone()[0]) if tables else 0


def main() -> None:
    """Make the photos, validate them in two runs and write the figures."""
    parser = argparse.ArgumentParser(description="Validation of many photos, killed half-way.")
    parser.add_argument("--database", type=Path, required=True)
    parser.add_argument("--photos", type=Path, required=True, help="photos to make the others from")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "many_photos")
    args = parser.parse_args()
    database, photos, output = args.database.resolve(), args.output / "photos", args.output / "validation"
    augment(args.photos, photos, args.count)
    cache = ValidationFolder(output).vectors
    cache.unlink(missing_ok=True)
    command = [sys.executable, "-m", "inference", "validate", "--database", str(database), "--photos", str(photos),
               "--output", str(output), "--k", "5"]  # fmt: skip
    killed = run(command, cache, args.count // 2)
    kept = count(cache)
    finished = run(command, cache, None)
    metrics = json.loads((output / "metrics.json").read_text("utf-8"))
    figures = {
        "photos": metrics["photos"],
        "embedded_before_the_kill": kept,
        # The cache only ever grows by what is embedded.
        "embedded_in_all": count(cache),
        "status": [killed[0], finished[0]],
        "peak_megabytes": [round(killed[1]), round(finished[1])],
        "seconds": [round(killed[2]), round(finished[2])],
        "report_megabytes": round((output / "report.html").stat().st_size / 1e6, 1),
        "weights": metrics["model"]["weights"],
    }
    args.output.with_suffix(".json").write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
