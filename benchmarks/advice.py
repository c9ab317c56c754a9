# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether `validate --explain` names what photographs differ in: scenes are made to have one difference, or none.

    python benchmarks/advice.py [--seeds 46-55]

For each seed, benchmarks/cases/differing.py makes a scene and photographs that differ from its references in one known
respect; the product builds the references and explains the gap. What it says goes to build/advice.json, and the table of
benchmarks/ADVICE.md is written from that. Pictures and vectors that are there already are kept; remove build/advice to make
them anew.
"""

import argparse
import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthetic_similarity_search.benchmarks.accuracy import CASES, ROOT, run
from synthetic_similarity_search.inference.database import ReferenceDatabase
from synthetic_similarity_search.inference.domain_gap import explain
from synthetic_similarity_search.inference.embedding import embed_files
from synthetic_similarity_search.inference.encoder import Encoder, find_encoder
from synthetic_similarity_search.inference.files import replacing
from synthetic_similarity_search.inference.progress import Progress

OUTPUT = ROOT / "build" / "advice"
RESULTS = ROOT / "build" / "advice.json"
PAGE = ROOT / "benchmarks" / "ADVICE.md"
TABLE = "<!-- Everything below is written by benchmarks/advice.py. -->"
SEEDS = range(46, 56)
"""The seeds that count. benchmarks/ADVICE.md says which had been seen when the limits were chosen."""
K = 5

EXPECTED = {
    "brightness": "brightness",
    "contrast": "contrast",
    "colour": "colour",
    "larger": "size",
    "smaller": "size",
    "position": "position",
    "background": "background",
    "glare": "glare",
    "relief": "relief",
    "direction": "light direction",
    "turn": "turn",
    "side": "side",
}
"""What is to be named first for the photographs of each respect."""


class RememberingEncoder(Encoder):
    """An encoder that keeps the vectors of all images in a file, as most changed photos stay the same when limits change."""

    def embed(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the embeddings float32 [N, D] of a batch float32 [N, 3, S, S]."""
        keys = [hashlib.sha256(image.tobytes()).digest() for image in batch]
        with sqlite3.connect(OUTPUT / "vectors.sqlite", timeout=600) as file:
            file.execute("create table if not exists vectors (key blob primary key, vector blob)")
            held = [file.execute("select vector from vectors where key = ?", (key,)).fetchone() for key in keys]
        missing = [number for number, vector in enumerate(held) if vector is None]
        if missing:
            for number, vector in zip(missing, super().embed(batch[missing]), strict=True):
                held[number] = (vector.tobytes(),)
            with sqlite3.connect(OUTPUT / "vectors.sqlite", timeout=600) as file:
                rows = [(keys[number], held[number][0]) for number in missing]
                file.executemany("insert or ignore into vectors values (?, ?)", rows)
        return np.stack([np.frombuffer(vector[0], np.float32) for vector in held])


def make(seed: int) -> Path:
    """Make the scene, the references and the photographs of a seed; returns their folder."""
    folder = OUTPUT / str(seed)
    run(CASES / "differing.py", str(seed), folder)
    run("batch.py", "--scene", folder / "scene.blend", "build", "--output", folder / "references")
    return folder


def explained(folder: Path, encoder: Encoder) -> dict[str, Any]:
    """What is said of a seed's photographs, by the respect in which they differ: names of causes, and mean gains."""
    database = ReferenceDatabase.load(folder / "references" / "references.safetensors")
    encoder, said = encoder.with_foreground(database.model.foreground), {}
    for respect in ("nothing", *EXPECTED):
        photos = {label: sorted((folder / respect / label).iterdir()) for label in database.classes}
        mistaken = _mistaken(database, encoder, photos)
        found = explain(database, encoder, folder, photos, mistaken, K, Progress())
        assert found is not None
        said[respect] = {
            "causes": [cause.name for cause in found.causes],
            "gap": float(np.mean([gap.references - gap.photos for gap in found.gaps])),
            "gains": {
                cause: [
                    float(np.mean([getattr(gap, kind)[cause] for gap in found.gaps])) for kind in ("gains", "margins")
                ]
                for cause in found.gaps[0].gains
            },
        }
    return said


def _mistaken(database: ReferenceDatabase, encoder: Encoder, photos: Mapping[str, Sequence[Path]]) -> set[Path]:
    """The photographs that are misclassified."""
    found = set()
    for label, paths in photos.items():
        vectors = embed_files(encoder, database.preprocessing, paths, Progress(), label).embeddings
        predicted = database.predict(vectors, K)
        found |= {path for path, number in zip(paths, predicted, strict=True) if database.classes[number] != label}
    return found


def table(results: Sequence[dict[str, Any]]) -> str:
    """The page's table: for each respect, in how many scenes it is named first, and what else is."""
    lines = ["| photographs differ in | named first | named at all | first, where it is not |", "|---|---|---|---|"]
    for respect, expected in EXPECTED.items():
        said = [result[respect]["causes"] for result in results]
        wrong = Counter(causes[0] if causes else "nothing" for causes in said if causes[:1] != [expected])
        lines.append(
            f"| {respect} | {sum(causes[:1] == [expected] for causes in said)} of {len(said)} "
            f"| {sum(expected in causes for causes in said)} | {', '.join(f'{name} {n}' for name, n in wrong.most_common())} |"
        )
    said = [result["nothing"]["causes"] for result in results]
    others = Counter(cause for causes in said for cause in causes)
    silent = sum(not causes for causes in said)
    lines.append(
        f"| nothing | nothing is said in {silent} of {len(said)} | | {', '.join(f'{name} {n}' for name, n in others.items())} |"
    )
    return "\n".join(lines)


def main() -> None:
    """Explain the photographs of the seeds that are asked for, and write the table of those that count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default=f"{SEEDS[0]}-{SEEDS[-1]}", help="first and last seed")
    first, last = map(int, parser.parse_args().seeds.split("-"))
    encoder = RememberingEncoder(find_encoder("VITS14"), threads=1)
    results = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    for seed in range(first, last + 1):
        results[str(seed)] = explained(make(seed), encoder)
        with replacing(RESULTS) as path:
            path.write_text(json.dumps(results, indent=1), "utf-8")
        print(seed, {respect: said["causes"] for respect, said in results[str(seed)].items()}, flush=True)
    counted = [results[str(seed)] for seed in SEEDS if str(seed) in results]
    if counted:
        text = PAGE.read_text("utf-8").partition(TABLE)[0]
        with replacing(PAGE) as path:
            path.write_text(f"{text}{TABLE}\n\n{table(counted)}\n", "utf-8")


if __name__ == "__main__":
    main()
