# SPDX-License-Identifier: GPL-3.0-or-later
"""``edit``: change a database without rendering or embedding the rest of it again."""

import argparse
from dataclasses import replace
from pathlib import Path

from ..database import ReferenceDatabase
from ..errors import InputError
from ..files import shown, writable_folder
from ..progress import Progress
from .options import add_encoder_arguments, add_white_level_argument, open_encoder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``edit``."""
    parser.add_argument("--database", type=Path, metavar="FILE", help="reference database")
    parser.add_argument("--output", type=Path, metavar="FILE", help="database to write; default: the same")
    parser.add_argument(
        "--remove", type=lambda text: text.split(","), default=[], metavar="A,B", help="classes to take out"
    )
    parser.add_argument(
        "--replace", type=Path, metavar="FILE", help="database whose classes replace those of the same name"
    )
    parser.add_argument("--add", type=Path, metavar="FILE", help="database whose references are added")
    parser.add_argument(
        "--promote", type=Path, metavar="DIR", help="verified photos, one folder per class, that become references"
    )
    add_white_level_argument(parser)
    add_encoder_arguments(parser)


def run(args: argparse.Namespace, progress: Progress) -> dict[str, object]:
    """Remove classes, replace classes by another database's, add references and add photos, in this order."""
    from .. import editing

    def with_white(database: ReferenceDatabase) -> ReferenceDatabase:
        white_level = args.white_level or database.preprocessing.white_level
        return replace(database, preprocessing=replace(database.preprocessing, white_level=white_level))

    database = ReferenceDatabase.load(args.database)
    output = args.output or args.database
    if not (args.remove or args.replace or args.add or args.promote or args.white_level):
        raise InputError("There is nothing to change. Give --remove, --replace, --add, --promote or --white-level.")
    writable_folder(output.parent)
    database = with_white(editing.moved(database, output))
    if args.remove:
        database = editing.without(database, args.remove)
    for other, change in ((args.replace, editing.replaced), (args.add, editing.joined)):
        if other:
            database = change(database, with_white(editing.moved(ReferenceDatabase.load(other), output)))
    if args.promote:
        database = editing.promoted(database, open_encoder(args, progress), args.promote, progress)
    database.save(output)
    counts = ", ".join(f"{label} {count}" for label, count in database.count().items())
    photos = f", {len(database.promoted)} of them real photos" if database.promoted else ""
    print(f"{len(database)} references ({counts}){photos} in {shown(output)}")
    return {
        "database": shown(output),
        "references": len(database),
        "classes": database.count(),
        "promoted": len(database.promoted),
    }
