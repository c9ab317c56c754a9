# SPDX-License-Identifier: GPL-3.0-or-later
"""``classify``: classify photos."""

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ..classifier import Classifier
from ..errors import InputError
from ..files import replacing, shown
from ..job_results import ClassifiedPhoto, ClassifyResult
from ..photo_file import may_be_deep
from ..preprocessing import UnreadablePhoto
from ..progress import Progress
from ..verdicts import Verdict
from .options import add_database_arguments, add_rejection_arguments, fitted_rejection, open_database, open_encoder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``classify``."""
    add_database_arguments(parser)
    add_rejection_arguments(parser)
    parser.add_argument(
        "--evidence", type=Path, metavar="DIR", help="folder for pictures of where each photo and its nearest differ"
    )
    parser.add_argument("photos", type=Path, metavar="PHOTO", nargs="+", help="photos to classify")


def run(args: argparse.Namespace, progress: Progress) -> dict[str, object]:
    """Run the command, and return what ``--json`` prints."""
    database, encoder = open_database(args), open_encoder(args, progress)
    classifier = Classifier.create(database, encoder, args.k, progress, fitted_rejection(args, database))
    classifier, told = classifier.for_photos(args.photos, progress)
    found = classifier.classify(args.photos, progress)
    if args.evidence:
        _write_evidence(args.evidence, classifier, found.verdicts)
    photos = []
    for verdict in found.verdicts:  # notes belong to the photo's line, which programs read
        notes = (*(told if may_be_deep(verdict.photo) else ()), *found.notes.get(verdict.photo, ()))
        photos.append(ClassifiedPhoto(verdict, notes))
    for photo in photos:
        print(json.dumps(photo.to_json()))
    if found.unreadable:
        raise InputError(*(f"{shown(path)}: {why}." for path, why in found.unreadable.items()))
    return ClassifyResult(tuple(photos)).to_json()


def _write_evidence(folder: Path, classifier: Classifier, verdicts: Sequence[Verdict]) -> None:
    """Write a picture for each photo that shows where it differs from its nearest reference."""
    from ..evidence import compare

    names: Counter[str] = Counter()
    for verdict in verdicts:
        try:
            sheet = compare(classifier, verdict).sheet
        except UnreadablePhoto as error:
            reference = shown(classifier.database.image_path(verdict.neighbours[0].row))
            raise InputError(f"{reference}: {error.reason}. Evidence needs the reference images.") from error
        stem = verdict.photo.stem
        names[stem] += 1  # photos of the same name may come from several folders
        again = f" ({names[stem]})" if names[stem] > 1 else ""
        with replacing(folder / f"{stem}{again}.png") as place:
            sheet.save(place)
