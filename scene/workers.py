# SPDX-License-Identifier: GPL-3.0-or-later
"""Rendering shared by worker processes, each the same program on a copy of the scene.

A worker gets a share of the images and ends with it: that gives memory back, and a crash costs one image. It prints on
stdout which image it begins, and ends when its stdin is closed, so it never outlives the job.
"""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bpy

from ..inference.command_line.framework import WRONG_INPUT
from ..inference.errors import InputError
from ..inference.watched_stdin import end_with_stdin
from .background_blender import child_command, save_copy
from .crashes import LIMIT, Crashes
from .machine import cores, free_memory
from .planned_image import PlannedImage
from .settings import Settings

MEMORY = 2 << 30
"""Bytes of free memory that a worker is given room for."""
PAYS = 16
"""Images in a share below which one more worker, whose start takes seconds, is not worth it."""
SHARE = 200
"""Images after which a worker is replaced, so that its memory stays flat."""
POLL = 0.05
"""Seconds between looks at the workers."""
GRACE = 3.0
"""Seconds a worker gets to end by itself once its stdin is closed."""


def count(images: int, jobs: int | None, *, isolate: bool) -> int:
    """Return how many workers to start; 0 renders in this process, which saves their start.

    Args:
        images: number of images.
        jobs: what the user asked for. Above 1 it is kept, but there are no more workers than images. None: one worker
            for each core and 2 GB of free memory, and for 16 images at least.
        isolate: whether an image crashed Blender before. One worker alone is started only for this, or for more images
            than a worker renders before it is replaced.
    """
    wanted = min(images, jobs) if jobs else max(1, min(cores(), free_memory() // MEMORY, images // PAYS))
    return wanted if wanted > 1 or images > SHARE or (isolate and images) else 0


@dataclass
class Worker:
    """One process, the images of its share that it has not finished, first the one it renders, and what it told."""

    process: subprocess.Popen[bytes]
    left: list[PlannedImage]
    output: Path
    begun: int = 0
    read: int = 0
    result: dict[str, Any] = field(default_factory=dict)

    def finished(self) -> list[PlannedImage]:
        """The images finished since the last call."""
        with self.output.open("rb") as stream:
            stream.seek(self.read)
            new = stream.read()
        new = new[: new.rfind(b"\n") + 1]
        self.read += len(new)
        done = 0
        for line in new.decode("utf-8", "replace").splitlines():
            if line == BEGINS:
                done += self.begun
                self.begun = 1
            elif line.startswith("{"):
                self.result = json.loads(line)
                if "problems" not in self.result:
                    done += self.begun
                    self.begun = 0
        images, self.left = self.left[:done], self.left[done:]
        return images

    def log(self) -> bytes:
        """Its messages, and Blender's own."""
        return self.output.with_suffix(".log").read_bytes()

    def last_words(self) -> str:
        """What its messages say of how it ended."""
        lines = [line for line in self.log().decode("utf-8", "replace").splitlines() if line.strip()]
        return next((line for line in lines if line.startswith("Fatal Python error")), lines[-1] if lines else "")


BEGINS = "begins an image"


def render(
    scene: bpy.types.Scene, settings: Settings, folder: Path, images: list[PlannedImage], crashes: Crashes, jobs: int
) -> Iterator[PlannedImage]:
    """Render images in workers; yield each image when it is finished.

    Args:
        scene: the scene.
        settings: its settings.
        folder: the folder of the references.
        images: the images, variant by variant.
        crashes: knows the images on which workers crashed three times, which are left out.
        jobs: number of workers.

    Raises:
        InputError: what a worker says of the input, such as a full disk.
        RuntimeError: workers fail for another reason than an image.
    """
    with tempfile.TemporaryDirectory(prefix="simsearch_", ignore_cleanup_errors=True) as scratch:
        scene_file = save_copy(Path(scratch))
        pool = _Pool(_split(images, jobs), crashes, lambda share: _start(scene, settings, folder, share, scene_file))
        try:
            while pool.busy:
                pool.fill(jobs)
                time.sleep(POLL)
                yield from pool.collect()
        finally:
            pool.end()


def _split(images: list[PlannedImage], jobs: int) -> list[list[PlannedImage]]:
    """The shares of images, in order."""
    size = min(SHARE, -(-len(images) // jobs))
    return [images[first : first + size] for first in range(0, len(images), size)]


class _Pool:
    """The shares that wait and the workers that run. ``fruitless`` workers in a row died without an image."""

    def __init__(
        self, shares: list[list[PlannedImage]], crashes: Crashes, start: Callable[[list[PlannedImage]], Worker]
    ) -> None:
        self.shares, self.crashes, self.start = shares, crashes, start
        self.running: list[Worker] = []
        self.fruitless = 0

    @property
    def busy(self) -> bool:
        """Whether anything is left to do."""
        return bool(self.shares or self.running)

    def fill(self, jobs: int) -> None:
        """Start workers, as long as there are shares and fewer than ``jobs`` run."""
        while self.shares and len(self.running) < jobs:
            self.running.append(self.start(self.shares.pop(0)))

    def collect(self) -> Iterator[PlannedImage]:
        """The images that were finished since the last call; what ended workers left undone becomes a share again."""
        for worker in list(self.running):
            status = worker.process.poll()  # before the output is read, or its last words could be missed
            finished = worker.finished()
            yield from finished
            if finished:
                self.fruitless = 0
            if status is not None:
                self.running.remove(worker)
                if left := self._left_undone(worker, status):
                    self.shares.insert(0, left)

    def _left_undone(self, worker: Worker, status: int) -> list[PlannedImage]:
        """The images of an ended worker that another one is to render; raises what the worker, or its death, tells."""
        worker.process.stdin.close()  # type: ignore[union-attr]
        if problems := worker.result.get("problems"):
            raise InputError(*problems) if status == WRONG_INPUT else RuntimeError(" ".join(problems))
        if not worker.left:
            return []
        self.fruitless += 1
        os.write(2, worker.log())  # to Blender's other messages: see batch.py
        if self.fruitless > 2 * LIMIT or (self.fruitless >= LIMIT and not worker.begun):
            raise RuntimeError(f"Blender crashes on every image, with status {status}. {worker.last_words()}".strip())
        if worker.begun:
            self.crashes.add(worker.left[0].key)
        return [image for image in worker.left if not self.crashes.given_up(image)]

    def end(self) -> None:
        """End the workers: they stop after their present image, or are killed."""
        for worker in self.running:
            worker.process.stdin.close()  # type: ignore[union-attr]
        deadline = time.monotonic() + GRACE
        for worker in self.running:
            try:
                worker.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()


def _start(
    scene: bpy.types.Scene, settings: Settings, folder: Path, images: list[PlannedImage], scene_file: Path
) -> Worker:
    place = Path(tempfile.mkdtemp(dir=scene_file.parent))
    (place / "share.json").write_text(json.dumps([image.entry() for image in images]), "utf-8")
    arguments = [
        "render-share", "--output", str(folder), "--images", str(place / "share.json"), "--scene-name", scene.name,
        "--seed", str(settings.jitter.seed), "--resolution", str(settings.resolution),
        "--samples", str(settings.samples), "--json",
    ]  # fmt: skip
    messages = place / "output.log"
    with (place / "output.txt").open("wb") as output, messages.open("ab") as log:
        process = subprocess.Popen(
            child_command(scene_file, arguments),
            env=os.environ | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(place)) | {"SIMSEARCH_LOG": str(messages)},
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=log,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    return Worker(process, images, place / "output.txt")


def announced(images: Iterable[PlannedImage]) -> Iterator[PlannedImage]:
    """What a worker does with its share: tell the job of each image, and stop when the job is gone."""
    end_with_stdin()
    for image in images:
        print(BEGINS, flush=True)
        yield image
