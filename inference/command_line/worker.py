# SPDX-License-Identifier: GPL-3.0-or-later
"""``worker``: work for a Dask cluster on this machine."""

import argparse
import logging
from pathlib import Path
from typing import Any

from ..files import shown
from ..progress import Progress


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``worker``."""
    parser.add_argument("address", help="address of the Dask scheduler, such as tls://10.0.0.1:8786")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="tasks at a time; default: 1")
    parser.add_argument(
        "--memory",
        type=float,
        metavar="GB",
        help="memory for tasks: 2.1 GB for each that renders; default: the machine's",
    )
    parser.add_argument("--blender", metavar="PROGRAM", help="what opens scenes; default: the bpy module, else blender")
    parser.add_argument("--tls", type=Path, metavar="DIR", help="folder with cert.pem and key.pem")
    parser.add_argument(
        "--wait", type=float, default=300, metavar="SECONDS", help="end after so long without a scheduler; default: 300"
    )


def run(args: argparse.Namespace, progress: Progress) -> dict[str, object]:
    """Run the command; returns what ``--json`` prints once the scheduler is gone."""
    import asyncio  # late, as every command would wait for it

    from ..errors import InputError
    from ..plant import children
    from ..plant.cluster import STATUS, Certificates, announced, dask, driver

    distributed = dask()
    local = "//127.0.0.1:" in args.address
    security = Certificates(args.tls).security() if args.tls else None
    try:
        blender = children.find_blender(args.blender or children.this_blender())
        # All workers of one machine have the same; Blender takes seconds to tell.
        resources = announced(blender, None if local else driver(blender))
    except InputError as error:
        if args.blender:
            raise
        progress.say(f"{error} This worker gets no scenes, only photos.")
        resources = {name: much for name, much in announced(None).items() if not name.startswith("bpy ")}
        blender = None
    children.serve(blender)
    memory = args.memory * 1e9 if args.memory else distributed.system.MEMORY_LIMIT
    progress.say(f"This worker has: {', '.join(resources)}, {memory / 1e9:.1f} GB of memory")
    resources["memory"] = memory
    logging.getLogger("distributed").setLevel(logging.ERROR)

    async def work() -> None:
        """One life as a worker, until the scheduler goes."""
        options: dict[str, Any] = {"nthreads": max(1, args.jobs), "resources": resources, "death_timeout": args.wait}
        options |= {"dashboard_address": STATUS, "host": "127.0.0.1" if local else None}
        worker = distributed.Worker(args.address, security=security, memory_limit=0, dashboard=False, **options)
        try:
            async with worker:
                progress.say(f"Working for {shown(args.address)}")
                await worker.finished()
        finally:
            children.end_all()  # nobody waits for their results: what they finished lies on disk

    while True:
        try:
            asyncio.run(work())
        except (TimeoutError, OSError) as error:
            why = str(error).split("\n")[0] or "no answer"
            raise InputError(
                f"There is no scheduler at {shown(args.address)}: {why}. Start it, or correct it."
            ) from None
