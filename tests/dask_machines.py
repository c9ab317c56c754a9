# SPDX-License-Identifier: GPL-3.0-or-later
"""A Dask scheduler and workers in processes of their own, like those on other machines, and what a plant makes."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from synthetic_similarity_search.inference.database import ReferenceDatabase

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

    def __init__(self, host: str = "127.0.0.1", prefix: Sequence[str] = (), **environment: str) -> None:
        self._host, self._prefix, self._environment = host, prefix, os.environ | environment
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
        return self.add_with((), *prefix, **environment)

    def add_with(
        self, options: Sequence[str], *prefix: str, root: Path = ROOT, **environment: str
    ) -> "subprocess.Popen[str]":
        """Start one more worker with options of its own, from another clone where ``root`` is one."""
        command = [*prefix, *INFERENCE, "worker", self.address, *options]
        self.workers.append(
            subprocess.Popen(command, cwd=root, env=os.environ | environment, stderr=subprocess.DEVNULL, text=True)
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


def made(output: Path, names: Sequence[str]) -> dict[str, bytes]:
    """All that the stations of a plant made: references, plan, vectors and scores, without dates and times."""
    found = {}
    for name in names:
        folder = output / name
        database = ReferenceDatabase.load(folder / "references.safetensors")
        recipe = json.loads((folder / "references" / "recipe.json").read_text("utf-8"))
        del recipe["created"]
        images = sorted((folder / "references").glob("*/*"))
        found |= {f"{name}/{image.relative_to(folder).as_posix()}": image.read_bytes() for image in images}
        found |= {f"{name}/{part}": getattr(database, part).tobytes() for part in ("embeddings", "labels", "poses")}
        found[f"{name}/recipe"] = json.dumps(recipe).encode()
        if (folder / "validation").is_dir():
            metrics = json.loads((folder / "validation" / "metrics.json").read_text("utf-8"))
            del metrics["seconds"], metrics["database"]
            found[f"{name}/metrics"] = json.dumps(metrics).encode()
            table = (folder / "validation" / "predictions.csv").read_bytes()
            found[f"{name}/predictions"] = table.replace(output.name.encode(), b"")
    return found
