# SPDX-License-Identifier: GPL-3.0-or-later
"""A Dask scheduler and workers in processes of their own, like those on other machines."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
INFERENCE = (sys.executable, "-m", "inference")
SCHEDULER = """
import asyncio, distributed, sys
async def main():
    async with distributed.Scheduler(host=sys.argv[1], port=int(sys.argv[2]), dashboard_address=":0") as scheduler:
        print(scheduler.address, flush=True)
        await scheduler.finished()
asyncio.run(main())
"""


class Machines:
    """A scheduler at ``address``, started with ``prefix`` before its command, and the workers that were added so far."""

    def __init__(self, host: str = "127.0.0.1", prefix: Sequence[str] = ()) -> None:
        self._host, self._prefix = host, prefix
        self.address = self.start(0)
        self.workers: list[subprocess.Popen[str]] = []

    def start(self, port: int) -> str:
        """Start the scheduler at a port, 0 for any that is free; returns its address."""
        command = [*self._prefix, sys.executable, "-c", SCHEDULER, self._host, str(port)]
        self.scheduler = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.scheduler.stdout
        return self.scheduler.stdout.readline().strip()

    def add(self, *prefix: str, **environment: str) -> "subprocess.Popen[str]":
        """Start one more worker, by a command such as ``nice`` where there is a ``prefix``."""
        command = [*prefix, *INFERENCE, "worker", self.address]
        self.workers.append(
            subprocess.Popen(command, cwd=ROOT, env=os.environ | environment, stderr=subprocess.DEVNULL, text=True)
        )
        return self.workers[-1]

    def close(self) -> None:
        """End them all."""
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


def descendants(process: int) -> list[int]:
    """The children of a process and theirs, by /proc."""
    found = []
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            children = [int(child) for child in task.read_text("ascii").split()]
        except OSError:  # it has just ended
            continue
        found += [each for child in children for each in (child, *descendants(child))]
    return found
