# SPDX-License-Identifier: GPL-3.0-or-later
"""Long jobs: a child Blender runs a command of ``batch.py`` on a copy of the scene as it is.

The child is the same program as the headless doors, so what works here works on a server. It reports by the
progress file, the window stays alive, and its memory is given back when it ends. It ends with this Blender.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import bpy
from bpy.app.handlers import persistent

from .. import preferences
from ..inference.watched_stdin import WATCHED
from ..scene.background_blender import child_command, save_copy
from .translations import translated

GRACE = 5.0
"""Seconds a child gets to stop by itself after it was asked to."""

latest: "Job | None" = None
"""The running job, or the last one of this session, whose message and log the panels show."""


class State(Enum):
    """Where a job stands."""

    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass
class Job:
    """One child process, and its ``result`` once it is done: what ``read`` makes of its last line.

    The scene is kept by name: undo and file load replace the object behind it.
    """

    title: str
    scene_name: str
    folder: Path
    process: subprocess.Popen[bytes]
    read: Callable[[dict[str, Any]], Any]
    state: State = State.RUNNING
    result: Any = None
    problems: tuple[str, ...] = ()
    started: float = field(default_factory=time.monotonic)
    stop_asked: float | None = None

    @property
    def log(self) -> Path:
        """What the child wrote to stderr, and Blender's own messages."""
        return self.folder / "log.txt"

    def running(self) -> bool:
        """Whether the child still runs; settles the outcome the first time it does not."""
        if self.state is State.RUNNING:
            status = self.process.poll()
            if status is not None:
                self._settle(status)
            elif self.stop_asked is not None and time.monotonic() - self.stop_asked > GRACE:
                self._signal(kill=True)
        return self.state is State.RUNNING

    def progress(self) -> tuple[float, str]:
        """Share done (0..1) of the present stage and a sentence with counts and remaining time."""
        if self.stop_asked is not None:
            return 1.0, translated("{title}: stopping").format(title=translated(self.title))
        report = self._report()
        if not report:
            waited = duration(time.monotonic() - self.started)
            return 0.0, translated("{title}: starting, {time}").format(title=translated(self.title), time=waited)
        done, total = int(report["done"]), max(1, int(report["total"]))
        sentence = "{stage}: {done} of {total}, {time} left" if done else "{stage}: {done} of {total}"
        left = duration(float(report["seconds"]) / done * (total - done)) if done else ""
        stage = str(report["stage"])
        stage = translated(f"{stage[0].upper()}{stage[1:]}")
        return done / total, translated(sentence).format(stage=stage, done=done, total=total, time=left)

    def latest_image(self) -> Path | None:
        """The reference that was rendered last, while references are rendered."""
        latest = self._report().get("latest")
        return Path(latest) if latest else None

    def _report(self) -> dict[str, Any]:
        """What the child wrote of its progress last; empty at first."""
        try:
            return dict(json.loads((self.folder / "progress.json").read_text("utf-8")))
        except (OSError, ValueError):
            return {}

    def ask_to_stop(self) -> None:
        """Ask the child to stop; every image it has finished stays."""
        if self.state is State.RUNNING and self.stop_asked is None:
            self.stop_asked = time.monotonic()
            self._signal(kill=False)

    def stop(self) -> None:
        """Stop the child and wait until it is gone."""
        self.ask_to_stop()
        if self.state is State.RUNNING:
            try:
                self.process.wait(GRACE)
            except subprocess.TimeoutExpired:
                self._signal(kill=True)
                self.process.wait()
            self.running()

    def wait(self) -> None:
        """Wait until the child has ended by itself."""
        self.process.wait()
        self.running()

    def _signal(self, kill: bool) -> None:
        if sys.platform == "win32":
            self.process.kill()
            return
        with suppress(ProcessLookupError):  # The child leads its own process group, so what it started ends too.
            os.killpg(self.process.pid, signal.SIGKILL if kill else signal.SIGTERM)

    def _settle(self, status: int) -> None:
        self.process.stdin.close()  # type: ignore[union-attr]
        for copy in self.folder.glob("*.blend"):
            copy.unlink()
        report = last_json((self.folder / "result.txt").read_text("utf-8", "replace"))
        if self.stop_asked is not None:
            self.state = State.CANCELLED
        elif status == 0 and report is not None:
            self.state, self.result = State.DONE, self.read(report)
        else:
            self.state = State.FAILED
            problems = report.get("problems") if report else None
            if isinstance(problems, list):
                self.problems = tuple(str(problem) for problem in problems)
            else:
                self.problems = (f"Blender ended with status {status}. Open Log shows its last messages.",)


def duration(seconds: float) -> str:
    """Seconds as a person says them: ``45 s``, ``3 min 20 s``, ``2 h 5 min``."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def last_json(text: str) -> dict[str, Any] | None:
    """The last line that is a JSON object; Blender itself may write lines after it."""
    for line in reversed(text.splitlines()):
        if line.startswith("{"):
            try:
                report = json.loads(line)
            except ValueError:
                continue
            if isinstance(report, dict):
                return report
    return None


def running() -> bool:
    """Whether a job runs now."""
    return latest is not None and latest.running()


def start(
    context: bpy.types.Context,
    title: str,
    arguments: list[str],
    read: Callable[[dict[str, Any]], Any] = dict,
) -> Job:
    """Save a copy of the file as it is now, unsaved changes included, and run a command on it in a child
    Blender.

    Args:
        context: the context, whose scene the job belongs to.
        title: the name of the job in messages.
        arguments: the command and its options, with absolute paths.
        read: makes the job's typed result of the JSON object in the child's last line.
    """
    global latest
    if latest is not None:
        shutil.rmtree(latest.folder, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix="simsearch_", dir=bpy.app.tempdir))
    scene_file = save_copy(folder)
    arguments = [*arguments, "--json", "--progress-file", str(folder / "progress.json")]
    messages = folder / "log.txt"
    with (folder / "result.txt").open("wb") as result, messages.open("ab") as log:
        process = subprocess.Popen(
            child_command(scene_file, arguments),
            env=os.environ | preferences.environment(context) | {"SIMSEARCH_LOG": str(messages), WATCHED: "1"},
            stdin=subprocess.PIPE,  # which closes with this Blender, even if it is killed
            stdout=result,
            stderr=log,
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    latest = Job(title, context.scene.name, folder, process, read)
    return latest


def redraw(context: bpy.types.Context) -> None:
    """Redraw the sidebars, which show the job, but not the viewport beside them, which may be slow."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                for region in area.regions:
                    if region.type == "UI":
                        region.tag_redraw()


@persistent  # type: ignore[untyped-decorator]
def end_job(*_: object) -> None:
    """A job of the old file must not outlive it."""
    if latest is not None:
        latest.stop()
