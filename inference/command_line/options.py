# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that several commands share, and the objects that they select."""

import argparse
import os
from dataclasses import replace
from pathlib import Path

from ..database import ReferenceDatabase
from ..encoder import PRECISIONS, PROVIDERS, VARIANTS, Encoder, find_encoder
from ..errors import InputError
from ..preprocessing import Crop, crop_problem
from ..progress import Progress
from ..rejection import Rejection, fit_rejection
from ..shard import Shard

DEFAULT_K = 5


def add_encoder_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that select the encoder."""
    parser.add_argument("--model", type=str.upper, choices=VARIANTS, default=VARIANTS[0], help="encoder variant")
    parser.add_argument("--encoder", type=Path, metavar="FILE", help="encoder file to use instead of the variant's own")
    parser.add_argument(
        "--precision",
        type=str.upper,
        choices=PRECISIONS,
        default=PRECISIONS[0],
        help="fast: perceptrons in 8 bits, on the processor, a third less time; with the stand-in on 468 real photos: "
        "cosine 0.9996 to fp32, 0.998 at the least; macro F1 unchanged on screw and t_joint",
    )


def open_encoder(args: argparse.Namespace, progress: Progress) -> Encoder:
    """Open the encoder that the options select. ``$SIMSEARCH_THREADS`` limits its threads; ``$SIMSEARCH_PROVIDER`` sets
    its provider."""
    threads = os.environ.get("SIMSEARCH_THREADS") or "0"
    if not threads.isdecimal():
        raise InputError(f"SIMSEARCH_THREADS is {threads}. Set it to a number, or to 0 for all processor cores.")
    provider = (os.environ.get("SIMSEARCH_PROVIDER") or "AUTO").upper()
    if provider not in ("AUTO", *PROVIDERS):
        raise InputError(f"SIMSEARCH_PROVIDER is {provider}. Set it to one of: AUTO, {', '.join(PROVIDERS)}.")
    file = find_encoder(args.model, args.encoder)
    return Encoder(file, int(threads), args.precision, None if provider == "AUTO" else provider, progress.say)


def parse_crop(text: str) -> Crop:
    """Parse the value of ``--crop``."""
    try:
        left, top, width, height = map(float, text.split(","))
    except ValueError:
        left = top = width = height = -1.0
    if problem := crop_problem((left, top, width, height)):
        raise argparse.ArgumentTypeError(f"{problem.rstrip('.')}; this is {text}")
    return left, top, width, height


def parse_white_level(text: str) -> int:
    """Parse the value of ``--white-level``."""
    if not text.isdecimal() or not 0 < int(text) < 2**16:
        raise argparse.ArgumentTypeError(f"A white level is a number from 1 to 65535, 4095 for 12 bits; this is {text}")
    return int(text)


def add_photo_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options for the part of a photo that counts, and for how it is read."""
    parser.add_argument(
        "--crop", type=parse_crop, metavar="X,Y,W,H", help="part of each photo that counts, as shares from its top left"
    )
    add_white_level_argument(parser)


def add_white_level_argument(parser: argparse.ArgumentParser) -> None:
    """Add the option for the white level of photos that do not state it."""
    parser.add_argument(
        "--white-level",
        type=parse_white_level,
        metavar="N",
        help="white level of 16-bit photos that do not state it: 4095 for a 12-bit camera; default: determined from the photos",
    )


def parse_shard(text: str) -> Shard:
    """Parse the value of ``--shard``."""
    try:
        return Shard.parse(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"A share is I/N, such as 1/4 for the first of four; this is {text}") from None


def add_shard_argument(parser: argparse.ArgumentParser) -> None:
    """Add the option for a share of the job."""
    parser.add_argument(
        "--shard",
        type=parse_shard,
        metavar="I/N",
        help="do share I of N; run the others at the same time or later, with the same output: the last one joins them",
    )


def add_matched_photos_argument(parser: argparse.ArgumentParser, default: str) -> None:
    """Add the option for the photos that the references' scene was matched to."""
    parser.add_argument(
        "--matched-photos",
        type=Path,
        metavar="DIR",
        help=f"folder of the photos that the scene was matched to; references are moved toward them; default: {default}",
    )


def add_similarity_argument(parser: argparse.ArgumentParser) -> None:
    """Add the option for how similarity is measured."""
    parser.add_argument("--paper", action="store_true", help="plain cosine similarity of class tokens, as in the paper")


def add_k_argument(parser: argparse.ArgumentParser) -> None:
    """Add the option for the number of neighbours that vote."""
    parser.add_argument("--k", type=int, default=DEFAULT_K, help=f"how many neighbours vote; default: {DEFAULT_K}")


def add_database_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that select the database, and how photos are read and compared with it."""
    parser.add_argument("--database", type=Path, metavar="FILE", help="reference database")
    add_k_argument(parser)
    add_similarity_argument(parser)
    add_photo_arguments(parser)
    add_encoder_arguments(parser)


def open_database(args: argparse.Namespace) -> ReferenceDatabase:
    """Open the database that the options select, with their crop, white level and measure of similarity if given."""
    database = ReferenceDatabase.load(args.database)
    given = {name: value for name in ("crop", "white_level") if (value := getattr(args, name)) is not None}
    database = replace(database, preprocessing=replace(database.preprocessing, **given))
    return database.as_in_paper() if args.paper else database


def add_rejection_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options for photos that look unlike all references."""
    parser.add_argument("--reject", action="store_true", help='answer "unknown" for photos unlike all references')
    parser.add_argument(
        "--threshold", type=float, metavar="T", help="reject below this familiarity, 0 to 1; default: chosen"
    )


def fitted_rejection(args: argparse.Namespace, database: ReferenceDatabase) -> Rejection | None:
    """Return the rejection that the options ask for, if any. A threshold that is not given is chosen from the
    references."""
    if not args.reject and args.threshold is None:
        return None
    return fit_rejection(database, args.threshold, database.embeddings[:0])


def add_cluster_arguments(parser: argparse.ArgumentParser) -> None:
    """The options for a cluster that does the work."""
    parser.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="let the workers of a Dask cluster do it: the scheduler's address, local for workers on this machine, or slurm",
    )
    parser.add_argument("--shares", type=int, metavar="N", help="with --cluster: shares of the work at each station")
    parser.add_argument("--tls", type=Path, metavar="DIR", help="with --cluster: folder with cert.pem and key.pem")
