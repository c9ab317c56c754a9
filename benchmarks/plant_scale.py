# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated plant of 1,000 stations on a real Dask scheduler, with tasks that only wait.

    make test-cluster    # or the installation of Dask that docs/plant.md shows
    python benchmarks/plant_scale.py [--workers 100] [--stations 1000] [--photos 10000000] [--output build/plant_scale]

Everything but the workers' commands is what `plant --cluster` runs: the stages of each station, the tasks, the client,
the scheduler in a process of its own. Each simulated worker is a real Dask worker, many of them in a process; it waits
instead of starting a Blender. The waits are as long as the work would take, divided by --faster. Figures go to
OUTPUT.json.
"""

import argparse
import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from synthetic_similarity_search.inference.output_folder import OutputFolder
from synthetic_similarity_search.inference.plant import cluster, plan
from synthetic_similarity_search.inference.plant.plant_file import Station
from synthetic_similarity_search.inference.plant.tasks import PLAIN, SCENE, Task, shared
from synthetic_similarity_search.tests.dask_machines import Machines

ROOT = Path(__file__).resolve().parents[1]
CLASSES, IMAGES = 3, 24
RENDER, EMBED, START = 0.75, 0.045, 4.0
"""Seconds for a reference, for a photo, and to start a Blender or an encoder: those of SPEED.md, on two cores."""

PER_PROCESS = 100
"""Simulated workers in a process."""


def wait(content: dict[str, Any]) -> dict[str, Any]:
    """What a simulated worker does with a task."""
    time.sleep(float(content["arguments"][0]))
    return {"status": 0, "content": {"joined": True, "rendered": 0}, "problems": []}


def work(address: str, count: int) -> None:
    """Be ``count`` workers."""
    import asyncio

    import dask
    import distributed

    # What each worker does a hundred times a second costs little on a machine of its own.
    dask.config.set({"distributed.worker.profile.enabled": False, "distributed.admin.tick.interval": "1s"})
    importlib.import_module("inference.plant.children").run_here = wait  # by the name under which tasks import it
    resources = cluster.announced(None) | {"memory": cluster.MEMORY[SCENE]}

    async def run() -> None:
        options = {"nthreads": 1, "resources": resources, "memory_limit": 0, "dashboard": False}
        options |= {"dashboard_address": cluster.STATUS, "host": "127.0.0.1", "death_timeout": 60}
        workers = await asyncio.gather(*(distributed.Worker(address, **options) for _ in range(count)))
        await workers[0].finished()

    asyncio.run(run())


@contextmanager
def workers(address: str, count: int) -> Iterator[None]:
    """Simulated workers in processes of their own."""
    sizes = [min(PER_PROCESS, count - first) for first in range(0, count, PER_PROCESS)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, __file__, "--work", address, "--workers"]
    started = [subprocess.Popen([*command, str(size)], env=environment, stderr=subprocess.DEVNULL) for size in sizes]
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


class Scheduler:
    """What the scheduler's process has used so far."""

    def __init__(self, process: int) -> None:
        self.process = process

    def seconds(self) -> float:
        """Of its processor."""
        fields = Path(f"/proc/{self.process}/stat").read_text("ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def megabytes(self, entry: str) -> float:
        """Of memory: VmRSS or VmHWM, the most so far."""
        lines = Path(f"/proc/{self.process}/status").read_text("ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(entry)) / 1024


class Silent:
    """A watcher that shows nothing."""

    def update(self, jobs: object, finished: int) -> None:
        """Show nothing."""


def stations(count: int) -> list[Station]:
    """Stations that exist only by name."""
    return [
        Station(
            name=f"station-{number:04}", scene=Path("none.blend"), output=OutputFolder(Path("none")), photos=None,
            script=None, arguments=(), settings={}, encoder=None, target=None,
        )
        for number in range(count)
    ]  # fmt: skip


def simulate(
    address: str, scheduler: Scheduler, args: argparse.Namespace, kind: str, shares: int, seconds: float
) -> dict[str, float]:
    """Work on all stations in ``shares`` tasks each that wait for ``seconds``; returns the figures."""
    stage = shared("waiting", Task(kind, "", (str(seconds),)), shares, "joined")
    with cluster.connected(address, 1, None) as client:
        place = cluster.Cluster(client, None, print)
        every = stations(args.stations)
        place.wait(every, scenes=kind == SCENE, count=args.workers)
        before, own, started = scheduler.seconds(), time.process_time(), time.monotonic()
        outcomes = [outcome for _, outcome in plan.run(every, lambda _: [stage], place, Silent())]
        took, used, own = time.monotonic() - started, scheduler.seconds() - before, time.process_time() - own
    assert len(outcomes) == len(every) and not any(outcome.status for outcome in outcomes)
    tasks = shares * len(every)
    return {
        "tasks": tasks, "seconds_each": round(seconds, 3), "tasks_a_second": round(tasks / took, 1),
        "busy": round(tasks * seconds / args.workers / took, 3),
        "scheduler_milliseconds_a_task": round(1000 * used / tasks, 2),
        "client_milliseconds_a_task": round(1000 * own / tasks, 2),
        "scheduler_peak_megabytes": round(scheduler.megabytes("VmHWM")),
    }  # fmt: skip


def main() -> None:
    """Simulate renders and photos, and write the figures."""
    parser = argparse.ArgumentParser(description="A simulated plant on a real Dask scheduler.")
    parser.add_argument("--workers", type=int, default=100)
    parser.add_argument("--stations", type=int, default=1000)
    parser.add_argument("--photos", type=int, default=10_000_000, help="of all stations together")
    parser.add_argument("--share", type=int, default=500, help="photos in a task")
    parser.add_argument(
        "--faster", type=float, default=20, help="by what the waits are shorter than the work; 0: no wait"
    )
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "plant_scale")
    parser.add_argument("--work", metavar="ADDRESS", help="be workers; started by this script itself")
    args = parser.parse_args()
    if args.work:
        work(args.work, args.workers)
        return
    factor = 1 / args.faster if args.faster else 0.0
    jobs = {
        "renders": (SCENE, 1, (START + RENDER * CLASSES * IMAGES) * factor),
        "photos": (PLAIN, args.photos // args.stations // args.share, (START + EMBED * args.share) * factor),
    }
    machines = Machines()
    scheduler = Scheduler(machines.scheduler.pid)
    figures: dict[str, Any] = {"workers": args.workers, "stations": args.stations, "faster": args.faster}
    try:
        figures["scheduler_megabytes_before"] = round(scheduler.megabytes("VmRSS"))
        with workers(machines.address, args.workers):
            for name, job in jobs.items():
                figures[name] = simulate(machines.address, scheduler, args, *job)
                print(name, json.dumps(figures[name]), flush=True)
    finally:
        machines.close()
    args.output.parent.mkdir(parents=True, exist_ok=True)
    args.output.with_suffix(".json").write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
