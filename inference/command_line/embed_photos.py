# SPDX-License-Identifier: GPL-3.0-or-later
"""``embed-photos``: embed photos for a validation on another machine."""

import argparse
from contextlib import closing
from pathlib import Path

from ..classifier import Classifier
from ..embedding import embed_files
from ..files import files_below
from ..progress import Progress
from .options import add_database_arguments, open_database, open_encoder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``embed-photos``."""
    add_database_arguments(parser)
    parser.add_argument("--photos", type=Path, metavar="DIR", help="folder of photos")
    parser.add_argument("--vectors", type=Path, metavar="FILE", help="SQLite file to write")


def run(args: argparse.Namespace, progress: Progress) -> dict[str, object]:
    """Run the command, and return what ``--json`` prints."""
    from ..vector_cache import VectorCache  # late: it imports SQLite

    classifier = Classifier.create(open_database(args), open_encoder(args, progress), args.k, progress)
    encoder, preprocessing = classifier.encoder, classifier.database.preprocessing
    photos = sorted(files_below(args.photos))
    args.vectors.parent.mkdir(parents=True, exist_ok=True)
    with closing(VectorCache(args.vectors, encoder.model, preprocessing)) as cache:
        embedded = embed_files(encoder, preprocessing, photos, progress, "Embedding photos", cache)
    return {"photos": len(embedded.readable)}
