# SPDX-License-Identifier: GPL-3.0-or-later
"""A command done in shares by the workers of a cluster instead of here."""

import argparse
import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..progress import Progress

WITH_VALUE = ("--cluster", "--shares", "--tls", "--jobs", "--progress-file")
FLAGS = ("--json", "--debug")
"""What is meant for this process and not for those that do the work."""


def handed_on(argv: Sequence[str]) -> list[str]:
    """The options of a command that workers are given."""
    kept, skip = [], False
    for word in argv:
        if skip:
            skip = False
        elif word in WITH_VALUE:
            skip = True
        elif word not in FLAGS and not word.startswith(tuple(f"{name}=" for name in WITH_VALUE)):
            kept.append(word)
    return kept


def run_on_cluster(
    args: argparse.Namespace,
    progress: Progress,
    scene: Path | None,
    joined: str,
    defaults: Mapping[str, object],
    *,
    join: Sequence[str] = (),
) -> dict[str, Any]:
    """Have a command done by the cluster that the options name; returns what it gives where it is done here.

    Args:
        args: the options, as the framework parsed them.
        progress: is told what is refused.
        scene: the scene that it works on; None: it needs none.
        joined: entry that only the result of the share has that found all others done.
        defaults: values of options that hold here, where there may be a scene, and not in workers.
        join: options of the command that joins the shares where none found the others done.

    Raises:
        InputError: what the command says of its input, or there is no such cluster.
    """
    from ..output_folder import OutputFolder
    from ..plant.cluster import Certificates, Cluster, connected  # late: Dask is large, and may not be installed
    from ..plant.plan import run
    from ..plant.plant_file import Station
    from ..plant.summary import Table
    from ..plant.tasks import PLAIN, SCENE, Task, shared

    if args.shard:
        raise InputError("--cluster makes shares itself. Give --shard or --cluster, not both.")
    options = [f"--{name}={value}" for name, value in defaults.items()]
    arguments = (args.command, *options, *handed_on(args.argv), *(["--jobs=1"] if scene else []))
    task = Task(SCENE if scene else PLAIN, str(scene.absolute()) if scene else "", arguments, str(Path.cwd()))
    station = Station(
        name=args.command, scene=scene or Path(), output=OutputFolder(Path()), photos=None, script=None, arguments=(),
        settings={"model": args.model}, encoder=args.encoder, target=None,
    )  # fmt: skip
    jobs = getattr(args, "jobs", None) or os.cpu_count() or 1
    with connected(args.cluster, jobs, Certificates(args.tls) if args.tls else None) as client:
        cluster = Cluster(client, None, progress.say)
        count = cluster.wait([station], scenes=scene is not None, count=jobs if args.cluster == "local" else 1)
        stage = shared(args.command, task, args.shares or count, joined, *join)
        table = Table(1)
        with closing(run([station], lambda _: [stage], cluster, table)) as work:
            (_, outcome), *_ = work
        table.close()
    if outcome.status:
        raise (InputError if outcome.status == 2 else RuntimeError)(*outcome.problems)
    progress.warn(outcome.content.get("warnings", ()))
    return outcome.content
