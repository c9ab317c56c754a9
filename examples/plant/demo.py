# SPDX-License-Identifier: GPL-3.0-or-later
"""A plant of six small stations, from CAD to F1. `make plant` runs this; results land in build/plant/plant.json.

Every step is the command that a user would type; each is printed before it runs.
"""

import json
import shlex
import subprocess
import sys
import time
import tomllib
from pathlib import Path

PLANT = Path(__file__).resolve().parent
ROOT = PLANT.parents[1]
OUTPUT = ROOT / "build" / "plant"
PHOTOS_PER_CLASS = 4
PHOTO_SEED = 11
"""Another seed than the references', so that no photo is a reference."""


def run(*command: str | Path) -> dict[str, object]:
    """Show a command and run it; returns what it prints as JSON. Ends the demo with its exit status if it fails."""
    shown = [Path(c).relative_to(ROOT) if Path(c).is_relative_to(ROOT) else c for c in command]
    print("\n$", shlex.join(["python", *map(str, shown)]), flush=True)
    done = subprocess.run(
        [sys.executable, *map(str, command), "--json"], cwd=ROOT, check=False, stdout=subprocess.PIPE, text=True
    )
    lines = done.stdout.splitlines()
    print(*lines[:-1], sep="\n", flush=True)
    if done.returncode:
        sys.exit(done.returncode)
    return dict(json.loads(lines[-1]))


def take_photos(name: str) -> None:
    """Photos of a station that was built."""
    photos = OUTPUT / "photos" / name
    if photos.is_dir():
        return
    scene, renders = OUTPUT / "stations" / name / f"{name}.blend", OUTPUT / "renders" / name
    run(
        *("batch.py", "--scene", scene, "render", "--output", renders, "--images-per-class", str(PHOTOS_PER_CLASS)),
        *("--samples", "4", "--seed", str(PHOTO_SEED)),
    )
    subprocess.run([sys.executable, PLANT / "photos.py", renders / "references", photos], check=True)


def main() -> None:
    """Build, photograph, validate and report the plant."""
    started = time.monotonic()
    plant = PLANT / "plant.toml"
    run("-m", "inference", "plant", "build", plant, *sys.argv[1:])
    for station in tomllib.loads(plant.read_text("utf-8"))["station"]:
        take_photos(station["name"])
    result = run("-m", "inference", "plant", "validate", plant, *sys.argv[1:])
    run("-m", "inference", "plant", "report", plant, "--output", OUTPUT)
    stations = result["stations"]
    assert isinstance(stations, dict)
    summary = {
        "stations": {name: {key: row[key] for key in ("macro_f1", "photos")} for name, row in stations.items()},
        "workers": result["workers"],
        "seconds": round(time.monotonic() - started, 1),
    }
    (OUTPUT / "plant.json").write_text(json.dumps(summary, indent=1) + "\n", "utf-8")
    print("\nThe photos are simulated, so F1 says little of a real station.")
    print(f"The page is {OUTPUT.relative_to(ROOT)}/plant.html, the figures are in plant.json beside it.")


if __name__ == "__main__":
    main()
