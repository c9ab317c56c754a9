# SPDX-License-Identifier: GPL-3.0-or-later
"""``embed``: turn images into a reference database."""

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ..classifier import outvoted
from ..embedding import embed_references, embed_share_of_references
from ..encoder import PROVIDERS, Encoder
from ..files import shown, writable_folder
from ..preprocessing import WHOLE, Preprocessing
from ..progress import Progress
from .options import (
    DEFAULT_K,
    add_cluster_arguments,
    add_encoder_arguments,
    add_matched_photos_argument,
    add_photo_arguments,
    add_shard_argument,
    open_encoder,
)

if TYPE_CHECKING:
    from ..job_results import EmbedResult


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``embed``."""
    parser.add_argument("--references", type=Path, metavar="DIR", help="folder with one folder of images per class")
    parser.add_argument("--database", type=Path, metavar="FILE", help="file to write; default: DIR.safetensors")
    add_matched_photos_argument(parser, "references stay where they are")
    add_shard_argument(parser)
    add_cluster_arguments(parser)
    add_photo_arguments(parser)
    add_encoder_arguments(parser)


def run(args: argparse.Namespace, progress: Progress) -> dict[str, object]:
    """Run the command, and return what ``--json`` prints."""
    if args.cluster:
        from .on_cluster import run_on_cluster

        defaults = {name: getattr(args, name) for name in ("model", "precision")}
        content = run_on_cluster(args, progress, None, "database", defaults)
        print(f"{content['references']} references in {content['database']}")
        return content
    folder = args.references.resolve()
    database = args.database or folder.with_name(f"{folder.name}.safetensors")
    preprocessing = Preprocessing(crop=args.crop or WHOLE, white_level=args.white_level)
    encoder = open_encoder(args, progress).with_foreground()
    if args.shard is None:
        return build_database(
            args.references, database, encoder, preprocessing, progress, args.matched_photos
        ).to_json()

    from ..shared_vectors import forget_shares  # late: it imports SQLite

    vectors = database.with_name(f".{database.stem}.vectors.sqlite")
    if left := embed_share_of_references(args.references, encoder, preprocessing, progress, vectors, args.shard):
        print(f"Share {args.shard} is done; {left} of {args.shard.count} are not. The last one makes the database.")
        return {"shard": str(args.shard), "left": left}
    built = build_database(args.references, database, encoder, preprocessing, progress, args.matched_photos, vectors)
    forget_shares(args.shard, vectors)
    vectors.unlink(missing_ok=True)
    return built.to_json()


def build_database(
    references: Path,
    database_path: Path,
    encoder: Encoder,
    preprocessing: Preprocessing,
    progress: Progress,
    matched_photos: Path | None,
    vectors: Path | None = None,
) -> "EmbedResult":
    """Embed a folder of references, and write the database.

    Args:
        references: the folder of references.
        database_path: the file to write.
        encoder: the encoder.
        preprocessing: how a photo becomes the encoder's input.
        progress: receives the progress.
        matched_photos: the folder of the photos that the scene was matched to; None if nobody knows, or it was not.
        vectors: the file beside which the shares of a job left their vectors, if there are shares.

    Raises:
        InputError: references are missing or cannot be read, or the file cannot be written.
    """
    from ..domain_shift import toward_photos
    from ..job_results import EmbedResult
    from ..separability import separability

    started = time.monotonic()
    writable_folder(database_path.parent)
    content = embed_references(references, encoder, preprocessing, progress, database_path, vectors)
    content, warnings = toward_photos(content, matched_photos, encoder, progress)
    content.save(database_path)
    counts = ", ".join(f"{label} {count}" for label, count in content.count().items())
    moved = "" if content.domain_shift is None else ", moved toward the photos that the scene was matched to"
    print(
        f"{len(content)} references ({counts}){moved} in {shown(database_path)}\nWeights: {encoder.weights}\nRan on: {PROVIDERS[encoder.provider]}"
    )
    k = min(DEFAULT_K, len(content))
    warnings += outvoted(content, k)
    if content.pose_groups().any():
        warnings += separability(content, k).warnings
    progress.warn(warnings)
    return EmbedResult(
        warnings=warnings,
        database=shown(database_path),
        references=len(content),
        classes=content.count(),
        model=encoder.description,
        seconds=round(time.monotonic() - started, 3),
    )
