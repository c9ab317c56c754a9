# SPDX-License-Identifier: GPL-3.0-or-later
"""How well likeness, which Match Look raises, ranks looks of a scene by F1.

    python benchmarks/looks.py plates build/accuracy/plates/matched.blend [--looks 12]

Everything that a match turns is turned at random in copies of the scene. The product renders references of each, and their
likeness to 20 unlabelled photos is compared with macro F1 on the other photos of the case. The rank correlation of each
figure with F1 goes to standard output, for all references and for a few, as a match has them.
"""

import argparse
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from synthetic_similarity_search.benchmarks import accuracy, choices
from synthetic_similarity_search.inference.database import ReferenceDatabase
from synthetic_similarity_search.inference.encoder import Encoder, find_encoder
from synthetic_similarity_search.inference.likeness import Likeness, Seen
from synthetic_similarity_search.inference.preprocessing import Preprocessing

PHOTOS = 20
"""Simulated photos of each class, as many as the benchmark of accuracy makes."""
IMAGES = 8
"""References of each class."""
SPREAD = 0.5
"""Standard deviation of the knobs' values: some are turned by an amount that is not unusual."""
FIGURES = ("photos", "references", "colours", "shading", "total")


def measure(database: ReferenceDatabase, encoder: Encoder, photos: Seen, of_each: int) -> Likeness:
    """How like the photos the first references of each class are."""
    few = choices.first(database, of_each)
    paths = [few.image_path(row) for row in range(len(few))]
    return Likeness.of(photos, Seen.through(encoder, Preprocessing(), paths))


def turned(start: Path, folder: Path, seed: int) -> ReferenceDatabase:
    """References of the scene with its knobs turned by the seed; 0 leaves them."""
    scene = folder / f"look{seed}.blend"
    statement = f"stage.turn_knobs(scene, {seed}, {SPREAD if seed else 0})"
    script = accuracy.CASES / "changed.py"
    accuracy.make(
        scene, [start, statement, script, accuracy.CASES / "stage.py"], script, str(start), str(scene), statement
    )
    return accuracy.build(scene, folder / f"look{seed}", 0, IMAGES)


def main() -> None:
    """Measure the looks of a scene, and print the correlations."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", choices=accuracy.ALL_CASES)
    parser.add_argument("scene", type=Path, help="the .blend file whose looks are tried")
    parser.add_argument("--looks", type=int, default=12)
    args = parser.parse_args()
    encoder = Encoder(find_encoder()).with_foreground()
    case, by_class = accuracy.ALL_CASES[args.case], encoder.with_foreground(False)
    folder = accuracy.photo_folder(args.case, case, PHOTOS)
    if folder is None:
        parser.error("its photos are not on this machine; SIMSEARCH_PHOTOS names their folder")
    photos = accuracy.load_photos(folder, encoder, real=bool(case.real))
    asked = accuracy.unlabelled(photos)
    rest = np.setdiff1d(np.arange(len(photos.files)), asked)
    seen = Seen.through(by_class, Preprocessing(), [photos.files[row] for row in asked])
    f1, found = [], {of_each: [] for of_each in (IMAGES, 1)}
    for seed in range(args.looks):
        database = turned(args.scene, accuracy.OUTPUT / "looks" / f"{args.case} {args.scene.stem}", seed)
        predicted = database.predict(photos.vectors[rest], choices.K)
        f1.append(accuracy.scores(database.classes, photos.classes[rest], predicted).macro_f1)
        for of_each, likenesses in found.items():
            likenesses.append(measure(database, by_class, seen, of_each))
        print(f"look {seed}: macro F1 {f1[-1]:.3f}, likeness {found[IMAGES][-1].total:.3f}", flush=True)
    for of_each, likenesses in found.items():
        ranks = {name: spearmanr(f1, [getattr(likeness, name) for likeness in likenesses])[0] for name in FIGURES}
        print(f"{of_each} references of each class:", ", ".join(f"{name} {rank:.2f}" for name, rank in ranks.items()))


if __name__ == "__main__":
    main()
