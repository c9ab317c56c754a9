# SPDX-License-Identifier: GPL-3.0-or-later
"""F1 on real photographs and on simulated ones of the paper's eight use cases: `make bench-accuracy`.

    python benchmarks/accuracy.py [--cases screw,t_joint] [--seeds 3] [--photos 20] [--ablations]

Every case is a committed script that makes a scene. References and database are made by the product's own `build`;
photographs are real ones, where this machine has them (`SIMSEARCH_PHOTOS`), or simulated by Cycles. Scenes, references
and simulated photographs are made again only when what makes them has changed. Figures go to build/accuracy.json, which
keeps those of cases that are not run now, and the tables of benchmarks/ACCURACY.md are written from that file.

Real photographs are halved by their number: cases may be tuned on the even ones; the figure that counts is that of the
odd ones, which nothing but this script ever looks at. Nothing here changes references, settings or thresholds.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import choices  # noqa: E402  benchmarks/choices.py

from inference import metrics  # noqa: E402
from inference.database import ReferenceDatabase  # noqa: E402
from inference.embedding import embed_files  # noqa: E402
from inference.encoder import Encoder, find_encoder  # noqa: E402
from inference.files import replacing  # noqa: E402
from inference.preprocessing import Preprocessing  # noqa: E402
from inference.progress import Progress  # noqa: E402

CASES = ROOT / "benchmarks" / "cases"
OUTPUT = ROOT / "build" / "accuracy"
RESULTS = ROOT / "build" / "accuracy.json"
PAGE = ROOT / "benchmarks" / "ACCURACY.md"
TABLES = "<!-- Everything below is written by benchmarks/accuracy.py. -->"

Array = NDArray[np.float32]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Case:
    """A use case: the script, with its arguments, that makes the scene; the folder of real photographs, if any; and
    the paper's F1 with ViT-S/14, if it has such a case."""

    script: tuple[str, ...]
    real: str | None = None
    paper: float | None = None


def analogue(name: str, paper: float) -> Case:
    """One of the paper's use cases in a scene of our own."""
    return Case(("analogues.py", name), paper=paper)


ALL_CASES = {
    "screw": Case(("screw.py",), real="screw"),
    "t_joint": Case(("t_joint.py",), real="t_joint"),
    "t_joint with its own CAD": Case(("t_joint.py", "--original-cad"), real="t_joint"),
    "door cover": analogue("door_cover", 1.00),
    "door handle": analogue("door_handle", 1.00),
    "door tray": analogue("door_tray", 1.00),
    "license plate": analogue("license_plate", 1.00),
    "fastening plug": analogue("fastening_plug", 1.00),
    "underbody": analogue("underbody", 1.00),
    "hexagon screw": analogue("hexagon_screw", 0.96),
    "engine cover": analogue("engine_cover", 1.00),
}


@dataclass(frozen=True)
class Photos:
    """A case's photographs: files, vectors [Q, D], true classes [Q] and which of them nothing was tuned on [Q]."""

    files: tuple[Path, ...]
    vectors: Array
    classes: NDArray[np.str_]
    held: NDArray[np.bool_]


def real_photos(name: str) -> Path | None:
    """The folder of real photographs of this name, where this machine has it."""
    folder = Path(os.environ.get("SIMSEARCH_PHOTOS") or ROOT.parent / "shared" / "photos") / name
    return folder if folder.is_dir() else None


def held_out(path: Path) -> bool:
    """Whether a real photograph is of the half that cases are not tuned on: those of odd number.

    Crops of one photograph bear its number, followed by their site, and stay together.
    """
    number = re.search(r"(\d+)(?:_site\d+)?$", path.stem)
    assert number, f"{path.name} has no number"
    return int(number[1]) % 2 == 1


def run(*command: str | Path) -> None:
    """Run a script of ours in this Python; stop with its status if it fails."""
    status = subprocess.run([sys.executable, *map(str, command)], cwd=ROOT, check=False).returncode
    if status:
        sys.exit(status)


def digest(*items: object) -> str:
    """SHA-256 of files' contents and of other things' text."""
    content = (item.read_bytes() if isinstance(item, Path) else str(item).encode() for item in items)
    return hashlib.sha256(b"\0".join(content)).hexdigest()


def make(result: Path, inputs: Sequence[object], *command: str | Path) -> str:
    """Run `command`, which makes `result`, unless it was made from the same inputs before; returns their digest."""
    stamp, key = result.with_name(f".{result.name}.sha256"), digest(*inputs)
    if not (result.exists() and stamp.exists() and stamp.read_text() == key):
        shutil.rmtree(result, ignore_errors=True)
        result.parent.mkdir(parents=True, exist_ok=True)
        run(*command)
        stamp.write_text(key)
    return key


def embed(files: Sequence[Path], encoder: Encoder, preprocessing: Preprocessing, stage: str) -> Array:
    """Vectors of images, kept by the content of the images."""
    kept = OUTPUT / "vectors" / f"{digest(encoder.model, preprocessing, *files)}.npy"
    if not kept.exists():
        embedded = embed_files(encoder, preprocessing, files, Progress(), stage)
        assert not embedded.unreadable, embedded.unreadable
        with replacing(kept) as path, path.open("wb") as stream:
            np.save(stream, embedded.embeddings)
    return np.load(kept)


def load_photos(folder: Path, encoder: Encoder, *, real: bool, preprocessing: Preprocessing | None = None) -> Photos:
    """Embed a folder of class folders of photographs."""
    files = sorted(path for path in folder.glob("*/*") if path.is_file())
    vectors = embed(files, encoder, preprocessing or Preprocessing(), folder.name)
    return Photos(
        tuple(files),
        vectors,
        np.array([path.parent.name for path in files]),
        np.array([not real or held_out(path) for path in files]),
    )


def scores(classes: tuple[str, ...], true: NDArray[np.str_], predicted: Labels) -> metrics.Metrics:
    """Metrics of predictions, which index `classes`."""
    return metrics.from_predictions(np.array([classes.index(label) for label in true]), predicted, classes)


def prepare(
    name: str, case: Case, seeds: int, photos_per_class: int, images: int | None, encoder: Encoder
) -> tuple[list[ReferenceDatabase], Photos] | None:
    """References of every seed and the photographs of a case; nothing where the real ones are not here."""
    folder = OUTPUT / name.replace(" ", "_")
    scene = folder / "scene.blend"
    photos = real_photos(case.real) if case.real else folder / "photos"
    if photos is None:
        print(f"{name}: left out, as there are no photographs; SIMSEARCH_PHOTOS names their folder")
        return None
    station = ROOT / "examples" / "station"
    inputs = [CASES / case.script[0], CASES / "stage.py", station / "scene.py", *sorted(station.glob("*.step"))]
    made = make(scene, [*inputs, *case.script], CASES / case.script[0], *case.script[1:], scene)
    databases = []
    for seed in range(seeds):
        references = folder / f"seed{seed}"
        count = [] if images is None else ["--images-per-class", str(images)]
        run("batch.py", "--scene", scene, "build", "--output", references, "--seed", str(seed), *count)
        databases.append(ReferenceDatabase.load(references / "references.safetensors"))
    if not case.real:
        simulator = CASES / "photographs.py"
        make(photos, [made, simulator, photos_per_class], simulator, scene, photos, str(photos_per_class))
    return databases, load_photos(photos, encoder, real=bool(case.real))


def score_case(case: Case, databases: Sequence[ReferenceDatabase], photos: Photos, encoder: Encoder) -> dict[str, Any]:
    """The figures of one case: macro F1 is that of the worst seed on the photographs that nothing was tuned on."""
    classes = databases[0].classes
    predicted = [choices.predict(database, photos.vectors) for database in databases]
    held = [scores(classes, photos.classes[photos.held], p[photos.held]) for p in predicted]
    worst = min(held, key=lambda result: result.macro_f1)
    every = [scores(classes, photos.classes, p).macro_f1 for p in predicted]
    tuned = [scores(classes, photos.classes[~photos.held], p[~photos.held]).macro_f1 for p in predicted if case.real]
    return {
        "macro_f1": worst.macro_f1,
        "accuracy": worst.accuracy,
        "per_class": {label: float(worst.f1[number]) for number, label in enumerate(classes)},
        "photos": int(photos.held.sum()),
        "real": bool(case.real),
        "weights": encoder.weights,
        "model": encoder.model.name,
        "seeds": len(databases),
        "spread": max(result.macro_f1 for result in held) - worst.macro_f1,
        "tuning_half": min(tuned) if tuned else None,
        "all_photos": min(every),
        "images_per_class": min(databases[0].count().values()),
        "paper": case.paper,
    }


def measure_choices(
    databases: Sequence[ReferenceDatabase], photos: Photos, folder: Path, encoder: Encoder, *, all_of_them: bool
) -> dict[str, dict[str, float]]:
    """Macro F1, worst of the seeds, over all photographs: of other ways to use the references ("choices"), and of worse
    photographs ("limits"). What must be embedded again is measured with ``all_of_them`` only."""

    def worst(found: Sequence[dict[str, Labels]]) -> dict[str, float]:
        classes = databases[0].classes
        return {
            way: min(scores(classes, photos.classes, predicted[way]).macro_f1 for predicted in found)
            for way in found[0]
        }

    found = [choices.ways(database, photos.vectors) for database in databases]
    if not all_of_them:
        return {"choices": worst(found)}
    for seed, (database, verdicts) in enumerate(zip(databases, found, strict=True)):
        images = [folder / f"seed{seed}" / image for image in database.images]
        verdicts |= choices.embedded_ways(database, images, photos.files, encoder)
    limits = {name: choices.embed_altered(photos.files, encoder, alter) for name, alter in choices.LIMITS.items()}
    worse = [{name: choices.predict(database, v) for name, v in limits.items()} for database in databases]
    return {"choices": worst(found), "limits": worst(worse)}


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table; numbers with three digits."""

    def cell(value: object) -> str:
        return "–" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)

    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(cell, line))} |" for line in lines)


def write_page(results: dict[str, Any]) -> None:
    """Write the tables of ACCURACY.md below the text that stands there."""
    cases = {name: results[name] for name in ALL_CASES if name in results}
    real, simulated = ({n: c for n, c in cases.items() if c["real"] is flag} for flag in (True, False))
    weights = "; ".join(dict.fromkeys(f"`{case['model']}`: {case['weights']}" for case in cases.values()))
    setting = ("seeds", "images_per_class")
    parts = [
        TABLES,
        f"Weights of the encoder: {weights}",
        "## Real photographs",
        table(
            ("case", "macro F1, untouched half", "spread over seeds", "tuning half", "all photos", "photos in the untouched half", "F1 per class", "seeds", "references per class"),
            [(n, c["macro_f1"], c["spread"], c["tuning_half"], c["all_photos"], c["photos"], per_class(c), *(c[s] for s in setting)) for n, c in real.items()],
        ) if real else "Not measured yet.",
        "## Simulated photographs of the paper's use cases",
        table(
            ("case", "macro F1", "paper, real photos, genuine ViT-S/14", "spread over seeds", "photos", "F1 per class", "seeds", "references per class"),
            [(n, c["macro_f1"], c["paper"], c["spread"], c["photos"], per_class(c), *(c[s] for s in setting)) for n, c in simulated.items()],
        ) if simulated else "Not measured yet.",
    ]  # fmt: skip
    for key, heading, text in (
        ("choices", "What matters", "Macro F1 over all photographs, worst of the seeds, of other ways to use the same references."),
        ("limits", "Limits", "Macro F1 over all photographs, worst of the seeds, where the photographs, not the references, are made worse."),
    ):  # fmt: skip
        measured = {name: case[key] for name, case in cases.items() if key in case}
        names = list(dict.fromkeys(way for figures in measured.values() for way in figures))
        if measured:
            rows = [(way, *(figures.get(way) for figures in measured.values())) for way in names]
            parts += [f"## {heading}", text, table(("", *measured), rows)]
    text = PAGE.read_text("utf-8").partition(TABLES)[0] if PAGE.exists() else "# Accuracy\n\n"
    PAGE.write_text(text + "\n\n".join(parts) + "\n", "utf-8")


def per_class(case: dict[str, Any]) -> str:
    """The F1 of each class in one cell."""
    return ", ".join(f"{label} {f1:.3f}" for label, f1 in case["per_class"].items())


def main() -> None:
    """Run the chosen cases and write the figures."""
    parser = argparse.ArgumentParser(description="F1 on real and simulated photographs.")
    parser.add_argument("--cases", default=",".join(ALL_CASES), help="comma-separated; default: all")
    parser.add_argument("--seeds", type=int, default=3, help="sets of references for each case")
    parser.add_argument(
        "--photos", type=int, default=20, help="simulated photographs per class; the paper has 200 real ones"
    )
    parser.add_argument("--images-per-class", type=int, help="references per class, instead of the scene's own number")
    parser.add_argument(
        "--ablations", action="store_true", help="also measure what the images must be embedded again for"
    )
    args = parser.parse_args()
    encoder = Encoder(find_encoder())
    for name in args.cases.split(","):
        if name not in ALL_CASES:
            parser.error(f"there is no case {name!r}; there are: {', '.join(ALL_CASES)}")
        started = time.monotonic()
        prepared = prepare(name, ALL_CASES[name], args.seeds, args.photos, args.images_per_class, encoder)
        if prepared is None:
            continue
        result = score_case(ALL_CASES[name], *prepared, encoder)
        folder = OUTPUT / name.replace(" ", "_")
        result |= measure_choices(*prepared, folder, encoder, all_of_them=args.ablations)
        result["seconds"] = round(time.monotonic() - started)
        results = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
        results[name] = result
        with replacing(RESULTS) as path:
            path.write_text(json.dumps(results, indent=2), "utf-8")
        write_page(results)
        print(
            f"{name}: macro F1 {result['macro_f1']:.3f}, worst of {result['seeds']} seeds, {result['photos']} photographs"
        )


if __name__ == "__main__":
    main()
