# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job, end to end: CAD → references → reference database → F1 on photos. `make demo` runs this.

Every step is the command that a user would type; each is printed before it runs. Results land in build/demo/.
"""

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

STATION = Path(__file__).resolve().parent
ROOT = STATION.parents[1]
OUTPUT = ROOT / "build" / "demo"
SCENE = OUTPUT / "station.blend"
DATABASE = OUTPUT / "references.safetensors"
SIMULATED_PHOTOS = OUTPUT / "simulated" / "photos"


def real_photos() -> Path | None:
    """The folder of real photos of such a station, where this machine has one."""
    folder = Path(os.environ.get("SIMSEARCH_PHOTOS") or ROOT.parent / "shared" / "photos") / "t_joint"
    return folder if folder.is_dir() else None


def run(title: str, *command: str | Path) -> None:
    """Show the title and the command and run it; stop the demo with its exit status if it fails."""
    shown = [Path(c).relative_to(ROOT) if Path(c).is_relative_to(ROOT) else c for c in command]
    print(f"\n{title}\n$", shlex.join(["python", *map(str, shown)]), flush=True)
    status = subprocess.run([sys.executable, *map(str, command)], cwd=ROOT, check=False).returncode
    if status:
        sys.exit(status)


def run_if_changed(result: Path, inputs: list[Path], title: str, *command: str | Path) -> None:
    """Run `command`, which makes `result`, unless it was made from the same inputs before."""
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in inputs)).hexdigest()
    stamp = OUTPUT / f".{result.name}.sha256"
    if result.exists() and stamp.exists() and stamp.read_text() == digest:
        print(f"\n{title}: made by an earlier run, {result.relative_to(ROOT)}", flush=True)
        return
    shutil.rmtree(result, ignore_errors=True)
    run(title, *command)
    stamp.write_text(digest)


def print_summary(seconds: dict[str, float]) -> None:
    """One small table: classes, F1 on either set of photos, weights, time."""
    scores = {path.parent.name: json.loads(path.read_text()) for path in sorted(OUTPUT.glob("*/metrics.json"))}
    print("\n{:<16}".format("F1"), *(f"{name + ' photos':>18}" for name in scores))
    for label in next(iter(scores.values()))["classes"]:
        print(f"{label:<16}", *(f"{score['classes'][label]['f1']:>18.3f}" for score in scores.values()))
    print("{:<16}".format("macro F1"), *(f"{score['macro_f1']:>18.3f}" for score in scores.values()))
    print("{:<16}".format("photos"), *(f"{score['photos']:>18}" for score in scores.values()))
    print("\nweights:", next(iter(scores.values()))["model"]["weights"])
    print("seconds:", ", ".join(f"{step} {spent:.0f}" for step, spent in seconds.items()))
    if "real" not in scores:
        print("To score real photos too, set SIMSEARCH_PHOTOS to a folder that holds t_joint/.")
    print("Next: open report.html, or set up your own part as docs/tutorial.md shows.")


def main() -> None:
    """Run every step and print the table."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    print(
        "This demo makes a classifier for an inspection station from CAD alone: is there a pipe tee on the table, a\n"
        "square plate, or nothing? Then it scores the classifier on photos. That takes about five minutes.",
        flush=True,
    )
    seconds: dict[str, float] = {}

    def timed(step: str, started: float) -> None:
        seconds[step] = time.monotonic() - started

    scene_inputs = [STATION / "scene.py", *sorted(STATION.glob("*.step")), ROOT / "scene" / "cad_import.py"]
    started = time.monotonic()
    run_if_changed(SCENE, scene_inputs, "The scene: STEP files, camera, lamp and classes", STATION / "scene.py", SCENE)
    timed("scene", started)

    started = time.monotonic()
    run("The references and their database", "batch.py", "--scene", SCENE, "build", "--output", OUTPUT)
    timed("references and database", started)

    started = time.monotonic()
    simulator = STATION / "simulate_photos.py"
    run_if_changed(
        SIMULATED_PHOTOS,
        [*scene_inputs, simulator],
        "Simulated photos of the station",
        simulator,
        SCENE,
        SIMULATED_PHOTOS,
    )
    timed("simulated photos", started)

    for name, photos in (("simulated", SIMULATED_PHOTOS), ("real", real_photos())):
        if photos is not None:
            started = time.monotonic()
            title = f"Validation on the {name} photos"
            output = OUTPUT / name
            run(title, "-m", "inference", "validate", "--database", DATABASE, "--photos", photos, "--output", output)
            timed(f"validation on {name} photos", started)
    print_summary(seconds)


if __name__ == "__main__":
    main()
