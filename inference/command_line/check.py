# SPDX-License-Identifier: GPL-3.0-or-later
"""``check --database``: report how well the classes of a database can be distinguished."""

import argparse
from dataclasses import asdict
from pathlib import Path

from ..classifier import outvoted, usable_k
from ..database import ReferenceDatabase
from ..progress import Progress
from .options import add_k_argument, add_similarity_argument


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``check``."""
    parser.add_argument("--database", type=Path, metavar="FILE", help="reference database")
    add_k_argument(parser)
    add_similarity_argument(parser)


def run(args: argparse.Namespace, progress: Progress) -> dict[str, object]:
    """Report how well the classes can be distinguished, before there are photos; return what ``--json`` prints."""
    from ..separability import separability

    database = ReferenceDatabase.load(args.database)
    database = database.as_in_paper() if args.paper else database
    k = usable_k(args.k, database, progress)
    warnings = outvoted(database, k)
    progress.warn(warnings)
    found = separability(database, k)
    print(f"Leave-one-pose-out on {len(database)} references: macro F1 {found.metrics.macro_f1:.3f}")
    for pair in found.pairs:
        print(f"{pair.first} and {pair.second}: margin {pair.margin:.3f}")
    progress.warn(found.warnings)
    return {
        "macro_f1": found.metrics.macro_f1,
        "classes": {label: float(f1) for label, f1 in zip(database.classes, found.metrics.f1, strict=True)},
        "pairs": [asdict(pair) for pair in found.pairs],
        "warnings": [*warnings, *found.warnings],
    }
