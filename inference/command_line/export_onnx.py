# SPDX-License-Identifier: GPL-3.0-or-later
"""``export-onnx``: write encoder, references and vote to one ONNX file."""

import argparse
from pathlib import Path

from .. import onnx_export
from ..classifier import usable_k
from ..files import shown
from ..progress import Progress
from .options import add_database_arguments, add_rejection_arguments, fitted_rejection, open_database, open_encoder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``export-onnx``."""
    add_database_arguments(parser)
    parser.add_argument("--output", type=Path, metavar="FILE", help="ONNX file to write")
    parser.add_argument(
        "--input",
        choices=onnx_export.INPUTS,
        default="image",
        help="image: uint8 images of any size; tensor: preprocessed float32",
    )
    add_rejection_arguments(parser)


def run(args: argparse.Namespace, progress: Progress) -> dict[str, object]:
    """Run the command, and return what ``--json`` prints."""
    database, encoder = open_database(args), open_encoder(args, progress)
    database.check_model(encoder.with_foreground(database.model.foreground).model)
    k = usable_k(args.k, database, progress)
    rejection = fitted_rejection(args, database)
    onnx_export.export_onnx(database, encoder.path, args.output, args.input, k, rejection, encoder.precision)
    print(f"{shown(args.output)}: {len(database)} references, k = {k}. Weights: {encoder.weights}")
    return {"output": shown(args.output), "input": args.input, "k": k, "classes": list(database.classes)}
