# SPDX-License-Identifier: GPL-3.0-or-later
"""``plant``: check, build, validate or report all stations of a plant file."""

import argparse
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ..files import shown
from ..progress import Progress
from .framework import DONE, FAILED, WRONG_INPUT
from .options import add_cluster_arguments

if TYPE_CHECKING:
    from ..plant.plan import Outcome, Place
    from ..plant.plant_file import Plant, Station
    from ..plant.summary import Row
    from ..plant.tasks import Stage

ACTIONS = ("check", "build", "validate", "report")
BELOW_TARGET = 3
"""Exit status where everything was done, but a station misses its target."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``plant``."""
    parser.add_argument("action", choices=ACTIONS, help="what to do at the stations")
    parser.add_argument(
        "file", type=Path, nargs="?", default=Path("plant.toml"), help="plant file; default: plant.toml"
    )
    parser.add_argument("--stations", metavar="A,B*", help='only these stations; patterns such as "door-*" are fine')
    parser.add_argument("--jobs", type=_jobs, metavar="N", help="stations at a time; default: one per processor core")
    parser.add_argument("--blender", metavar="PROGRAM", help="what opens scenes; default: the bpy module, else blender")
    add_cluster_arguments(parser)
    parser.add_argument(
        "--send-files",
        action="store_true",
        help="with --cluster: send scenes and photos to the workers and results back, as they share no folder with this machine",
    )
    parser.add_argument("--fresh", action="store_true", help="build: render everything again")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="report: folder for plant.html and plant.csv; default: the plant file's",
    )


def _jobs(text: str) -> int:
    """At least one station."""
    if int(text) < 1:
        raise ValueError
    return int(text)


def run(args: argparse.Namespace, progress: Progress) -> dict[str, object]:
    """Run the command; returns what ``--json`` prints."""
    from ..errors import InputError
    from ..plant.plant_file import missing_photos, read_plant

    if args.send_files and args.cluster is None:
        raise InputError("--send-files sends to the workers of a cluster. Give --cluster, too.")
    plant = read_plant(args.file)
    stations = plant.chosen(args.stations)
    if args.action == "report":
        return _report(plant, stations, args.output or plant.path.parent)
    problems = missing_photos(stations) if args.action in ("check", "validate") else []
    if args.action in ("build", "validate"):
        problems += _missing_encoders(stations)
    if problems:
        raise InputError(*problems)
    if args.action == "validate":
        without = [station.name for station in stations if station.photos is None]
        progress.warn(f"Station {name} has no photos and is left out." for name in without)
        stations = tuple(station for station in stations if station.photos)
        if not stations:
            raise InputError("None of the stations has photos. Give them photos in the plant file.")
    return _work(args, plant, stations, progress)


def _missing_encoders(stations: "tuple[Station, ...]") -> list[str]:
    """A sentence for each encoder that is not there."""
    from ..encoder import VARIANTS, find_encoder
    from ..errors import InputError

    problems: dict[str, None] = {}
    for variant, file in {(station.settings.get("model", VARIANTS[0]), station.encoder) for station in stations}:
        try:
            find_encoder(variant, file)
        except InputError as error:
            problems |= dict.fromkeys(error.problems)
    return list(problems)


def _work(
    args: argparse.Namespace, plant: "Plant", stations: "tuple[Station, ...]", progress: Progress
) -> dict[str, object]:
    """Do the action at all stations and show the page at the end."""
    from ..plant import plan, summary
    from ..plant.history import History

    started = time.monotonic()
    fresh = ["--fresh"] if args.fresh else []
    history = History(plant.history)
    number = history.begin(args.action)
    table = summary.Table(len(stations))
    rows: dict[str, Row] = {}
    try:
        with ExitStack() as stack:
            place, jobs, stages = stack.enter_context(_place(args, stations, progress))
            options = [*fresh, *(["--jobs=1"] if jobs > 1 or args.cluster else [])]
            shares = args.shares or -(-jobs // len(stations)) if args.cluster else 1
            work = plan.run(stations, lambda station: stages(args.action, station, shares, options), place, table)
            stack.enter_context(closing(work))
            for station, outcome in work:
                row = summary.row_of(station, outcome, history.last_f1(station.name, number))
                _keep(history, number, station, outcome, row)
                rows[station.name] = row
                table.finished(summary.line(station.name, row))
                for warning in row.warnings:
                    table.finished(f"{station.name}: Warning: {warning}")
    finally:
        table.close()
    rows = {station.name: rows[station.name] for station in stations}
    print(summary.page(rows))
    return {
        "stations": {name: asdict(row) for name, row in rows.items()},
        "failed": [name for name, row in rows.items() if row.status],
        "below_target": [name for name, row in rows.items() if row.below],
        "workers": jobs,
        "seconds": round(time.monotonic() - started, 3),
    }


@contextmanager
def _place(
    args: argparse.Namespace, stations: "tuple[Station, ...]", progress: Progress
) -> "Iterator[tuple[Place, int, Callable[..., list[Stage]]]]":
    """What runs the stations, how many tasks at a time, and which tasks these are."""
    from ..errors import InputError
    from ..plant.children import find_blender, this_blender
    from ..plant.plan import ThisMachine
    from ..plant.tasks import stages

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    scenes = args.action != "validate"
    if args.cluster is None:
        jobs = min(args.jobs or cores, len(stations))
        blender = find_blender(args.blender or this_blender()) if scenes else None
        yield ThisMachine(jobs, blender, max(1, cores // jobs) if jobs > 1 else None), jobs, stages
        return

    from ..plant.cluster import Certificates, Cluster, connected  # late: Dask is large, and may not be installed

    try:
        blender = find_blender(args.blender or this_blender()) if scenes else None
    except InputError:
        if args.send_files:  # to pack the scenes
            raise
        blender = None  # workers may have one
    jobs = args.jobs or cores
    with connected(args.cluster, jobs, Certificates(args.tls) if args.tls else None) as client:
        cluster = Cluster(client, blender, progress.say)
        count = jobs if args.cluster == "local" else 1
        threads = cluster.wait(stations, scenes=scenes, count=count)
        if not args.send_files:
            yield cluster, threads, stages
            return

        from ..plant.sending import Sender

        with TemporaryDirectory(prefix="simsearch_") as scratch:
            sender = Sender(cluster, ThisMachine(cores, blender, 1), Path(scratch))
            yield sender, threads, sender.stages


def _keep(history: "object", number: int, station: "Station", outcome: "Outcome", row: "Row") -> None:
    """Add what became of a station to the history."""
    from ..plant.history import History, Score, now

    assert isinstance(history, History)
    score = Score(now(), row.macro_f1, row.interval, row.photos, outcome.problems)
    history.add(number, station.name, score, outcome.seconds)


def _report(plant: "Plant", stations: "tuple[Station, ...]", folder: Path) -> dict[str, object]:
    """Write the page and the table of what the history knows."""
    from ..plant.history import History
    from ..plant.page import standings, write_page, write_table

    found = standings(stations, History(plant.history), folder.absolute())
    html, table = folder / "plant.html", folder / "plant.csv"
    write_page(html, plant, found)
    write_table(table, found)
    print(f"{len(found)} stations in {shown(html)} and {shown(table)}")
    return {
        "report": shown(html),
        "table": shown(table),
        "stations": {
            each.station.name: {
                "macro_f1": each.last.macro_f1 if each.last else None,
                "change": each.change,
                "below_target": each.below,
            }
            for each in found
        },
        "below_target": [each.station.name for each in found if each.below],
    }


def status(result: dict[str, object]) -> int:
    """The exit status: 2 or 1 where stations failed, as the first of them did, 3 where one misses its target."""
    rows, failed = result["stations"], result.get("failed")
    if not isinstance(rows, dict) or not isinstance(failed, list):  # a report, which judges nothing
        return DONE
    if failed:
        return WRONG_INPUT if all(rows[name]["status"] == WRONG_INPUT for name in failed) else FAILED
    return BELOW_TARGET if result["below_target"] else DONE
