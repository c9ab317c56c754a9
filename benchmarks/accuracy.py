# SPDX-License-Identifier: GPL-3.0-or-later
"""F1 on real photos and on simulated ones of the paper's eight use cases: `make bench-accuracy`.

    python benchmarks/accuracy.py [--cases screw,t_joint] [--seeds 3] [--photos 20] [--ablations] [--limits]

Every case is a committed script that makes a scene. References and database are made by the product's own `build`;
photos are real ones, where this machine has them (`SIMSEARCH_PHOTOS`), or simulated by Cycles. Scenes, references
and simulated photos are made again only when what makes them has changed. Figures go to build/accuracy.json, which
keeps those of cases and ablations that are not run now, and the tables of benchmarks/ACCURACY.md are written from that file.

Real photos are halved by their number: cases may be tuned on the even ones; the figure that counts is that of the
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
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthetic_similarity_search.benchmarks import choices
from synthetic_similarity_search.inference import editing, metrics
from synthetic_similarity_search.inference.database import ReferenceDatabase
from synthetic_similarity_search.inference.embedding import embed_files
from synthetic_similarity_search.inference.encoder import Encoder, find_encoder
from synthetic_similarity_search.inference.files import replacing
from synthetic_similarity_search.inference.preprocessing import Preprocessing
from synthetic_similarity_search.inference.progress import Progress

ROOT = Path(__file__).resolve().parents[1]

CASES = ROOT / "benchmarks" / "cases"
OUTPUT = ROOT / "build" / "accuracy"
RESULTS = ROOT / "build" / "accuracy.json"
PAGE = ROOT / "benchmarks" / "ACCURACY.md"
TABLES = "<!-- Everything below is written by benchmarks/accuracy.py. -->"

MOST_ALTERED = 100
"""Photographs that are embedded again, at most, to see what alters the figures."""
UNLABELLED = 20
"""Photos that a scene is matched to, evenly picked from the half that is not scored."""
MOST_RENDERED = 3
"""Seeds of which references are rendered with other settings, at most."""

Array = NDArray[np.float32]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Case:
    """A use case: the script, with its arguments, that makes the scene; the folder of real photos, if any; and
    the paper's F1 with ViT-S/14, if it has such a case; how many sets of references are rendered and how many references
    a class has in each, None for the scene's own number, where the command line does not say; and, if there is one, the
    script that makes the scene as the extension's buttons set it up."""

    script: tuple[str, ...]
    real: str | None = None
    paper: float | None = None
    seeds: int = 3
    images: int | None = None
    naive: tuple[str, ...] | None = None


def analogue(name: str, paper: float | None = None) -> Case:
    """One of the paper's use cases in a scene of our own."""
    return Case(("analogues.py", name), paper=paper, seeds=1)


def alike(name: str) -> Case:
    """A case of eight similar classes, which has a naive scene too."""
    return Case(("alike.py", name, "expert"), seeds=1, naive=("alike.py", name, "naive"))


ALL_CASES = {
    "screw": Case(("screw.py",), real="screw"),
    "t_joint": Case(("t_joint.py",), real="t_joint"),
    "t_joint with its own CAD": Case(("t_joint.py", "--original-cad"), real="t_joint", seeds=1),
    "door cover": analogue("door_cover", 1.00),
    "door handle": analogue("door_handle", 1.00),
    "door tray": analogue("door_tray", 1.00),
    "license plate": analogue("license_plate", 1.00),
    "fastening plug": analogue("fastening_plug", 1.00),
    "underbody": analogue("underbody", 1.00),
    "hexagon screw": analogue("hexagon_screw", 0.96),
    "engine cover": analogue("engine_cover", 1.00),
    "fine relief": analogue("relief"),
    "screw sizes": analogue("screw_sizes"),
    "plates": alike("plates"),
    "brackets": alike("brackets"),
}


@dataclass(frozen=True)
class Photos:
    """A case's photos: files, vectors [Q, D], true classes [Q] and which of them nothing was tuned on [Q]."""

    files: tuple[Path, ...]
    vectors: Array
    classes: NDArray[np.str_]
    held: NDArray[np.bool_]


def real_photos(name: str) -> Path | None:
    """The folder of real photos of this name, where this machine has it."""
    folder = Path(os.environ.get("SIMSEARCH_PHOTOS") or ROOT.parent / "shared" / "photos") / name
    return folder if folder.is_dir() else None


def held_out(path: Path) -> bool:
    """Whether a real photo is of the half that cases are not tuned on: those of odd number.

    Crops of one photo bear its number, followed by their site, and stay together.
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
    """Embed a folder of class folders of photos."""
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


def build(scene: Path, references: Path, seed: int, images: int | None) -> ReferenceDatabase:
    """References and database of a scene, made by the product; images rendered before are kept."""
    count = [] if images is None else ["--images-per-class", str(images)]
    run("batch.py", "--scene", scene, "build", "--output", references, "--seed", str(seed), *count)
    return ReferenceDatabase.load(references / "references.safetensors")


def measure_renders(
    folder: Path, databases: Sequence[ReferenceDatabase], photos: Photos, images: int | None, ways: Sequence[str]
) -> dict[str, Any]:
    """What other render settings do, with the seeds of the ``databases``: macro F1 over all photos, worst
    of the seeds; and, where poses stay the same, how near the references are, by mean cosine, to those as they are."""
    measured = {"as they are": databases}
    for name in ways:
        statement = choices.RENDERED[name]
        place, original = folder / "changed" / name.replace(" ", "_"), folder / "scene.blend"
        scene = place / "scene.blend"
        script = CASES / "changed.py"
        make(scene, [original, statement, script, CASES / "stage.py"], script, original, scene, statement)
        measured[name] = [build(scene, place / f"seed{seed}", seed, images) for seed in range(len(databases))]
    found: dict[str, Any] = {"seeds": len(databases), "photographs": len(photos.files)}
    for name, changed in measured.items():
        f1 = [scores(d.classes, photos.classes, d.predict(photos.vectors, choices.K)).macro_f1 for d in changed]
        pairs = list(zip(databases, changed, strict=True))
        same = all(np.array_equal(one.poses, other.poses) for one, other in pairs)
        cosines = [(one.embeddings * other.embeddings).sum(axis=1) for one, other in pairs if same]
        found[name] = {"macro_f1": min(f1), "cosine": float(np.mean(cosines)) if same else None}
    return found


def prepare(
    name: str, case: Case, photos_per_class: int, encoder: Encoder
) -> tuple[list[ReferenceDatabase], Photos] | None:
    """References of every seed and the photos of a case; nothing where the real ones are not here."""
    photos = photo_folder(name, case, photos_per_class)
    if photos is None:
        print(f"{name}: left out, as there are no photos; SIMSEARCH_PHOTOS names their folder")
        return None
    folder = OUTPUT / name.replace(" ", "_")
    scene, _ = make_scene(folder, case.script, "scene.blend")
    databases = [build(scene, folder / f"seed{seed}", seed, case.images) for seed in range(case.seeds)]
    return databases, load_photos(photos, encoder, real=bool(case.real))


def photo_folder(name: str, case: Case, photos_per_class: int) -> Path | None:
    """The folder of a case's photos; simulated ones are made. None where the real ones are not on this machine."""
    if case.real:
        return real_photos(case.real)
    folder = OUTPUT / name.replace(" ", "_")
    photos, simulator = folder / f"photos_{photos_per_class}", CASES / "photographs.py"
    scene, made = make_scene(folder, case.script, "scene.blend")
    make(photos, [made, simulator, photos_per_class], simulator, scene, photos, str(photos_per_class))
    return photos


def unlabelled(photos: Photos) -> Labels:
    """The photos that a scene is matched to, as rows: of even number, evenly picked."""
    others = np.flatnonzero([not held_out(path) for path in photos.files])
    return others[np.unique(np.linspace(0, len(others) - 1, UNLABELLED).astype(int))]


def score_case(case: Case, databases: Sequence[ReferenceDatabase], photos: Photos, encoder: Encoder) -> dict[str, Any]:
    """The figures of one case: macro F1 is that of the worst seed on the photos that nothing was tuned on."""
    classes = databases[0].classes
    predicted = [database.predict(photos.vectors, choices.K) for database in databases]
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


def worst_f1(classes: tuple[str, ...], true: NDArray[np.str_], found: Sequence[dict[str, Labels]]) -> dict[str, float]:
    """Macro F1 of the verdicts that each seed `found`, worst of the seeds, by their names."""
    return {name: min(scores(classes, true, predicted[name]).macro_f1 for predicted in found) for name in found[0]}


def measure_limits(
    databases: Sequence[ReferenceDatabase], photos: Photos, folder: Path, encoder: Encoder
) -> dict[str, float]:
    """Macro F1, worst of the seeds, of some photos: as they are, embedded in another way, and degraded."""
    some = np.unique(np.linspace(0, len(photos.files) - 1, MOST_ALTERED).astype(int))
    files = [photos.files[number] for number in some]
    worse = {name: choices.embed_altered(files, encoder, alter) for name, alter in choices.LIMITS.items()}
    otherwise = {name: choices.embed_altered(files, encoder, alter) for name, alter in choices.OTHERWISE.items()}
    images = {id(d): [folder / f"seed{seed}" / image for image in d.images] for seed, d in enumerate(databases)}

    def verdicts(database: ReferenceDatabase) -> dict[str, Labels]:
        found = {"as they are": database.predict(photos.vectors[some], choices.K)}
        for name, alter in choices.OTHERWISE.items():
            references = choices.embed_altered(images[id(database)], encoder, alter)
            found[name] = replace(database, embeddings=references).predict(otherwise[name], choices.K)
        return found | {name: database.predict(vectors, choices.K) for name, vectors in worse.items()}

    return worst_f1(databases[0].classes, photos.classes[some], [verdicts(database) for database in databases])


def measure_fast(
    databases: Sequence[ReferenceDatabase], photos: Photos, folder: Path, encoder: Encoder
) -> dict[str, float]:
    """What the encoder "fast" changes: macro F1 over all photos, worst of the seeds, with it and without, and how
    far its vectors are from the exact ones, on average and at most."""
    fast = Encoder(encoder.path, precision="FAST").with_foreground()
    vectors = embed(photos.files, fast, Preprocessing(), "fast")
    cosines = (vectors * photos.vectors).sum(axis=1) / 2  # of two tokens of unit length
    found = []
    for seed, database in enumerate(databases):
        files = [folder / f"seed{seed}" / image for image in database.images]
        quick = replace(database, embeddings=embed(files, fast, Preprocessing(), "fast"))
        found.append(
            [
                scores(database.classes, photos.classes, used.predict(asked, choices.K)).macro_f1
                for used, asked in ((quick, vectors), (database, photos.vectors))
            ]
        )
    with_fast, exact = np.min(found, axis=0).tolist()
    return {
        "macro F1, fast": with_fast,
        "macro F1, exact": exact,
        "1000 (1 - cosine), mean": float(1000 * (1 - cosines.mean())),
        "1000 (1 - cosine), most": float(1000 * (1 - cosines.min())),
    }


def measure_pairs(databases: Sequence[ReferenceDatabase], photos: Photos) -> dict[str, float]:
    """Macro F1, worst of the seeds, where only two of the classes are to be told apart."""
    found = {}
    for pair in combinations(databases[0].classes, 2):
        shown = np.isin(photos.classes, pair)
        two = [editing.without(database, set(database.classes) - set(pair)) for database in databases]
        found[" or ".join(pair)] = min(
            scores(d.classes, photos.classes[shown], d.predict(photos.vectors[shown], choices.K)).macro_f1 for d in two
        )
    return found


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table; numbers with three digits."""

    def cell(value: object) -> str:
        if isinstance(value, dict):
            return cell(value["macro_f1"]) + ("" if value["cosine"] is None else f" ({value['cosine']:.4f})")
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
        "## Real photos",
        table(
            ("case", "macro F1, untouched half", "spread over seeds", "tuning half", "all photos", "photos in the untouched half", "F1 per class", "seeds", "references per class"),
            [(n, c["macro_f1"], c["spread"], c["tuning_half"], c["all_photos"], c["photos"], per_class(c), *(c[s] for s in setting)) for n, c in real.items()],
        ) if real else "Not measured yet.",
        "## Simulated photos of the paper's use cases",
        table(
            ("case", "macro F1", "paper, real photos, genuine ViT-S/14", "spread over seeds", "photos", "F1 per class", "seeds", "references per class"),
            [(n, c["macro_f1"], c["paper"], c["spread"], c["photos"], per_class(c), *(c[s] for s in setting)) for n, c in simulated.items()],
        ) if simulated else "Not measured yet.",
    ]  # fmt: skip
    looks = ("naive", "matched", "expert")
    if rows := [(n, *(c.get(look) for look in looks)) for n, c in cases.items() if "matched" in c]:
        parts += [
            "## Matched scenes",
            f"Macro F1 on photos of odd number, worst of the seeds: of the scene as the buttons set it up, if there is one; after *Match Look* with {UNLABELLED} unlabelled photos of even number; and of the committed scene.",
            table(("case", *looks), rows),
        ]  # fmt: skip
    for key, heading, text in (
        ("choices", "What matters", "Macro F1 over all photos, worst of the seeds, of other ways to use the same references."),
        ("renders", "What matters in the references", "Macro F1 over all photos, worst of the seeds, of references rendered with other settings; in brackets, if the poses are the same, the mean cosine between these references and the unchanged ones."),
        ("fast", "The encoder fast", "With `--precision fast`, all photos: macro F1, worst of the seeds, beside that of the exact encoder, and the distance between the vectors of the two."),
        ("pairs", "Nearly alike", "Macro F1 over all photos for two classes only: screws of ISO 4017 whose heads are 7, 8 and 10 mm wide. One is a seventh, a quarter or three sevenths wider than the other, and distances vary by a tenth."),
        ("limits", "Limits", f"Macro F1, worst of the seeds, of at most {MOST_ALTERED} photos: unchanged; photos and references embedded in another way; degraded photos, not references."),
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


def measure_case(name: str, case: Case, args: argparse.Namespace, encoder: Encoder) -> dict[str, Any] | None:
    """All figures that the options ask for of one case; None if its photos are not on this machine."""
    started = time.monotonic()
    prepared = prepare(name, case, args.photos, encoder)
    if prepared is None:
        return None
    databases, photos = prepared
    folder = OUTPUT / name.replace(" ", "_")
    result = score_case(case, databases, photos, encoder)
    result["choices"] = measure_choices(databases, photos)
    if case.real:
        result["fast"] = measure_fast(databases, photos, folder, encoder)
    if name == "screw sizes":
        result["pairs"] = measure_pairs(databases, photos)
    if args.looks or case.naive:
        result |= measure_looks(name, case, databases, photos)
    if args.limits:
        result["limits"] = measure_limits(databases, photos, folder, encoder)
    if args.ablations:
        result["renders"] = measure_renders(folder, databases[:MOST_RENDERED], photos, case.images, args.ablations)
    result["seconds"] = round(time.monotonic() - started)
    return result


def make_scene(folder: Path, script: Sequence[str], name: str) -> tuple[Path, str]:
    """The scene that a script makes, and the digest of what makes it."""
    scene, station = folder / name, ROOT / "examples" / "station"
    inputs = [CASES / script[0], CASES / "stage.py", station / "scene.py", *sorted(station.glob("*.step"))]
    return scene, make(scene, [*inputs, *script], CASES / script[0], *script[1:], scene)


def measure_looks(name: str, case: Case, databases: Sequence[ReferenceDatabase], photos: Photos) -> dict[str, float]:
    """Macro F1, worst of the seeds, on photos of odd number: by the committed scene, ``expert``; by the scene as the buttons
    set it up, ``naive``, if there is one; and after that, or else the committed one, was matched to photos of even number."""
    folder = OUTPUT / name.replace(" ", "_")
    scored = np.array([held_out(path) for path in photos.files])
    shown = folder / "unlabelled"
    shutil.rmtree(shown, ignore_errors=True)
    shown.mkdir()
    for row in unlabelled(photos):
        shutil.copy(photos.files[row], shown / f"{row:04d}{photos.files[row].suffix}")
    start = make_scene(folder, case.naive, "naive.blend")[0] if case.naive else folder / "scene.blend"
    matched = folder / "matched.blend"
    modules = ("scene/look.py", "scene/look_controls.py", "scene/match.py", "inference/likeness.py")
    sources = [ROOT / module for module in modules]
    make(
        matched,
        [start, *sorted(shown.iterdir()), *sources],
        *("batch.py", "--scene", start, "match", "--photos", shown, "--output", folder, "--save", matched),
    )
    found = {"expert": list(databases)}
    for look, scene in {"naive": start, "matched": matched}.items():
        if scene == matched or case.naive:
            found[look] = [build(scene, folder / look / f"seed{n}", n, case.images) for n in range(len(databases))]
    return {
        look: min(
            scores(d.classes, photos.classes[scored], d.predict(photos.vectors[scored], choices.K)).macro_f1
            for d in own
        )
        for look, own in found.items()
    }


def measure_choices(databases: list[ReferenceDatabase], photos: Photos) -> dict[str, float]:
    """Macro F1, worst of the seeds, of other ways to use the same references; mixtures of seeds in every rotation."""
    rotations = [databases[first:] + databases[:first] for first in range(len(databases))]
    ways = (choices.ways, choices.measures)
    verdicts = [
        {name: labels for way in ways for name, labels in way(seeds[0], photos.vectors).items()}
        | choices.combined(seeds, photos.vectors)
        for seeds in rotations
    ]
    return worst_f1(databases[0].classes, photos.classes, verdicts)


def keep(name: str, result: dict[str, Any]) -> dict[str, Any]:
    """Store the figures of one case with those of all cases, which are returned.

    What was not measured now is kept; figures of other renders only if they are of as many seeds and photos.
    """
    results: dict[str, Any] = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    before = results.get(name, {})
    result = {look: before[look] for look in ("naive", "matched", "expert") if look in before} | result
    if "limits" in before:
        result["limits"] = before["limits"] | result.get("limits", {})
    if old := before.get("renders"):
        new = result.setdefault("renders", old)
        if all(new[setting] == old[setting] for setting in ("seeds", "photographs")):
            result["renders"] = old | new
    results[name] = result
    with replacing(RESULTS) as path:
        path.write_text(json.dumps(results, indent=2), "utf-8")
    return results


def parse_arguments() -> argparse.Namespace:
    """The command line; `cases` and `ablations` are lists of known names."""
    parser = argparse.ArgumentParser(description="F1 on real and simulated photos.")
    parser.add_argument("--cases", default=",".join(ALL_CASES), help="comma-separated; default: all")
    parser.add_argument("--seeds", type=int, help="sets of references; default: 3 for real cases, 1 for simulated ones")
    parser.add_argument(
        "--photos", type=int, default=20, help="simulated photos per class; the paper has 200 real ones"
    )
    parser.add_argument("--images-per-class", type=int, help="default: the scene's own, 24")
    parser.add_argument(
        "--ablations",
        nargs="?",
        default="",
        const=",".join(choices.RENDERED),
        metavar="A,B",
        help=f"also measure references rendered with other settings; default: all of {', '.join(choices.RENDERED)}",
    )
    parser.add_argument("--limits", action="store_true", help="also measure degraded photos and other ways to embed")
    parser.add_argument(
        "--looks",
        action="store_true",
        help="match the scenes of all cases to unlabelled photos, and not only those that have a naive look",
    )
    args = parser.parse_args()
    args.cases, args.ablations = args.cases.split(","), list(filter(None, args.ablations.split(",")))
    for kind, given, known in (("case", args.cases, ALL_CASES), ("ablation", args.ablations, choices.RENDERED)):
        if unknown := set(given) - set(known):
            parser.error(f"there is no {kind} {', '.join(unknown)}; there are: {', '.join(known)}")
    return args


def main() -> None:
    """Measure the chosen cases, store each one's figures, and write the page."""
    args = parse_arguments()
    encoder = Encoder(find_encoder()).with_foreground()
    for name in args.cases:
        case = ALL_CASES[name]
        case = replace(case, seeds=args.seeds or case.seeds, images=args.images_per_class or case.images)
        result = measure_case(name, case, args, encoder)
        if result is not None:
            write_page(keep(name, result))
            figure = f"macro F1 {result['macro_f1']:.3f}, worst of {result['seeds']} seeds"
            print(f"{name}: {figure}, {result['photos']} photos")


if __name__ == "__main__":
    main()
